//! Faults of event streams.

use std::time::Duration;

use super::answer::encoded_twice;
use super::fields;
use super::pieces::Piece;
use super::request::{Refusal, Request};
use super::stream::{Editor, EndsAfterNews, EndsWithoutNews, Late, Output, Overtaking};
use super::{Edit, Fault};

pub(super) const fn fault(name: &'static str, summary: &'static str, edits: &'static [Edit]) -> Fault {
    Fault { name, technique: "sse", summary, edits }
}

/// Stands for a carriage return while the server handles the text.
const HIDDEN_RETURN: &str = "\u{e000}";

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
        "blank-line-comes-with-the-next-event",
        "Ends an event when the next one begins.",
        &[Edit::Event(|_request, event| {
            let mut bytes = event.encode();
            if event.lines == [b"id: 1".to_vec(), b"data: one".to_vec()] {
                bytes.pop();
            }
            bytes
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
        "event-name-is-dropped",
        "Leaves the name of an event out.",
        &[Edit::Event(|_request, mut event| {
            event.lines.retain(|line| !line.starts_with(b"event:"));
            event.encode()
        })],
    ),
    fault(
        "field-is-cut-at-its-second-colon",
        "Loses what is behind a colon in the value of a field.",
        &[Edit::Event(|_request, mut event| {
            for line in event.lines.iter_mut().filter(|line| !line.starts_with(b"data:")) {
                let parts: Vec<&[u8]> = line.split(|&byte| byte == b':').take(2).collect();
                *line = parts.join(&b':');
            }
            event.encode()
        })],
    ),
    fault(
        "published-id-is-replaced",
        "Numbers the events itself where whoever publishes has named them.",
        &[Edit::Event(|request, mut event| {
            // The reference server counts; an id ahead of the count was published.
            let own = |id: &[u8]| {
                let count = str::from_utf8(id).ok().and_then(|id| id.parse::<u64>().ok());
                count.is_some_and(|count| count <= request.published())
            };
            for line in &mut event.lines {
                if line.strip_prefix(b"id: ").is_some_and(|id| !own(id)) {
                    *line = b"id: 1".to_vec();
                }
            }
            event.encode()
        })],
    ),
    fault(
        "no-space-after-the-colon",
        "Writes no space after the colon, and the client takes the first one of the text.",
        &[Edit::Event(|_request, event| {
            String::from_utf8_lossy(&event.encode()).replace("data: ", "data:").into_bytes()
        })],
    ),
    fault(
        "text-is-taken-for-fields",
        "Writes text that looks like a field as it is.",
        &[Edit::Event(|_request, mut event| {
            let looks = |text: &[u8]| {
                text == b"data"
                    || [&b"data:"[..], b"id:", b"event:", b"retry:", b":"]
                        .iter()
                        .any(|name| text.starts_with(name))
            };
            if event.height() == 1 {
                for line in &mut event.lines {
                    if let Some(text) = line.strip_prefix(b"data: ").filter(|text| looks(text)) {
                        *line = text.to_vec();
                    }
                }
            }
            event.encode()
        })],
    ),
    fault(
        "one-data-field-for-all-lines",
        "Writes line feeds of the text as they are.",
        &[Edit::Event(|_request, mut event| {
            let mut first = true;
            for line in &mut event.lines {
                if let Some(text) = line.strip_prefix(b"data: ") {
                    if !first {
                        *line = text.to_vec();
                    }
                    first = false;
                }
            }
            event.encode()
        })],
    ),
    fault(
        "last-empty-line-is-dropped",
        "Loses a line feed at the end of the text.",
        &[Edit::Event(|_request, mut event| {
            if event.height() > 1 && event.lines.last().is_some_and(|line| line == b"data: ") {
                event.lines.pop();
            }
            event.encode()
        })],
    ),
    fault(
        "first-empty-line-is-dropped",
        "Loses a line feed at the beginning of the text.",
        &[Edit::Event(|_request, mut event| {
            let first = event.lines.iter().position(|line| line.starts_with(b"data:"));
            if let Some(first) =
                first.filter(|_| event.height() > 1).filter(|&first| event.lines[first] == b"data: ")
            {
                event.lines.remove(first);
            }
            event.encode()
        })],
    ),
    fault(
        "carriage-return-is-no-line-end",
        "Writes carriage returns of the text as they are.",
        &[
            Edit::Request(|request| {
                if request.publishes() && request.has_listener("sse") {
                    request.edit_publication(|text| text.replace('\r', HIDDEN_RETURN));
                }
            }),
            Edit::Event(|_request, event| {
                let text = String::from_utf8_lossy(&event.encode()).into_owned();
                let crlf = format!("{HIDDEN_RETURN}\ndata: ");
                text.replace(&crlf, "\r\n").replace(HIDDEN_RETURN, "\r").into_bytes()
            }),
        ],
    ),
    fault(
        "carriage-returns-are-taken-out",
        "Takes carriage returns out of the text, with the line feeds behind them.",
        &[Edit::Request(|request| {
            if request.publishes() && request.has_listener("sse") {
                request.edit_publication(|text| text.replace("\r\n", "").replace('\r', ""));
            }
        })],
    ),
    fault(
        "lines-end-where-unicode-ends-them",
        "Takes every line break of Unicode for a line feed.",
        &[Edit::Event(|_request, event| {
            let text = String::from_utf8_lossy(&event.text()).into_owned();
            let lines = text.replace(['\u{2028}', '\u{2029}', '\u{85}', '\u{b}', '\u{c}', '\u{1c}'], "\n");
            event.with_text(lines.as_bytes()).encode()
        })],
    ),
    fault(
        "events-are-encoded-twice",
        "Takes UTF-8 for Latin-1 and encodes it again.",
        &[Edit::Event(|_request, event| {
            let text = event.text();
            event.with_text(&encoded_twice(&text)).encode()
        })],
    ),
    fault(
        "byte-order-marks-are-stripped",
        "Takes U+FEFF out of the text wherever it stands.",
        &[Edit::Event(|_request, event| {
            String::from_utf8_lossy(&event.encode()).replace('\u{feff}', "").into_bytes()
        })],
    ),
    fault(
        "text-ends-at-nul",
        "Keeps text in strings that end at NUL.",
        &[Edit::Event(|_request, event| {
            let text = event.text();
            let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
            event.with_text(&text[..end]).encode()
        })],
    ),
    fault(
        "empty-event-is-not-sent",
        "Sends nothing for a message without text.",
        &[Edit::Event(|_request, event| if event.text().is_empty() { Vec::new() } else { event.encode() })],
    ),
    fault(
        "large-event-becomes-several",
        "Splits text that does not fit its buffer into several events.",
        &[Edit::Event(|_request, event| {
            let text = event.text();
            if text.len() <= 16 * 1024 {
                return event.encode();
            }
            text.chunks(16 * 1024).flat_map(|part| event.clone().with_text(part).encode()).collect()
        })],
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
        "comment-in-latin-1",
        "Writes comments in another encoding than the rest.",
        &[Edit::Event(|_request, event| [b": caf\xe9\n".to_vec(), event.encode()].concat())],
    ),
    fault(
        "field-with-a-capital",
        "Writes a field whose name no client knows.",
        &[Edit::Event(|_request, event| [b"Event: message\n".to_vec(), event.encode()].concat())],
    ),
    fault(
        "retry-with-a-unit",
        "Writes the reconnection time with its unit.",
        &[Edit::Event(|_request, event| [b"retry: 3s\n".to_vec(), event.encode()].concat())],
    ),
    fault(
        "id-with-nul",
        "Writes an identifier with the NUL that ends it in memory.",
        &[Edit::Event(|_request, event| [b"id: 0\0\n".to_vec(), event.encode()].concat())],
    ),
    fault(
        "stream-ends-within-an-event",
        "Ends a stream in order, but in the middle of the event after a named one.",
        &[Edit::Stream(|request| opens(request).then(|| Box::new(EndsWithinAnEvent) as Box<dyn Editor>))],
    ),
];

pub(super) fn opens(request: &Request) -> bool {
    request.gets("sse")
}

pub(super) fn resumes(request: &Request) -> bool {
    opens(request) && request.names("Last-Event-ID")
}

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
