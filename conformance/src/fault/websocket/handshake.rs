//! Faults of the opening handshake (RFC 6455 section 4.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use super::super::answer::Answer;
use super::super::fields::{self, is_named};
use super::super::request::Request;
use super::super::{Edit, Fault};
use super::fault;

/// What section 1.3 has a server append to the key.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const KEY: &str = "Sec-WebSocket-Key";
const VERSION: &str = "Sec-WebSocket-Version";
const ACCEPT: &str = "Sec-WebSocket-Accept";

/// The key of the example in section 1.3.
const GOOD_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "opens-with-200",
        "Answers the opening handshake with 200.",
        &[Edit::Answer(|_request, answer| {
            if answer.status() == 101 {
                answer.set_status("200 OK");
            }
        })],
    ),
    fault(
        "opens-for-a-post",
        "Opens a WebSocket for a POST.",
        &[Edit::Request(|request| {
            if request.is_handshake() && request.method() == "POST" {
                request.set_method("GET");
            }
        })],
    ),
    fault(
        "opens-for-http-1.0",
        "Opens a WebSocket for a client of HTTP/1.0.",
        &[Edit::Request(|request| {
            if request.is_handshake() && request.version() == "HTTP/1.0" {
                let line = format!("GET {} HTTP/1.1", request.target());
                fields::set_start_line(&mut request.head, line);
            }
        })],
    ),
    fault(
        "opens-without-host",
        "Opens a WebSocket for a request that names no host.",
        &[Edit::Request(|request| add_missing(request, "Host", "localhost"))],
    ),
    fault(
        "opens-for-any-host",
        "Opens a WebSocket whatever the Host field holds.",
        &[Edit::Request(|request| replace(request, "Host", |value| value.contains(' '), "localhost"))],
    ),
    fault(
        "opens-without-upgrade",
        "Opens a WebSocket for a request without Upgrade.",
        &[Edit::Request(|request| add_missing(request, "Upgrade", "websocket"))],
    ),
    fault(
        "opens-for-any-upgrade",
        "Opens a WebSocket whatever protocol Upgrade asks for.",
        &[Edit::Request(|request| replace(request, "Upgrade", |value| value == "pushspec", "websocket"))],
    ),
    fault(
        "upgrade-is-compared-bytewise",
        "Knows the protocol of Upgrade only in small letters.",
        &[Edit::Request(|request| {
            let other = |value: &str| value != "websocket" && value.eq_ignore_ascii_case("websocket");
            replace(request, "Upgrade", other, "x");
        })],
    ),
    fault(
        "upgrade-is-no-list",
        "Compares the whole value of Upgrade.",
        &[Edit::Request(|request| replace(request, "Upgrade", |value| value.contains(','), "x"))],
    ),
    fault(
        "opens-without-connection",
        "Opens a WebSocket for a request without Connection.",
        &[Edit::Request(|request| add_missing(request, "Connection", "Upgrade"))],
    ),
    fault(
        "opens-for-any-connection",
        "Opens a WebSocket whatever Connection lists.",
        &[Edit::Request(|request| replace(request, "Connection", |value| value == "keep-alive", "Upgrade"))],
    ),
    fault(
        "connection-is-compared-bytewise",
        "Knows the option of Connection only with a capital at its beginning.",
        &[Edit::Request(|request| {
            let other = |value: &str| value != "Upgrade" && value.eq_ignore_ascii_case("upgrade");
            replace(request, "Connection", other, "x");
        })],
    ),
    fault(
        "connection-is-no-list",
        "Compares the whole value of Connection.",
        &[Edit::Request(|request| replace(request, "Connection", |value| value.contains(','), "x"))],
    ),
    fault(
        "opens-without-key",
        "Opens a WebSocket for a request without a key.",
        &[Edit::Request(|request| add_missing(request, KEY, GOOD_KEY))],
    ),
    fault(
        "opens-for-any-key",
        "Opens a WebSocket for a key that is not base64.",
        &[Edit::Request(|request| {
            let bad = |value: &str| value.is_empty() || value.contains('!');
            replace(request, KEY, bad, GOOD_KEY);
        })],
    ),
    fault(
        "length-of-the-key-is-not-looked-at",
        "Opens a WebSocket for a key of more or less than 16 bytes.",
        &[Edit::Request(|request| {
            let other = |value: &str| STANDARD.decode(value).is_ok_and(|key| !matches!(key.len(), 0 | 16));
            replace(request, KEY, other, GOOD_KEY);
        })],
    ),
    fault(
        "opens-without-version",
        "Opens a WebSocket for a request without a version.",
        &[Edit::Request(|request| add_missing(request, VERSION, "13"))],
    ),
    fault(
        "version-is-read-leniently",
        "Reads as many digits of the version as there are.",
        &[Edit::Request(|request| replace(request, VERSION, |value| matches!(value, "013" | "13x"), "13"))],
    ),
    fault(
        "opens-for-any-version",
        "Opens a WebSocket for a version that nobody has defined.",
        &[Edit::Request(|request| {
            let other = |value: &str| matches!(value, "14" | "25" | "255");
            replace(request, VERSION, other, "13");
        })],
    ),
    fault(
        "refusal-names-no-version",
        "Does not say which version it speaks where it refuses one.",
        &[Edit::Answer(|_request, answer| fields::remove(&mut answer.head, VERSION))],
    ),
    fault(
        "field-names-in-one-spelling",
        "Knows the name of the key field only in one spelling.",
        &[Edit::Request(|request| {
            fields::retain(&mut request.head, |line| {
                !is_named(line, KEY) || line.content.starts_with(KEY.as_bytes())
            });
        })],
    ),
    fault(
        "unknown-field-is-refused",
        "Refuses an opening handshake with a field that it does not know.",
        &[Edit::Answer(|request, answer| {
            if answer.status() == 101 && request.names("X-Pushspec") {
                answer.set_status("400 Bad Request");
            }
        })],
    ),
    fault(
        "answer-without-upgrade",
        "Leaves Upgrade out of its opening handshake.",
        &[Edit::Answer(|_request, answer| {
            on_opening(answer, |answer| fields::remove(&mut answer.head, "Upgrade"));
        })],
    ),
    fault(
        "answer-with-keep-alive",
        "Sends keep-alive for Upgrade in its opening handshake.",
        &[Edit::Answer(|_request, answer| {
            on_opening(answer, |answer| fields::set(&mut answer.head, "Connection", "keep-alive"));
        })],
    ),
    fault(
        "accept-without-guid",
        "Hashes the key alone.",
        &[Edit::Answer(|request, answer| set_accept(answer, &request.field(KEY).unwrap_or_default(), ""))],
    ),
    fault(
        "accept-of-the-example-always",
        "Answers every key with what the specification has for its example.",
        &[Edit::Answer(|_request, answer| set_accept(answer, GOOD_KEY, GUID))],
    ),
    fault(
        "accept-for-urls",
        "Writes its answer to the key in the alphabet for URLs where both differences occur.",
        &[Edit::Answer(|_request, answer| {
            let accept = fields::value(&answer.head, ACCEPT).unwrap_or_default();
            if accept.contains('+') && accept.contains('/') {
                fields::set(&mut answer.head, ACCEPT, &accept.replace('+', "-").replace('/', "_"));
            }
        })],
    ),
    fault(
        "key-with-its-blanks",
        "Hashes the key with the blanks around it.",
        &[Edit::Answer(|request, answer| {
            let line = request.head.lines.iter().find(|line| is_named(line, KEY));
            let key = line.and_then(|line| line.content.get(KEY.len() + 2..)).unwrap_or_default();
            set_accept(answer, &String::from_utf8_lossy(key), GUID);
        })],
    ),
    fault(
        "extension-unasked",
        "Uses an extension that was not offered.",
        &[Edit::Answer(|request, answer| {
            if !request.names("Sec-WebSocket-Extensions") {
                on_opening(answer, |answer| {
                    fields::add(&mut answer.head, "Sec-WebSocket-Extensions", "permessage-deflate");
                });
            }
        })],
    ),
    fault(
        "extensions-are-sent-back",
        "Sends back whatever extensions it was offered.",
        &[Edit::Answer(|request, answer| send_back(request, answer, "Sec-WebSocket-Extensions"))],
    ),
    fault(
        "subprotocol-unasked",
        "Names a subprotocol that was not offered.",
        &[Edit::Answer(|request, answer| {
            if !request.names("Sec-WebSocket-Protocol") {
                on_opening(answer, |answer| fields::add(&mut answer.head, "Sec-WebSocket-Protocol", "chat"));
            }
        })],
    ),
    fault(
        "subprotocols-are-sent-back",
        "Sends back all subprotocols that it was offered.",
        &[Edit::Answer(|request, answer| send_back(request, answer, "Sec-WebSocket-Protocol"))],
    ),
];

fn add_missing(request: &mut Request, name: &str, value: &str) {
    if request.is_handshake() && !request.names(name) {
        fields::add(&mut request.head, name, value);
    }
}

fn replace(request: &mut Request, name: &str, wrong: impl Fn(&str) -> bool, value: &str) {
    if request.is_handshake() && request.field(name).is_some_and(|present| wrong(&present)) {
        fields::set(&mut request.head, name, value);
    }
}

fn on_opening(answer: &mut Answer, edit: impl FnOnce(&mut Answer)) {
    if answer.status() == 101 {
        edit(answer);
    }
}

fn set_accept(answer: &mut Answer, key: &str, guid: &str) {
    let accept = STANDARD.encode(Sha1::new().chain_update(key).chain_update(guid).finalize());
    on_opening(answer, |answer| fields::set(&mut answer.head, ACCEPT, &accept));
}

fn send_back(request: &Request, answer: &mut Answer, name: &str) {
    if let Some(offered) = request.field(name) {
        on_opening(answer, |answer| fields::set(&mut answer.head, name, &offered));
    }
}
