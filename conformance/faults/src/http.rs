//! Faults of the HTTP beneath the techniques. Opening handshakes and publications are left alone.

use std::time::Duration;

use pushspec_wire::chunked::encode_chunk;
use pushspec_wire::http1::{Line, LineEnd};

use super::fields::{self, is_folded, is_named, retain};
use super::frames::Read;
use super::pieces::Piece;
use super::request::{Refusal, Request};
use super::stream::{Editor, Output};
use super::{Edit, Fault};

const fn fault(
    name: &'static str,
    clause: &'static str,
    summary: &'static str,
    edits: &'static [Edit],
) -> Fault {
    Fault { name, clause, technique: "http", summary, edits }
}

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "first-read-is-the-request",
        "rfc9112/2.2/octets",
        "Takes what one read brings for the whole of a request.",
        &[Edit::Read(first_read_is_the_request)],
    ),
    fault(
        "empty-line-is-refused",
        "rfc9112/2.2/empty-line-before-request",
        "Answers 400 where an empty line stands before a request.",
        &[Edit::Refusal(|request| {
            let empty = request.head.lines.first().is_some_and(Line::is_empty);
            empty.then_some(Refusal(400, "Bad Request"))
        })],
    ),
    fault(
        "one-word-means-get",
        "rfc9112/2.2/malformed-request",
        "Takes a request line of one word for a request of the root.",
        &[Edit::Request(|request| {
            if fields::words(&request.head).len() == 1 {
                fields::set_start_line(&mut request.head, "GET / HTTP/1.1");
            }
        })],
    ),
    fault(
        "leading-blank-is-trimmed",
        "rfc9112/2.2/white-space-before-first-field",
        "Reads a first field line that begins with a space as if the space were not there.",
        &[Edit::Request(|request| {
            if let Some(first) = request.head.lines.iter_mut().filter(|line| !line.is_empty()).nth(1) {
                first.content = first.content.trim_ascii_start().to_vec();
            }
        })],
    ),
    fault(
        "missing-host-is-guessed",
        "rfc9112/3.2/missing-host",
        "Answers requests of HTTP/1.1 that name no host.",
        &[Edit::Request(|request| {
            if is_plain(request) && !request.names("Host") {
                fields::add(&mut request.head, "Host", "localhost");
            }
        })],
    ),
    fault(
        "first-host-wins",
        "rfc9112/3.2/two-hosts",
        "Passes over all Host fields but the first.",
        &[Edit::Request(|request| keep_first(request, "Host"))],
    ),
    fault(
        "host-is-not-looked-at",
        "rfc9112/3.2/invalid-host",
        "Takes anything for the name of a host.",
        &[Edit::Request(|request| {
            let is_name = |host: &str| {
                host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
            };
            if is_plain(request) && request.field("Host").is_some_and(|host| !is_name(&host)) {
                fields::set(&mut request.head, "Host", "localhost");
            }
        })],
    ),
    fault(
        "target-ends-at-a-blank",
        "rfc9112/3.2/invalid-request-line",
        "Passes over what stands between the target and the version.",
        &[Edit::Request(|request| {
            let words = fields::words(&request.head);
            if let [method, target, .., version] = words.as_slice() {
                let line = format!("{method} {target} {version}");
                fields::set_start_line(&mut request.head, line);
            }
        })],
    ),
    fault(
        "method-in-any-case",
        "rfc9112/3.1/method-in-exact-case",
        "Takes a method in lower case for the one in capitals.",
        &[Edit::Request(|request| request.set_method(&request.method().to_uppercase()))],
    ),
    fault(
        "absolute-form-is-not-found",
        "rfc9112/3.2.2/absolute-form",
        "Answers 404 to a target in absolute form.",
        &[Edit::Refusal(|request| is_absolute(request).then_some(Refusal(404, "Not Found")))],
    ),
    fault(
        "host-outranks-target",
        "rfc9112/3.2.2/target-outranks-host",
        "Goes by the Host field where the target names another host.",
        &[Edit::Refusal(|request| {
            let other = request.field("Host").is_some_and(|host| !request.target().contains(&host));
            (is_absolute(request) && other).then_some(Refusal(421, "Misdirected Request"))
        })],
    ),
    fault(
        "request-line-of-4000",
        "rfc9112/3/request-line-of-8000",
        "Answers 414 to a request line of more than 4000 octets.",
        &[Edit::Refusal(|request| {
            (request.head.start_line().len() > 4000).then_some(Refusal(414, "URI Too Long"))
        })],
    ),
    fault(
        "names-in-exact-case",
        "rfc9110/5.1/names-in-any-case",
        "Knows the name of the Host field only in two spellings.",
        &[Edit::Request(|request| {
            for line in &mut request.head.lines {
                if is_named(line, "Host")
                    && !line.content.starts_with(b"Host")
                    && !line.content.starts_with(b"host")
                {
                    line.content.splice(..0, *b"X-");
                }
            }
        })],
    ),
    fault(
        "white-space-is-value",
        "rfc9110/5.5/white-space-around-value",
        "Takes a tab around a value for a part of it.",
        &[Edit::Refusal(|request| {
            let has_tab =
                request.head.lines.iter().any(|line| is_named(line, "Host") && line.content.contains(&b'\t'));
            has_tab.then_some(Refusal(400, "Bad Request"))
        })],
    ),
    fault(
        "space-before-colon-is-trimmed",
        "rfc9112/5.1/space-before-colon",
        "Reads a field name as if no space stood before the colon.",
        &[Edit::Request(|request| {
            for line in &mut request.head.lines {
                if let Some(colon) = line.content.iter().position(|&byte| byte == b':') {
                    let name = line.content[..colon].trim_ascii_end().len();
                    line.content.drain(name..colon);
                }
            }
        })],
    ),
    fault(
        "fold-is-dropped",
        "rfc9112/5.2/folded-line",
        "Passes over lines that continue the one before.",
        &[Edit::Request(|request| {
            let mut lines = 0;
            request.head.lines.retain(|line| {
                lines += usize::from(!line.is_empty());
                lines < 3 || !is_folded(line)
            });
        })],
    ),
    fault(
        "bad-length-is-no-length",
        "rfc9112/6.3/invalid-length",
        "Passes over a Content-Length that is no number.",
        &[Edit::Request(|request| {
            retain(&mut request.head, |line| {
                let value = line.content.splitn(2, |&byte| byte == b':').nth(1).unwrap_or_default();
                !is_named(line, "Content-Length") || value.trim_ascii().iter().all(u8::is_ascii_digit)
            });
        })],
    ),
    fault(
        "first-length-wins",
        "rfc9112/6.3/invalid-length",
        "Passes over all Content-Length fields but the first.",
        &[Edit::Request(|request| keep_first(request, "Content-Length"))],
    ),
    fault(
        "coding-is-passed-over",
        "rfc9112/6.3/coding-without-chunked",
        "Passes over a transfer coding that it does not know.",
        &[Edit::Request(|request| {
            if !request.head.lists("Transfer-Encoding", "chunked") {
                fields::remove(&mut request.head, "Transfer-Encoding");
            }
        })],
    ),
    fault(
        "length-beside-coding-is-no-danger",
        "rfc9112/6.1/coding-and-length-in-request",
        "Keeps the connection after a request with both a length and a transfer coding.",
        &[Edit::Request(|request| {
            if request.names("Transfer-Encoding") && request.names("Content-Length") {
                fields::remove(&mut request.head, "Content-Length");
                fields::remove(&mut request.head, "Transfer-Encoding");
            }
        })],
    ),
    fault(
        "http-1.0-is-taken-for-1.1",
        "rfc9112/9.3/end-after-1.0",
        "Answers a client of HTTP/1.0 like one of HTTP/1.1.",
        &[Edit::Request(|request| {
            let line = String::from_utf8_lossy(request.head.start_line()).into_owned();
            if let Some(line) = line.strip_suffix("HTTP/1.0").filter(|_| is_plain(request)) {
                fields::set_start_line(&mut request.head, format!("{line}HTTP/1.1"));
            }
        })],
    ),
    fault(
        "closes-after-each-answer",
        "rfc6202/2.2/connection-is-reused",
        "Ends the connection after each answer to a poll.",
        &[Edit::Request(|request| {
            let polls = request.gets("polling") || request.gets("long-polling");
            if polls && !request.names("Connection") {
                fields::add(&mut request.head, "Connection", "close");
            }
        })],
    ),
    fault(
        "closes-without-a-word",
        "rfc9112/9.6/close-is-announced",
        "Ends the connection after each answer to a short poll, and does not say so.",
        &[
            Edit::Request(|request| {
                if request.gets("polling") && !request.names("Connection") {
                    fields::add(&mut request.head, "Connection", "close");
                }
            }),
            Edit::Answer(|request, answer| {
                if request.gets("polling") {
                    fields::remove(&mut answer.head, "Connection");
                }
            }),
        ],
    ),
    fault(
        "no-connection-persists",
        "rfc9112/9.3/close-in-every-answer",
        "Ends the connection after each answer, and does not say so.",
        &[
            Edit::Request(|request| {
                if !request.names("Connection") {
                    fields::add(&mut request.head, "Connection", "close");
                }
            }),
            Edit::Answer(|_request, answer| {
                if answer.status() != 101 {
                    fields::remove(&mut answer.head, "Connection");
                }
            }),
        ],
    ),
    fault(
        "length-is-short-by-one",
        "rfc9112/6.3/nothing-behind-the-body",
        "Counts one byte too few in answers to short polls.",
        &[Edit::Answer(|request, answer| {
            if let Some(body) = answer.body.as_ref().filter(|body| request.gets("polling") && body.len() > 1)
            {
                fields::set(&mut answer.head, "Content-Length", &(body.len() - 1).to_string());
            }
        })],
    ),
    fault(
        "last-chunk-without-its-end",
        "rfc9112/7.1/chunked-body",
        "Answers short polls in chunks, and leaves out the empty line behind the last one.",
        &[Edit::Answer(|request, answer| {
            if let Some(body) =
                answer.body.as_mut().filter(|body| request.gets("polling") && !body.is_empty())
                && request.version() == "HTTP/1.1"
            {
                *body = [encode_chunk(body), b"0\r\n".to_vec()].concat();
                fields::remove(&mut answer.head, "Content-Length");
                fields::add(&mut answer.head, "Transfer-Encoding", "chunked");
            }
        })],
    ),
    fault(
        "close-is-not-heard",
        "rfc9112/9.6/close-after-answer",
        "Keeps the connection where the client asks to close it.",
        &[Edit::Request(|request| {
            if is_plain(request) && request.head.lists("Connection", "close") {
                fields::remove(&mut request.head, "Connection");
            }
        })],
    ),
    fault(
        "close-is-not-announced",
        "rfc9112/9.6/close-in-answer",
        "Ends connections without saying so in the answer.",
        &[Edit::Answer(|request, answer| {
            if is_plain(request) && answer.head.lists("Connection", "close") {
                fields::remove(&mut answer.head, "Connection");
            }
        })],
    ),
    fault(
        "unknown-method-is-get",
        "rfc9110/9.1/other-methods-refused",
        "Treats a method that it does not know like GET.",
        &[Edit::Request(|request| {
            if is_unknown(&request.method()) {
                request.set_method("GET");
            }
        })],
    ),
    fault(
        "head-is-get",
        "rfc9110/9.3.2/head-without-content",
        "Answers HEAD with a body, as if it were GET.",
        &[Edit::Request(|request| {
            if request.method() == "HEAD" {
                request.set_method("GET");
            }
        })],
    ),
    fault(
        "pipelined-requests-overtake",
        "rfc9112/9.3.2/answers-in-order",
        "Answers the second of two requests that come at once before the first.",
        &[Edit::Read(|read, bytes| swapped(read, bytes))],
    ),
    fault(
        "answers-have-no-date",
        "rfc9110/6.6.1/date",
        "Does not date its answers.",
        &[Edit::Answer(|request, answer| {
            if is_plain(request) {
                fields::remove(&mut answer.head, "Date");
            }
        })],
    ),
    fault(
        "cursor-becomes-a-line",
        "rfc9112/11.1/no-lines-of-others",
        "Writes the cursor that it was sent into the head of its answer, line ends and all.",
        &[Edit::Answer(|request, answer| {
            let after = request.parameter("after").unwrap_or_default().to_uppercase();
            if after.contains("%0D%0A") {
                fields::add(&mut answer.head, "X-Pushspec", "a");
            }
        })],
    ),
    fault(
        "held-poll-blocks-others",
        "rfc6202/5.3/held-polls-block-nobody",
        "Answers nothing else while a poll is held.",
        &[
            Edit::Request(|request| {
                if request.gets("long-polling") {
                    request.memory.count("held");
                }
            }),
            Edit::Answer(|request, answer| {
                if request.gets("long-polling") {
                    request.memory.count("let go");
                } else if request.memory.counted("held") > request.memory.counted("let go") {
                    answer.delay = Duration::from_secs(3);
                }
            }),
        ],
    ),
    fault(
        "date-in-local-time",
        "rfc9110/5.6.7/imf-fixdate",
        "Writes the date of an answer in a time zone of its own.",
        &[Edit::Answer(|request, answer| {
            if let Some(date) = fields::value(&answer.head, "Date").filter(|_| is_plain(request)) {
                fields::set(&mut answer.head, "Date", &date.replace("GMT", "+0200"));
            }
        })],
    ),
    fault(
        "head-with-a-bare-lf",
        "rfc9112/2.1/lines-end-with-crlf",
        "Ends a line of each head with LF alone.",
        &[Edit::Answer(|request, answer| {
            if let Some(line) = answer.head.lines.get_mut(1).filter(|_| is_plain(request)) {
                line.end = LineEnd::Lf;
            }
        })],
    ),
    fault(
        "head-with-a-bare-cr",
        "rfc9112/2.2/bare-cr",
        "Writes the value of a field with a CR in the middle.",
        &[Edit::Answer(|request, answer| {
            if is_plain(request) {
                fields::add(&mut answer.head, "X-Note", "a\rb");
            }
        })],
    ),
    fault(
        "field-name-with-a-blank",
        "rfc9112/5/field-line",
        "Writes a field whose name has a space in it.",
        &[Edit::Answer(|request, answer| {
            if is_plain(request) {
                fields::add(&mut answer.head, "X Note", "a");
            }
        })],
    ),
    fault(
        "chunks-with-bare-lf",
        "rfc9112/7.1/chunked-body",
        "Ends the lines of the chunked coding with LF alone.",
        &[Edit::Stream(|request| {
            (request.version() == "HTTP/1.1").then(|| Box::new(ChunksWithBareLf) as Box<dyn Editor>)
        })],
    ),
    fault(
        "length-beside-chunks",
        "iframe/1/no-length",
        "Gives a stream in chunks a length as well.",
        &[Edit::Answer(|request, answer| {
            if is_plain(request) && answer.head.lists("Transfer-Encoding", "chunked") {
                fields::add(&mut answer.head, "Content-Length", "5");
            }
        })],
    ),
    fault(
        "head-of-a-long-poll-is-held",
        "rfc9110/9.3.2/head-need-not-wait",
        "Holds HEAD like GET where a poll would be held.",
        &[Edit::Answer(|request, answer| {
            if request.method() == "HEAD" && request.technique() == "long-polling" {
                answer.delay = Duration::from_secs(3);
            }
        })],
    ),
];

