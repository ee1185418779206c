//! Faults in what HTTP means whatever the version (RFC 9110): URIs, fields, methods and lengths.

use pushspec_wire::http1::Head;

use super::fields::{self, is_named, retain};
use super::frames::Read;
use super::request::{Refusal, Request};
use super::{Edit, Fault};

const fn fault(
    name: &'static str,
    clause: &'static str,
    summary: &'static str,
    edits: &'static [Edit],
) -> Fault {
    Fault { name, technique: "http", clause, summary, edits }
}

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "unknown-field-is-refused",
        "rfc9110/5.1/unknown-fields",
        "Refuses a request with a field that it does not know.",
        &[Edit::Refusal(|request| request.names("Pushspec-Unknown").then_some(Refusal(400, "Bad Request")))],
    ),
    fault(
        "octets-beyond-ascii-are-refused",
        "rfc9110/5.5/octets-beyond-ascii",
        "Refuses a request with an octet beyond ASCII in a field.",
        &[Edit::Refusal(|request| {
            let beyond = request.head.lines.iter().any(|line| !line.content.is_ascii());
            beyond.then_some(Refusal(400, "Bad Request"))
        })],
    ),
    fault(
        "empty-elements-spoil-a-list",
        "rfc9110/5.6.1.2/empty-elements",
        "Passes over a list that has empty elements.",
        &[Edit::Request(|request| {
            for name in LISTS {
                if request.field(name).is_some_and(|value| value.contains(",,")) {
                    fields::remove(&mut request.head, name);
                }
            }
        })],
    ),
    fault(
        "first-line-of-a-list-counts",
        "rfc9110/5.3/lines-are-one-list",
        "Passes over all lines of a list but the first.",
        &[Edit::Request(|request| LISTS.iter().for_each(|name| keep_first(&mut request.head, name)))],
    ),
    fault(
        "switches-to-what-nobody-asked-for",
        "rfc9110/7.8/protocol-not-asked-for",
        "Switches to a protocol of its own as soon as a client offers any.",
        &[Edit::Refusal(|request| {
            let offers = request.names("Upgrade") && request.technique() != "websocket";
            offers.then_some(Refusal(101, "Switching Protocols"))
        })],
    ),
    fault(
        "other-protocols-are-left-waiting",
        "rfc9110/7.8/offer-passed-over",
        "Gives a request that offers any protocol to the part that opens WebSockets, which answers nothing to other protocols.",
        &[Edit::Read(|_, bytes| {
            if offers_another_protocol(bytes) {
                bytes.clear();
            }
        })],
    ),
    fault(
        "switches-before-it-continues",
        "rfc9110/7.8/continue-first",
        "Opens a WebSocket without a word to a client that waits for 100.",
        &[Edit::Refusal(|request| {
            let waits = request.names("Expect") && request.technique() == "websocket";
            waits.then_some(Refusal(101, "Switching Protocols"))
        })],
    ),
    fault(
        "expectation-in-exact-case",
        "rfc9110/10.1.1/in-any-case",
        "Waits for content where the expectation of 100-continue is spelled in another way.",
        &[Edit::Request(|request| {
            if request.field("Expect").is_some_and(|value| value == "100-Continue") {
                // The server reads what is published before it answers.
                request.set_method("POST");
                request.set_target("/publish/pushspec-waits");
                fields::remove(&mut request.head, "Expect");
            }
        })],
    ),
    fault(
        "star-breaks-it",
        "rfc9110/9.3.7/server-as-a-whole",
        "Answers 500 to a question about the server as a whole.",
        &[Edit::Refusal(|request| {
            (request.target() == "*").then_some(Refusal(500, "Internal Server Error"))
        })],
    ),
    fault(
        "tunnel-to-nowhere",
        "rfc9110/9.3.6/port-of-connect",
        "Opens a tunnel to whatever CONNECT names.",
        &[Edit::Refusal(|request| (request.method() == "CONNECT").then_some(Refusal(200, "OK")))],
    ),
    fault(
        "length-of-32-bits",
        "rfc9110/8.6/large-lengths",
        "Counts the content of a request in 32 bits, and lets the number overflow.",
        &[Edit::Read(length_of_32_bits)],
    ),
    fault(
        "conditions-come-before-404",
        "rfc9110/13.2.1/refusals-come-first",
        "Looks at conditions before it looks whether there is anything.",
        &[Edit::Refusal(|request| {
            let nothing = request.target() == "/pushspec-no-such-path";
            nothing.then(|| by_its_conditions(request)).flatten()
        })],
    ),
    fault(
        "options-looks-at-conditions",
        "rfc9110/13.2.1/methods-without-selection",
        "Looks at conditions also where a method selects nothing.",
        &[Edit::Refusal(|request| {
            let options = request.method() == "OPTIONS";
            options.then(|| by_its_conditions(request)).flatten()
        })],
    ),
    fault(
        "no-content-has-a-coding",
        "rfc9112/6.1/no-coding-in-204",
        "Sends a 204 with a transfer coding.",
        &[Edit::Answer(|_request, answer| {
            if answer.status() == 204 {
                fields::add(&mut answer.head, "Transfer-Encoding", "chunked");
            }
        })],
    ),
    fault(
        "allow-lists-what-is-refused",
        "rfc9110/15.5.6/allow-is-true",
        "Lists in the Allow of a 405 the method that it refuses.",
        &[Edit::Answer(|request, answer| {
            if let Some(methods) = fields::value(&answer.head, "Allow").filter(|_| answer.status() == 405) {
                fields::set(&mut answer.head, "Allow", &format!("{methods}, {}", request.method()));
            }
        })],
    ),
    fault(
        "unknown-method-is-unauthorized",
        "rfc9110/15.5.2/challenge",
        "Answers 401 to a method that it does not know, and does not say for what credentials are.",
        &[Edit::Refusal(|request| (request.method() == "PUSHSPEC").then_some(Refusal(401, "Unauthorized")))],
    ),
    fault(
        "unknown-method-is-elsewhere",
        "rfc9110/15.4/location",
        "Redirects a method that it does not know, and does not say where to.",
        &[Edit::Refusal(|request| (request.method() == "PUSHSPEC").then_some(Refusal(302, "Found")))],
    ),
    fault(
        "changed-in-the-future",
        "rfc9110/8.8.2.1/not-ahead",
        "Says that the content was changed after the answer was dated.",
        &[Edit::Answer(|request, answer| {
            if plain(request) {
                fields::add(&mut answer.head, "Last-Modified", "Fri, 31 Dec 9999 23:59:59 GMT");
            }
        })],
    ),
    fault(
        "type-stands-twice",
        "rfc9110/5.3/one-line",
        "Says twice what the content is.",
        &[Edit::Answer(|request, answer| {
            let value = fields::value(&answer.head, "Content-Type");
            if let Some(value) = value.filter(|_| plain(request) && request.technique() == "long-polling") {
                fields::add(&mut answer.head, "Content-Type", &value);
            }
        })],
    ),
    fault(
        "list-ends-with-a-comma",
        "rfc9110/5.6.1.1/no-empty-elements",
        "Leaves a comma behind the last directive of Cache-Control.",
        &[Edit::Answer(|request, answer| {
            if let Some(value) = fields::value(&answer.head, "Cache-Control").filter(|_| plain(request)) {
                fields::set(&mut answer.head, "Cache-Control", &format!("{value},"));
            }
        })],
    ),
    fault(
        "upgrade-is-for-everybody",
        "rfc9110/7.8/connection",
        "Offers a protocol and does not list Upgrade in Connection.",
        &[Edit::Answer(|request, answer| {
            if plain(request) {
                fields::add(&mut answer.head, "Upgrade", "h2c");
            }
        })],
    ),
    fault(
        "keep-alive-is-for-everybody",
        "rfc9110/7.6.1/listed",
        "Says how long a connection is kept and does not list the field in Connection.",
        &[Edit::Answer(|request, answer| {
            if plain(request) {
                fields::add(&mut answer.head, "Keep-Alive", "timeout=600");
            }
        })],
    ),
    fault(
        "connection-takes-cache-control",
        "rfc9110/7.6.1/no-field-for-all",
        "Lists Cache-Control in Connection.",
        &[Edit::Answer(|request, answer| {
            if plain(request) {
                fields::add(&mut answer.head, "Connection", "Cache-Control");
            }
        })],
    ),
    fault(
        "lifetime-in-quotes",
        "rfc9111/5.2.2.1/max-age-is-unquoted",
        "Writes the seconds of max-age in quotes.",
        &[Edit::Answer(|request, answer| {
            if plain(request) {
                fields::add(&mut answer.head, "Cache-Control", "max-age=\"0\"");
            }
        })],
    ),
];

