//! Faults of how a stream opens, goes on, is resumed and ends.

use std::time::Duration;

use super::super::fields;
use super::super::pieces::Piece;
use super::super::request::Refusal;
use super::super::stream::{Editor, EndsAfterNews, EndsWithoutNews, Late, Output, Overtaking};
use super::super::{Edit, Fault};
use super::{fault, opens, resumes};

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
