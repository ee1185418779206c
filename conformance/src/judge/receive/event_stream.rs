//! The content of an event stream: read as a browser reads it (HTML section 9.2.6).

use std::sync::Arc;
use std::time::Duration;

use pushspec_wire::event_stream::{self, FactKind, Interpreter, Line, LineKind, LineScanner};

use crate::judge::verdict::invariant::Invariant;
use crate::profile::decode::{self, Message};
use crate::profile::event_stream::EventStream;
use crate::transcript::shown::shown;

use super::item::Item;
use super::sink::Sink;

/// U+FEFF in UTF-8. The one that may open a stream is no part of its first line.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// How many bytes of the first line are kept, to be shown.
const KEPT: usize = 1024;

/// The reconnection time in milliseconds below which clients keep a server busy with coming back.
const HURRY: u64 = 100;

/// Whether a `retry` field has clients reconnect without a pause.
fn hurries(value: &[u8]) -> bool {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let time = std::str::from_utf8(value).ok().and_then(|text| text.parse::<u64>().ok());
    digits && time.is_some_and(|time| time < HURRY)
}

/// Reads an event stream.
#[derive(Debug, Default)]
pub(super) struct EventStreamReader {
    profile: EventStream,
    lines: LineScanner,
    interpreter: Interpreter,
    /// How many bytes of a block have come since the last blank line.
    block: usize,
    /// The identifier that a block without data has given since the last event.
    resume_point: Option<Arc<str>>,
    /// An event has been dispatched: the stream is one that a client can read.
    dispatched: bool,
    /// The first line that looks as if it was to make an event, and when it came.
    first: Option<(Duration, Vec<u8>)>,
    /// When the bytes came with which the present line begins.
    line_at: Option<Duration>,
}

impl EventStreamReader {
    pub(super) fn new(profile: EventStream) -> EventStreamReader {
        EventStreamReader { profile, ..EventStreamReader::default() }
    }

    /// The identifier that a block without data has given since the last event.
    pub(super) fn resume_point(&self) -> Option<&str> {
        self.resume_point.as_deref()
    }

    /// What has come since when and makes no event: data without the blank line behind it, a field that has no meaning, a
    /// line without an end. Comments and the fields of the client's state make none either, and are not meant to.
    pub(super) fn unmade(&self) -> Option<(Duration, String)> {
        if self.dispatched {
            return None;
        }
        let line = |(at, content): &(Duration, Vec<u8>)| (*at, seen(content));
        let endless = || self.line_at.map(|at| (at, "a line without an end".to_owned()));
        self.first.as_ref().map(line).or_else(endless)
    }

    /// How many bytes it holds.
    pub(super) fn held(&self) -> usize {
        2 * (self.lines.buffered() + self.interpreter.buffered())
    }

    /// Bytes came.
    pub(super) fn push(&mut self, bytes: &[u8], sink: &mut Sink<'_>) {
        self.lines.push(bytes);
        while !sink.is_full()
            && let Some(item) = self.lines.next_item()
        {
            self.line_at = None;
            sink.step();
            if let event_stream::Item::Line(line) = item {
                self.line(&line, sink);
            }
        }
        let within = self.lines.buffered() > 0;
        self.line_at = self.line_at.filter(|_| within).or(within.then_some(sink.now()));
    }

    fn line(&mut self, line: &Line, sink: &mut Sink<'_>) {
        use Invariant as I;
        sink.relevant(&[I::EventStreamUtf8, I::EventStreamFields, I::EventStreamMark]);
        if line.content.starts_with(MARK) {
            return sink.breach_of(I::EventStreamMark, || seen(&line.content));
        }
        judge(line, sink);
        match line.kind() {
            LineKind::Blank => self.block = 0,
            LineKind::Comment(_) => sink.item(Item::Comment),
            LineKind::Field { name, value, .. } => self.field(line, name, value, sink),
        }
        self.interpret(line, sink);
    }

    fn field(&mut self, line: &Line, name: &[u8], value: &[u8], sink: &mut Sink<'_>) {
        use Invariant as I;
        if !matches!(name, b"event" | b"id" | b"retry") {
            self.first
                .get_or_insert_with(|| (sink.now(), line.content[..line.content.len().min(KEPT)].to_vec()));
        }
        self.block += line.content.len() + 1;
        match name {
            b"retry" => {
                sink.relevant(&[I::EventStreamRetry, I::EventStreamHurry]);
                if hurries(value) {
                    sink.breach_of(I::EventStreamHurry, || seen(&line.content));
                }
            }
            b"id" => {
                sink.relevant(&[I::EventStreamId, I::EventStreamIdKept]);
                if value.is_empty() && !self.interpreter.last_event_id().is_empty() {
                    sink.breach_of(I::EventStreamIdKept, || seen(&line.content));
                }
            }
            _ => {}
        }
    }

    fn interpret(&mut self, line: &Line, sink: &mut Sink<'_>) {
        let before = self.interpreter.shared_last_event_id();
        let event = self.interpreter.line(line);
        let after = self.interpreter.shared_last_event_id();
        // The same one is not compared again and again, however long it is.
        if !Arc::ptr_eq(&before, &after) && before != after {
            self.resume_point = Some(after);
        }
        let Some(event) = event else { return };
        self.resume_point = None;
        self.dispatched = true;
        let id = Some(event.last_event_id).filter(|id| !id.is_empty());
        // The text that ends a stream is no document.
        if self.profile.done.as_deref() == Some(event.data.as_str()) {
            return sink.item(Item::Foreign(event.data.into_bytes()));
        }
        match decode::texts(&self.profile.parts, event.data.into_bytes()) {
            Ok(messages) => messages.into_iter().for_each(|message| {
                let id = message.id.or_else(|| id.clone());
                let event = message.event.or_else(|| Some(event.kind.clone()));
                sink.item(Item::Message(Message { id, event, ..message }));
            }),
            Err(text) => sink.item(Item::Foreign(text)),
        }
    }

    /// The stream is complete, by its own framing or with its connection.
    pub(super) fn finish(&mut self, framed: bool, sink: &mut Sink<'_>) {
        let invariant = if framed { Invariant::EventStreamBoundary } else { Invariant::EventStreamLastEvent };
        sink.relevant(&[invariant]);
        if self.block > 0 || self.lines.finish().is_some() {
            sink.breach(invariant, "the stream ends in the middle of an event");
        }
    }
}

fn seen(line: &[u8]) -> String {
    format!("the line {}", shown(line))
}

/// What is wrong with a line by itself.
fn judge(line: &Line, sink: &mut Sink<'_>) {
    // The grammar allows a field without a value; a client passes over it.
    let empty = matches!(line.kind(), LineKind::Field { value: [], .. });
    for fact in event_stream::facts(line) {
        let invariant = match fact.kind {
            FactKind::RetryNotDigits if empty => continue,
            FactKind::RetryNotDigits => Invariant::EventStreamRetry,
            FactKind::NulInId => Invariant::EventStreamId,
            FactKind::InvalidUtf8 => Invariant::EventStreamUtf8,
            _ => Invariant::EventStreamFields,
        };
        sink.breach_of(invariant, || seen(&line.content));
    }
}
