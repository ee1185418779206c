"""Event streams of `aiohttp-sse` and a WebSocket of `aiohttp`."""

import asyncio
import contextlib
import os

from aiohttp import WSMsgType, web
from aiohttp_sse import sse_response

subscribers = {}


@contextlib.contextmanager
def subscription(channel):
    queue = asyncio.Queue()
    subscribers.setdefault(channel, set()).add(queue)
    try:
        yield queue
    finally:
        subscribers[channel].discard(queue)


async def events(request):
    async with sse_response(request) as response:
        with subscription(request.match_info["channel"]) as queue:
            while response.is_connected():
                news = await queue.get()
                await response.send(news["data"], id=news["id"], event=news["event"])
    return response


async def publish(request):
    news = await request.json()
    for queue in subscribers.get(request.match_info["channel"], ()):
        queue.put_nowait(news)
    return web.Response(status=204)


async def echo(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type == WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type == WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


app = web.Application(client_max_size=8 << 20)
app.add_routes([web.get("/events/{channel}", events), web.post("/publish/{channel}", publish), web.get("/echo", echo)])
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), print=None)
