//! Faults of what an opening handshake offers and what is taken: extensions and subprotocols (RFC 6455 sections 9.1 and 4.2.2).

use super::fault;
use super::handshake::{drop_where, keep_one, on_opening, refuse};
use crate::answer::Answer;
use crate::fields::{self, is_named};
use crate::request::Request;
use crate::{Edit, Fault};

const EXTENSIONS: &str = "Sec-WebSocket-Extensions";
const PROTOCOL: &str = "Sec-WebSocket-Protocol";

pub(super) static FAULTS: &[Fault] = &[
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

pub(super) fn send_back(request: &Request, answer: &mut Answer, name: &str) {
    if let Some(offered) = request.field(name) {
        on_opening(answer, |answer| fields::set(&mut answer.head, name, &offered));
    }
}
