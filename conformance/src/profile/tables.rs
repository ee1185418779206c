//! `pushspec.toml`: where a server keeps each technique.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer};

use super::check::{self, Mistake};
use super::reply::ReplyEncoding;
use super::template::{fill, percent_encode};
use crate::case::error::{PageError, PageErrors, Wrong};
use crate::case::toml_mistake;

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
            "`{name}` is not the name of a function: write it like `push.deliver`"
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
    /// Whether its streams end when the response is complete.
    #[serde(default)]
    pub finite: bool,
    /// The time after which a comment keeps the connection alive.
    #[serde(default, deserialize_with = "duration")]
    pub heartbeat: Option<Duration>,
    /// Path and query of a stream that the server ends after its first event.
    pub ending: Option<String>,
    /// Path and query of a stream that is over: the server tells clients not to reconnect.
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

/// `[publish]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Publish {
    /// Method and path: `POST /publish/{channel}`.
    pub request: String,
    /// The media type of the body.
    #[serde(default = "octet_stream")]
    pub content_type: String,
    /// The body, with `{data}`, `{id}`, `{event}` and `{comment}`.
    #[serde(default)]
    pub body: String,
    /// How what is filled into the body is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// How long to wait after the last subscription before something is published: a server may answer a subscriber
    /// a moment before it delivers to it.
    #[serde(default, deserialize_with = "duration")]
    pub settle: Option<Duration>,
}

fn octet_stream() -> String {
    "application/octet-stream".to_owned()
}

/// How values are written into the body of a publication.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// As they are; what is absent is empty.
    #[default]
    Raw,
    /// As JSON strings, quotes included; what is absent is `null`.
    Json,
    /// Percent-encoded; what is absent is empty.
    Form,
}

/// Something that is to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The channel of the case.
    pub channel: String,
    /// The data: text, as all techniques but WebSocket carry text only.
    pub data: String,
    /// An id of the publisher's own.
    pub id: Option<String>,
    /// The name of the event.
    pub event: Option<String>,
    /// A comment that goes with it, where the technique has comments.
    pub comment: Option<String>,
}

/// An HTTP request that publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishRequest {
    /// `POST`
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The media type of the body.
    pub content_type: String,
    /// The body.
    pub body: String,
    /// Whether an answer with 4xx is an answer like others.
    pub may_be_refused: bool,
}

impl Publish {
    /// Whether the recipe has a place for a value.
    pub fn names(&self, name: &str) -> bool {
        let place = format!("{{{name}}}");
        self.request.contains(&place) || self.body.contains(&place)
    }

    /// The request that publishes.
    pub fn request(&self, publication: &Publication) -> PublishRequest {
        let value = |name: &str| match name {
            "channel" => Some(Some(publication.channel.as_str())),
            "data" => Some(Some(publication.data.as_str())),
            "id" => Some(publication.id.as_deref()),
            "event" => Some(publication.event.as_deref()),
            "comment" => Some(publication.comment.as_deref()),
            _ => None,
        };
        let (method, path) = self.request.split_once(' ').unwrap_or(("POST", &self.request));
        PublishRequest {
            method: method.to_owned(),
            path: fill(path, |name| value(name).map(|value| percent_encode(value.unwrap_or_default()))),
            content_type: self.content_type.clone(),
            body: fill(&self.body, |name| value(name).map(|value| self.encoding.encode(value))),
            may_be_refused: false,
        }
    }
}

impl Encoding {
    fn encode(self, value: Option<&str>) -> String {
        match self {
            Encoding::Raw => value.unwrap_or_default().to_owned(),
            Encoding::Json => {
                value.map_or_else(|| "null".to_owned(), |value| serde_json::Value::from(value).to_string())
            }
            Encoding::Form => percent_encode(value.unwrap_or_default()),
        }
    }
}

/// A profile that cannot be used: what is wrong, each with its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ProfileError(pub PageErrors);

impl Profile {
    /// Reads a profile; `file` is its name for errors.
    pub fn parse(file: &str, text: &str) -> Result<Profile, ProfileError> {
        let placed = |range: &Range<usize>, wrong| PageError::in_text(file.to_owned(), text, range, wrong);
        let profile: Profile = toml::from_str(text).map_err(|error| {
            let (range, wrong) = toml_mistake::wrong(&error, text, &[]);
            let hint = if wrong.hint.is_empty() { DOCUMENTED.to_owned() } else { wrong.hint };
            ProfileError(PageErrors(vec![placed(&range, Wrong { hint, ..wrong })]))
        })?;
        let mistakes = check::mistakes(&profile);
        if mistakes.is_empty() {
            return Ok(profile);
        }
        let errors = mistakes
            .into_iter()
            .map(|Mistake { table, key, wrong }| placed(&check::place(text, table, &key), wrong));
        Err(ProfileError(PageErrors(errors.collect())))
    }

    /// The layout of the reference server.
    pub fn reference() -> Result<Profile, ProfileError> {
        Profile::parse("fixtures/reference.toml", pushspec_fixtures::REFERENCE_PROFILE)
    }

    /// A server of which only its WebSocket is known.
    pub fn only_websocket(path: &str) -> Profile {
        let websocket = WebSocket { path: path.to_owned(), ..WebSocket::default() };
        Profile { websocket: Some(websocket), ..Profile::default() }
    }

    /// The table of the first value that is wrong, what is wrong with it, and a way out.
    #[cfg(feature = "program")]
    pub(crate) fn mistake(&self) -> Option<(&'static str, Wrong)> {
        check::mistakes(self).into_iter().next().map(|mistake| (mistake.table, mistake.wrong))
    }
}

const DOCUMENTED: &str = "every key is described in docs/profile.md";

/// `300ms` or `25s`, as in the fixtures.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    deserializer.deserialize_str(Time).map(Some)
}

/// Reads a time, and says what one looks like where there is something else.
struct Time;

impl Visitor<'_> for Time {
    type Value = Duration;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a time with its unit, as in \"15s\"")
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Duration, E> {
        crate::case::parse_duration(word)
            .ok_or_else(|| E::custom(format!("`{word}` is not a time; write `300ms` or `25s`")))
    }
}
