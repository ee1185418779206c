//! `[polling]` and `[long-polling]`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::cursor::Named;
use super::parts::Parts;
use super::request::Request;
use super::time::duration;

/// `[polling]`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", from = "WrittenPolling")]
pub struct Polling {
    /// Path and query, with `{channel}` and the places of the cursor.
    pub path: String,
    /// Whether answers carry an `ETag` that follows their content.
    pub validator: bool,
    /// Whether a channel, or a session, has one poll at a time.
    pub exclusive: bool,
    /// How it is asked for.
    pub request: Request,
    /// How messages are found in an answer.
    pub answer: Answer,
}

/// `[long-polling]`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", from = "WrittenPolling")]
pub struct LongPolling {
    /// Path and query, with `{channel}`, the places of the cursor, and `{hold}` (`300ms`), `{hold-ms}` (`300`) or `{hold-s}` (`0.3`).
    pub path: String,
    /// How long a poll is held.
    pub hold: Duration,
    /// Whether that is what is known of the server, and not what is assumed.
    pub is_hold_known: bool,
    /// Whether a channel, or a session, has one poll at a time.
    pub exclusive: bool,
    /// How it is asked for.
    pub request: Request,
    /// How messages are found in an answer.
    pub answer: Answer,
}

/// How messages are found in the body of a poll's answer.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The cursor of the first poll.
    pub start: Named,
    /// Where the cursor of the next poll is: a JSON pointer or `header:Name`, or several of them.
    pub cursor: Option<Named>,
    /// The statuses of an answer without news, beside those of 2xx.
    pub empty: Vec<u16>,
    /// Where the messages are, and their parts. Without a pointer a body that is not empty is one message.
    pub parts: Parts,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenPolling {
    path: String,
    method: Option<String>,
    content_type: Option<String>,
    body: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    validator: bool,
    #[serde(default, deserialize_with = "duration")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    hold: Option<Duration>,
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "super::cursor::Written"))]
    start: Named,
    #[cfg_attr(test, schemars(with = "Option<super::cursor::Written>"))]
    cursor: Option<Named>,
    prefix: Option<String>,
    separator: Option<String>,
    messages: Option<String>,
    #[serde(default)]
    empty: Vec<u16>,
    #[serde(default)]
    exclusive: bool,
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
        let parts = Parts {
            percent_encoded: false,
            separator: self.separator.clone(),
            prefix: self.prefix.clone(),
            messages: self.messages.clone(),
            data: self.data.clone(),
            id: self.id.clone(),
            event: self.event.clone(),
        };
        let (start, cursor) = (self.start.clone(), self.cursor.clone());
        Answer { start, cursor, empty: self.empty.clone(), parts }
    }
}

impl Polling {
    /// A polling endpoint of which only the path is known.
    pub fn at(path: impl Into<String>) -> Polling {
        Polling {
            path: path.into(),
            validator: false,
            exclusive: false,
            request: Request::default(),
            answer: Answer::default(),
        }
    }
}

impl LongPolling {
    /// A long-polling endpoint of which only the path is known.
    pub fn at(path: impl Into<String>) -> LongPolling {
        LongPolling {
            path: path.into(),
            hold: HOLD,
            is_hold_known: false,
            exclusive: false,
            request: Request::default(),
            answer: Answer::default(),
        }
    }
}

impl From<WrittenPolling> for Polling {
    fn from(written: WrittenPolling) -> Polling {
        let (request, answer) = (written.request(), written.answer());
        let WrittenPolling { path, validator, exclusive, .. } = written;
        Polling { path, validator, exclusive, request, answer }
    }
}

impl From<WrittenPolling> for LongPolling {
    fn from(written: WrittenPolling) -> LongPolling {
        let (request, answer) = (written.request(), written.answer());
        let WrittenPolling { path, hold, exclusive, .. } = written;
        let is_hold_known = hold.is_some();
        LongPolling { path, hold: hold.unwrap_or(HOLD), is_hold_known, exclusive, request, answer }
    }
}
