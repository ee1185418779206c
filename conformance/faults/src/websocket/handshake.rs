//! Faults of reading the opening handshake of the client (RFC 6455 sections 4.2.1 and 4.4).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

use super::fault;
use crate::answer::Answer;
use crate::fields::{self, is_named};
use crate::request::Request;
use crate::{Edit, Fault};
use pushspec_wire::http1::Line;

pub(super) const KEY: &str = "Sec-WebSocket-Key";
pub(super) const VERSION: &str = "Sec-WebSocket-Version";

/// The fields of the opening handshake (section 4.1), and those that say where a body ends.
const KNOWN: [&str; 10] = [
    "Host",
    "Upgrade",
    "Connection",
    KEY,
    VERSION,
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Origin",
    "Content-Length",
    "Transfer-Encoding",
];

/// Base64 with any bits behind the last byte.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The key of the example in section 1.3.
pub(super) const GOOD_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "opens-with-200",
        "rfc6455/4.2.2/status",
        "Answers the opening handshake with 200.",
        &[Edit::Answer(|_request, answer| {
            if answer.status() == 101 {
                answer.set_status("200 OK");
            }
        })],
    ),
    fault(
        "opens-for-any-method",
        "rfc6455/4.2.1/get-only",
        "Opens a WebSocket whatever the method.",
        &[Edit::Request(|request| {
            if request.is_handshake() {
                request.set_method("GET");
            }
        })],
    ),
    fault(
        "absolute-target-is-not-found",
        "rfc6455/4.2.1/absolute-target",
        "Looks for a path at the beginning of the target, where the scheme can be.",
        &[Edit::Answer(|request, answer| {
            refuse(answer, "404 Not Found", request.target().starts_with("http://"));
        })],
    ),
    fault(
        "query-is-not-found",
        "rfc6455/4.2.1/query",
        "Takes the query for a part of the path.",
        &[Edit::Answer(|request, answer| {
            refuse(answer, "404 Not Found", request.is_handshake() && request.target().contains('?'));
        })],
    ),
    fault(
        "opens-for-http-1.0",
        "rfc6455/4.2.1/http-version",
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
        "rfc6455/4.2.1/host",
        "Opens a WebSocket for a request that names no host.",
        &[Edit::Request(|request| add_missing(request, "Host", "localhost"))],
    ),
    fault(
        "opens-for-any-host",
        "rfc6455/4.2.1/host",
        "Opens a WebSocket whatever the Host field holds.",
        &[Edit::Request(|request| replace(request, "Host", is_no_authority, "localhost"))],
    ),
    fault(
        "second-host-is-passed-over",
        "rfc6455/4.2.1/host",
        "Reads the first of two Host fields.",
        &[Edit::Request(|request| keep_one(request, "Host", |_| true))],
    ),
    fault(
        "opens-without-upgrade",
        "rfc6455/4.2.1/upgrade",
        "Opens a WebSocket for a request without Upgrade.",
        &[Edit::Request(|request| add_missing(request, "Upgrade", "websocket"))],
    ),
    fault(
        "opens-for-any-upgrade",
        "rfc6455/4.2.1/upgrade",
        "Opens a WebSocket whatever protocol Upgrade asks for.",
        &[Edit::Request(|request| {
            replace(request, "Upgrade", |value| !has(value, "websocket"), "websocket");
        })],
    ),
    fault(
        "part-of-upgrade-is-enough",
        "rfc6455/4.2.1/upgrade-whole",
        "Looks for the name of the protocol anywhere in Upgrade.",
        &[Edit::Request(|request| {
            let resembles = |value: &str| value.contains("websocket") && !value.contains([',', ' ']);
            replace(request, "Upgrade", resembles, "websocket");
        })],
    ),
    fault(
        "upgrade-is-compared-bytewise",
        "rfc6455/4.2.1/upgrade-case",
        "Knows the protocol of Upgrade only in lower case.",
        &[Edit::Request(|request| {
            let other = |value: &str| value != "websocket" && value.eq_ignore_ascii_case("websocket");
            replace(request, "Upgrade", other, "x");
        })],
    ),
    fault(
        "upgrade-is-no-list",
        "rfc6455/4.2.1/upgrade-list",
        "Compares the whole value of Upgrade.",
        &[Edit::Request(|request| spoil_list(request, "Upgrade"))],
    ),
    fault(
        "opens-without-connection",
        "rfc6455/4.2.1/connection",
        "Opens a WebSocket for a request without Connection.",
        &[Edit::Request(|request| add_missing(request, "Connection", "Upgrade"))],
    ),
    fault(
        "opens-for-any-connection",
        "rfc6455/4.2.1/connection",
        "Opens a WebSocket whatever Connection lists.",
        &[Edit::Request(|request| {
            replace(request, "Connection", |value| !has(value, "upgrade"), "Upgrade");
        })],
    ),
    fault(
        "part-of-connection-is-enough",
        "rfc6455/4.2.1/connection",
        "Takes what resembles the option of Connection for it.",
        &[Edit::Request(|request| {
            let resembles = |value: &str| {
                let value = value.to_ascii_lowercase();
                !value.contains(',')
                    && (value.contains("upgrade") || (!value.is_empty() && "upgrade".starts_with(&value)))
            };
            replace(
                request,
                "Connection",
                |value| !value.eq_ignore_ascii_case("upgrade") && resembles(value),
                "Upgrade",
            );
        })],
    ),
    fault(
        "connection-is-compared-bytewise",
        "rfc6455/4.2.1/connection-case",
        "Knows the option of Connection only with a capital at its beginning.",
        &[Edit::Request(|request| {
            let other = |value: &str| value != "Upgrade" && value.eq_ignore_ascii_case("upgrade");
            replace(request, "Connection", other, "x");
        })],
    ),
    fault(
        "connection-is-no-list",
        "rfc6455/4.2.1/connection-list",
        "Compares the whole value of Connection.",
        &[Edit::Request(|request| spoil_list(request, "Connection"))],
    ),
    fault(
        "opens-without-key",
        "rfc6455/4.2.1/key",
        "Opens a WebSocket for a request without a key.",
        &[Edit::Request(|request| add_missing(request, KEY, GOOD_KEY))],
    ),
    fault(
        "opens-for-any-key",
        "rfc6455/4.2.1/key",
        "Opens a WebSocket for a key that is not base64.",
        &[Edit::Request(|request| {
            let bad = |value: &str| value.is_empty() || LENIENT.decode(value).is_err();
            replace(request, KEY, bad, GOOD_KEY);
        })],
    ),
    fault(
        "key-is-written-anew",
        "rfc6455/4.2.2/key-as-written",
        "Decodes the key, and hashes what it looks like when it is encoded again.",
        &[Edit::Request(|request| {
            let key =
                request.field(KEY).and_then(|value| LENIENT.decode(value).ok()).filter(|key| key.len() == 16);
            let anew = STANDARD.encode(key.unwrap_or_default());
            replace(request, KEY, |value| !anew.is_empty() && value != anew, &anew);
        })],
    ),
    fault(
        "second-key-is-passed-over",
        "rfc6455/11.3.1/key-once",
        "Reads the first of two keys.",
        &[Edit::Request(|request| keep_one(request, KEY, |_| true))],
    ),
    fault(
        "length-of-the-key-is-not-looked-at",
        "rfc6455/4.2.1/key-length",
        "Opens a WebSocket for a key of more or less than 16 bytes.",
        &[Edit::Request(|request| {
            let other = |value: &str| STANDARD.decode(value).is_ok_and(|key| !matches!(key.len(), 0 | 16));
            replace(request, KEY, other, GOOD_KEY);
        })],
    ),
    fault(
        "opens-without-version",
        "rfc6455/4.2.1/version",
        "Opens a WebSocket for a request without a version.",
        &[Edit::Request(|request| add_missing(request, VERSION, "13"))],
    ),
    fault(
        "version-is-read-leniently",
        "rfc6455/4.2.1/version",
        "Reads as many digits of the version as there are.",
        &[Edit::Request(|request| replace(request, VERSION, |value| !is_version(value), "13"))],
    ),
    fault(
        "one-13-among-versions-is-enough",
        "rfc6455/11.3.5/version-once",
        "Looks for its version among several lines.",
        &[Edit::Request(|request| keep_one(request, VERSION, |value| value == b"13"))],
    ),
    fault(
        "white-space-is-part-of-the-version",
        "rfc6455/4.2.1/white-space",
        "Takes the version to begin one space behind the colon.",
        &[Edit::Request(|request| {
            let line = request.head.lines.iter().find(|line| is_named(line, VERSION));
            let value =
                line.and_then(|line| line.content.get(VERSION.len() + 1..)).unwrap_or_default().to_vec();
            let plain = value.strip_prefix(b" ").is_some_and(|value| value == value.trim_ascii());
            replace(request, VERSION, |version| !plain && !version.is_empty(), "x");
        })],
    ),
    fault(
        "drafts-are-spoken",
        "rfc6455/4.4/draft-versions",
        "Opens a WebSocket for the versions of the drafts.",
        &[Edit::Request(|request| {
            replace(request, VERSION, |value| value.parse().is_ok_and(|version: u8| version <= 8), "13");
        })],
    ),
    fault(
        "versions-in-words",
        "rfc6455/4.3/version-server",
        "Writes a sentence where the versions are to be listed.",
        &[Edit::Answer(|request, answer| {
            if request.is_handshake() && answer.status() != 101 && answer.head.value(VERSION).is_some() {
                fields::set(&mut answer.head, VERSION, "13 or later");
            }
        })],
    ),
    fault(
        "opens-for-any-version",
        "rfc6455/4.2.2/version-not-understood",
        "Opens a WebSocket for a version that nobody has defined.",
        &[Edit::Request(|request| {
            let other = |value: &str| value.parse().is_ok_and(|version: u8| version >= 9 && version != 13);
            replace(request, VERSION, |value| is_version(value) && other(value), "13");
        })],
    ),
    fault(
        "refusal-names-no-version",
        "rfc6455/4.4/versions-listed",
        "Does not say which version it speaks where it refuses one.",
        &[Edit::Answer(|_request, answer| fields::remove(&mut answer.head, VERSION))],
    ),
    fault(
        "field-names-in-one-spelling",
        "rfc6455/4.2.1/field-name-case",
        "Knows the name of the key field only in one spelling.",
        &[Edit::Request(|request| {
            fields::retain(&mut request.head, |line| {
                !is_named(line, KEY) || line.content.starts_with(KEY.as_bytes())
            });
        })],
    ),
    fault(
        "unknown-field-of-a-handshake-is-refused",
        "rfc6455/4.2.1/unknown-fields",
        "Refuses an opening handshake with a field that it does not know.",
        &[Edit::Answer(|request, answer| {
            let unknown = |line: &Line| !line.is_empty() && !KNOWN.iter().any(|name| is_named(line, name));
            let fields = request.head.lines.iter().filter(|line| !line.is_empty()).skip(1);
            refuse(answer, "400 Bad Request", request.is_handshake() && fields.into_iter().any(unknown));
        })],
    ),
    fault(
        "fields-are-limited-to-1000-bytes",
        "rfc6455/4.2.1/room-for-fields",
        "Has no room for a long field.",
        &[Edit::Answer(|request, answer| {
            let long = request.head.lines.iter().any(|line| line.content.len() >= 1000);
            refuse(answer, "431 Request Header Fields Too Large", request.is_handshake() && long);
        })],
    ),
    fault(
        "fields-are-limited-to-32",
        "rfc6455/4.2.1/room-for-fields",
        "Has no room for many fields.",
        &[Edit::Answer(|request, answer| {
            let many = request.head.lines.len() > 34;
            refuse(answer, "431 Request Header Fields Too Large", request.is_handshake() && many);
        })],
    ),
    fault(
        "host-is-looked-for-first",
        "rfc6455/4.2.1/order-of-fields",
        "Refuses an opening handshake whose fields stand in another order than its own.",
        &[Edit::Answer(|request, answer| {
            let place = |name| request.head.lines.iter().position(|line| is_named(line, name));
            let host_later = place("Host").zip(place(VERSION)).is_some_and(|(host, version)| host > version);
            refuse(answer, "400 Bad Request", host_later);
        })],
    ),
    fault(
        "folded-field-is-a-crash",
        "rfc6455/4.2.1/folded-field",
        "Answers 500 to a field that is folded.",
        &[Edit::Answer(|request, answer| {
            if request.is_handshake() && request.head.lines.iter().any(fields::is_folded) {
                answer.set_status("500 Internal Server Error");
            }
        })],
    ),
    fault(
        "body-is-read-as-frames",
        "rfc9112/9.3/body-is-read",
        "Passes over the length of a body in the opening handshake.",
        &[Edit::Request(|request| {
            if request.is_handshake() && request.method() == "GET" {
                fields::remove(&mut request.head, "Content-Length");
            }
        })],
    ),
    fault(
        "frames-with-the-request-are-lost",
        "rfc6455/4.2.2/early-frames",
        "Throws away what has come in the same read as the opening handshake.",
        &[Edit::Read(|read, bytes| {
            let end = bytes.windows(4).position(|end| end == b"\r\n\r\n").map(|at| at + 4);
            let upgrades = || bytes.windows(KEY.len()).any(|name| name.eq_ignore_ascii_case(KEY.as_bytes()));
            if let Some(end) = end.filter(|_| read.frames.is_none() && upgrades()) {
                bytes.truncate(end);
            }
        })],
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

/// Gives `x` to a field that holds a list, in one line or in several.
fn spoil_list(request: &mut Request, name: &str) {
    let lines = request.head.values(name).count();
    if request.is_handshake() && (lines > 1 || request.field(name).is_some_and(|value| value.contains(','))) {
        fields::remove(&mut request.head, name);
        fields::add(&mut request.head, name, "x");
    }
}

/// Keeps the first of several lines of which the function says so, if there is one.
pub(super) fn keep_one(request: &mut Request, name: &str, wanted: impl Fn(&[u8]) -> bool) {
    let values: Vec<Vec<u8>> = request.head.values(name).map(Cow::into_owned).collect();
    let kept = values.iter().find(|value| wanted(value));
    if let Some(kept) = kept.filter(|_| request.is_handshake() && values.len() > 1) {
        let kept = String::from_utf8_lossy(kept).into_owned();
        fields::remove(&mut request.head, name);
        fields::add(&mut request.head, name, &kept);
    }
}

pub(super) fn drop_where(request: &mut Request, name: &str, wrong: impl Fn(&str) -> bool) {
    if request.is_handshake() && request.field(name).is_some_and(|value| wrong(&value)) {
        fields::remove(&mut request.head, name);
    }
}

/// Another answer in the place of the opening handshake.
pub(super) fn refuse(answer: &mut Answer, status: &str, when: bool) {
    if when {
        on_opening(answer, |answer| answer.set_status(status));
    }
}

/// Whether a word stands anywhere in a value, in any case.
fn has(value: &str, word: &str) -> bool {
    value.to_ascii_lowercase().contains(word)
}

fn is_no_authority(host: &str) -> bool {
    let port = host.rsplit_once(':').map_or("", |(_, port)| port);
    host.contains([' ', '/', '@', '[', '%']) || !port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Digits from 0 to 255 that do not begin with a zero.
fn is_version(value: &str) -> bool {
    value.parse().is_ok_and(|version: u8| version.to_string() == value)
}

pub(super) fn on_opening(answer: &mut Answer, edit: impl FnOnce(&mut Answer)) {
    if answer.status() == 101 {
        edit(answer);
    }
}
