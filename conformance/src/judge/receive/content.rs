//! The content of a body: what its bytes mean for the technique.

use std::borrow::Cow;
use std::time::Duration;

use pushspec_wire::http1::Head;

use crate::profile::iframe::Iframe;
use crate::profile::poll::Answer;
use crate::transcript::shown::shown;

use super::event_stream::EventStreamReader;
use super::poll::PollReader;
use super::script::ScriptReader;
use super::sink::Sink;

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It is complete by its length or its chunks.
    Framed,
    /// The connection ended in order, and with it a body that has no other end: complete, or given up.
    WithConnection,
    /// The connection ended before it.
    CutOff,
}

/// What the bytes of a body are read as.
#[derive(Debug, Clone)]
pub(crate) enum Reading {
    /// Nothing in particular.
    Opaque,
    /// One batch of messages.
    Poll(Answer),
    /// An event stream.
    EventStream,
    /// A document of scripts.
    Iframe(Iframe),
}

/// The reader of the content.
#[derive(Debug)]
pub(super) enum Content {
    Opaque,
    Poll(PollReader),
    EventStream(Box<EventStreamReader>),
    Iframe(Box<ScriptReader>),
}

impl Content {
    /// The content of an answer with this head and status.
    pub(super) fn of(head: &Head, code: u16, reading: Reading) -> Content {
        // Content in a coding is not decoded, so nothing can be said of the text in it.
        let reading = if coding(head).is_some() { Reading::Opaque } else { reading };
        match reading {
            Reading::Poll(answer) if (200..300).contains(&code) => Content::Poll(PollReader::new(answer)),
            Reading::EventStream if code == 200 && is_event_stream(head) => {
                Content::EventStream(Box::default())
            }
            Reading::Iframe(iframe) if code == 200 && is_media_type(head, "text/html") => {
                Content::Iframe(Box::new(ScriptReader::new(iframe)))
            }
            _ => Content::Opaque,
        }
    }

    /// How many bytes came before the first message, where the content tells.
    pub(super) fn prelude(&self) -> usize {
        match self {
            Content::Iframe(reader) => reader.prelude(),
            _ => 0,
        }
    }

    /// The identifier after which a client resumes, where a block without data has moved it on since the last event
    /// (HTML section 9.2.6, the steps at a blank line).
    pub(super) fn resume_point(&self) -> Option<&str> {
        match self {
            Content::EventStream(reader) => reader.resume_point(),
            _ => None,
        }
    }

    /// What has come of an event stream and makes no event: see [`EventStreamReader::unmade`].
    pub(super) fn unmade(&self) -> Option<(Duration, String)> {
        match self {
            Content::EventStream(reader) => reader.unmade(),
            _ => None,
        }
    }

    /// Reads a piece; gives the cursor, if it is known already.
    pub(super) fn push(&mut self, bytes: &[u8], sink: &mut Sink<'_>) -> Option<String> {
        match self {
            Content::Opaque => {}
            Content::Poll(reader) => return reader.push(bytes, sink),
            Content::EventStream(reader) => reader.push(bytes, sink),
            Content::Iframe(reader) => reader.push(bytes, sink),
        }
        None
    }

    /// The body has ended. The cursor, if it holds one.
    pub(super) fn finish(&mut self, ending: Ending, sink: &mut Sink<'_>) -> Option<String> {
        let complete = ending != Ending::CutOff;
        match self {
            Content::Poll(reader) if complete => return reader.finish(sink),
            Content::EventStream(reader) if complete => reader.finish(ending == Ending::Framed, sink),
            Content::Iframe(reader) if complete => reader.finish(sink),
            _ => {}
        }
        None
    }
}

/// The cursor that the head of an answer to a poll names, if the profile says that it is there.
pub(super) fn head_cursor(head: &Head, reading: &Reading) -> Option<String> {
    let Reading::Poll(answer) = reading else { return None };
    let name = answer.cursor.as_deref()?.strip_prefix("header:")?;
    head.value(name).map(|value| String::from_utf8_lossy(&value).into_owned())
}

/// The coding of the content where it is compressed or the like (RFC 9110 section 8.4), to be shown.
pub(super) fn coding(head: &Head) -> Option<String> {
    let coded = |value: &Cow<'_, [u8]>| !value.trim_ascii().eq_ignore_ascii_case(b"identity");
    head.values("Content-Encoding").find(coded).map(|value| shown(&value))
}

/// Whether the content is an event stream by its type (HTML section 9.2.3).
pub(super) fn is_event_stream(head: &Head) -> bool {
    is_media_type(head, "text/event-stream")
}

fn is_media_type(head: &Head, media_type: &str) -> bool {
    head.value("Content-Type").is_some_and(|value| {
        let essence = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        essence.eq_ignore_ascii_case(media_type.as_bytes())
    })
}
