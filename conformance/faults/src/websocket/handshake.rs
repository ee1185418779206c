//! Faults of reading the opening handshake of the client (RFC 6455 sections 4.2.1 and 4.4).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

use super::fault;
use crate::answer::Answer;
use crate::fields::{self, is_named};
use crate::request::Request;
use crate::{Edit, Fault};

pub(super) const KEY: &str = "Sec-WebSocket-Key";
pub(super) const VERSION: &str = "Sec-WebSocket-Version";

/// Fields that a server without a use for them does not know.
const UNKNOWN: [&str; 7] =
    ["X-Pushspec", "User-Agent", "Pragma", "Accept-Language", "Accept-Encoding", "Sec-Fetch-Dest", "Cookie"];

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
        "Answers the opening handshake with 200.",
        &[Edit::Answer(|_request, answer| {
            if answer.status() == 101 {
                answer.set_status("200 OK");
            }
        })],
    ),
    fault(
        "opens-for-any-method",
        "Opens a WebSocket whatever the method.",
        &[Edit::Request(|request| {
            if request.is_handshake() {
                request.set_method("GET");
            }
        })],
    ),
    fault(
        "absolute-target-is-not-found",
        "Looks for a path at the beginning of the target, where the scheme can be.",
        &[Edit::Answer(|request, answer| {
            refuse(answer, "404 Not Found", request.target().starts_with("http://"));
        })],
    ),
    fault(
        "query-is-not-found",
        "Takes the query for a part of the path.",
        &[Edit::Answer(|request, answer| {
            refuse(answer, "404 Not Found", request.channel() == "echo" && request.target().contains('?'));
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
        &[Edit::Request(|request| replace(request, "Host", is_no_authority, "localhost"))],
    ),
    fault(
        "second-host-is-passed-over",
        "Reads the first of two Host fields.",
        &[Edit::Request(|request| keep_one(request, "Host", |_| true))],
    ),
    fault(
        "opens-without-upgrade",
        "Opens a WebSocket for a request without Upgrade.",
        &[Edit::Request(|request| add_missing(request, "Upgrade", "websocket"))],
    ),
    fault(
        "opens-for-any-upgrade",
        "Opens a WebSocket whatever protocol Upgrade asks for.",
        &[Edit::Request(|request| {
            replace(request, "Upgrade", |value| matches!(value, "" | "pushspec"), "websocket");
        })],
    ),
    fault(
        "part-of-upgrade-is-enough",
        "Looks for the name of the protocol anywhere in Upgrade.",
        &[Edit::Request(|request| {
            let resembles = |value: &str| value.contains("websocket") && !value.contains([',', ' ']);
            replace(request, "Upgrade", resembles, "websocket");
        })],
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
        &[Edit::Request(|request| spoil_list(request, "Upgrade"))],
    ),
    fault(
        "opens-without-connection",
        "Opens a WebSocket for a request without Connection.",
        &[Edit::Request(|request| add_missing(request, "Connection", "Upgrade"))],
    ),
    fault(
        "opens-for-any-connection",
        "Opens a WebSocket whatever Connection lists.",
        &[Edit::Request(|request| {
            replace(request, "Connection", |value| matches!(value, "" | "keep-alive"), "Upgrade");
        })],
    ),
    fault(
        "part-of-connection-is-enough",
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
        "Knows the option of Connection only with a capital at its beginning.",
        &[Edit::Request(|request| {
            let other = |value: &str| value != "Upgrade" && value.eq_ignore_ascii_case("upgrade");
            replace(request, "Connection", other, "x");
        })],
    ),
    fault(
        "connection-is-no-list",
        "Compares the whole value of Connection.",
        &[Edit::Request(|request| spoil_list(request, "Connection"))],
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
            let bad = |value: &str| value.is_empty() || LENIENT.decode(value).is_err();
            replace(request, KEY, bad, GOOD_KEY);
        })],
    ),
    fault(
        "key-is-written-anew",
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
        "Reads the first of two keys.",
        &[Edit::Request(|request| keep_one(request, KEY, |_| true))],
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
        &[Edit::Request(|request| replace(request, VERSION, |value| !is_version(value), "13"))],
    ),
    fault(
        "one-13-among-versions-is-enough",
        "Looks for its version among several lines.",
        &[Edit::Request(|request| keep_one(request, VERSION, |value| value == b"13"))],
    ),
    fault(
        "white-space-is-part-of-the-version",
        "Takes the version to begin one blank behind the colon.",
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
        "Opens a WebSocket for the versions of the drafts.",
        &[Edit::Request(|request| {
            replace(request, VERSION, |value| value.parse().is_ok_and(|version: u8| version <= 8), "13");
        })],
    ),
    fault(
        "versions-in-words",
        "Writes a sentence where the versions are to be listed.",
        &[Edit::Answer(|request, answer| {
            if request.is_handshake() && answer.status() != 101 && answer.head.value(VERSION).is_some() {
                fields::set(&mut answer.head, VERSION, "13 or later");
            }
        })],
    ),
    fault(
        "opens-for-any-version",
        "Opens a WebSocket for a version that nobody has defined.",
        &[Edit::Request(|request| {
            let other = |value: &str| value.parse().is_ok_and(|version: u8| version >= 9 && version != 13);
            replace(request, VERSION, |value| is_version(value) && other(value), "13");
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
            refuse(answer, "400 Bad Request", UNKNOWN.iter().any(|name| request.names(name)));
        })],
    ),
    fault(
        "fields-are-limited-to-1000-bytes",
        "Has no room for a long field.",
        &[Edit::Answer(|request, answer| {
            let long = request.head.lines.iter().any(|line| line.content.len() >= 1000);
            refuse(answer, "431 Request Header Fields Too Large", request.is_handshake() && long);
        })],
    ),
    fault(
        "fields-are-limited-to-32",
        "Has no room for many fields.",
        &[Edit::Answer(|request, answer| {
            let many = request.head.lines.len() > 34;
            refuse(answer, "431 Request Header Fields Too Large", request.is_handshake() && many);
        })],
    ),
    fault(
        "host-is-looked-for-first",
        "Refuses an opening handshake whose fields stand in another order than its own.",
        &[Edit::Answer(|request, answer| {
            let place = |name| request.head.lines.iter().position(|line| is_named(line, name));
            let host_later = place("Host").zip(place(VERSION)).is_some_and(|(host, version)| host > version);
            refuse(answer, "400 Bad Request", host_later);
        })],
    ),
    fault(
        "folded-field-is-a-crash",
        "Answers 500 to a field that is folded.",
        &[Edit::Answer(|request, answer| {
            if request.is_handshake() && request.head.lines.iter().any(fields::is_folded) {
                answer.set_status("500 Internal Server Error");
            }
        })],
    ),
    fault(
        "body-is-read-as-frames",
        "Passes over the length of a body in the opening handshake.",
        &[Edit::Request(|request| {
            if request.is_handshake() && request.method() == "GET" {
                fields::remove(&mut request.head, "Content-Length");
            }
        })],
    ),
    fault(
        "frames-with-the-request-are-lost",
        "Throws away what has come in the same read as the opening handshake.",
        &[Edit::Read(|read, bytes| {
            let end = bytes.windows(4).position(|end| end == b"\r\n\r\n").map(|at| at + 4);
            let is_frame = |rest: &[u8]| matches!(rest, [0x81, 0x80..=0xff, ..]);
            if read.frames.is_none()
                && let Some(end) = end.filter(|end| bytes.get(*end..).is_some_and(is_frame))
                && !bytes.windows(15).any(|name| name.eq_ignore_ascii_case(b"Content-Length:"))
            {
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
