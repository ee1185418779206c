//! Faults of how a stream opens, goes on, is resumed and ends.

use std::time::Duration;

use super::{fault, opens, resumes};
use crate::fields;
use crate::pieces::Piece;
use crate::request::Refusal;
use crate::stream::{Editor, EndsAfterNews, EndsWithoutNews, Late, Output, Overtaking};
use crate::{Edit, Fault};

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "stream-opens-with-202",
        "Accepts the request for a stream, and says no more than that.",
        &[Edit::Answer(|request, answer| {
            if opens(request) && answer.status() == 200 {
                answer.set_status("202 Accepted");
            }
        })],
    ),
    fault(
        "stream-as-plain-text",
        "Sends event streams as text/plain.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::set(&mut answer.head, "Content-Type", "text/plain");
            }
        })],
    ),
    fault(
        "head-waits-for-the-first-event",
        "Keeps the head of a stream back until there is something to send.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                answer.delay = Duration::from_secs(2);
            }
        })],
    ),
    fault(
        "stream-ends-without-news",
        "Ends a stream when there is nothing to send.",
        &[Edit::Stream(|request| {
            let fresh = opens(request) && !request.names("Last-Event-ID");
            fresh.then(|| Box::new(EndsWithoutNews(Duration::from_millis(150))) as Box<dyn Editor>)
        })],
    ),
    fault(
        "stream-ends-after-news",
        "Ends a stream with the event that it was waiting for.",
        &[Edit::Stream(|request| {
            let fresh = opens(request) && !request.names("Last-Event-ID");
            fresh.then(|| Box::new(EndsAfterNews(Duration::from_millis(150))) as Box<dyn Editor>)
        })],
    ),
    fault(
        "stream-with-a-length",
        "Gives an event stream a length that it does not have.",
        &[Edit::Answer(|request, answer| {
            if opens(request) && answer.head.lists("Transfer-Encoding", "chunked") {
                fields::remove(&mut answer.head, "Transfer-Encoding");
                fields::add(&mut answer.head, "Content-Length", "1000000");
            }
        })],
    ),
    fault(
        "stream-from-a-cache",
        "Lets caches keep an event stream.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::set(&mut answer.head, "Cache-Control", "max-age=60");
            }
        })],
    ),
    fault(
        "stream-wants-accept",
        "Answers 406 to a client that asks for fresh events without an Accept field.",
        &[Edit::Refusal(|request| {
            let asks = opens(request) && request.names("Cache-Control") && !request.names("Accept");
            asks.then_some(Refusal(406, "Not Acceptable"))
        })],
    ),
    fault(
        "accept-is-compared-bytewise",
        "Answers 406 to an Accept field that is not text/event-stream to the letter.",
        &[Edit::Refusal(|request| {
            let other = request.field("Accept").is_some_and(|types| types != "text/event-stream");
            (opens(request) && request.names("Host") && other).then_some(Refusal(406, "Not Acceptable"))
        })],
    ),
    fault(
        "one-stream-a-channel",
        "Sends each event to the first of those who listen.",
        &[Edit::Event(|request, event| {
            let second = request.earlier > 0 && !request.names("Last-Event-ID");
            if second { Vec::new() } else { event.encode() }
        })],
    ),
    fault(
        "last-event-id-is-not-read",
        "Begins each stream with what is published from now on.",
        &[Edit::Request(|request| {
            if request.field("Last-Event-ID").is_some_and(|id| id.parse::<u32>().is_ok()) {
                fields::remove(&mut request.head, "Last-Event-ID");
            }
        })],
    ),
    fault(
        "resume-ends-with-what-was-missed",
        "Sends what was missed, and ends the stream there.",
        &[Edit::Stream(|request| {
            let last = request.published().to_string();
            resumes(request).then(|| Box::new(EndsWith { last }) as Box<dyn Editor>)
        })],
    ),
    fault(
        "resume-repeats-the-last-event",
        "Begins with the last event that the client had, and not after it.",
        &[Edit::Request(|request| {
            let id = request.field("Last-Event-ID").and_then(|id| id.parse::<u32>().ok());
            if let Some(before) = id.and_then(|id| id.checked_sub(1)) {
                fields::set(&mut request.head, "Last-Event-ID", &before.to_string());
            }
        })],
    ),
    fault(
        "last-event-id-must-be-a-number",
        "Answers 400 to a Last-Event-ID that is no number of its own.",
        &[Edit::Refusal(|request| {
            let number = |id: String| id.parse::<u64>().is_ok();
            let other = request.field("Last-Event-ID").is_some_and(|id| !number(id));
            other.then_some(Refusal(400, "Bad Request"))
        })],
    ),
    fault(
        "events-are-flushed-late",
        "Keeps events in a buffer for a second and a half.",
        &[Edit::Stream(|request| {
            opens(request).then(|| Box::new(Late(Duration::from_millis(1500))) as Box<dyn Editor>)
        })],
    ),
    fault(
        "events-overtake-each-other",
        "Sends events in the order in which threads come to it.",
        &[Edit::Stream(|request| opens(request).then(|| Box::<Overtaking>::default() as Box<dyn Editor>))],
    ),
    fault(
        "no-heartbeat",
        "Sends nothing as long as nothing is published.",
        &[Edit::Stream(|request| opens(request).then(|| Box::new(NoComments) as Box<dyn Editor>))],
    ),
    fault(
        "heartbeat-is-an-event",
        "Keeps streams alive with events that have a name and nothing to say.",
        &[Edit::Stream(|request| {
            opens(request).then(|| Box::new(HeartbeatsAre(b"event: ping\ndata\n\n")) as Box<dyn Editor>)
        })],
    ),
    fault(
        "heartbeat-resets-the-id",
        "Keeps streams alive with events that have an empty identifier.",
        &[Edit::Stream(|request| {
            opens(request).then(|| Box::new(HeartbeatsAre(b"id\nevent: ping\ndata\n\n")) as Box<dyn Editor>)
        })],
    ),
    fault(
        "stream-that-is-over-opens",
        "Opens a stream to those who come back for one that is over.",
        &[Edit::Request(|request| {
            if opens(request) && request.parameter("limit").as_deref() == Some("0") {
                request.set_parameter("limit", "1");
            }
        })],
    ),
    fault(
        "redirection-without-a-place",
        "Says that a stream has moved, and not where to.",
        &[Edit::Answer(|request, answer| {
            if opens(request) && (300..400).contains(&answer.status()) {
                fields::remove(&mut answer.head, "Location");
            }
        })],
    ),
    fault(
        "last-event-lacks-its-blank-line",
        "Writes the blank line of an event before the next one, and none after the last.",
        &[Edit::Event(|request, event| {
            let mut bytes = event.encode();
            if request.parameter("limit").is_some() {
                bytes.pop();
            }
            bytes
        })],
    ),
    fault(
        "stream-subscribes-after-the-head",
        "Sends the head of a stream, and then gets ready for events.",
        &[Edit::Stream(|request| {
            (opens(request) && !request.names("Last-Event-ID"))
                .then(|| Box::<GetsReady>::default() as Box<dyn Editor>)
        })],
    ),
    fault(
        "channels-are-told-by-their-beginning",
        "Opens the stream of a channel whose name is the beginning of the one that was asked for.",
        &[Edit::Request(|request| {
            if opens(request) && request.channel().ends_with("-other") {
                let target = request.target().replacen("-other", "", 1);
                request.set_target(&target);
            }
        })],
    ),
    fault(
        "slow-reader-misses-what-does-not-fit",
        "Has room for some mebibytes for each client, and drops what comes when it is full.",
        &[Edit::Stream(|request| {
            opens(request).then(|| Box::new(Full { left: ROOM, cuts: false }) as Box<dyn Editor>)
        })],
    ),
    fault(
        "heartbeat-cuts-an-event",
        "Writes a heartbeat into the event that waits for a slow client.",
        &[Edit::Stream(|request| {
            opens(request).then(|| Box::new(Full { left: ROOM, cuts: true }) as Box<dyn Editor>)
        })],
    ),
    fault(
        "stream-is-labelled-latin-1",
        "Labels an event stream with a charset other than UTF-8.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::set(&mut answer.head, "Content-Type", "text/event-stream; charset=iso-8859-1");
            }
        })],
    ),
    fault(
        "stream-ends-within-an-event",
        "Ends a stream in order, but in the middle of the event after a named one.",
        &[Edit::Stream(|request| opens(request).then(|| Box::new(EndsWithinAnEvent) as Box<dyn Editor>))],
    ),
];

