//! `[sse]`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::parts::Parts;
use super::request::Request;
use super::time::duration;

/// `[sse]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "WrittenEventStream")]
pub struct EventStream {
    /// Path and query, with `{channel}`.
    pub path: String,
    /// How it is asked for.
    pub request: Request,
    /// Whether the server honours `Last-Event-ID`.
    pub resume: bool,
    /// Whether its streams end when the response is complete.
    pub finite: bool,
    /// The data of the event that says that a finite stream is complete: `[DONE]`.
    pub done: Option<String>,
    /// The time after which a comment keeps the connection alive.
    pub heartbeat: Option<Duration>,
    /// Path and query of a stream that the server ends after its first event.
    pub ending: Option<String>,
    /// Path and query of a stream that is over: the server tells clients not to reconnect.
    pub gone: Option<String>,
    /// Path and query from which a stream has moved elsewhere.
    pub moved: Option<String>,
    /// Path and query of a stream in which identifiers come in blocks of their own, behind their events.
    pub checkpoints: Option<String>,
    /// Whether a channel, or a session, has one stream at a time.
    pub exclusive: bool,
    /// Where messages are in the data of an event. Without them the data is the message.
    pub parts: Parts,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a key of its own")]
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenEventStream {
    path: String,
    method: Option<String>,
    content_type: Option<String>,
    body: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    resume: bool,
    #[serde(default)]
    finite: bool,
    done: Option<String>,
    #[serde(default, deserialize_with = "duration")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    heartbeat: Option<Duration>,
    ending: Option<String>,
    gone: Option<String>,
    moved: Option<String>,
    checkpoints: Option<String>,
    #[serde(default)]
    exclusive: bool,
    #[serde(default)]
    percent_encoded: bool,
    separator: Option<String>,
    prefix: Option<String>,
    messages: Option<String>,
    data: Option<String>,
    id: Option<String>,
    event: Option<String>,
}

impl From<WrittenEventStream> for EventStream {
    fn from(written: WrittenEventStream) -> EventStream {
        let WrittenEventStream { path, method, content_type, body, headers, .. } = written;
        EventStream {
            path,
            request: Request::of(method, content_type, body, headers),
            resume: written.resume,
            finite: written.finite,
            done: written.done,
            heartbeat: written.heartbeat,
            ending: written.ending,
            gone: written.gone,
            moved: written.moved,
            checkpoints: written.checkpoints,
            exclusive: written.exclusive,
            parts: Parts {
                percent_encoded: written.percent_encoded,
                separator: written.separator,
                prefix: written.prefix,
                messages: written.messages,
                data: written.data,
                id: written.id,
                event: written.event,
            },
        }
    }
}
