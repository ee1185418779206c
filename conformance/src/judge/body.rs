//! The body of an answer: its framing, and what its content means for the technique.

use std::collections::VecDeque;
use std::time::Duration;

use pushspec_wire::chunked::{self, ChunkScanner};
use pushspec_wire::event_stream::{self, Interpreter, LineKind, LineScanner};
use pushspec_wire::http1::Head;

use super::invariant::{Invariant, Watch};
use super::item::{Arrival, Item, shown};
use super::script::ScriptReceiver;
use crate::profile::decode::{self, Batch, Message};
use crate::profile::iframe::Iframe;
use crate::profile::poll::Answer;

/// How the end of a body is known (RFC 9112 section 6.3).
#[derive(Debug)]
pub(crate) enum Framing {
    /// So many bytes are still to come.
    Length(u64),
    /// The chunked coding.
    Chunked(Box<ChunkScanner>),
    /// The connection's end is the body's end.
    UntilClose,
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
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

#[derive(Debug)]
enum Content {
    Opaque,
    Poll(PollReceiver),
    EventStream(Box<EventStreamReceiver>),
    Iframe(Box<ScriptReceiver>),
}

/// The body of one answer.
#[derive(Debug)]
pub(crate) struct Body {
    framing: Framing,
    content: Content,
}

/// What a piece of a body brought.
pub(crate) struct Progress {
    /// The decoded bytes.
    pub(crate) bytes: Vec<u8>,
    /// The body is complete; these bytes come after it.
    pub(crate) rest: Option<Vec<u8>>,
    /// The coding cannot be read from here.
    pub(crate) unreadable: Option<String>,
    /// The cursor that the answer gives.
    pub(crate) cursor: Option<String>,
}

impl Body {
    /// The body that follows a head; `None` where no body can follow.
    pub(crate) fn after(head: &Head, method: &[u8], reading: Reading) -> Option<Body> {
        let code = head.status_line().map_or(0, |status| status.code);
        if method == b"HEAD" || (100..200).contains(&code) || code == 204 || code == 304 {
            return None;
        }
        let length =
            head.value("Content-Length").and_then(|value| std::str::from_utf8(&value).ok()?.parse().ok());
        let framing = if head.lists("Transfer-Encoding", "chunked") {
            Framing::Chunked(Box::default())
        } else {
            length.map_or(Framing::UntilClose, Framing::Length)
        };
        // Content in a coding is not decoded, so nothing can be said of the text in it.
        let reading = if coding(head).is_some() { Reading::Opaque } else { reading };
        let content = match reading {
            Reading::Poll(answer) if (200..300).contains(&code) => Content::Poll(PollReceiver::new(answer)),
            Reading::EventStream if code == 200 && is_event_stream(head) => {
                Content::EventStream(Box::default())
            }
            Reading::Iframe(iframe) if code == 200 && is_media_type(head, "text/html") => {
                Content::Iframe(Box::new(ScriptReceiver::new(iframe)))
            }
            _ => Content::Opaque,
        };
        Some(Body { framing, content })
    }

    /// How many bytes came before the first message, where the content tells.
    pub(crate) fn prelude(&self) -> usize {
        match &self.content {
            Content::Iframe(receiver) => receiver.prelude(),
            _ => 0,
        }
    }

    /// The identifier after which a client resumes, where a block without data has moved it on since the last event
    /// (HTML section 9.2.6, the steps at a blank line).
    pub(crate) fn resume_point(&self) -> Option<&str> {
        match &self.content {
            Content::EventStream(receiver) => receiver.resume_point.as_deref(),
            _ => None,
        }
    }

    /// What has come of an event stream and makes no event: see [`EventStreamReceiver::unmade`].
    pub(crate) fn unmade(&self) -> Option<(Duration, String)> {
        match &self.content {
            Content::EventStream(receiver) => receiver.unmade(),
            _ => None,
        }
    }

    /// Whether the connection's end is the only end that it has.
    pub(crate) fn ends_with_connection(&self) -> bool {
        matches!(self.framing, Framing::UntilClose)
    }

