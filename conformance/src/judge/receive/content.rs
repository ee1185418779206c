//! The content of a body: what its bytes mean for the technique.

use std::borrow::Cow;
use std::time::Duration;

use pushspec_wire::http1::Head;

use crate::judge::verdict::invariant::Invariant;
use crate::profile::cursor::Values;
use crate::profile::event_stream::EventStream;
use crate::profile::iframe::Iframe;
use crate::profile::parts::Parts;
use crate::profile::poll::Answer;
use crate::transcript::shown::shown;

use super::event_stream::EventStreamReader;
use super::inflate::Inflater;
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
    EventStream(EventStream),
    /// A document of scripts.
    Iframe(Iframe),
    /// Nothing, until a WebSocket opens whose texts have their parts there.
    WebSocket(Parts),
}

/// The reader of the content.
#[derive(Debug)]
pub(super) enum Content {
    Opaque,
    Poll(Box<PollReader>),
    EventStream(Box<EventStreamReader>),
    Iframe(Box<ScriptReader>),
    Coded(Box<Coded>),
}

/// Content in a coding that is decoded.
#[derive(Debug)]
pub(super) struct Coded {
    coding: String,
    inflater: Inflater,
    content: Content,
    /// It is not in the coding.
    is_broken: bool,
}

impl Coded {
    fn push(&mut self, bytes: &[u8], sink: &mut Sink<'_>) -> Option<Values> {
        sink.relevant(&[Invariant::CodedAsNamed]);
        let mut cursor = None;
        let content = &mut self.content;
        let read = self.inflater.push(bytes, |piece| {
            sink.step();
            cursor = content.push(piece, sink).or(cursor.take());
            !sink.is_full()
        });
        if let Err(why) = read {
            self.is_broken = true;
            let seen = format!("`Content-Encoding: {}`, and {why}: {}", self.coding, shown(bytes));
            sink.breach(Invariant::CodedAsNamed, seen);
        }
        cursor
    }
}

impl Content {
    /// Whether it is known to go on for as long as the client listens.
    pub(super) fn is_a_stream(&self) -> bool {
        match self {
            Content::Coded(coded) => coded.content.is_a_stream(),
            _ => matches!(self, Content::EventStream(_) | Content::Iframe(_)),
        }
    }

    /// Whether nothing is known of it.
    pub(super) fn is_opaque(&self) -> bool {
        matches!(self, Content::Opaque)
    }

    /// The content of an answer with this head and status.
    pub(super) fn of(head: &Head, code: u16, reading: Reading) -> Content {
        // Of the text in a coding that is not decoded nothing can be said.
        let reading = if undecoded(head).is_some() { Reading::Opaque } else { reading };
        let content = Content::plain(head, code, reading);
        match Inflater::named(head).filter(|_| !content.is_opaque()) {
            Some(inflater) => {
                let coding = coding(head).unwrap_or_default();
                Content::Coded(Box::new(Coded { coding, inflater, content, is_broken: false }))
            }
            None => content,
        }
    }

    fn plain(head: &Head, code: u16, reading: Reading) -> Content {
        match reading {
            Reading::Poll(answer) if (200..300).contains(&code) => {
                let of_head = head_values(head, &answer);
                Content::Poll(Box::new(PollReader::new(answer, of_head)))
            }
            Reading::EventStream(stream) if code == 200 && is_event_stream(head) => {
                Content::EventStream(Box::new(EventStreamReader::new(stream)))
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
            Content::Coded(coded) => coded.content.prelude(),
            _ => 0,
        }
    }

    /// The identifier after which a client resumes, where a block without data has moved it on since the last event
    /// (HTML section 9.2.6, the steps at a blank line).
    pub(super) fn resume_point(&self) -> Option<&str> {
        match self {
            Content::EventStream(reader) => reader.resume_point(),
            Content::Coded(coded) => coded.content.resume_point(),
            _ => None,
        }
    }

    /// What has come of an event stream and makes no event: see [`EventStreamReader::unmade`].
    pub(super) fn unmade(&self) -> Option<(Duration, String)> {
        match self {
            Content::EventStream(reader) => reader.unmade(),
            Content::Coded(coded) => coded.content.unmade(),
            _ => None,
        }
    }

    /// The coding that it is said to be in and is not.
    pub(super) fn falsely_coded(&self) -> Option<&str> {
        match self {
            Content::Coded(coded) if coded.is_broken => Some(&coded.coding),
            _ => None,
        }
    }

    /// How many bytes it holds.
    pub(super) fn held(&self) -> usize {
        match self {
            Content::Opaque => 0,
            Content::Poll(reader) => reader.held(),
            Content::EventStream(reader) => reader.held(),
            Content::Iframe(reader) => reader.held(),
            Content::Coded(coded) => coded.inflater.held() + coded.content.held(),
        }
    }

    /// Reads a piece; gives the cursor, if it is known already.
    pub(super) fn push(&mut self, bytes: &[u8], sink: &mut Sink<'_>) -> Option<Values> {
        match self {
            Content::Opaque => {}
            Content::Poll(reader) => return reader.push(bytes, sink),
            Content::EventStream(reader) => reader.push(bytes, sink),
            Content::Iframe(reader) => reader.push(bytes, sink),
            Content::Coded(coded) => return coded.push(bytes, sink),
        }
        None
    }

    /// The body has ended. The cursor, if it holds one.
    pub(super) fn finish(&mut self, ending: Ending, sink: &mut Sink<'_>) -> Option<Values> {
        let complete = ending != Ending::CutOff;
        match self {
            Content::Poll(reader) if complete => return reader.finish(sink),
            Content::EventStream(reader) if complete => reader.finish(ending == Ending::Framed, sink),
            Content::Iframe(reader) if complete => reader.finish(sink),
            Content::Coded(coded) if !coded.is_broken => return coded.content.finish(ending, sink),
            _ => {}
        }
        None
    }
}

/// The cursor of an answer to a poll that has all of it in its head, or no body for the rest.
pub(crate) fn head_cursor(head: &Head, reading: &Reading, has_body: bool) -> Option<Values> {
    let Reading::Poll(answer) = reading else { return None };
    let is_whole = answer.cursor.as_ref()?.pointers().is_empty();
    Some(head_values(head, answer)).filter(|values| !values.is_empty() && (is_whole || !has_body))
}

/// The values of the cursor that a head has.
fn head_values(head: &Head, answer: &Answer) -> Values {
    let fields = answer.cursor.iter().flat_map(|cursor| cursor.fields());
    let found = fields.filter_map(|(name, field)| {
        Some((name.to_owned(), String::from_utf8_lossy(&head.value(field)?).into_owned()))
    });
    found.collect()
}

/// The coding of the content where it is one that is not decoded, to be shown.
pub(super) fn undecoded(head: &Head) -> Option<String> {
    coding(head).filter(|_| Inflater::named(head).is_none())
}

/// The coding of the content where it is compressed or the like (RFC 9110 section 8.4), to be shown.
fn coding(head: &Head) -> Option<String> {
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
