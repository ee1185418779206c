//! Faults of event streams: how they are opened, what their heads say, and how clients come back.

use std::time::Duration;

use super::{fault, opens, resumes};
use crate::fields::{self, is_named};
use crate::pieces::Piece;
use crate::request::{Refusal, Request};
use crate::stream::{Editor, EndsWithoutNews, Output};
use crate::{Edit, Fault};

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "stream-has-an-entity-tag",
        "html-sse/17.6/no-validators",
        "Gives an event stream an entity tag, as it does with every answer.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::add(&mut answer.head, "ETag", "W/\"0-2jmj7l5rSw0yVb\"");
            }
        })],
    ),
    fault(
        "stream-has-a-date-of-modification",
        "html-sse/17.6/no-validators",
        "Says of an event stream when it was last modified.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::add(&mut answer.head, "Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT");
            }
        })],
    ),
    fault(
        "stream-has-an-age",
        "rfc9111/5.1/age-is-of-caches",
        "Serves a stream through a cache of its own.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::add(&mut answer.head, "Age", "7");
            }
        })],
    ),
    fault(
        "stream-in-chunks-has-a-length",
        "rfc9112/6.2/length-with-coding",
        "Gives a stream in chunks a length as well, so that it is not cut off too soon.",
        &[Edit::Answer(|request, answer| {
            if opens(request) && answer.head.lists("Transfer-Encoding", "chunked") {
                fields::add(&mut answer.head, "Content-Length", "100000000");
            }
        })],
    ),
    fault(
        "stream-may-be-transformed",
        "rfc9111/5.2.2.6/no-transform",
        "Lets proxies compress an event stream.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::set(&mut answer.head, "Cache-Control", "no-store");
            }
        })],
    ),
    fault(
        "origins-in-a-list",
        "fetch-cors/http-responses/others-not",
        "Names all origins that it allows in one field.",
        &[Edit::Answer(|request, answer| {
            if opens(request) && request.names("Origin") {
                fields::set(
                    &mut answer.head,
                    "Access-Control-Allow-Origin",
                    "http://a.example, http://b.example",
                );
            }
        })],
    ),
    fault(
        "no-origin-is-allowed",
        "fetch-cors/http-responses/allowed-origin",
        "Allows no page of another origin to read a stream.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::remove(&mut answer.head, "Access-Control-Allow-Origin");
            }
        })],
    ),
    fault(
        "origin-is-forgotten-on-resume",
        "fetch-cors/http-responses/allowed-origin",
        "Allows an origin with the first request alone.",
        &[Edit::Answer(|request, answer| {
            if resumes(request) {
                fields::remove(&mut answer.head, "Access-Control-Allow-Origin");
            }
        })],
    ),
    fault(
        "star-for-credentials",
        "fetch-cors/cors-protocol-and-credentials/by-name",
        "Allows all origins with a star, also to pages that send credentials.",
        &[Edit::Answer(|request, answer| {
            if opens(request) && request.names("Origin") {
                fields::set(&mut answer.head, "Access-Control-Allow-Origin", "*");
            }
        })],
    ),
    fault(
        "vary-is-left-out",
        "fetch-cors/cors-protocol-and-http-caches/vary",
        "Answers one origin other than another and does not say so.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::remove(&mut answer.head, "Vary");
            }
        })],
    ),
    fault(
        "preflight-knows-no-last-event-id",
        "fetch-cors/cors-preflight-fetch/answer",
        "Allows pages of other origins the fields of its own API and no others.",
        &[Edit::Answer(|request, answer| {
            if request.technique() == "sse" && request.method() == "OPTIONS" {
                fields::set(&mut answer.head, "Access-Control-Allow-Headers", "Content-Type, Authorization");
            }
        })],
    ),
    fault(
        "refusal-starts-from-a-clean-answer",
        "fetch-cors/http-responses/refusals",
        "Drops with an error all fields that were set before it.",
        &[Edit::Answer(|request, answer| {
            if request.technique() == "sse" && answer.status() >= 400 {
                fields::remove(&mut answer.head, "Access-Control-Allow-Origin");
            }
        })],
    ),
    fault(
        "refused-method-without-allow",
        "rfc9110/15.5.6/allow",
        "Refuses a method and does not say which are allowed.",
        &[Edit::Answer(|request, answer| {
            if request.technique() == "sse" && answer.status() == 405 {
                fields::remove(&mut answer.head, "Allow");
            }
        })],
    ),
    fault(
        "head-of-a-stream-has-a-type-of-its-own",
        "rfc9110/9.3.2/head-like-get",
        "Answers HEAD for a stream by a handler that knows nothing of streams.",
        &[Edit::Answer(|request, answer| {
            if request.technique() == "sse" && request.method() == "HEAD" {
                fields::set(&mut answer.head, "Content-Type", "text/html");
            }
        })],
    ),
    fault(
        "every-method-opens-the-stream",
        "html-sse/9.2.3/refusal-is-not-200",
        "Binds the stream to a path and looks at no method.",
        &[Edit::Request(|request| {
            if request.technique() == "sse"
                && !matches!(request.method().as_str(), "GET" | "HEAD" | "OPTIONS")
            {
                request.set_method("GET");
            }
        })],
    ),
    fault(
        "identity-is-a-coding",
        "rfc9110/8.4/identity-is-not-named",
        "Names identity for the coding of a stream that has none.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::add(&mut answer.head, "Content-Encoding", "identity");
            }
        })],
    ),
    fault(
        "compression-holds-the-head",
        "html-sse/9.2.3/head-before-first-event",
        "Decides about compression, and with it about the head, when the first event comes.",
        &[Edit::Answer(|request, answer| {
            if opens(request) && offers(request) {
                answer.delay = Duration::from_secs(2);
            }
        })],
    ),
    fault(
        "compression-holds-events",
        "html-sse/9.2.6/at-once",
        "Compresses streams and writes when its window is full.",
        &[Edit::Stream(|request| {
            let compresses = opens(request) && offers(request);
            compresses.then(|| Box::<HeldBack>::default() as Box<dyn Editor>)
        })],
    ),
    fault(
        "gzip-for-those-who-take-none",
        "rfc9110/12.5.3/no-coding-unasked",
        "Compresses with gzip where the client asks for no coding.",
        &[Edit::Answer(|request, answer| {
            if opens(request) && request.field("Accept-Encoding").as_deref() == Some("identity") {
                fields::add(&mut answer.head, "Content-Encoding", "gzip");
            }
        })],
    ),
    fault(
        "gzip-whatever-is-asked",
        "rfc9110/12.5.3/coding-among-those-asked",
        "Compresses with gzip where the client does not take it.",
        &[Edit::Answer(|request, answer| {
            if opens(request) && offers(request) && !takes(request, "gzip") {
                fields::add(&mut answer.head, "Content-Encoding", "gzip");
            }
        })],
    ),
    fault(
        "brotli-whatever-is-asked",
        "rfc9110/12.5.3/coding-among-those-asked",
        "Compresses with Brotli where the client does not take it.",
        &[Edit::Answer(|request, answer| {
            if opens(request) && offers(request) && !takes(request, "br") {
                fields::add(&mut answer.head, "Content-Encoding", "br");
            }
        })],
    ),
    fault(
        "http-1.0-waits-for-the-whole",
        "html-sse/9.2.7/chunks-are-no-events",
        "Writes to a client of HTTP/1.0 when the answer is complete, which it never is.",
        &[Edit::Event(
            |request, event| if request.version() == "HTTP/1.0" { Vec::new() } else { event.encode() },
        )],
    ),
    fault(
        "close-ends-the-stream",
        "html-sse/17.6/open-ended",
        "Ends a stream as soon as it can where the client asks to close.",
        &[Edit::Stream(|request| {
            let closes = opens(request) && request.head.lists("Connection", "close");
            closes.then(|| Box::new(EndsWithoutNews(Duration::from_millis(100))) as Box<dyn Editor>)
        })],
    ),
    fault(
        "streams-for-navigations-only",
        "html-sse/9.2.2/browsers-fields",
        "Takes a request with the fields of a browser for one of an attack unless a page was opened.",
        &[Edit::Refusal(|request| {
            let other = request.field("Sec-Fetch-Dest").is_some_and(|dest| dest != "document");
            (opens(request) && other).then_some(Refusal(403, "Forbidden"))
        })],
    ),
    fault(
        "ten-streams-at-most",
        "html-sse/9.2.3/many-streams",
        "Has ten threads for streams, and none for the eleventh.",
        &[Edit::Refusal(|request| {
            (opens(request) && request.earlier >= 10).then_some(Refusal(500, "Internal Server Error"))
        })],
    ),
    fault(
        "streams-that-ended-are-counted",
        "html-sse/9.2.3/comes-back",
        "Counts the streams that were opened and not those that ended.",
        &[Edit::Refusal(|request| {
            (opens(request) && request.earlier >= 30).then_some(Refusal(500, "Internal Server Error"))
        })],
    ),
    fault(
        "events-come-again",
        "html-sse/9.2.3/every-subscriber",
        "Sends an event a second time a moment later.",
        &[Edit::Stream(|request| opens(request).then(|| Box::<Again>::default() as Box<dyn Editor>))],
    ),
    fault(
        "last-event-id-is-made-a-number",
        "html-sse/9.2.4/value-is-utf-8",
        "Reads the identifier as a number, and looks for that.",
        &[Edit::Request(|request| {
            if let Some(id) = request.field("Last-Event-ID").and_then(|id| id.parse::<u64>().ok()) {
                fields::set(&mut request.head, "Last-Event-ID", &id.to_string());
            }
        })],
    ),
    fault(
        "last-event-id-in-one-spelling",
        "rfc9110/5.1/names-in-any-case",
        "Looks for the field in the spelling of the standard alone.",
        &[Edit::Request(|request| {
            let spelled = |content: &[u8]| {
                content.strip_prefix(b"Last-Event-ID: ").is_some_and(|id| id != id.trim_ascii_start())
            };
            for line in &mut request.head.lines {
                let other = !line.content.starts_with(b"Last-Event-ID: ") || spelled(&line.content);
                if is_named(line, "Last-Event-ID") && other {
                    line.content.splice(..0, *b"X-");
                }
            }
        })],
    ),
    fault(
        "missed-events-are-written-otherwise",
        "html-sse/9.2.4/replayed-as-they-were",
        "Writes what was missed by other code, which knows no names, lines and spaces.",
        &[Edit::Event(|request, mut event| {
            if !resumes(request) {
                return event.encode();
            }
            event.lines.retain(|line| !line.starts_with(b"event:"));
            let text = event.text();
            event.lines.retain(|line| !line.starts_with(b"data:"));
            event.lines.push([b"data:", &*text].concat());
            event.encode()
        })],
    ),
    fault(
        "odd-identifier-is-an-error-of-the-server",
        "rfc9110/15.5/client-errors",
        "Answers 500 where an identifier is not what it expects.",
        &[Edit::Refusal(|request| {
            let values: Vec<_> = request.head.values("Last-Event-ID").collect();
            let odd = |id: &[u8]| id.len() > 4000 || id.contains(&0) || str::from_utf8(id).is_err();
            let refused = values.len() > 1 || values.iter().any(|id| odd(id));
            refused.then_some(Refusal(500, "Internal Server Error"))
        })],
    ),
];

