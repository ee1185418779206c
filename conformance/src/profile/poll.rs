//! `[polling]` and `[long-polling]`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::parts::Parts;
use super::request::Request;
use super::time::duration;

/// `[polling]`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", from = "WrittenPolling")]
pub struct Polling {
    /// Path and query, with `{channel}` and `{cursor}`.
    pub path: String,
    /// Whether answers carry an `ETag` that follows their content.
    pub validator: bool,
    /// How it is asked for.
    pub request: Request,
    /// How messages are found in an answer.
    pub answer: Answer,
}

/// `[long-polling]`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", from = "WrittenPolling")]
pub struct LongPolling {
    /// Path and query, with `{channel}`, `{cursor}` and `{hold}` (`300ms`), `{hold-ms}` (`300`) or `{hold-s}` (`0.3`).
    pub path: String,
    /// How long a poll is held.
    pub hold: Duration,
    /// How it is asked for.
    pub request: Request,
    /// How messages are found in an answer.
    pub answer: Answer,
}

/// How messages are found in the body of a poll's answer.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The cursor of the first poll.
    pub start: String,
    /// JSON pointer to the cursor of the next poll, or `header:Name`.
    pub cursor: Option<String>,
    /// JSON pointer to the list of messages; without it a body that is not empty is one message.
    pub messages: Option<String>,
    /// Where the parts of a message are.
    pub parts: Parts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenPolling {
    path: String,
    method: Option<String>,
    content_type: Option<String>,
    body: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    validator: bool,
    #[serde(default, deserialize_with = "duration")]
    hold: Option<Duration>,
    #[serde(default)]
    start: String,
    cursor: Option<String>,
    messages: Option<String>,
    data: Option<String>,
    id: Option<String>,
    event: Option<String>,
}

/// The hold time that is assumed where the profile gives none.
const HOLD: Duration = Duration::from_secs(25);

impl WrittenPolling {
    fn request(&self) -> Request {
        let (content_type, body) = (self.content_type.clone(), self.body.clone());
        Request::of(self.method.clone(), content_type, body, self.headers.clone())
    }

    fn answer(&self) -> Answer {
        let parts = Parts { data: self.data.clone(), id: self.id.clone(), event: self.event.clone() };
        let (cursor, messages) = (self.cursor.clone(), self.messages.clone());
        Answer { start: self.start.clone(), cursor, messages, parts }
    }
}

impl Polling {
    /// A polling endpoint of which only the path is known.
    pub fn at(path: String) -> Polling {
        Polling { path, validator: false, request: Request::default(), answer: Answer::default() }
    }
}

impl LongPolling {
    /// A long-polling endpoint of which only the path is known.
    pub fn at(path: String) -> LongPolling {
        LongPolling { path, hold: HOLD, request: Request::default(), answer: Answer::default() }
    }
}

impl From<WrittenPolling> for Polling {
    fn from(written: WrittenPolling) -> Polling {
        let (request, answer) = (written.request(), written.answer());
        Polling { path: written.path, validator: written.validator, request, answer }
    }
}

impl From<WrittenPolling> for LongPolling {
    fn from(written: WrittenPolling) -> LongPolling {
        let (request, answer) = (written.request(), written.answer());
        LongPolling { path: written.path, hold: written.hold.unwrap_or(HOLD), request, answer }
    }
}