    /// Reads a piece.
    pub(crate) fn push(
        &mut self,
        now: Duration,
        bytes: &[u8],
        out: &mut VecDeque<Arrival>,
        watch: &mut Watch,
    ) -> Progress {
        let mut progress = Progress { bytes: Vec::new(), rest: None, unreadable: None, cursor: None };
        match &mut self.framing {
            Framing::UntilClose => progress.bytes = bytes.to_vec(),
            Framing::Length(left) => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= taken as u64;
                progress.bytes = bytes[..taken].to_vec();
                progress.rest = (*left == 0).then(|| bytes[taken..].to_vec());
            }
            Framing::Chunked(scanner) => unchunk(scanner, now, bytes, &mut progress, watch),
        }
        progress.cursor = self.content.push(now, &progress.bytes, out, watch);
        if progress.rest.is_some() {
            let cursor = self.content.finish(now, Ending::Framed, out, watch);
            progress.cursor = cursor.or(progress.cursor.take());
        }
        progress
    }

    /// The connection ended: in order if `clean`. Whether the body is complete now.
    pub(crate) fn connection_ended(
        &mut self,
        now: Duration,
        clean: bool,
        out: &mut VecDeque<Arrival>,
        watch: &mut Watch,
    ) -> (bool, Option<String>) {
        let complete = matches!(self.framing, Framing::UntilClose) && clean;
        let ending = if complete { Ending::WithConnection } else { Ending::CutOff };
        let cursor = self.content.finish(now, ending, out, watch);
        (complete, cursor.filter(|_| complete))
    }
}

/// The cursor that the head of an answer to a poll names, if the profile says that it is there.
pub(crate) fn head_cursor(head: &Head, reading: &Reading) -> Option<String> {
    let Reading::Poll(answer) = reading else { return None };
    let name = answer.cursor.as_deref()?.strip_prefix("header:")?;
    head.value(name).map(|value| String::from_utf8_lossy(&value).into_owned())
}

/// The coding of the content where it is compressed or the like (RFC 9110 section 8.4), to be shown.
pub(crate) fn coding(head: &Head) -> Option<String> {
    let coded = |value: &std::borrow::Cow<'_, [u8]>| !value.trim_ascii().eq_ignore_ascii_case(b"identity");
    head.values("Content-Encoding").find(coded).map(|value| shown(&value))
}

/// Whether the content is an event stream by its type (HTML section 9.2.3).
pub(crate) fn is_event_stream(head: &Head) -> bool {
    is_media_type(head, "text/event-stream")
}

fn is_media_type(head: &Head, media_type: &str) -> bool {
    head.value("Content-Type").is_some_and(|value| {
        let essence = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        essence.eq_ignore_ascii_case(media_type.as_bytes())
    })
}

fn unchunk(
    scanner: &mut ChunkScanner,
    now: Duration,
    bytes: &[u8],
    progress: &mut Progress,
    watch: &mut Watch,
) {
    watch.relevant(&[Invariant::Chunked]);
    scanner.push(bytes);
    while let Some(item) = scanner.next_item() {
        for fact in chunked::facts(&item) {
            let seen = format!("{} in {}", fact.kind.in_words(), shown(&item.encode()));
            watch.breach(Invariant::Chunked, now, seen);
        }
        match item {
            chunked::Item::Data(data) => progress.bytes.extend(data.bytes),
            chunked::Item::End(_) => progress.rest = Some(scanner.rest()),
            chunked::Item::Unreadable(data) => {
                let why = format!("the chunked coding cannot be read from {} on", shown(&data.bytes));
                watch.breach(Invariant::Chunked, now, why.clone());
                progress.unreadable = Some(why);
            }
            chunked::Item::Size(_) | chunked::Item::AfterData(_) | chunked::Item::Trailer(_) => {}
        }
    }
}

