//! Faults in how requests are read and answers are framed, beneath all techniques. Opening handshakes and publications
//! are left alone.

use std::time::Duration;

use pushspec_wire::chunked::{encode_chunk, encode_last};
use pushspec_wire::http1::{Line, LineEnd};

use super::fields;
use super::frames::Read;
use super::pieces::Piece;
use super::request::{Refusal, Request};
use super::stream::{Editor, Output};
use super::{Edit, Fault};

const fn fault(name: &'static str, summary: &'static str, edits: &'static [Edit]) -> Fault {
    Fault { name, technique: "http", summary, edits }
}

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "lines-that-are-no-fields-are-passed-over",
        "Passes over lines of a head that are no fields.",
        &[Edit::Request(|request| {
            fields::retain(&mut request.head, |line| {
                let name =
                    line.content.iter().position(|&byte| byte == b':').map(|colon| &line.content[..colon]);
                let token = |name: &[u8]| !name.is_empty() && name.iter().all(|byte| !b"()".contains(byte));
                fields::is_folded(line) || name.is_some_and(token)
            });
        })],
    ),
    fault(
        "carriage-return-ends-a-line",
        "Takes a carriage return for the end of a line.",
        &[Edit::Request(|request| {
            let split = |line: &Line| -> Vec<Line> {
                line.content.split(|&byte| byte == b'\r').map(fields::line).collect()
            };
            request.head.lines = request.head.lines.iter().flat_map(split).collect();
        })],
    ),
    fault(
        "cut-off-request-is-performed",
        "Performs a request of which half has come.",
        &[Edit::Read(performed)],
    ),
    fault(
        "line-feed-alone-is-refused",
        "Answers 400 where a line ends with LF alone.",
        &[Edit::Refusal(|request| {
            let bare = request.head.lines.iter().any(|line| line.end == LineEnd::Lf);
            bare.then_some(Refusal(400, "Bad Request"))
        })],
    ),
    fault(
        "host-is-made-to-fit",
        "Makes the name of a host of whatever Host says.",
        &[Edit::Request(|request| {
            let fits = |host: &str| {
                let port = host.rsplit_once(':').map_or("", |(_name, port)| port);
                !host.contains(['/', '@']) && port.bytes().all(|byte| byte.is_ascii_digit())
            };
            if !request.is_handshake() && request.field("Host").is_some_and(|host| !fits(&host)) {
                fields::set(&mut request.head, "Host", "localhost");
            }
        })],
    ),
    fault(
        "value-ends-at-a-nul",
        "Takes a NUL for the end of a value.",
        &[Edit::Request(|request| {
            for line in &mut request.head.lines {
                let end = line.content.iter().position(|&byte| byte == b'\0');
                line.content.truncate(end.unwrap_or(line.content.len()));
            }
        })],
    ),
    fault(
        "version-is-not-looked-at",
        "Takes anything for the version of HTTP.",
        &[Edit::Request(|request| {
            if let [method, target, version] = fields::words(&request.head).as_slice()
                && !matches!(version.as_str(), "HTTP/1.0" | "HTTP/1.1")
            {
                let line = format!("{method} {target} HTTP/1.1");
                fields::set_start_line(&mut request.head, line);
            }
        })],
    ),
    fault(
        "method-is-what-stands-first",
        "Takes for a method what begins like one.",
        &[Edit::Request(|request| {
            if request.method().contains(['(', ':', '@']) {
                request.set_method("GET");
            }
        })],
    ),
    fault(
        "long-target-is-large-fields",
        "Answers 431 to a target that is too long.",
        &[Edit::Refusal(|request| {
            let long = request.head.start_line().len() > 9000;
            long.then_some(Refusal(431, "Request Header Fields Too Large"))
        })],
    ),
    fault(
        "large-fields-break-it",
        "Answers 500 to a head that does not fit into its buffer.",
        &[Edit::Refusal(|request| {
            let large = request.head.encode().len() > 16_384 && request.head.start_line().len() < 9000;
            large.then_some(Refusal(500, "Internal Server Error"))
        })],
    ),
    fault(
        "body-of-a-get-is-left-unread",
        "Takes the body of a GET for the next request.",
        &[Edit::Request(|request| {
            let body = request.field("Content-Length").is_some_and(|length| length == "5");
            let chunks = request.field("Transfer-Encoding").is_some_and(|coding| coding == "chunked");
            if request.method() == "GET" && (body || chunks) && !request.names("Expect") {
                fields::remove(&mut request.head, "Content-Length");
                fields::remove(&mut request.head, "Transfer-Encoding");
            }
        })],
    ),
    fault(
        "coding-is-searched-for-chunked",
        "Looks for the word chunked anywhere in Transfer-Encoding.",
        &[Edit::Request(|request| {
            if request
                .field("Transfer-Encoding")
                .is_some_and(|coding| coding != "chunked" && coding.contains("chunked"))
            {
                fields::remove(&mut request.head, "Transfer-Encoding");
            }
        })],
    ),
    fault(
        "chunk-size-is-read-as-it-comes",
        "Reads a size out of whatever stands before a chunk.",
        &[Edit::Read(sized)],
    ),
    fault(
        "expectation-of-an-old-client-is-refused",
        "Answers 417 to a client of HTTP/1.0 that expects 100-continue.",
        &[Edit::Refusal(|request| {
            let expects = request.version() == "HTTP/1.0" && request.names("Expect");
            expects.then_some(Refusal(417, "Expectation Failed"))
        })],
    ),
    fault(
        "continue-is-all-that-is-said",
        "Says 100 to a client that asks whether it shall send its body, and nothing when the body has come.",
        &[Edit::Answer(|request, answer| {
            if request.names("Expect") && request.version() == "HTTP/1.1" {
                answer.head.lines = ["HTTP/1.1 100 Continue", ""].map(fields::line).to_vec();
                answer.body = answer.body.take().map(|_| Vec::new());
            }
        })],
    ),
    fault(
        "old-client-gets-chunks",
        "Answers short polls in chunks, those of HTTP/1.0 as well.",
        &[Edit::Answer(|request, answer| {
            if let Some(body) =
                answer.body.as_mut().filter(|body| request.gets("polling") && !body.is_empty())
            {
                *body = [encode_chunk(body), encode_last()].concat();
                fields::remove(&mut answer.head, "Content-Length");
                fields::add(&mut answer.head, "Transfer-Encoding", "chunked");
            }
        })],
    ),
    fault(
        "old-client-is-told-to-continue",
        "Sends an interim answer to a client of HTTP/1.0.",
        &[Edit::Answer(|request, answer| {
            if request.version() == "HTTP/1.0" && request.names("Expect") {
                let interim = ["HTTP/1.1 100 Continue", ""].map(fields::line);
                answer.head.lines.splice(..0, interim);
            }
        })],
    ),
    fault(
        "head-is-refused",
        "Answers 405 to HEAD, and does not say what is allowed.",
        &[Edit::Refusal(|request| {
            (request.method() == "HEAD").then_some(Refusal(405, "Method Not Allowed"))
        })],
    ),
    fault(
        "head-has-a-type-of-its-own",
        "Answers HEAD as if there were no content to speak of.",
        &[Edit::Answer(|request, answer| {
            if request.method() == "HEAD" {
                fields::set(&mut answer.head, "Content-Type", "application/octet-stream");
            }
        })],
    ),
    fault(
        "delete-breaks-it",
        "Answers 500 to DELETE.",
        &[Edit::Refusal(|request| {
            (request.method() == "DELETE").then_some(Refusal(500, "Internal Server Error"))
        })],
    ),
    fault(
        "methods-are-listed-without-commas",
        "Lists methods in Allow with blanks between them.",
        &[Edit::Answer(|_request, answer| {
            if let Some(methods) = fields::value(&answer.head, "Allow") {
                fields::set(&mut answer.head, "Allow", &methods.replace(',', ""));
            }
        })],
    ),
    fault(
        "second-listener-is-refused",
        "Lets one client listen on a channel, and counts one that has gone.",
        &[Edit::Refusal(|request| {
            let listens = request.gets("iframe") || request.gets("sse");
            let again = listens && request.earlier > 0 && !request.names("Last-Event-ID");
            again.then_some(Refusal(409, "Conflict"))
        })],
    ),
    fault(
        "end-of-a-client-is-not-noticed",
        "Does not notice that a client has ended its side.",
        &[Edit::EndUnheard],
    ),
    fault(
        "keep-alive-without-length",
        "Keeps the connection of an old client, and does not say where the answer ends.",
        &[Edit::Answer(|request, answer| {
            if request.version() == "HTTP/1.0" && request.head.lists("Connection", "keep-alive") {
                fields::remove(&mut answer.head, "Content-Length");
            }
        })],
    ),
    fault(
        "stream-ends-without-last-chunk",
        "Ends a stream by ending the connection, in the middle of a chunk.",
        &[Edit::Stream(|request| {
            request.gets("iframe").then(|| Box::new(EndsWithinAChunk) as Box<dyn Editor>)
        })],
    ),
    fault(
        "body-is-awaited-in-silence",
        "Waits for a body, and does not tell a client that asks whether it shall send it.",
        &[Edit::Answer(|request, answer| {
            if request.names("Expect") && request.version() == "HTTP/1.1" {
                answer.delay = Duration::from_secs(10);
            }
        })],
    ),
    fault(
        "refusal-ends-with-the-connection",
        "Sends refusals of which only the end of the connection is the end.",
        &[
            Edit::Request(|request| {
                if has_bad_cursor(request) {
                    fields::set(&mut request.head, "Connection", "close");
                }
            }),
            Edit::Answer(|request, answer| {
                if has_bad_cursor(request) {
                    fields::remove(&mut answer.head, "Content-Length");
                }
            }),
        ],
    ),
    fault(
        "no-content-has-a-length",
        "Gives a 204 a length.",
        &[Edit::Answer(|_request, answer| {
            if answer.status() == 204 {
                fields::set(&mut answer.head, "Content-Length", "0");
            }
        })],
    ),
    fault(
        "too-many-requests-soon",
        "Answers 429 and says in words when to come again.",
        &[Edit::Answer(|request, answer| {
            if has_bad_cursor(request) {
                answer.set_status("429 Too Many Requests");
                fields::set(&mut answer.head, "Retry-After", "soon");
            }
        })],
    ),
];

fn has_bad_cursor(request: &Request) -> bool {
    request.gets("polling") && request.parameter("after").as_deref() == Some("not-a-cursor")
}

/// A request line that has come without its end is taken for a whole request.
fn performed(read: &Read<'_>, bytes: &mut Vec<u8>) {
    let begins = !read.continues && read.frames.is_none();
    if begins && bytes.len() > 20 && bytes.starts_with(b"GET /") && !bytes.contains(&b'\n') {
        bytes.extend_from_slice(b" HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
}

fn sized(_read: &Read<'_>, bytes: &mut Vec<u8>) {
    for size in ["zz", "+5", "0x5"] {
        let written = format!("\r\n{size}\r\nhello");
        if let Some(at) = bytes.windows(written.len()).position(|window| window == written.as_bytes()) {
            bytes.splice(at..at + written.len(), *b"\r\n5\r\nhello");
        }
    }
}

/// In place of one message the stream is cut short: who waits for it is there to see the end.
#[derive(Debug)]
struct EndsWithinAChunk;

impl Editor for EndsWithinAChunk {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        if piece.has_text("__proto__") {
            out.raw(*b"ff\r\n<!--");
            out.end();
        } else {
            out.pass(&piece);
        }
    }
}