/// Neither an opening handshake nor a publication.
fn plain(request: &Request) -> bool {
    !request.is_handshake() && !request.publishes()
}

/// The lists of requests in which the pages put more than one element.
const LISTS: [&str; 2] = ["Connection", "If-None-Match"];

fn keep_first(head: &mut Head, name: &str) {
    let mut seen = false;
    retain(head, |line| {
        let again = is_named(line, name) && seen;
        seen |= is_named(line, name);
        !again
    });
}

/// What a server answers that takes every condition for false.
fn by_its_conditions(request: &Request) -> Option<Refusal> {
    if request.names("If-Match") {
        return Some(Refusal(412, "Precondition Failed"));
    }
    let cached = request.names("If-None-Match") || request.names("If-Modified-Since");
    cached.then_some(Refusal(304, "Not Modified"))
}

/// All the lengths of more than nine digits that the pages send are multiples of 2^32.
fn length_of_32_bits(_read: &Read<'_>, bytes: &mut Vec<u8>) {
    const NAME: &[u8] = b"Content-Length: ";
    let Some(at) = bytes.windows(NAME.len()).position(|window| window == NAME) else { return };
    let from = at + NAME.len();
    let digits = bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > 9 {
        bytes.splice(from..from + digits, *b"0");
    }
}

/// Whether a request offers a protocol, and not the one of WebSockets.
fn offers_another_protocol(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    text.split("\r\nupgrade:")
        .nth(1)
        .is_some_and(|rest| rest.lines().next().is_some_and(|value| !value.contains("websocket")))
}