/// Whether the client offers codings, as browsers do; the suite itself asks for none.
fn offers(request: &Request) -> bool {
    request.field("Accept-Encoding").is_some_and(|codings| codings != "identity")
}

/// Whether the client lists a coding, and does not refuse it with a weight.
fn takes(request: &Request, coding: &str) -> bool {
    request
        .field("Accept-Encoding")
        .is_some_and(|codings| codings.split(',').any(|listed| listed.trim() == coding))
}

/// Lets as many bytes go with the first message as the header of gzip has, and waits with all others for more than a
/// client that looks at events publishes.
#[derive(Debug, Default)]
struct HeldBack {
    held: Vec<u8>,
    begun: bool,
}

impl HeldBack {
    /// The fixed part of the header (RFC 1952 section 2.3).
    const HEADER: usize = 10;
    /// What deflate looks back on (RFC 1951 section 2).
    const WINDOW: usize = 32 * 1024;
}

impl Editor for HeldBack {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        self.held.extend(piece.encode());
        if piece.is_message() && !self.begun {
            self.begun = true;
            let header = Self::HEADER.min(self.held.len());
            out.data(self.held.drain(..header).collect::<Vec<_>>());
        }
        if self.held.len() > Self::WINDOW {
            out.data(std::mem::take(&mut self.held));
        }
    }
}

/// Sends the last event again when nothing has followed it for a moment.
#[derive(Debug, Default)]
struct Again(Option<Piece>);

impl Editor for Again {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        out.pass(&piece);
        if piece.is_message() {
            self.0 = Some(piece);
            out.wake_in(Duration::from_millis(80));
        }
    }

    fn woken(&mut self, out: &mut Output) {
        if let Some(piece) = self.0.take() {
            out.pass(&piece);
        }
    }
}
