//! `pushspec.toml`: where a server keeps each technique.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::encoding::ReplyEncoding;
use super::publish::Publish;
use super::time::duration;

/// A profile. Every part is optional: what is absent is skipped.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Profile {
    /// The URL of the server, if the command line gives none.
    pub url: Option<String>,
    /// An origin from which browsers may read the answers.
    pub allowed_origin: Option<String>,
    /// Whether they may read them with credentials, too.
    #[serde(default)]
    pub allow_credentials: bool,
    /// Header fields of every well-formed request: credentials, an origin that the server insists on.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Short polling.
    pub polling: Option<Polling>,
    /// Long polling.
    pub long_polling: Option<LongPolling>,
    /// Iframe streaming.
    pub iframe: Option<Iframe>,
    /// Event streams.
    pub sse: Option<EventStream>,
    /// WebSocket.
    pub websocket: Option<WebSocket>,
    /// How to make the server send something.
    pub publish: Option<Publish>,
}

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

/// JSON pointers from a message to its parts.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// To the data; without it the message itself is the data.
    pub data: Option<String>,
    /// To the id.
    pub id: Option<String>,
    /// To the name of the event.
    pub event: Option<String>,
}

impl Parts {
    /// Each pointer, with its key.
    pub(super) fn pointers(&self) -> impl Iterator<Item = (&'static str, Option<&String>)> {
        [("data", self.data.as_ref()), ("id", self.id.as_ref()), ("event", self.event.as_ref())].into_iter()
    }
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

/// `[iframe]`
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "WrittenIframe")]
pub struct Iframe {
    /// Path and query, with `{channel}` and `{callback}`.
    pub path: String,
    /// The name of the function that each script calls, without `parent.`.
    pub callback: String,
    /// The time after which white space or a comment keeps the connection alive.
    pub heartbeat: Option<Duration>,
    /// Where the parts of a message are in the argument of the call.
    pub parts: Parts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenIframe {
    path: String,
    #[serde(deserialize_with = "callback")]
    callback: String,
    #[serde(default, deserialize_with = "duration")]
    heartbeat: Option<Duration>,
    data: Option<String>,
    id: Option<String>,
    event: Option<String>,
}

impl From<WrittenIframe> for Iframe {
    fn from(written: WrittenIframe) -> Iframe {
        let parts = Parts { data: written.data, id: written.id, event: written.event };
        Iframe { path: written.path, callback: written.callback, heartbeat: written.heartbeat, parts }
    }
}

/// The name of a function, or of one within objects.
fn callback<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    let is_name = |part: &str| {
        let belongs = |character: char| character.is_alphanumeric() || "_$".contains(character);
        part.chars().all(belongs) && part.starts_with(|first: char| !first.is_ascii_digit())
    };
    if name.split('.').all(is_name) {
        Ok(name)
    } else {
        Err(serde::de::Error::custom(format!(
            "`{name}` is no name of a function: write it like `push.deliver`"
        )))
    }
}

/// `[sse]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EventStream {
    /// Path and query, with `{channel}`.
    pub path: String,
    /// Whether the server honours `Last-Event-ID`.
    #[serde(default)]
    pub resume: bool,
    /// Whether its streams end when all is said.
    #[serde(default)]
    pub finite: bool,
    /// The time after which a comment keeps the connection alive.
    #[serde(default, deserialize_with = "duration")]
    pub heartbeat: Option<Duration>,
    /// Path and query of a stream that the server ends after its first event.
    pub ending: Option<String>,
    /// Path and query of a stream that is over: clients are to come no more.
    pub gone: Option<String>,
    /// Path and query from which a stream has moved elsewhere.
    pub moved: Option<String>,
    /// Path and query of a stream in which identifiers come in blocks of their own, behind their events.
    pub checkpoints: Option<String>,
}

/// `[websocket]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WebSocket {
    /// Path and query of the endpoint that answers.
    pub path: String,
    /// Path and query, with `{channel}`, of the endpoint where what is published arrives.
    pub subscribe: Option<String>,
    /// What it answers to a text: `{message}` for an echo. Left out if it does not answer.
    pub reply: Option<String>,
    /// How a text is written into the answer.
    #[serde(default)]
    pub reply_encoding: ReplyEncoding,
    /// Whether what one says comes to all who are there: a room.
    #[serde(default)]
    pub broadcast: bool,
    /// Whether it answers to binary messages alike.
    #[serde(default)]
    pub binary: bool,
    /// Subprotocols of which it accepts the first that is offered.
    #[serde(default)]
    pub subprotocols: Vec<String>,
}

impl WebSocket {
    /// The path where what is published arrives.
    pub fn subscription(&self) -> Option<&String> {
        self.subscribe.as_ref().or_else(|| Some(&self.path).filter(|path| path.contains("{channel}")))
    }
}
