//! Vectors of event streams: bytes in, events out. They judge a reader of event streams rather than a server, and
//! `pushspec-wire` is the reader that they are run against.
//!
//! A vector is a heading with two fences, written in the notation of the fixtures:
//!
//! ````markdown
//! ## line-feed-ends-a-line
//!
//! ```bytes
//! "data: a\n\n"
//! ```
//!
//! ```events
//! message "a"
//! ```
//! ````

use crate::case::text::{Scope, Text};
use crate::mistake::{PageError, PageErrors, did_you_mean};

/// A page of vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorPage {
    /// The path without `.md`: `event-stream/1-lines`.
    pub path: String,
    /// The vectors, in order.
    pub vectors: Vec<Vector>,
}

/// One vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vector {
    /// Path and heading.
    pub id: String,
    /// What is read.
    pub bytes: Vec<u8>,
    /// What comes of it.
    pub expected: Reading,
}

/// What a reader makes of a stream that ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// The events, in order.
    pub events: Vec<Event>,
    /// The reconnection time in milliseconds, if the stream sets it.
    pub retry: Option<u64>,
    /// What a client sends as `Last-Event-ID` when it comes back.
    pub last_event_id: String,
}

/// An event that is dispatched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The data.
    pub data: String,
    /// The event type, `message` by default.
    pub kind: String,
    /// The last event ID that it carries.
    pub last_event_id: String,
}

impl VectorPage {
    /// Reads a page. `path` is relative to `fixtures/`, without `.md`.
    pub fn parse(path: &str, text: &str) -> Result<VectorPage, PageErrors> {
        let mut reader = Reader { path, lines: text.lines().collect(), errors: Vec::new() };
        let vectors = reader.vectors();
        if reader.errors.is_empty() {
            Ok(VectorPage { path: path.to_owned(), vectors })
        } else {
            Err(PageErrors(reader.errors))
        }
    }
}

struct Reader<'a> {
    path: &'a str,
    lines: Vec<&'a str>,
    errors: Vec<PageError>,
}

/// The part of a page that is being read.
#[derive(Clone, Copy, PartialEq)]
enum Fence {
    None,
    Bytes,
    Events,
}

impl Reader<'_> {
    fn vectors(&mut self) -> Vec<Vector> {
        let mut vectors: Vec<Vector> = Vec::new();
        let mut fence = Fence::None;
        let mut seen = (true, true);
        for index in 0..self.lines.len() {
            let line = self.lines[index];
            if let Some(name) = line.strip_prefix("## ").filter(|_| fence == Fence::None) {
                self.check_whole(index, seen);
                seen = (false, false);
                let id = format!("{}/{name}", self.path);
                vectors.push(Vector { id, bytes: Vec::new(), expected: Reading::default() });
            } else if let Some(language) = line.strip_prefix("```") {
                fence = self.fence(index, language, fence);
                seen = (seen.0 || fence == Fence::Bytes, seen.1 || fence == Fence::Events);
            } else if let Some(vector) = vectors.last_mut() {
                let result = match fence {
                    Fence::None => Ok(()),
                    Fence::Bytes => literal(line).map(|bytes| vector.bytes.extend(bytes)),
                    Fence::Events => expectation(line, &mut vector.expected),
                };
                if let Err((message, hint)) = result {
                    self.error(index, message, hint);
                }
            }
        }
        self.check_whole(self.lines.len().saturating_sub(1), seen);
        if fence != Fence::None {
            self.error(self.lines.len().saturating_sub(1), "the last fence is not closed".into(), None);
        }
        vectors
    }

    fn fence(&mut self, index: usize, language: &str, open: Fence) -> Fence {
        match (open, language) {
            (Fence::None, "bytes") => Fence::Bytes,
            (Fence::None, "events") => Fence::Events,
            (Fence::None, other) => {
                let hint = did_you_mean(other, ["bytes", "events"]);
                self.error(index, format!("unknown fence `{other}`"), hint);
                Fence::None
            }
            _ => Fence::None,
        }
    }

    fn check_whole(&mut self, index: usize, (bytes, events): (bool, bool)) {
        if !(bytes && events) {
            let message = "the vector above has not both fences, ```bytes and ```events";
            self.error(index, message.into(), None);
        }
    }

    fn error(&mut self, index: usize, message: String, hint: Option<String>) {
        let source = self.lines.get(index).copied().unwrap_or_default().to_owned();
        let width = source.chars().count().max(1);
        let file = format!("fixtures/{}.md", self.path);
        self.errors.push(PageError { file, line: index + 1, column: 1, width, source, message, hint });
    }
}

/// What is wrong, and a way out.
type Mistake = (String, Option<String>);

fn literal(source: &str) -> Result<Vec<u8>, Mistake> {
    let text: Text = crate::case::parse_text(source).map_err(|message| (message, None))?;
    text.bytes(&Nothing).map_err(|error| (error.to_string(), None))
}

fn text(source: &str) -> Result<String, Mistake> {
    String::from_utf8(literal(source)?)
        .map_err(|_| ("only text can come out of an event stream".into(), None))
}

/// `message "data" id="1" event="tick"`, `retry 3000` or `last-event-id "1"`.
fn expectation(line: &str, reading: &mut Reading) -> Result<(), Mistake> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        "message" => reading.events.push(message(rest)?),
        "retry" => {
            let time = rest.parse().map_err(|_| (format!("`{rest}` is not a time in milliseconds"), None))?;
            reading.retry = Some(time);
        }
        "last-event-id" => reading.last_event_id = text(rest)?,
        _ => {
            let hint = did_you_mean(word, ["message", "retry", "last-event-id"]);
            return Err((format!("unknown expectation `{word}`"), hint));
        }
    }
    Ok(())
}

fn message(source: &str) -> Result<Event, Mistake> {
    let (source, kind) = attribute(source, " event=")?;
    let (source, last_event_id) = attribute(source, " id=")?;
    let kind = kind.unwrap_or_else(|| "message".to_owned());
    Ok(Event { data: text(source)?, kind, last_event_id: last_event_id.unwrap_or_default() })
}

/// Cuts an attribute off the end; `id` comes before `event`.
fn attribute<'a>(source: &'a str, key: &str) -> Result<(&'a str, Option<String>), Mistake> {
    match source.rfind(&format!("{key}\"")) {
        Some(at) if source[at + key.len()..].ends_with('"') => {
            Ok((&source[..at], Some(text(&source[at + key.len()..])?)))
        }
        _ => Ok((source, None)),
    }
}

/// Vectors have no substitutions.
struct Nothing;

impl Scope for Nothing {
    fn value(&self, _: &str) -> Option<Vec<u8>> {
        None
    }
}
