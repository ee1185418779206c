//! Faults of how a stream opens, goes on, is resumed and ends.

use std::time::Duration;

use super::events::ended_by_the_next;
use super::{fault, opens, resumes};
use crate::answer::Answer;
use crate::fields;
use crate::pieces::Piece;
use crate::request::{Refusal, Request};
use crate::stream::{Editor, EndsAfterNews, EndsWithoutNews, Late, Output, Overtaking};
use crate::{Edit, Fault};

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "stream-opens-with-202",
        "html-sse/9.2.3/status-200",
        "Accepts the request for a stream, and says no more than that.",
        &[Edit::Answer(|request, answer| {
            if opens(request) && answer.status() == 200 {
                answer.set_status("202 Accepted");
            }
        })],
    ),
    fault(
        "stream-as-plain-text",
        "html-sse/9.2.3/content-type",
        "Sends event streams as text/plain.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::set(&mut answer.head, "Content-Type", "text/plain");
            }
        })],
    ),
    fault(
        "head-waits-for-the-first-event",
        "html-sse/9.2.3/head-before-first-event",
        "Keeps the head of a stream back until there is something to send.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                answer.delay = Duration::from_secs(2);
            }
        })],
    ),
    fault(
        "stream-ends-without-news",
        "html-sse/17.6/open-ended",
        "Ends a stream when there is nothing to send.",
        &[Edit::Stream(|request| {
            opens(request).then(|| Box::new(EndsWithoutNews(Duration::from_millis(150))) as Box<dyn Editor>)
        })],
    ),
    fault(
        "stream-ends-after-news",
        "html-sse/17.6/open-ended",
        "Ends a stream with the event that it was waiting for.",
        &[Edit::Stream(|request| {
            opens(request).then(|| Box::new(EndsAfterNews(Duration::from_millis(150))) as Box<dyn Editor>)
        })],
    ),
    fault(
        "stream-with-a-length",
        "html-sse/9.2.5/whole-events",
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
        "html-sse/9.2.2/not-from-a-cache",
        "Lets caches keep an event stream.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::set(&mut answer.head, "Cache-Control", "max-age=60");
            }
        })],
    ),
    fault(
        "stream-wants-accept",
        "html-sse/9.2.2/accept-is-optional",
        "Answers 406 to a client that sends no Accept field.",
        &[Edit::Refusal(|request| {
            (opens(request) && !request.names("Accept")).then_some(Refusal(406, "Not Acceptable"))
        })],
    ),
    fault(
        "accept-is-compared-bytewise",
        "html-sse/9.2.2/accept-is-optional",
        "Answers 406 to an Accept field that is not text/event-stream to the letter.",
        &[Edit::Refusal(|request| {
            let other = request.field("Accept").is_some_and(|types| types != "text/event-stream");
            (opens(request) && other).then_some(Refusal(406, "Not Acceptable"))
        })],
    ),
    fault(
        "one-stream-a-channel",
        "html-sse/9.2.3/every-subscriber",
        "Sends each event to the first of those who listen.",
        &[Edit::Event(|request, event| if request.earlier > 0 { Vec::new() } else { event.encode() })],
    ),
    fault(
        "last-event-id-is-not-read",
        "html-sse/9.2.4/resumes",
        "Begins each stream with what is published from now on.",
        &[Edit::Request(|request| {
            if request.field("Last-Event-ID").is_some_and(|id| id.parse::<u32>().is_ok()) {
                fields::remove(&mut request.head, "Last-Event-ID");
            }
        })],
    ),
    fault(
        "resume-ends-with-what-was-missed",
        "html-sse/9.2.4/resumes",
        "Sends what was missed, and ends the stream there.",
        &[Edit::Stream(|request| {
            let last = request.published().to_string();
            resumes(request).then(|| Box::new(EndsWith { last }) as Box<dyn Editor>)
        })],
    ),
    fault(
        "resume-repeats-the-last-event",
        "html-sse/9.2.4/repeats-nothing",
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
        "html-sse/9.2.4/any-value-opens",
        "Answers 400 to a Last-Event-ID that is no number of its own.",
        &[Edit::Refusal(|request| {
            let number = |id: String| id.parse::<u64>().is_ok();
            let other = request.field("Last-Event-ID").is_some_and(|id| !number(id));
            other.then_some(Refusal(400, "Bad Request"))
        })],
    ),
    fault(
        "events-are-flushed-late",
        "html-sse/9.2.6/at-once",
        "Keeps events in a buffer for a second and a half.",
        &[Edit::Stream(|request| {
            opens(request).then(|| Box::new(Late(Duration::from_millis(1500))) as Box<dyn Editor>)
        })],
    ),
    fault(
        "events-overtake-each-other",
        "html-sse/9.2.6/in-order",
        "Sends events in the order in which threads come to it.",
        &[Edit::Stream(|request| opens(request).then(|| Box::<Overtaking>::default() as Box<dyn Editor>))],
    ),
    fault(
        "no-heartbeat",
        "html-sse/9.2.7/heartbeat",
        "Sends nothing as long as nothing is published.",
        &[Edit::Stream(|request| opens(request).then(|| Box::new(NoComments) as Box<dyn Editor>))],
    ),
    fault(
        "heartbeat-is-an-event",
        "html-sse/9.2.7/heartbeat-is-a-comment",
        "Keeps streams alive with events that have a name and nothing to say.",
        &[Edit::Stream(|request| {
            opens(request).then(|| Box::new(HeartbeatsAre(b"event: ping\ndata\n\n")) as Box<dyn Editor>)
        })],
    ),
    fault(
        "heartbeat-resets-the-id",
        "html-sse/9.2.6/id-is-not-taken-back",
        "Keeps streams alive with events that have an empty identifier.",
        &[Edit::Stream(|request| {
            opens(request).then(|| Box::new(HeartbeatsAre(b"id\nevent: ping\ndata\n\n")) as Box<dyn Editor>)
        })],
    ),
    fault(
        "stream-that-is-over-opens",
        "html-sse/9.2.1/stop-with-204",
        "Opens a stream to those who come back for one that is over.",
        &[Edit::Request(|request| {
            if opens(request) && request.parameter("limit").as_deref() == Some("0") {
                request.set_parameter("limit", "1");
            }
        })],
    ),
    fault(
        "redirection-without-a-place",
        "html-sse/9.2.1/redirects",
        "Says that a stream has moved, and not where to.",
        &[Edit::Answer(|request, answer| {
            if opens(request) && (300..400).contains(&answer.status()) {
                fields::remove(&mut answer.head, "Location");
            }
        })],
    ),
    fault(
        "last-event-lacks-its-blank-line",
        "html-sse/9.2.5/whole-last-event",
        "Writes the blank line of an event before the next one where a stream is to end, and none after the last.",
        &[Edit::Event(|request, event| {
            if request.parameter("limit").is_some() { ended_by_the_next(&event) } else { event.encode() }
        })],
    ),
    fault(
        "stream-subscribes-after-the-head",
        "html-sse/9.2.3/from-the-head-on",
        "Sends the head of a stream, and then gets ready for events.",
        &[Edit::Stream(|request| opens(request).then(|| Box::<GetsReady>::default() as Box<dyn Editor>))],
    ),
    fault(
        "channels-are-told-by-their-beginning",
        "html-sse/9.2.3/channels-are-apart",
        "Opens the stream of a channel whose name is the beginning of the one that was asked for.",
        &[Edit::Request(|request| {
            if opens(request) && request.channel().ends_with("-other") {
                let target = request.target().replacen("-other", "", 1);
                request.set_target(&target);
            }
        })],
    ),
    fault(
        "head-takes-the-place-of-a-stream",
        "html-sse/9.2.3/head-takes-no-place",
        "Starts a stream for HEAD and throws its content away, until it has no place left.",
        &[Edit::Refusal(|request| {
            let place = format!("heads {}", request.channel());
            if request.method() == "HEAD" && request.technique() == "sse" {
                request.memory.count(&place);
            }
            let full = opens(request) && request.memory.counted(&place) >= 8;
            full.then_some(Refusal(500, "Internal Server Error"))
        })],
    ),
    fault(
        "unknown-identifier-is-looked-for-in-vain",
        "html-sse/9.2.4/goes-on-after-an-unknown-identifier",
        "Opens a stream for an identifier that it does not know, and never finds its place.",
        &[Edit::Event(|request, event| {
            let id = request.field("Last-Event-ID");
            let unknown = id.is_some_and(|id| id.parse::<u32>().is_err());
            if unknown { Vec::new() } else { event.encode() }
        })],
    ),
    fault(
        "one-page-of-what-was-missed",
        "html-sse/9.2.4/resumes",
        "Sends the first twenty of the events that were missed, and goes on with what is new.",
        &[Edit::Event(|request, event| {
            let last = request.field("Last-Event-ID").and_then(|id| id.parse::<u64>().ok());
            let id =
                event.values("id").first().and_then(|id| std::str::from_utf8(id).ok()?.parse::<u64>().ok());
            let beyond = last.zip(id).is_some_and(|(last, id)| id > last + 20);
            if beyond && id < Some(request.published()) { Vec::new() } else { event.encode() }
        })],
    ),
    fault(
        "identifier-is-looked-for-on-one-page",
        "html-sse/9.2.4/resumes",
        "Looks for an identifier among the first twenty events, and sends what is new where it is not there.",
        &[Edit::Request(|request| {
            let id = request.field("Last-Event-ID").and_then(|id| id.parse::<u64>().ok());
            if id.is_some_and(|id| id > 20) {
                fields::remove(&mut request.head, "Last-Event-ID");
            }
        })],
    ),
    fault(
        "what-comes-at-the-seam-is-lost",
        "html-sse/9.2.4/resumes",
        "Sends what was missed, and then gets ready for what is new.",
        &[Edit::Stream(|request| {
            let last = request.published();
            resumes(request).then(|| Box::new(Seam { last, ready: false }) as Box<dyn Editor>)
        })],
    ),
    fault(
        "slow-reader-misses-what-does-not-fit",
        "html-sse/9.2.3/slow-readers",
        "Has room for some mebibytes for each client, and drops what comes when it is full.",
        &[Edit::Stream(|request| {
            opens(request).then(|| Box::new(Full { left: ROOM, cuts: false }) as Box<dyn Editor>)
        })],
    ),
    fault(
        "slow-reader-is-waited-for",
        "html-sse/9.2.3/slow-readers",
        "Waits for the slowest of those who listen before it goes on to the next one.",
        &[Edit::Stream(|request| {
            // Behind so much that the sockets of one who takes nothing are full.
            let behind = opens(request) && request.earlier > 0;
            behind.then(|| Box::<WaitsForTheSlowest>::default() as Box<dyn Editor>)
        })],
    ),
    fault(
        "heartbeat-cuts-an-event",
        "html-sse/9.2.3/slow-readers",
        "Writes a heartbeat into the event that waits for a slow client.",
        &[Edit::Stream(|request| {
            opens(request).then(|| Box::new(Full { left: ROOM, cuts: true }) as Box<dyn Editor>)
        })],
    ),
    fault(
        "gzip-by-name-alone",
        "rfc9110/8.4/content-encoding",
        "Says that a stream is in gzip for those who take it, and sends it as it is.",
        &[Edit::Answer(name_gzip)],
    ),
    fault(
        "gzip-is-flushed-late",
        "html-sse/9.2.6/at-once",
        "Compresses a stream, and keeps the last event in the compressor until the next one.",
        &[
            Edit::Answer(name_gzip),
            Edit::Stream(|request| {
                takes_gzip(request).then(|| Box::<Compressor>::default() as Box<dyn Editor>)
            }),
        ],
    ),
    fault(
        "stream-is-labelled-latin-1",
        "html-sse/17.6/charset",
        "Labels an event stream with a charset other than UTF-8.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::set(&mut answer.head, "Content-Type", "text/event-stream; charset=iso-8859-1");
            }
        })],
    ),
    fault(
        "stream-ends-within-an-event",
        "html-sse/9.2.5/whole-events",
        "Ends a stream in order, but in the middle of an event.",
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

/// Loses what is published while what was missed is sent, and right behind it.
#[derive(Debug)]
struct Seam {
    last: u64,
    ready: bool,
}

impl Editor for Seam {
    fn opened(&mut self, out: &mut Output) {
        out.wake_in(GetsReady::TIME);
    }

    fn piece(&mut self, piece: Piece, out: &mut Output) {
        let is_new = |id: &&[u8]| {
            std::str::from_utf8(id)
                .ok()
                .and_then(|id| id.parse::<u64>().ok())
                .is_some_and(|id| id > self.last)
        };
        let new = matches!(&piece, Piece::Event(event) if event.values("id").iter().any(is_new));
        if self.ready || !new {
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

/// What comes behind five large events waits for one who takes nothing.
#[derive(Debug, Default)]
struct WaitsForTheSlowest {
    large: usize,
}

impl Editor for WaitsForTheSlowest {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        let is_large = piece.encode().len() >= 100_000;
        if self.large >= 5 && !is_large && piece.is_message() {
            out.delay(Duration::from_secs(3));
        }
        self.large += usize::from(is_large);
        out.pass(&piece);
    }
}

fn takes_gzip(request: &Request) -> bool {
    opens(request) && request.field("Accept-Encoding").is_some_and(|codings| codings == "gzip")
}

fn name_gzip(request: &Request, answer: &mut Answer) {
    if takes_gzip(request) && answer.status() == 200 {
        fields::add(&mut answer.head, "Content-Encoding", "gzip");
    }
}

/// A stream in gzip, one event behind: each event brings the one before it.
#[derive(Debug, Default)]
struct Compressor {
    held: Vec<u8>,
}

impl Compressor {
    const HEADER: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03";

    /// Bytes in a block that stores them as they are (RFC 1951 section 3.2.4).
    fn stored(bytes: &[u8]) -> Vec<u8> {
        let block = |bytes: &[u8]| {
            let length = u16::try_from(bytes.len()).unwrap_or_default();
            [&[0], &length.to_le_bytes()[..], &(!length).to_le_bytes(), bytes].concat()
        };
        if bytes.is_empty() { block(bytes) } else { bytes.chunks(60_000).flat_map(block).collect() }
    }
}

impl Editor for Compressor {
    fn opened(&mut self, out: &mut Output) {
        out.data(Self::HEADER);
    }

    fn piece(&mut self, piece: Piece, out: &mut Output) {
        if piece.is_message() {
            out.data(Self::stored(&std::mem::take(&mut self.held)));
        }
        self.held.extend(piece.encode());
    }
}

#[derive(Debug)]
struct EndsWithinAnEvent;

impl Editor for EndsWithinAnEvent {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        if piece.is_message() {
            out.data([piece.encode(), b"data: the rest is mi".to_vec()].concat());
            return out.end();
        }
        out.pass(&piece);
    }
}
