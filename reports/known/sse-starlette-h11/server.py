"""Event streams of `sse-starlette` and a WebSocket of `starlette`, on `uvicorn`."""

import asyncio
import contextlib

from sse_starlette.sse import EventSourceResponse
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

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
    async def stream():
        with subscription(request.path_params["channel"]) as queue:
            while True:
                news = await queue.get()
                yield {key: value for key, value in news.items() if value is not None}

    return EventSourceResponse(stream(), ping=1)


async def publish(request):
    news = await request.json()
    for queue in subscribers.get(request.path_params["channel"], ()):
        queue.put_nowait(news)
    return Response(status_code=204)


async def echo(socket):
    await socket.accept()
    while (message := await socket.receive())["type"] == "websocket.receive":
        if message.get("text") is not None:
            await socket.send_text(message["text"])
        else:
            await socket.send_bytes(message["bytes"])


app = Starlette(
    routes=[
        Route("/events/{channel}", events),
        Route("/publish/{channel}", publish, methods=["POST"]),
        WebSocketRoute("/echo", echo),
    ]
)
