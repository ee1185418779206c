"""An echo server on the PyPI package `websockets`, with its defaults."""

import asyncio
import logging
import os

from websockets.asyncio.server import serve

# Every refused handshake is logged with its traceback otherwise.
logging.getLogger("websockets").setLevel(logging.CRITICAL)


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def main():
    async with serve(echo, "127.0.0.1", int(os.environ["PORT"])) as server:
        await server.serve_forever()


asyncio.run(main())
