//! `[polling]` and `[long-polling]`.

use std::time::Duration;

use serde::Deserialize;

use super::parts::Parts;
use super::time::duration;

/// `[polling]`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", from = "WrittenPolling")]
pub struct Polling {
    /// Path and query, with `{channel}` and `{cursor}`.
    pub path: String,
    /// Whether answers carry an `ETag` that follows their content.
    pub validator: bool,
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
    fn split(self) -> (String, bool, Option<Duration>, Answer) {
        let parts = Parts { data: self.data, id: self.id, event: self.event };
        let answer = Answer { start: self.start, cursor: self.cursor, messages: self.messages, parts };
        (self.path, self.validator, self.hold, answer)
    }
}

impl Polling {
    /// A polling endpoint of which only the path is known.
    pub fn at(path: String) -> Polling {
        Polling { path, validator: false, answer: Answer::default() }
    }
}

impl LongPolling {
    /// A long-polling endpoint of which only the path is known.
    pub fn at(path: String) -> LongPolling {
        LongPolling { path, hold: HOLD, answer: Answer::default() }
    }
}

impl From<WrittenPolling> for Polling {
    fn from(written: WrittenPolling) -> Polling {
        let (path, validator, _, answer) = written.split();
        Polling { path, validator, answer }
    }
}

impl From<WrittenPolling> for LongPolling {
    fn from(written: WrittenPolling) -> LongPolling {
        let (path, _, hold, answer) = written.split();
        LongPolling { path, hold: hold.unwrap_or(HOLD), answer }
    }
}