impl Content {
    /// Reads a piece; gives the cursor, if it is known already.
    fn push(
        &mut self,
        now: Duration,
        bytes: &[u8],
        out: &mut VecDeque<Arrival>,
        watch: &mut Watch,
    ) -> Option<String> {
        match self {
            Content::Opaque => {}
            Content::Poll(receiver) => return receiver.push(now, bytes, out),
            Content::EventStream(receiver) => receiver.push(now, bytes, out, watch),
            Content::Iframe(receiver) => receiver.push(now, bytes, out, watch),
        }
        None
    }

    /// The body has ended. The cursor, if it holds one.
    fn finish(
        &mut self,
        now: Duration,
        ending: Ending,
        out: &mut VecDeque<Arrival>,
        watch: &mut Watch,
    ) -> Option<String> {
        match self {
            Content::Poll(receiver) if ending != Ending::CutOff => receiver.finish(now, out),
            Content::Opaque | Content::Poll(..) => None,
            Content::EventStream(receiver) => {
                receiver.finish(now, ending, watch);
                None
            }
            Content::Iframe(receiver) => {
                receiver.finish(now, ending != Ending::CutOff, watch);
                None
            }
        }
    }
}

/// The longest answer to a poll that is read before its end: a hostile one could be read again and again.
const READ_EARLY: usize = 64 * 1024;

/// Reads the answer to a poll.
#[derive(Debug)]
struct PollReceiver {
    answer: Answer,
    body: Vec<u8>,
    /// Its messages have been handed out.
    told: bool,
}

impl PollReceiver {
    fn new(answer: Answer) -> PollReceiver {
        PollReceiver { answer, body: Vec::new(), told: false }
    }

    /// A document that is whole has its messages, whether or not the body ends with it: that it does is another
    /// question, for those cases that ask for the end.
    fn push(&mut self, now: Duration, bytes: &[u8], out: &mut VecDeque<Arrival>) -> Option<String> {
        self.body.extend_from_slice(bytes);
        let ends = matches!(self.body.trim_ascii_end().last(), Some(b'}' | b']'));
        if self.told || !ends || self.body.len() > READ_EARLY || !decode::is_json(&self.answer) {
            return None;
        }
        let batch = decode::batch(&self.answer, &self.body).ok()?;
        self.tell(now, batch, out)
    }

    fn finish(&mut self, now: Duration, out: &mut VecDeque<Arrival>) -> Option<String> {
        if self.told {
            return None;
        }
        match decode::batch(&self.answer, &self.body) {
            Ok(batch) => self.tell(now, batch, out),
            Err(error) => {
                out.push_back(Arrival { at: now, item: Item::Undecoded(error) });
                None
            }
        }
    }

    fn tell(&mut self, now: Duration, batch: Batch, out: &mut VecDeque<Arrival>) -> Option<String> {
        self.told = true;
        let messages = batch.messages.into_iter().map(Item::Message);
        out.extend(messages.map(|item| Arrival { at: now, item }));
        batch.cursor
    }
}

/// U+FEFF in UTF-8. The one that may open a stream is no part of its first line.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The reconnection time in milliseconds below which clients keep a server busy with coming back.
const HURRY: u64 = 100;

/// Whether a `retry` field has clients reconnect without a pause.
fn hurries(value: &[u8]) -> bool {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let time = std::str::from_utf8(value).ok().and_then(|text| text.parse::<u64>().ok());
    digits && time.is_some_and(|time| time < HURRY)
}

/// Reads an event stream as a browser does.
#[derive(Debug, Default)]
struct EventStreamReceiver {
    lines: LineScanner,
    interpreter: Interpreter,
    /// How many bytes of a block have come since the last blank line.
    block: usize,
    /// The identifier that a block without data has given since the last event.
    resume_point: Option<String>,
    /// An event has been dispatched: the stream is one that a client can read.
    dispatched: bool,
    /// The first line that looks as if it was to make an event, and when it came.
    first: Option<(Duration, Vec<u8>)>,
    /// When the bytes came with which the present line begins.
    line_at: Option<Duration>,
}

