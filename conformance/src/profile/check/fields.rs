//! What goes into the head of a request: methods, header fields, origins, media types, subprotocols.

use std::collections::BTreeMap;

use super::Mistake;
use crate::mistake::Wrong;

/// The fields that the suite makes itself, with the reason why a profile does not give them.
const OWN: [(&str, &str); 6] = [
    ("Host", "the URL names the host"),
    ("Content-Length", "the suite counts the body"),
    ("Transfer-Encoding", "the suite frames the body"),
    ("Connection", "the cases are about it"),
    ("Upgrade", "the cases are about it"),
    ("Keep-Alive", "the cases are about it"),
];

pub(super) fn is_token(word: &str) -> bool {
    let belongs = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !word.is_empty() && word.bytes().all(belongs)
}

/// What is wrong with a method (RFC 9110 section 9.1): those of the registry are in capitals.
pub(super) fn method_wrong(method: &str, hint: &str) -> Option<Wrong> {
    let fits = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    (!fits).then(|| Wrong::new(format!("`{}` is not a method", method.escape_debug()), hint))
}

/// The mistakes of a table of header fields.
pub(super) fn header_mistakes(
    table: &'static str,
    inner: &str,
    fields: &BTreeMap<String, String>,
) -> Vec<Mistake> {
    let wrong = fields.iter().filter_map(|(name, value)| Some((name, field_wrong(name, value)?)));
    let key = |name: &str| if inner.is_empty() { name.to_owned() } else { inner.to_owned() };
    wrong.map(|(name, wrong)| Mistake { table, key: key(name), wrong }).collect()
}

/// What is wrong with a field (RFC 9110 sections 5.1 and 5.5).
fn field_wrong(name: &str, value: &str) -> Option<Wrong> {
    if !is_token(name) {
        let message = format!("`{}` is not the name of a header field", name.escape_debug());
        return Some(Wrong::new(message, "printable ASCII, as in `Authorization = \"Bearer TOKEN\"`"));
    }
    if !value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        let message = format!("`{}` is not the value of a header field", value.escape_debug());
        return Some(Wrong::new(message, "printable ASCII, as in `Authorization = \"Bearer TOKEN\"`"));
    }
    let own = OWN.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
    let own = own.map(|(_, why)| *why).or_else(|| {
        let lower = name.to_ascii_lowercase();
        let is_handshake = lower.starts_with("sec-websocket-") && lower != "sec-websocket-protocol";
        is_handshake.then_some("the suite makes the opening handshake")
    });
    own.map(|why| Wrong::new(format!("`{name}` is not for a profile to give: {why}"), "take it out"))
}

/// What is wrong with an origin (RFC 6454 section 6.2): scheme, host and port, or `null`.
pub(super) fn origin_wrong(origin: &str) -> Option<Wrong> {
    let parsed = url::Url::parse(origin).ok();
    let serialized = parsed.map(|url| url.origin().ascii_serialization());
    if origin == "null" || serialized.is_some_and(|serialized| serialized == origin) {
        return None;
    }
    let message = format!("`{}` is not an origin", origin.escape_debug());
    Some(Wrong::new(message, "scheme, host and port without a path, as in `https://example.org`"))
}

/// What is wrong with a media type (RFC 9110 section 8.3.1).
pub(super) fn media_type_wrong(written: &str) -> Option<Wrong> {
    let essence = written.split(';').next().unwrap_or_default().trim();
    let is_type = essence.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype));
    let printable = written.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if is_type && printable {
        return None;
    }
    let message = format!("`{}` is not a media type", written.escape_debug());
    Some(Wrong::new(message, "type and subtype, as in `application/json`"))
}

/// What is wrong with the names of subprotocols (RFC 6455 section 4.1): each is a token, and none stands twice.
pub(super) fn subprotocols_wrong(names: &[String]) -> Option<Wrong> {
    let hint = "a subprotocol is one word, as in `subprotocols = [\"chat\"]`";
    if let Some(name) = names.iter().find(|name| !is_token(name)) {
        return Some(Wrong::new(format!("`{}` is not the name of a subprotocol", name.escape_debug()), hint));
    }
    let twice = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name));
    twice.map(|(_, name)| Wrong::new(format!("`{name}` stands there twice"), "take one of the two out"))
}
