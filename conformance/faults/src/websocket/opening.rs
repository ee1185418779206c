//! Faults of the opening handshake of the server (RFC 6455 sections 4.2.2, 9.1 and 10.2).

use std::time::Duration;

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
        "subprotocol-of-the-last-client",
        "rfc6455/4.2.2/subprotocol-without-offer",
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
        "extension-unasked",
        "rfc6455/4.2.2/extensions-offered",
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
        "deflate-with-parameters-of-its-own",
        "rfc7692/7/answer",
        "Accepts compression with a parameter that the extension does not have.",
        &[Edit::Answer(|request, answer| accept_deflate(request, answer, "permessage-deflate; mem_level=9"))],
    ),
    fault(
        "deflate-asks-for-client-bits",
        "rfc7692/7.1.2.2/client-bits-where-offered",
        "Asks for a window of the client whether it can have one or not.",
        &[Edit::Answer(|request, answer| {
            accept_deflate(request, answer, "permessage-deflate; client_max_window_bits=15");
        })],
    ),
    fault(
        "extensions-are-sent-back",
        "rfc6455/4.2.2/extensions-ready",
        "Sends back whatever extensions it was offered.",
        &[Edit::Answer(|request, answer| send_back(request, answer, "Sec-WebSocket-Extensions"))],
    ),
    fault(
        "unknown-extension-is-refused",
        "rfc6455/9.1/decline",
        "Refuses an opening handshake with an extension that it does not know.",
        &[Edit::Answer(|request, answer| {
            let offered = request.field(EXTENSIONS).unwrap_or_default();
            refuse(answer, "400 Bad Request", names_another(&offered));
        })],
    ),
    fault(
        "offer-of-browsers-is-refused",
        "rfc6455/9.1/decline",
        "Refuses an opening handshake with the extension that browsers offer.",
        &[Edit::Answer(|request, answer| {
            let offered = request.field(EXTENSIONS).unwrap_or_default();
            refuse(answer, "400 Bad Request", offered.contains("client_max_window_bits"));
        })],
    ),
    fault(
        "extensions-are-not-read",
        "rfc6455/9.1/malformed",
        "Does not look at the extensions that it is offered.",
        &[Edit::Request(|request| drop_where(request, EXTENSIONS, |value| !is_extension_list(value)))],
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
        "subprotocol-of-its-own",
        "rfc6455/4.2.2/subprotocol-known",
        "Names the subprotocol that it speaks whatever it was offered.",
        &[Edit::Answer(|request, answer| {
            if request.names(PROTOCOL) {
                on_opening(answer, |answer| fields::set(&mut answer.head, PROTOCOL, "server.pushspec"));
            }
        })],
    ),
    fault(
        "subprotocol-is-never-taken",
        "rfc6455/4.2.2/subprotocol-known",
        "Opens without the subprotocol that it speaks and was offered.",
        &[Edit::Answer(|_request, answer| {
            on_opening(answer, |answer| fields::remove(&mut answer.head, PROTOCOL));
        })],
    ),
    fault(
        "only-the-first-subprotocol-is-read",
        "rfc6455/4.2.2/subprotocol-known",
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
        "rfc6455/11.3.4/several-lines",
        "Reads the first of several lines of subprotocols, or of extensions, and no other.",
        &[Edit::Request(|request| {
            for name in [PROTOCOL, EXTENSIONS] {
                keep_one(request, name, |_| true);
            }
        })],
    ),
    fault(
        "subprotocol-in-small-letters",
        "rfc6455/4.2.2/subprotocol-spelling",
        "Takes the subprotocol that it was offered, in lower case.",
        &[Edit::Answer(|request, answer| {
            let offered = request.field(PROTOCOL).unwrap_or_default().to_ascii_lowercase();
            if let Some(first) = offered.split(',').map(str::trim).find(|name| !name.is_empty()) {
                on_opening(answer, |answer| fields::set(&mut answer.head, PROTOCOL, first));
            }
        })],
    ),
    fault(
        "subprotocols-are-not-read",
        "rfc6455/4.2.1/subprotocol-grammar",
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
        "rfc6455/4.2.2/subprotocol-without-offer",
        "Names a subprotocol that was not offered.",
        &[Edit::Answer(|request, answer| {
            if !request.names("Sec-WebSocket-Protocol") {
                on_opening(answer, |answer| fields::add(&mut answer.head, "Sec-WebSocket-Protocol", "chat"));
            }
        })],
    ),
    fault(
        "first-subprotocol-is-sent-back",
        "rfc6455/4.2.2/subprotocol-ready",
        "Takes the first subprotocol that it is offered, and has heard of none.",
        &[Edit::Answer(|request, answer| {
            let offered = request.field("Sec-WebSocket-Protocol").unwrap_or_default();
            if let Some(first) = offered.split(',').map(str::trim).find(|name| is_token(name)) {
                on_opening(answer, |answer| fields::set(&mut answer.head, "Sec-WebSocket-Protocol", first));
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
        "deflate-is-taken-whatever-is-asked",
        "rfc7692/7/unknown-parameter",
        "Takes permessage-deflate with parameters and values that it does not have.",
        &[Edit::Answer(|request, answer| {
            let offered = request.field("Sec-WebSocket-Extensions").unwrap_or_default();
            if offered.starts_with("permessage-deflate;") && !offered.ends_with("client_max_window_bits") {
                let taken = "permessage-deflate";
                on_opening(answer, |answer| fields::set(&mut answer.head, "Sec-WebSocket-Extensions", taken));
            }
        })],
    ),
    fault(
        "windows-of-any-size",
        "rfc7692/7/invalid-value",
        "Takes permessage-deflate with windows that no implementation has.",
        &[Edit::Answer(|request, answer| {
            let offered = request.field(EXTENSIONS).unwrap_or_default();
            take_deflate(answer, offered.ends_with("window_bits=7") || offered.ends_with("window_bits=16"));
        })],
    ),
    fault(
        "last-of-two-parameters-counts",
        "rfc7692/7/parameter-twice",
        "Takes permessage-deflate with a parameter that stands there twice.",
        &[Edit::Answer(|request, answer| {
            let offered = request.field(EXTENSIONS).unwrap_or_default();
            let names: Vec<&str> =
                offered.split(';').filter_map(|part| part.split('=').next()).map(str::trim).collect();
            let is_twice = |name: &&str| names.iter().filter(|other| *other == name).count() > 1;
            take_deflate(answer, names.iter().any(is_twice));
        })],
    ),
    fault(
        "quoted-values-are-not-read",
        "rfc6455/9.1/quoted-token",
        "Passes over what stands in quotes in an offer.",
        &[Edit::Request(|request| drop_where(request, EXTENSIONS, |value| value.contains('"')))],
    ),
    fault(
        "offers-in-two-lines-are-refused",
        "rfc6455/9.1/several-lines",
        "Refuses an opening handshake whose offers of extensions are in several lines.",
        &[Edit::Answer(|request, answer| {
            let several = request.head.values(EXTENSIONS).count() > 1;
            refuse(answer, "400 Bad Request", several);
        })],
    ),
    fault(
        "subprotocol-stands-twice",
        "rfc6455/11.3.4/answer-once",
        "Names the subprotocol that it has chosen in two lines.",
        &[Edit::Answer(|_request, answer| {
            if let Some(chosen) = fields::value(&answer.head, PROTOCOL) {
                on_opening(answer, |answer| fields::add(&mut answer.head, PROTOCOL, &chosen));
            }
        })],
    ),
    fault(
        "old-spellings-of-offers-are-refused",
        "rfc6455/9.1/old-grammar",
        "Takes an empty member of a list of extensions, or a tab in it, for an error.",
        &[Edit::Answer(|request, answer| {
            let offered = request.field(EXTENSIONS).unwrap_or_default();
            refuse(answer, "400 Bad Request", offered.starts_with(',') || offered.contains('\t'));
        })],
    ),
    fault(
        "subscribers-that-left-are-counted",
        "websocket-push/1/comes-back",
        "Counts those who have subscribed to a channel and not those who have left.",
        &[Edit::Answer(|request, answer| refuse(answer, "500 Internal Server Error", request.earlier >= 20))],
    ),
    fault(
        "subprotocols-are-sent-back",
        "rfc6455/4.2.2/subprotocol-selected",
        "Sends back all subprotocols that it was offered.",
        &[Edit::Answer(|request, answer| send_back(request, answer, "Sec-WebSocket-Protocol"))],
    ),
];

/// Accepts an offer of compression without a word on its parameters.
fn take_deflate(answer: &mut Answer, is_taken: bool) {
    if is_taken {
        on_opening(answer, |answer| fields::set(&mut answer.head, EXTENSIONS, "permessage-deflate"));
    }
}

/// Accepts what a client offers that knows compression.
fn accept_deflate(request: &Request, answer: &mut Answer, acceptance: &str) {
    let known = ["permessage-deflate", "permessage-deflate; client_max_window_bits"];
    if request.field("Sec-WebSocket-Extensions").is_some_and(|offer| known.contains(&offer.as_str())) {
        on_opening(answer, |answer| {
            fields::set(&mut answer.head, "Sec-WebSocket-Extensions", acceptance);
        });
    }
}

fn is_foreign(request: &Request) -> bool {
    let origin = request.field("Origin").unwrap_or_default();
    let own = request.field("Host").is_some_and(|host| origin == format!("http://{host}"));
    request.is_handshake() && request.names("Origin") && !own
}

/// Whether a list of extensions has one other than that of browsers.
fn names_another(offered: &str) -> bool {
    let mut names = offered.split(',').filter_map(|offer| offer.split(';').next()).map(str::trim);
    names.any(|name| !name.is_empty() && name != "permessage-deflate")
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
