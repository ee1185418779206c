//! Faults of the opening handshake of the server (RFC 6455 sections 4.2.2, 9.1 and 10.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use super::fault;
use super::handshake::{GOOD_KEY, KEY, VERSION, drop_where, keep_one, on_opening, refuse};
use crate::answer::Answer;
use crate::fields::{self, is_named};
use crate::request::Request;
use crate::{Edit, Fault};

/// What section 1.3 has a server append to the key.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const ACCEPT: &str = "Sec-WebSocket-Accept";
const EXTENSIONS: &str = "Sec-WebSocket-Extensions";
const PROTOCOL: &str = "Sec-WebSocket-Protocol";

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "answer-without-upgrade",
        "Leaves Upgrade out of its opening handshake.",
        &[Edit::Answer(|_request, answer| {
            on_opening(answer, |answer| fields::remove(&mut answer.head, "Upgrade"));
        })],
    ),
    fault(
        "upgrade-is-sent-back",
        "Sends back all that the client would upgrade to.",
        &[Edit::Answer(|request, answer| send_back(request, answer, "Upgrade"))],
    ),
    fault(
        "subprotocol-of-the-last-client",
        "Keeps the subprotocol that it has taken, and names it to those who have offered none.",
        &[Edit::Answer(|request, answer| {
            if fields::value(&answer.head, PROTOCOL).is_some() {
                request.memory.count(PROTOCOL);
            } else if !request.names(PROTOCOL) && request.memory.counted(PROTOCOL) > 0 {
                on_opening(answer, |answer| fields::add(&mut answer.head, PROTOCOL, "chat"));
            }
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
        "answer-with-a-length",
        "Announces a body in its opening handshake.",
        &[Edit::Answer(|_request, answer| {
            on_opening(answer, |answer| fields::add(&mut answer.head, "Content-Length", "0"));
        })],
    ),
    fault(
        "version-in-the-answer",
        "Says in its opening handshake which version it speaks.",
        &[Edit::Answer(|_request, answer| {
            on_opening(answer, |answer| fields::add(&mut answer.head, VERSION, "13"));
        })],
    ),
    fault(
        "refused-once-refused-for-good",
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
        "Answers 426 and does not say which protocol it wants.",
        &[Edit::Answer(|_request, answer| {
            if answer.status() == 426 {
                fields::remove(&mut answer.head, "Upgrade");
            }
        })],
    ),
    fault(
        "refuses-without-an-answer",
        "Ends the connection where it refuses the opening handshake.",
        &[Edit::Answer(|request, answer| {
            answer.dropped |= request.is_handshake() && (400..500).contains(&answer.status());
        })],
    ),
    fault(
        "accept-twice",
        "Sends its answer to the key in two lines.",
        &[Edit::Answer(|_request, answer| {
            let accept = fields::value(&answer.head, ACCEPT).unwrap_or_default();
            on_opening(answer, |answer| fields::add(&mut answer.head, ACCEPT, &accept));
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
        "unknown-extension-is-refused",
        "Refuses an opening handshake with an extension that it does not know.",
        &[Edit::Answer(|request, answer| {
            let offered = request.field(EXTENSIONS).unwrap_or_default();
            refuse(answer, "400 Bad Request", offered.contains("x-pushspec"));
        })],
    ),
    fault(
        "offer-of-browsers-is-refused",
        "Refuses an opening handshake with the extension that browsers offer.",
        &[Edit::Answer(|request, answer| {
            let offered = request.field(EXTENSIONS).unwrap_or_default();
            refuse(answer, "400 Bad Request", offered.contains("client_max_window_bits"));
        })],
    ),
    fault(
        "extensions-are-not-read",
        "Does not look at the extensions that it is offered.",
        &[Edit::Request(|request| drop_where(request, EXTENSIONS, |value| !is_extension_list(value)))],
    ),
    fault(
        "own-page-gets-a-page",
        "Answers its own pages with an ordinary page.",
        &[Edit::Answer(|request, answer| {
            let origin = request.field("Origin").unwrap_or_default();
            let own = request.field("Host").is_some_and(|host| origin == format!("http://{host}"));
            refuse(answer, "200 OK", request.is_handshake() && own);
        })],
    ),
    fault(
        "foreign-page-gets-a-page",
        "Answers pages of other sites with an ordinary page.",
        &[Edit::Answer(|request, answer| {
            if is_foreign(request) {
                answer.set_status("200 OK");
            }
        })],
    ),
    fault(
        "foreign-page-gets-400",
        "Refuses pages of other sites as if their request were malformed.",
        &[Edit::Answer(|request, answer| {
            if is_foreign(request) {
                answer.set_status("400 Bad Request");
            }
        })],
    ),
    fault(
        "subprotocol-of-its-own",
        "Names the subprotocol that it speaks whatever it was offered.",
        &[Edit::Answer(|request, answer| {
            if request.names(PROTOCOL) {
                on_opening(answer, |answer| fields::set(&mut answer.head, PROTOCOL, "server.pushspec"));
            }
        })],
    ),
    fault(
        "subprotocol-is-never-taken",
        "Opens without the subprotocol that it speaks and was offered.",
        &[Edit::Answer(|_request, answer| {
            on_opening(answer, |answer| fields::remove(&mut answer.head, PROTOCOL));
        })],
    ),
    fault(
        "only-the-first-subprotocol-is-read",
        "Takes the subprotocol that it speaks only where it is offered first.",
        &[Edit::Answer(|request, answer| {
            let offered = request.field(PROTOCOL).unwrap_or_default();
            let first = offered.split(',').next().unwrap_or_default().trim().to_owned();
            on_opening(answer, |answer| {
                fields::retain(&mut answer.head, |line| {
                    !is_named(line, PROTOCOL) || line.content.ends_with(first.as_bytes())
                });
            });
        })],
    ),
    fault(
        "lists-end-with-their-first-line",
        "Reads the first of several lines of subprotocols, or of extensions, and no other.",
        &[Edit::Request(|request| {
            for name in [PROTOCOL, EXTENSIONS] {
                keep_one(request, name, |_| true);
            }
        })],
    ),
    fault(
        "subprotocol-in-small-letters",
        "Takes the subprotocol that it was offered, in small letters.",
        &[Edit::Answer(|request, answer| {
            let offered = request.field(PROTOCOL).unwrap_or_default().to_ascii_lowercase();
            if let Some(first) = offered.split(',').map(str::trim).find(|name| !name.is_empty()) {
                on_opening(answer, |answer| fields::set(&mut answer.head, PROTOCOL, first));
            }
        })],
    ),
    fault(
        "subprotocols-are-not-read",
        "Does not look at the subprotocols that it is offered.",
        &[Edit::Request(|request| {
            let tokens = |value: &str| {
                let mut names = value.split(',').map(str::trim).filter(|name| !name.is_empty()).peekable();
                names.peek().is_some() && names.all(is_token)
            };
            drop_where(request, PROTOCOL, |value| !tokens(value));
        })],
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

fn is_foreign(request: &Request) -> bool {
    let origin = request.field("Origin").unwrap_or_default();
    request.is_handshake()
        && (origin == "null" || origin.contains("pushspec.invalid") || origin.starts_with("moz-extension:"))
}

fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

/// A list of extensions as section 9.1 has it.
fn is_extension_list(value: &str) -> bool {
    let quoted =
        |value: &str| value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).is_some_and(is_token);
    let parameter = |text: &str| match text.split_once('=') {
        Some((name, value)) => is_token(name.trim()) && (is_token(value.trim()) || quoted(value.trim())),
        None => is_token(text),
    };
    let member = |text: &str| {
        let mut parts = text.split(';').map(str::trim);
        parts.next().is_some_and(is_token) && parts.all(parameter)
    };
    let mut members = value.split(',').map(str::trim).filter(|member| !member.is_empty()).peekable();
    members.peek().is_some() && members.all(member)
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
