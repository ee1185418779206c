//! Faults of the opening handshake of the server (RFC 6455 sections 4.2.2 and 10.2).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use super::fault;
use super::handshake::{GOOD_KEY, KEY, VERSION, on_opening, refuse};
use super::offers::send_back;
use crate::answer::Answer;
use crate::fields::{self, is_named};
use crate::request::Request;
use crate::{Edit, Fault};

/// What section 1.3 has a server append to the key.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const ACCEPT: &str = "Sec-WebSocket-Accept";

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "answer-without-upgrade",
        "rfc6455/4.2.2/upgrade",
        "Leaves Upgrade out of its opening handshake.",
        &[Edit::Answer(|_request, answer| {
            on_opening(answer, |answer| fields::remove(&mut answer.head, "Upgrade"));
        })],
    ),
    fault(
        "upgrade-is-sent-back",
        "rfc6455/4.2.2/upgrade",
        "Sends back all that the client would upgrade to.",
        &[Edit::Answer(|request, answer| send_back(request, answer, "Upgrade"))],
    ),
    fault(
        "answer-with-keep-alive",
        "rfc6455/4.2.2/connection",
        "Sends keep-alive for Upgrade in its opening handshake.",
        &[Edit::Answer(|_request, answer| {
            on_opening(answer, |answer| fields::set(&mut answer.head, "Connection", "keep-alive"));
        })],
    ),
    fault(
        "answer-with-a-length",
        "rfc6455/4.2.2/no-body",
        "Announces a body in its opening handshake.",
        &[Edit::Answer(|_request, answer| {
            on_opening(answer, |answer| fields::add(&mut answer.head, "Content-Length", "0"));
        })],
    ),
    fault(
        "version-in-the-answer",
        "rfc6455/11.3.5/version-on-error-only",
        "Says in its opening handshake which version it speaks.",
        &[Edit::Answer(|_request, answer| {
            on_opening(answer, |answer| fields::add(&mut answer.head, VERSION, "13"));
        })],
    ),
    fault(
        "refused-once-refused-for-good",
        "rfc6455/4.4/second-try",
        "Refuses whoever has asked for another version before.",
        &[Edit::Answer(|request, answer| {
            // A case has one key for all its handshakes.
            let who = request.field(KEY).unwrap_or_default();
            if answer.status() != 101 && request.field(VERSION).is_some_and(|version| version != "13") {
                request.memory.count(&who);
            }
            refuse(answer, "403 Forbidden", request.memory.counted(&who) > 0);
        })],
    ),
    fault(
        "426-names-no-protocol",
        "rfc9110/15.5.22/upgrade",
        "Answers 426 and does not say which protocol it wants.",
        &[Edit::Answer(|_request, answer| {
            if answer.status() == 426 {
                fields::remove(&mut answer.head, "Upgrade");
            }
        })],
    ),
    fault(
        "refuses-without-an-answer",
        "rfc6455/10.7/http-status",
        "Ends the connection where it refuses the opening handshake.",
        &[Edit::Answer(|request, answer| {
            answer.dropped |= request.is_handshake() && (400..500).contains(&answer.status());
        })],
    ),
    fault(
        "accept-twice",
        "rfc6455/11.3.3/accept-once",
        "Sends its answer to the key in two lines.",
        &[Edit::Answer(|_request, answer| {
            let accept = fields::value(&answer.head, ACCEPT).unwrap_or_default();
            on_opening(answer, |answer| fields::add(&mut answer.head, ACCEPT, &accept));
        })],
    ),
    fault(
        "accept-without-guid",
        "rfc6455/4.2.2/accept",
        "Hashes the key alone.",
        &[Edit::Answer(|request, answer| set_accept(answer, &request.field(KEY).unwrap_or_default(), ""))],
    ),
    fault(
        "accept-of-the-example-always",
        "rfc6455/4.2.2/accept",
        "Answers every key with what the specification has for its example.",
        &[Edit::Answer(|_request, answer| set_accept(answer, GOOD_KEY, GUID))],
    ),
    fault(
        "accept-for-urls",
        "rfc6455/4.2.2/accept",
        "Writes its answer to the key in the alphabet for URLs.",
        &[Edit::Answer(|_request, answer| {
            let accept = fields::value(&answer.head, ACCEPT).unwrap_or_default();
            if accept.contains(['+', '/']) {
                fields::set(&mut answer.head, ACCEPT, &accept.replace('+', "-").replace('/', "_"));
            }
        })],
    ),
    fault(
        "key-with-its-blanks",
        "rfc6455/4.2.2/key-trimmed",
        "Hashes the key with the spaces around it.",
        &[Edit::Answer(|request, answer| {
            let line = request.head.lines.iter().find(|line| is_named(line, KEY));
            let key = line.and_then(|line| line.content.get(KEY.len() + 2..)).unwrap_or_default();
            set_accept(answer, &String::from_utf8_lossy(key), GUID);
        })],
    ),
    fault(
        "own-page-gets-a-page",
        "rfc6455/4.2.2/origin-refused",
        "Answers its own pages with an ordinary page.",
        &[Edit::Answer(|request, answer| {
            let origin = request.field("Origin").unwrap_or_default();
            let own = request.field("Host").is_some_and(|host| origin == format!("http://{host}"));
            refuse(answer, "200 OK", request.is_handshake() && own);
        })],
    ),
    fault(
        "foreign-page-gets-a-page",
        "rfc6455/10.2/forbidden",
        "Answers pages of other sites with an ordinary page.",
        &[Edit::Answer(|request, answer| {
            if is_foreign(request) {
                answer.set_status("200 OK");
            }
        })],
    ),
    fault(
        "foreign-page-gets-400",
        "rfc6455/10.2/forbidden",
        "Refuses pages of other sites as if their request were malformed.",
        &[Edit::Answer(|request, answer| {
            if is_foreign(request) {
                answer.set_status("400 Bad Request");
            }
        })],
    ),
    fault(
        "first-request-alone-upgrades",
        "rfc6455/4.2.1/used-connection",
        "Looks for an upgrade in the first request of a connection.",
        &[Edit::Request(|request| {
            if request.is_handshake() && request.on_its_connection > 0 {
                fields::remove(&mut request.head, "Upgrade");
            }
        })],
    ),
    fault(
        "refused-handshake-is-never-answered",
        "rfc6455/4.2.1/key",
        "Stops reading an opening handshake that it refuses, and says nothing.",
        &[Edit::Answer(|request, answer| {
            if request.is_handshake() && request.names("Upgrade") && answer.status() >= 400 {
                answer.delay = Duration::from_secs(60);
            }
        })],
    ),
    fault(
        "other-methods-are-never-answered",
        "rfc6455/4.2.1/refused-with-http-error",
        "Refuses an opening handshake by another method than GET, and says nothing.",
        &[Edit::Answer(|request, answer| {
            if request.is_handshake() && request.method() != "GET" {
                answer.delay = Duration::from_secs(60);
            }
        })],
    ),
    fault(
        "refusal-has-no-end",
        "rfc9112/8/complete-answer",
        "Promises more of a refusal than it sends.",
        &[Edit::Answer(|request, answer| {
            if request.is_handshake() && answer.status() >= 400 {
                let length = answer.body.as_ref().map_or(0, Vec::len) + 1;
                fields::set(&mut answer.head, "Content-Length", &length.to_string());
            }
        })],
    ),
    fault(
        "subscribers-that-left-are-counted",
        "websocket-push/1/comes-back",
        "Counts those who have subscribed to a channel and not those who have left.",
        &[Edit::Answer(|request, answer| refuse(answer, "500 Internal Server Error", request.earlier >= 20))],
    ),
];

fn is_foreign(request: &Request) -> bool {
    let origin = request.field("Origin").unwrap_or_default();
    let own = request.field("Host").is_some_and(|host| origin == format!("http://{host}"));
    request.is_handshake() && request.names("Origin") && !own
}

fn set_accept(answer: &mut Answer, key: &str, guid: &str) {
    let accept = STANDARD.encode(Sha1::new().chain_update(key).chain_update(guid).finalize());
    on_opening(answer, |answer| fields::set(&mut answer.head, ACCEPT, &accept));
}
