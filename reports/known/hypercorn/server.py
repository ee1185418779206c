"""Event streams and a WebSocket on `quart`, as its documentation shows them, behind `hypercorn`."""

import asyncio

from quart import Quart, abort, make_response, request, websocket

app = Quart(__name__)
subscribers = {}


@app.get("/events/<channel>")
async def events(channel):
    if "text/event-stream" not in request.accept_mimetypes:
        abort(400)

    async def stream():
        queue = asyncio.Queue()
        subscribers.setdefault(channel, set()).add(queue)
        try:
            while True:
                news = await queue.get()
                lines = [f"data: {line}" for line in news["data"].split("\n")]
                if news["event"] is not None:
                    lines.append(f"event: {news['event']}")
                if news["id"] is not None:
                    lines.append(f"id: {news['id']}")
                yield ("\n".join(lines) + "\n\n").encode()
        finally:
            subscribers[channel].discard(queue)

    response = await make_response(stream(), {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    response.timeout = None
    return response


@app.post("/publish/<channel>")
async def publish(channel):
    news = await request.get_json()
    for queue in subscribers.get(channel, ()):
        queue.put_nowait(news)
    return "", 204


@app.websocket("/echo")
async def echo():
    while True:
        await websocket.send(await websocket.receive())
