"""Event streams, long polling and a WebSocket on `tornado`, in the style of its demos."""

import asyncio
import json
import os

from tornado.iostream import StreamClosedError
from tornado.web import Application, HTTPError, RequestHandler
from tornado.websocket import WebSocketHandler

messages = {}
changed = {}


def condition(channel):
    return changed.setdefault(channel, asyncio.Condition())


class Events(RequestHandler):
    async def get(self, channel):
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-cache")
        told = len(messages.setdefault(channel, []))
        try:
            await self.flush()
            while True:
                try:
                    async with condition(channel):
                        await asyncio.wait_for(condition(channel).wait_for(lambda: len(messages[channel]) > told), 1)
                except asyncio.TimeoutError:
                    self.write(": still here\n\n")
                for news in messages[channel][told:]:
                    self.write_event(**news)
                told = len(messages[channel])
                await self.flush()
        except StreamClosedError:
            pass

    def write_event(self, data, id, event):
        if id is not None:
            self.write(f"id: {id}\n")
        if event is not None:
            self.write(f"event: {event}\n")
        for line in data.split("\n"):
            self.write(f"data: {line}\n")
        self.write("\n")


class Poll(RequestHandler):
    async def get(self, channel):
        try:
            told = max(int(self.get_query_argument("after")), 0)
        except ValueError:
            raise HTTPError(400) from None
        there = messages.setdefault(channel, [])
        self.waiting = asyncio.ensure_future(self.wait(channel, told))
        try:
            await asyncio.wait_for(self.waiting, float(self.get_query_argument("hold")))
        except asyncio.TimeoutError:
            pass
        except asyncio.CancelledError:
            return
        self.set_header("Cache-Control", "no-store")
        self.write({"cursor": str(max(told, len(there))), "messages": there[told:]})

    async def wait(self, channel, told):
        async with condition(channel):
            await condition(channel).wait_for(lambda: len(messages[channel]) > told)

    def on_connection_close(self):
        self.waiting.cancel()


class Publish(RequestHandler):
    async def post(self, channel):
        messages.setdefault(channel, []).append(json.loads(self.request.body))
        async with condition(channel):
            condition(channel).notify_all()
        self.set_status(204)


class Echo(WebSocketHandler):
    def on_message(self, message):
        return self.write_message(message, binary=isinstance(message, bytes))


async def main():
    app = Application([(r"/events/(.+)", Events), (r"/poll/(.+)", Poll), (r"/publish/(.+)", Publish), (r"/echo", Echo)])
    app.listen(int(os.environ["PORT"]), "127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())
