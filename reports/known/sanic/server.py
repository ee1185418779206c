"""Event streams and a WebSocket on `sanic`."""

import asyncio
import contextlib
import os

from sanic import Sanic, empty

app = Sanic("known")
app.config.REQUEST_MAX_SIZE = 8 << 20
subscribers = {}


@contextlib.contextmanager
def subscription(channel):
    queue = asyncio.Queue()
    subscribers.setdefault(channel, set()).add(queue)
    try:
        yield queue
    finally:
        subscribers[channel].discard(queue)


@app.get("/events/<channel>")
async def events(request, channel):
    response = await request.respond(content_type="text/event-stream", headers={"Cache-Control": "no-cache"})
    await response.send(": welcome\n\n")
    with subscription(channel) as queue:
        while True:
            try:
                news = await asyncio.wait_for(queue.get(), 1)
            except asyncio.TimeoutError:
                await response.send(": still here\n\n")
                continue
            lines = [f"data: {line}" for line in news["data"].split("\n")]
            if news["event"] is not None:
                lines.insert(0, f"event: {news['event']}")
            if news["id"] is not None:
                lines.insert(0, f"id: {news['id']}")
            await response.send("\n".join(lines) + "\n\n")


@app.post("/publish/<channel>")
async def publish(request, channel):
    for queue in subscribers.get(channel, ()):
        queue.put_nowait(request.json)
    return empty()


@app.websocket("/echo")
async def echo(request, socket):
    async for message in socket:
        await socket.send(message)


if __name__ == "__main__":
    app.run("127.0.0.1", int(os.environ["PORT"]), single_process=True, access_log=False, motd=False)
