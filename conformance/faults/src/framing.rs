//! Faults in how requests are read and answers are framed, beneath all techniques. Opening handshakes and publications
//! are left alone.

use std::time::Duration;

use pushspec_wire::chunked::{encode_chunk, encode_last};
use pushspec_wire::http1::{Line, LineEnd};

use super::fields;
use super::frames::Read;
use super::pieces::Piece;
use super::request::{Memory, Refusal, Request};
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
        "lines-that-are-no-fields-are-passed-over",
        "rfc9112/2.2/malformed-request",
        "Passes over lines of a head that are no fields.",
        &[Edit::Request(|request| {
            fields::retain(&mut request.head, |line| {
                let name =
                    line.content.iter().position(|&byte| byte == b':').map(|colon| &line.content[..colon]);
                fields::is_folded(line) || name.is_some_and(is_token)
            });
        })],
    ),
    fault(
        "carriage-return-ends-a-line",
        "rfc9112/2.2/bare-cr-in-request",
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
        "rfc9110/5.3/whole-head-first",
        "Performs a request of which half has come.",
        &[Edit::Read(performed), Edit::EndUnheard],
    ),
    fault(
        "line-feed-alone-is-refused",
        "rfc9112/2.2/bare-lf",
        "Answers 400 where a line ends with LF alone.",
        &[Edit::Refusal(|request| {
            let bare = request.head.lines.iter().any(|line| line.end == LineEnd::Lf);
            bare.then_some(Refusal(400, "Bad Request"))
        })],
    ),
    fault(
        "host-is-made-to-fit",
        "rfc9112/3.2/invalid-host",
        "Makes the name of a host of whatever Host says.",
        &[Edit::Request(|request| {
            let fits = |host: &str| {
                let port = host.rsplit_once(':').map_or("", |(_name, port)| port);
                !host.contains(['/', '@']) && port.bytes().all(|byte| byte.is_ascii_digit())
            };
            if request.field("Host").is_some_and(|host| !fits(&host)) {
                fields::set(&mut request.head, "Host", "localhost");
            }
        })],
    ),
    fault(
        "value-ends-at-a-nul",
        "rfc9110/5.5/nul-in-value",
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
        "rfc9112/3.2/invalid-request-line",
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
        "rfc9112/3.2/invalid-request-line",
        "Takes for a method what begins like one.",
        &[Edit::Request(|request| {
            if !is_token(request.method().as_bytes()) {
                request.set_method("GET");
            }
        })],
    ),
    fault(
        "long-target-is-large-fields",
        "rfc9112/3/target-too-long",
        "Answers 431 to a target that is too long.",
        &[Edit::Refusal(|request| {
            let long = request.head.start_line().len() > 9000;
            long.then_some(Refusal(431, "Request Header Fields Too Large"))
        })],
    ),
    fault(
        "large-fields-break-it",
        "rfc9110/5.4/field-too-large",
        "Answers 500 to a head that does not fit into its buffer.",
        &[Edit::Refusal(|request| {
            let large = request.head.encode().len() > 16_384 && request.head.start_line().len() < 9000;
            large.then_some(Refusal(500, "Internal Server Error"))
        })],
    ),
    fault(
        "body-of-a-get-is-left-unread",
        "rfc9112/9.3/body-is-read",
        "Takes the body of a GET for the next request.",
        &[Edit::Request(|request| {
            if request.method() == "GET" {
                fields::remove(&mut request.head, "Content-Length");
                fields::remove(&mut request.head, "Transfer-Encoding");
            }
        })],
    ),
    fault(
        "coding-is-searched-for-chunked",
        "rfc9112/6.3/coding-without-chunked",
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
        "rfc9112/9.3/body-of-unknown-end",
        "Reads a size out of whatever stands before a chunk.",
        &[Edit::Read(sized)],
    ),
    fault(
        "expectation-of-an-old-client-is-refused",
        "rfc9110/10.1.1/not-for-1.0",
        "Answers 417 to a client of HTTP/1.0 that expects 100-continue.",
        &[Edit::Refusal(|request| {
            let expects = request.version() == "HTTP/1.0" && request.names("Expect");
            expects.then_some(Refusal(417, "Expectation Failed"))
        })],
    ),
    fault(
        "continue-is-all-that-is-said",
        "rfc9110/10.1.1/final-after-continue",
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
        "rfc9112/6.1/no-coding-for-1.0",
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
        "poll-without-last-chunk",
        "rfc9112/7.1/last-chunk",
        "Answers short polls in chunks, and ends the connection in place of the last one.",
        &[
            Edit::Request(|request| {
                if request.gets("polling") {
                    fields::set(&mut request.head, "Connection", "close");
                }
            }),
            Edit::Answer(|request, answer| {
                if let Some(body) =
                    answer.body.as_mut().filter(|body| request.gets("polling") && !body.is_empty())
                {
                    *body = encode_chunk(body);
                    fields::remove(&mut answer.head, "Content-Length");
                    fields::add(&mut answer.head, "Transfer-Encoding", "chunked");
                }
            }),
        ],
    ),
    fault(
        "old-client-is-told-to-continue",
        "rfc9110/15.2/no-interim-for-1.0",
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
        "rfc9110/9.1/head",
        "Answers 405 to HEAD, and does not say what is allowed.",
        &[Edit::Refusal(|request| {
            (request.method() == "HEAD").then_some(Refusal(405, "Method Not Allowed"))
        })],
    ),
    fault(
        "head-has-a-type-of-its-own",
        "rfc9110/9.3.2/head-like-get",
        "Answers HEAD as if there were no content to speak of.",
        &[Edit::Answer(|request, answer| {
            if request.method() == "HEAD" {
                fields::set(&mut answer.head, "Content-Type", "application/octet-stream");
            }
        })],
    ),
    fault(
        "delete-breaks-it",
        "rfc9110/15.5/client-errors",
        "Answers 500 to DELETE.",
        &[Edit::Refusal(|request| {
            (request.method() == "DELETE").then_some(Refusal(500, "Internal Server Error"))
        })],
    ),
    fault(
        "options-are-none",
        "rfc9110/9.3.7/allow",
        "Answers OPTIONS with success, and names no method.",
        &[Edit::Answer(|request, answer| {
            if request.method() == "OPTIONS" && answer.status() < 300 {
                fields::remove(&mut answer.head, "Allow");
            }
        })],
    ),
    fault(
        "parameters-of-chunked-are-passed-over",
        "rfc9112/7.1/no-parameters",
        "Reads the name of a transfer coding up to its parameters.",
        &[Edit::Request(|request| {
            if request.field("Transfer-Encoding").is_some_and(|coding| coding.starts_with("chunked;")) {
                fields::set(&mut request.head, "Transfer-Encoding", "chunked");
            }
        })],
    ),
    fault(
        "one-request-a-connection",
        "rfc9112/9.3/persistence",
        "Ends each connection after its first answer, as it says in the head.",
        &[Edit::Request(|request| {
            if !request.publishes() && !request.names("Connection") {
                fields::add(&mut request.head, "Connection", "close");
            }
        })],
    ),
    fault(
        "status-line-ends-with-the-code",
        "rfc9112/4/status-line",
        "Has nothing behind the code of a status, not even a space.",
        &[Edit::Answer(|_request, answer| {
            let line = format!("HTTP/1.1 {}", answer.status());
            fields::set_start_line(&mut answer.head, line);
        })],
    ),
    fault(
        "coding-of-an-old-client-is-read",
        "rfc9112/6.1/coding-in-1.0",
        "Reads chunks of a client of HTTP/1.0, and goes on with it as with one of HTTP/1.1.",
        &[Edit::Request(|request| {
            let line = String::from_utf8_lossy(request.head.start_line()).into_owned();
            if let Some(line) = line.strip_suffix("HTTP/1.0").filter(|_| request.names("Transfer-Encoding")) {
                fields::set_start_line(&mut request.head, format!("{line}HTTP/1.1"));
            }
        })],
    ),
    fault(
        "what-varies-is-listed-without-commas",
        "rfc9110/12.5.5/vary-is-a-list",
        "Lists in Vary with a space between them the fields that it looks at.",
        &[Edit::Answer(|_request, answer| fields::set(&mut answer.head, "Vary", "Origin Accept-Encoding"))],
    ),
    fault(
        "methods-are-listed-without-commas",
        "rfc9110/10.2.1/allow-is-a-list",
        "Lists methods in Allow with spaces between them.",
        &[Edit::Answer(|_request, answer| {
            if let Some(methods) = fields::value(&answer.head, "Allow") {
                fields::set(&mut answer.head, "Allow", &methods.replace(',', ""));
            }
        })],
    ),
    fault(
        "second-listener-is-refused",
        "html-sse/9.2.3/comes-back",
        "Lets one client listen on a channel, and counts one that has gone.",
        &[Edit::Refusal(|request| {
            let listens = request.gets("iframe") || request.gets("sse");
            (listens && request.earlier > 0).then_some(Refusal(409, "Conflict"))
        })],
    ),
    fault(
        "end-of-a-client-is-not-noticed",
        "rfc9112/9.5/end-is-noticed",
        "Does not notice that a client has ended its side.",
        &[Edit::EndUnheard],
    ),
    fault(
        "answers-as-http-1.0",
        "rfc9112/2.3/no-downgrade",
        "Answers as HTTP/1.0, whatever it is asked by.",
        &[Edit::Answer(|request, answer| {
            let line = String::from_utf8_lossy(answer.head.start_line()).into_owned();
            if matches!(request.technique().as_str(), "polling" | "iframe" | "sse") {
                fields::set_start_line(&mut answer.head, line.replacen("HTTP/1.1", "HTTP/1.0", 1));
            }
        })],
    ),
    fault(
        "long-method-is-not-allowed",
        "rfc9112/3/method-too-long",
        "Answers 405 to a method that is longer than any.",
        &[Edit::Refusal(|request| {
            let long = request.method().len() > 100;
            long.then_some(Refusal(405, "Method Not Allowed"))
        })],
    ),
    fault(
        "coding-is-compared-bytewise",
        "rfc9112/7/names-in-any-case",
        "Knows the chunked coding only in small letters.",
        &[Edit::Request(|request| {
            let other = |coding: String| coding != "chunked" && coding.eq_ignore_ascii_case("chunked");
            if request.field("Transfer-Encoding").is_some_and(other) {
                fields::remove(&mut request.head, "Transfer-Encoding");
            }
        })],
    ),
    fault(
        "size-in-capitals-is-no-size",
        "rfc9112/6.1/chunked-is-understood",
        "Reads the size of a chunk only where it is written as it writes its own.",
        &[Edit::Read(|_read, bytes| {
            edit_size(bytes, |size| {
                let other = size.bytes().any(|byte| byte.is_ascii_uppercase()) || size.starts_with('0');
                (other && size.len() + size.bytes().filter(u8::is_ascii_uppercase).count() > 1)
                    .then(|| "z".repeat(size.len()))
            });
        })],
    ),
    fault(
        "extension-is-part-of-the-size",
        "rfc9112/7.1.1/unknown-extensions",
        "Refuses a chunk with extensions.",
        &[Edit::Read(|_read, bytes| {
            edit_size(bytes, |size| size.contains(';').then(|| "z".repeat(size.len())));
        })],
    ),
    fault(
        "trailer-is-the-next-request",
        "rfc9112/7.1.2/trailer-section",
        "Takes the body to end with its last chunk, and a trailer field for the next request.",
        &[Edit::Read(|_read, bytes| {
            const LAST: &[u8] = b"\r\n0\r\n";
            let chunked = String::from_utf8_lossy(bytes).contains("chunked");
            let at = bytes.windows(LAST.len()).position(|window| window == LAST).map(|at| at + LAST.len());
            if let Some(at) = at.filter(|at| chunked && bytes.get(*at).is_some_and(u8::is_ascii_alphabetic)) {
                bytes.splice(at..at, *b"\r\n");
            }
        })],
    ),
    fault(
        "size-of-a-chunk-overflows",
        "rfc9112/7.1/large-sizes",
        "Counts the size of a chunk in a number that is too small for it.",
        &[Edit::Read(|_read, bytes| {
            edit_size(bytes, |size| (size.len() > 8).then(|| size[size.len() - 8..].to_owned()));
        })],
    ),
    fault(
        "unknown-coding-is-passed-over",
        "rfc9112/6.1/unknown-coding",
        "Reads the chunks of a body, and passes over codings that it does not know and parameters that there are none of.",
        &[Edit::Request(|request| {
            let coding = request.field("Transfer-Encoding").unwrap_or_default();
            let last = coding.rsplit(',').next().unwrap_or_default().split(';').next().unwrap_or_default();
            if coding != "chunked" && last.trim() == "chunked" {
                fields::set(&mut request.head, "Transfer-Encoding", "chunked");
            }
        })],
    ),
    fault(
        "answers-are-chunked-twice-by-name",
        "rfc9112/6.1/chunked-last",
        "Names the chunked coding twice.",
        &[Edit::Answer(|request, answer| {
            if request.version() != "HTTP/1.1" {
                return;
            }
            if let Some(body) =
                answer.body.as_mut().filter(|body| request.gets("polling") && !body.is_empty())
            {
                *body = [encode_chunk(body), encode_last()].concat();
                fields::remove(&mut answer.head, "Content-Length");
                fields::add(&mut answer.head, "Transfer-Encoding", "chunked, chunked");
            } else if answer.head.lists("Transfer-Encoding", "chunked") {
                fields::set(&mut answer.head, "Transfer-Encoding", "chunked, chunked");
            }
        })],
    ),
    fault(
        "request-behind-close-is-performed",
        "rfc9112/9.6/nothing-behind-close",
        "Closes the connection some requests after the one that has said close.",
        &[Edit::Request(|request| {
            if !request.is_handshake() && !request.publishes() && request.head.lists("Connection", "close") {
                fields::remove(&mut request.head, "Connection");
            }
        })],
    ),
    fault(
        "content-that-breaks-off-is-awaited",
        "rfc9112/6.3/incomplete-request",
        "Waits for the rest of a request whose client has ended its side.",
        &[
            Edit::Request(|request| {
                if request.method() == "GET" {
                    fields::remove(&mut request.head, "Content-Length");
                }
            }),
            Edit::EndUnheard,
        ],
    ),
    fault(
        "publications-are-told-by-their-beginning",
        "html-sse/9.2.3/channels-are-apart",
        "Sends what is published for a channel to those who listen to another, whose name is the beginning of its name.",
        &[Edit::Request(|request| {
            if request.publishes() && request.channel().ends_with("-other") {
                let target = request.target().replacen("-other", "", 1);
                request.set_target(&target);
            }
        })],
    ),
    fault(
        "polls-are-told-by-their-beginning",
        "polling/1/channels-are-apart",
        "Brings what is published for a channel to those who poll another, whose name is the beginning of its name.",
        &[Edit::Request(|request| {
            let polled = |memory: &Memory, channel: &str| {
                ["polling", "long-polling"]
                    .iter()
                    .any(|name| memory.counted(&format!("{name} {channel}")) > 0)
            };
            told_by_its_beginning(request, polled);
        })],
    ),
    fault(
        "pages-are-told-by-their-beginning",
        "iframe/3/channels-are-apart",
        "Calls the pages of a channel with what is published for another, whose name begins with its name.",
        &[Edit::Request(|request| {
            told_by_its_beginning(request, |memory, channel| {
                memory.counted(&format!("iframe {channel}")) > 0
            });
        })],
    ),
    fault(
        "replay-is-of-all-channels",
        "html-sse/9.2.3/channels-are-apart",
        "Keeps what is published for all channels in one list, and sends what a client has missed from it.",
        &[Edit::Request(|request| {
            // Nobody listens to a channel on which there was something to miss: what is live stays apart.
            told_by_its_beginning(request, |memory, channel| {
                memory.counted(&format!("publish {channel}")) > 0
            });
        })],
    ),
    fault(
        "half-a-request-stops-everybody",
        "rfc9112/9.5/others-go-on",
        "Waits for the rest of a request with the only thread that it has.",
        &[
            Edit::Read(|read, bytes| {
                let text = String::from_utf8_lossy(bytes);
                let half = !read.continues && !text.contains("\r\n\r\n") && !text.ends_with("\r\n");
                let target = text.split_once(" HTTP/1.1\r\n").and_then(|(line, _)| line.strip_prefix("GET "));
                if let Some(target) = target.filter(|_| half && read.frames.is_none()) {
                    read.memory.count(&format!("half {target}"));
                }
            }),
            Edit::Answer(|request, answer| {
                if request.memory.counted(&format!("half {}", request.target())) > 0 {
                    answer.delay = Duration::from_secs(20);
                }
            }),
        ],
    ),
    fault(
        "keep-alive-without-length",
        "rfc9112/9.3/keep-alive-for-1.0",
        "Keeps the connection of an old client, and does not say where the answer ends.",
        &[Edit::Answer(|request, answer| {
            if request.version() == "HTTP/1.0" && request.head.lists("Connection", "keep-alive") {
                fields::remove(&mut answer.head, "Content-Length");
            }
        })],
    ),
    fault(
        "stream-ends-without-last-chunk",
        "rfc9112/7.1/last-chunk",
        "Ends a stream by ending the connection, in the middle of a chunk.",
        &[Edit::Stream(|request| {
            (request.method() == "GET").then(|| Box::new(EndsWithinAChunk) as Box<dyn Editor>)
        })],
    ),
    fault(
        "body-is-awaited-in-silence",
        "rfc9110/10.1.1/answer-without-the-body",
        "Waits for a body, and does not tell a client that asks whether it shall send it.",
        &[Edit::Answer(|request, answer| {
            if request.names("Expect") && request.version() == "HTTP/1.1" {
                answer.delay = Duration::from_secs(10);
            }
        })],
    ),
    fault(
        "refusal-ends-with-the-connection",
        "rfc9112/6.3/end-is-known",
        "Sends refusals of which only the end of the connection is the end.",
        &[Edit::Answer(|request, answer| {
            if answer.status() >= 400 && !request.publishes() {
                fields::remove(&mut answer.head, "Content-Length");
                answer.last = true;
            }
        })],
    ),
    fault(
        "refusal-is-cut-short",
        "rfc9112/8/complete-answer",
        "Promises more of a refusal than it sends, and keeps the connection.",
        &[
            Edit::Begun(|request| {
                let refusal = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 20\r\n\r\nno host";
                lacks_a_host(request).then(|| refusal.to_vec())
            }),
            // The server has nothing to say meanwhile.
            Edit::Request(|request| {
                if lacks_a_host(request) {
                    request.set_target("/long-polling/nobody?hold=60000ms");
                    fields::add(&mut request.head, "Host", "localhost");
                }
            }),
        ],
    ),
    fault(
        "no-content-has-a-length",
        "rfc9110/8.6/no-length-in-204",
        "Gives a 204 a length.",
        &[Edit::Answer(|_request, answer| {
            if answer.status() == 204 {
                fields::set(&mut answer.head, "Content-Length", "0");
            }
        })],
    ),
    fault(
        "too-many-requests-soon",
        "rfc9110/10.2.3/retry-after",
        "Answers 429 and says in words when to come again.",
        &[Edit::Answer(|_request, answer| {
            if answer.status() == 400 {
                answer.set_status("429 Too Many Requests");
                fields::set(&mut answer.head, "Retry-After", "soon");
            }
        })],
    ),
];