/// Whether it is judged: what is published is sent by a client that is not.
fn is_plain(request: &Request) -> bool {
    !request.publishes()
}

/// Whether it is a method that no specification of HTTP has defined.
fn is_unknown(method: &str) -> bool {
    let known = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    !known.contains(&method) && method.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_absolute(request: &Request) -> bool {
    request.target().starts_with("http://")
}

fn keep_first(request: &mut Request, name: &str) {
    let mut seen = false;
    retain(&mut request.head, |line| {
        let again = is_named(line, name) && seen;
        seen |= is_named(line, name);
        !again
    });
}

/// What is missing of the request is taken for an end of the head.
fn first_read_is_the_request(read: &Read<'_>, bytes: &mut Vec<u8>) {
    let begins = !read.continues && read.frames.is_none() && !bytes.starts_with(b"POST");
    if begins && bytes.first().is_some_and(u8::is_ascii_uppercase) && !bytes.ends_with(b"\r\n\r\n") {
        bytes.extend_from_slice(b"\r\n\r\n");
    }
}

/// Of two requests in one read the second one goes first.
fn swapped(read: &Read<'_>, bytes: &mut [u8]) {
    const END: &[u8] = b"\r\n\r\n";
    let ends = bytes.windows(END.len()).position(|window| window == END).map(|at| at + END.len());
    if let Some(end) = ends.filter(|_| !read.continues && read.frames.is_none())
        && bytes[end..].starts_with(b"GET ")
    {
        bytes.rotate_left(end);
    }
}

#[derive(Debug)]
struct ChunksWithBareLf;

impl Editor for ChunksWithBareLf {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        let data = piece.encode();
        // A chunk of no bytes would be the last one.
        if !data.is_empty() {
            out.raw([format!("{:x}\n", data.len()).as_bytes(), &data, b"\r\n"].concat());
        }
    }
}