/// Ends the stream with the event of this id.
#[derive(Debug)]
struct EndsWith {
    last: String,
}

impl Editor for EndsWith {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        out.pass(&piece);
        if matches!(&piece, Piece::Event(event) if event.values("id") == [self.last.as_bytes()]) {
            out.end();
        }
    }
}

#[derive(Debug)]
struct NoComments;

impl Editor for NoComments {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        if !piece.encode().starts_with(b":") {
            out.pass(&piece);
        }
    }
}

/// Sends this instead of each comment.
#[derive(Debug)]
struct HeartbeatsAre(&'static [u8]);

impl Editor for HeartbeatsAre {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        if piece.encode() == b":\n" {
            return out.data(self.0);
        }
        out.pass(&piece);
    }
}

/// Loses the messages that come right behind the head.
#[derive(Debug, Default)]
struct GetsReady {
    ready: bool,
}

impl GetsReady {
    /// Less than the time that the suite lets a server settle unless a case wants otherwise.
    const TIME: Duration = Duration::from_millis(18);
}

impl Editor for GetsReady {
    fn opened(&mut self, out: &mut Output) {
        out.wake_in(Self::TIME);
    }

    fn piece(&mut self, piece: Piece, out: &mut Output) {
        if self.ready || !piece.is_message() {
            out.pass(&piece);
        }
    }

    fn woken(&mut self, _out: &mut Output) {
        self.ready = true;
    }
}

/// How much a client may leave unread: more than any case gives to one that reads.
const ROOM: usize = 11 * 512 * 1024;

/// Drops the events for which there is no room, or cuts them with a heartbeat.
#[derive(Debug)]
struct Full {
    left: usize,
    cuts: bool,
}

impl Editor for Full {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        let bytes = piece.encode();
        match self.left.checked_sub(bytes.len()) {
            Some(left) => {
                self.left = left;
                out.data(bytes);
            }
            None if self.cuts => {
                let (first, second) = bytes.split_at(bytes.len() / 2);
                out.data([first, b"\n:\n\n", second].concat());
            }
            None => {}
        }
    }
}

#[derive(Debug)]
struct EndsWithinAnEvent;

impl Editor for EndsWithinAnEvent {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        let named = matches!(&piece, Piece::Event(event) if !event.values("event").is_empty());
        if named {
            out.data([piece.encode(), b"data: the rest is mi".to_vec()].concat());
            return out.end();
        }
        out.pass(&piece);
    }
}