impl EventStreamReceiver {
    /// What has come since when and makes no event: data without the blank line behind it, a field that has no meaning, a
    /// line without an end. Comments and the fields of the client's state make none either, and are not meant to.
    fn unmade(&self) -> Option<(Duration, String)> {
        if self.dispatched {
            return None;
        }
        let line = |(at, content): &(Duration, Vec<u8>)| (*at, format!("the line {}", shown(content)));
        let endless = || self.line_at.map(|at| (at, "a line without an end".to_owned()));
        self.first.as_ref().map(line).or_else(endless)
    }

    fn push(&mut self, now: Duration, bytes: &[u8], out: &mut VecDeque<Arrival>, watch: &mut Watch) {
        self.push_lines(now, bytes, out, watch);
        let within = self.lines.buffered() > 0;
        self.line_at = self.line_at.filter(|_| within).or(within.then_some(now));
    }

    fn push_lines(&mut self, now: Duration, bytes: &[u8], out: &mut VecDeque<Arrival>, watch: &mut Watch) {
        use Invariant as I;
        self.lines.push(bytes);
        while let Some(item) = self.lines.next_item() {
            self.line_at = None;
            let event_stream::Item::Line(line) = item else { continue };
            watch.relevant(&[I::EventStreamUtf8, I::EventStreamFields, I::EventStreamMark]);
            if line.content.starts_with(MARK) {
                watch.breach(I::EventStreamMark, now, format!("the line {}", shown(&line.content)));
                continue;
            }
            for fact in event_stream::facts(&line) {
                // The grammar allows a field without a value; a client passes over it.
                let empty = matches!(line.kind(), LineKind::Field { value: [], .. });
                if empty && fact.kind == event_stream::FactKind::RetryNotDigits {
                    continue;
                }
                let invariant = match fact.kind {
                    event_stream::FactKind::RetryNotDigits => I::EventStreamRetry,
                    event_stream::FactKind::NulInId => I::EventStreamId,
                    event_stream::FactKind::InvalidUtf8 => I::EventStreamUtf8,
                    _ => I::EventStreamFields,
                };
                watch.breach(invariant, now, format!("the line {}", shown(&line.content)));
            }
            match line.kind() {
                LineKind::Blank => self.block = 0,
                LineKind::Comment(_) => out.push_back(Arrival { at: now, item: Item::Comment }),
                LineKind::Field { name, value, .. } => {
                    if !matches!(name, b"event" | b"id" | b"retry") {
                        self.first.get_or_insert_with(|| (now, line.content.clone()));
                    }
                    self.block += line.content.len() + 1;
                    let seen = || format!("the line {}", shown(&line.content));
                    match name {
                        b"retry" => {
                            watch.relevant(&[I::EventStreamRetry, I::EventStreamHurry]);
                            if hurries(value) {
                                watch.breach(I::EventStreamHurry, now, seen());
                            }
                        }
                        b"id" => {
                            watch.relevant(&[I::EventStreamId, I::EventStreamIdKept]);
                            if value.is_empty() && !self.interpreter.last_event_id().is_empty() {
                                watch.breach(I::EventStreamIdKept, now, seen());
                            }
                        }
                        _ => {}
                    }
                }
            }
            let before = self.interpreter.last_event_id().to_owned();
            let event = self.interpreter.line(&line);
            if self.interpreter.last_event_id() != before {
                self.resume_point = Some(self.interpreter.last_event_id().to_owned());
            }
            if let Some(event) = event {
                self.resume_point = None;
                self.dispatched = true;
                let id = Some(event.last_event_id).filter(|id| !id.is_empty());
                let message =
                    Message { data: event.data.into_bytes(), binary: false, id, event: Some(event.kind) };
                out.push_back(Arrival { at: now, item: Item::Message(message) });
            }
        }
    }

    fn finish(&mut self, now: Duration, ending: Ending, watch: &mut Watch) {
        let invariant = match ending {
            Ending::Framed => Invariant::EventStreamBoundary,
            Ending::WithConnection => Invariant::EventStreamLastEvent,
            Ending::CutOff => return,
        };
        watch.relevant(&[invariant]);
        if self.block > 0 || self.lines.finish().is_some() {
            watch.breach(invariant, now, "the stream ends in the middle of an event");
        }
    }
}
