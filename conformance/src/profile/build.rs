//! Profiles that are written in code. What is wrong with one is an error of the run.

use std::time::Duration;

use super::encoding::Encoding;
use super::event_stream::EventStream;
use super::iframe::Iframe;
use super::poll::{LongPolling, Polling};
use super::publish::Publish;
use super::tables::Profile;
use super::websocket::WebSocket;

impl Profile {
    /// With a polling endpoint.
    pub fn with_polling(self, polling: Polling) -> Profile {
        Profile { polling: Some(polling), ..self }
    }

    /// With a long-polling endpoint.
    pub fn with_long_polling(self, long_polling: LongPolling) -> Profile {
        Profile { long_polling: Some(long_polling), ..self }
    }

    /// With an iframe stream.
    pub fn with_iframe(self, iframe: Iframe) -> Profile {
        Profile { iframe: Some(iframe), ..self }
    }

    /// With an event stream.
    pub fn with_sse(self, sse: EventStream) -> Profile {
        Profile { sse: Some(sse), ..self }
    }

    /// With a WebSocket.
    pub fn with_websocket(self, websocket: WebSocket) -> Profile {
        Profile { websocket: Some(websocket), ..self }
    }

    /// With a request that makes the server send something.
    pub fn with_publish(self, publish: Publish) -> Profile {
        Profile { publish: Some(publish), ..self }
    }

    /// With a header field in every request. Its value is secret.
    pub fn with_header(mut self, name: &str, value: &str) -> Profile {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With a query parameter whose value is secret.
    pub fn with_secret(mut self, parameter: &str) -> Profile {
        self.secrets.push(parameter.to_owned());
        self
    }

    /// With a method that the suite may send beside the safe ones.
    pub fn with_method(mut self, method: &str) -> Profile {
        self.methods.push(method.to_owned());
        self
    }
}

impl EventStream {
    /// An event stream at a path, which may have `{channel}`.
    pub fn at(path: impl Into<String>) -> EventStream {
        EventStream { path: path.into(), ..EventStream::default() }
    }

    /// It resumes after `Last-Event-ID`.
    pub fn resuming(self) -> EventStream {
        EventStream { resume: true, ..self }
    }

    /// It ends when the response is complete.
    pub fn finite(self) -> EventStream {
        EventStream { finite: true, ..self }
    }

    /// The server sends a comment after so long.
    pub fn with_heartbeat(self, heartbeat: Duration) -> EventStream {
        EventStream { heartbeat: Some(heartbeat), ..self }
    }
}

impl WebSocket {
    /// A WebSocket at a path.
    pub fn at(path: impl Into<String>) -> WebSocket {
        WebSocket { path: path.into(), ..WebSocket::default() }
    }

    /// It sends every message back.
    pub fn echoing(self) -> WebSocket {
        WebSocket { reply: Some("{message}".to_owned()), binary: true, ..self }
    }

    /// What it answers to a text, with `{message}`.
    pub fn with_reply(self, template: impl Into<String>) -> WebSocket {
        WebSocket { reply: Some(template.into()), ..self }
    }

    /// What is published arrives at this path, which may have `{channel}`.
    pub fn with_subscription(self, path: impl Into<String>) -> WebSocket {
        WebSocket { subscribe: Some(path.into()), ..self }
    }
}

impl Publish {
    /// A method and a path, as in `POST /publish/{channel}`, with a body, as in `{data}`.
    pub fn by(request: impl Into<String>, body: impl Into<String>) -> Publish {
        Publish { request: request.into(), body: body.into(), ..Publish::default() }
    }

    /// The body is JSON, and what is filled in is written as JSON: `{"data": {data}}`.
    pub fn in_json(self) -> Publish {
        Publish { content_type: "application/json".to_owned(), encoding: Encoding::Json, ..self }
    }
}