fn lacks_a_host(request: &Request) -> bool {
    request.method() == "GET" && request.version() == "HTTP/1.1" && !request.names("Host")
}

/// What is published for a channel is published for the one whose name is the beginning of its name, if that one is meant.
fn told_by_its_beginning(request: &mut Request, meant: impl FnOnce(&Memory, &str) -> bool) {
    let channel = request.channel();
    let Some(beginning) = channel.strip_suffix("-other") else { return };
    if request.publishes() && meant(&request.memory, beginning) {
        let target = request.target().replacen("-other", "", 1);
        request.set_target(&target);
    }
}

/// A request line that has come without its end is taken for a whole request.
fn performed(read: &Read<'_>, bytes: &mut Vec<u8>) {
    let begins = !read.continues && read.frames.is_none();
    if begins && bytes.len() > 20 && bytes.starts_with(b"GET /") && !bytes.contains(&b'\n') {
        bytes.extend_from_slice(b" HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
}

/// Writes another size in front of the first chunk of a request that has come in one piece.
fn edit_size(bytes: &mut Vec<u8>, edit: impl FnOnce(&str) -> Option<String>) {
    let found = |from: usize, wanted: &[u8]| {
        bytes[from..].windows(wanted.len()).position(|window| window == wanted).map(|at| from + at)
    };
    let coding = found(0, b"chunked").or_else(|| found(0, b"Chunked"));
    let line = coding
        .and_then(|at| Some(found(at, b"\r\n\r\n")? + 4))
        .and_then(|start| Some(start..found(start, b"\r\n")?));
    let Some(line) = line else { return };
    let other = std::str::from_utf8(&bytes[line.clone()]).ok().and_then(edit);
    if let Some(other) = other {
        bytes.splice(line, other.into_bytes());
    }
}

/// The first line of a body in chunks that is no size becomes the size of what stands behind it.
fn sized(_read: &Read<'_>, bytes: &mut Vec<u8>) {
    const CODING: &[u8] = b"chunked";
    let found = |from: usize, wanted: &[u8]| {
        let windows = bytes.get(from..)?.windows(wanted.len());
        windows.into_iter().position(|window| window.eq_ignore_ascii_case(wanted)).map(|at| from + at)
    };
    let line = || {
        let start = found(found(0, CODING)?, b"\r\n\r\n")? + 4;
        let end = found(start, b"\r\n")?;
        let length = found(end + 2, b"\r\n")? - (end + 2);
        Some((start..end, length))
    };
    if let Some((line, length)) =
        line().filter(|(line, _)| !bytes[line.clone()].iter().all(u8::is_ascii_hexdigit))
    {
        bytes.splice(line, format!("{length:x}").into_bytes());
    }
}

fn is_token(name: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !name.is_empty() && name.iter().all(allowed)
}

/// Behind the first message the stream is cut short.
#[derive(Debug)]
struct EndsWithinAChunk;

impl Editor for EndsWithinAChunk {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        out.pass(&piece);
        if piece.is_message() {
            out.raw(*b"ff\r\n<!--");
            out.end();
        }
    }
}
