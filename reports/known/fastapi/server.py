"""Event streams of `fastapi`'s own module for them, and a WebSocket."""

import asyncio
import contextlib
from collections.abc import AsyncIterable

from fastapi import FastAPI, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=["http://localhost:8000"], allow_credentials=True, allow_headers=["*"])
subscribers = {}


class News(BaseModel):
    data: str
    id: str | None = None
    event: str | None = None
    comment: str | None = None


@contextlib.contextmanager
def subscription(channel):
    queue = asyncio.Queue()
    subscribers.setdefault(channel, set()).add(queue)
    try:
        yield queue
    finally:
        subscribers[channel].discard(queue)


@app.get("/events/{channel}", response_class=EventSourceResponse)
async def events(channel: str) -> AsyncIterable[ServerSentEvent]:
    with subscription(channel) as queue:
        while True:
            news = await queue.get()
            yield ServerSentEvent(raw_data=news.data, id=news.id, event=news.event, comment=news.comment)


@app.post("/publish/{channel}", status_code=204)
async def publish(channel: str, news: News):
    for queue in subscribers.get(channel, ()):
        queue.put_nowait(news)


@app.websocket("/echo")
async def echo(socket: WebSocket):
    await socket.accept()
    while (message := await socket.receive())["type"] == "websocket.receive":
        if message.get("text") is not None:
            await socket.send_text(message["text"])
        else:
            await socket.send_bytes(message["bytes"])
