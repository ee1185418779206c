"""Event streams and polling on `flask`, behind `gunicorn` with threads."""

import queue

from flask import Flask, Response, jsonify, request

app = Flask(__name__)
messages = {}
subscribers = {}


@app.get("/events/<channel>")
def events(channel):
    def stream():
        news = queue.Queue()
        subscribers.setdefault(channel, []).append(news)
        try:
            while True:
                try:
                    message = news.get(timeout=1)
                except queue.Empty:
                    yield ": still here\n\n"
                    continue
                if message["id"] is not None:
                    yield f"id: {message['id']}\n"
                if message["event"] is not None:
                    yield f"event: {message['event']}\n"
                for line in message["data"].split("\n"):
                    yield f"data: {line}\n"
                yield "\n"
        finally:
            subscribers[channel].remove(news)

    return Response(stream(), mimetype="text/event-stream")


@app.get("/poll/<channel>")
def poll(channel):
    after = request.args.get("after", 0, type=int)
    there = messages.get(channel, [])
    response = jsonify(cursor=str(len(there)), messages=there[after:])
    response.cache_control.no_cache = True
    response.add_etag()
    return response.make_conditional(request)


@app.post("/publish/<channel>")
def publish(channel):
    message = request.get_json()
    messages.setdefault(channel, []).append(message)
    for subscriber in list(subscribers.get(channel, [])):
        subscriber.put(message)
    return "", 204
