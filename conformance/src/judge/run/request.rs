//! Well-formed requests, made from the profile.

use crate::case::statement::{Attribute, Procedure};
use crate::case::text::NoValue;
use crate::judge::expect::attribute::attribute_text;
use crate::profile::Target;

use super::scope::{CaseScope, PathValues, expand_path, technique_path};

/// Something in an attribute that makes no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    #[error(transparent)]
    NoValue(#[from] NoValue),
    #[error("`{0}` is no time; write `hold=300ms`")]
    Hold(String),
}

/// The bytes of the request that a procedure sends.
pub(crate) fn request(
    procedure: Procedure,
    attributes: &[Attribute],
    target: &Target,
    scope: &CaseScope,
) -> Result<Vec<u8>, RequestError> {
    // Polling and long polling have cursors of their own.
    let cursor =
        scope.text(if procedure == Procedure::LongPoll { "long-polling.cursor" } else { "polling.cursor" });
    let mut values = PathValues { cursor, ..PathValues::default() };
    let mut method = "GET".to_owned();
    let mut version = "1.1".to_owned();
    let mut channel = scope.text("channel").unwrap_or_default();
    let mut path = procedure_path(procedure, target).unwrap_or_default();
    let mut fields = own_fields(procedure, scope);
    fields.extend(target.profile.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
    for attribute in attributes {
        let value = attribute_text(&attribute.value, scope)?;
        match attribute.key.as_str() {
            "method" => method = value,
            "version" => version = value,
            "after" => values.cursor = Some(value),
            "callback" => values.callback = Some(value),
            "channel" => channel = value,
            "path" => path = value,
            "again" | "times" => {}
            "without" => fields.retain(|(name, _)| !name.eq_ignore_ascii_case(&value)),
            "hold" => {
                values.hold = Some(crate::case::parse_duration(&value).ok_or(RequestError::Hold(value))?);
            }
            _ => replace(&mut fields, &value),
        }
    }
    let path = expand_path(target, &path, &channel, &values);
    let mut bytes = format!("{method} {path} HTTP/{version}\r\n").into_bytes();
    for (name, value) in fields {
        bytes.extend(format!("{name}: {value}\r\n").into_bytes());
    }
    bytes.extend(b"\r\n");
    Ok(bytes)
}

fn own_fields(procedure: Procedure, scope: &CaseScope) -> Vec<(String, String)> {
    let mut fields = vec![("Host", scope.text("authority").unwrap_or_default())];
    match procedure {
        Procedure::OpenWebSocket | Procedure::SubscribeWebSocket => {
            fields.push(("Upgrade", "websocket".into()));
            fields.push(("Connection", "Upgrade".into()));
            fields.push(("Sec-WebSocket-Key", scope.text("key").unwrap_or_default()));
            fields.push(("Sec-WebSocket-Version", "13".into()));
        }
        Procedure::OpenSse => {
            fields.push(("Accept", "text/event-stream".into()));
            fields.push(("Accept-Encoding", "identity".into()));
            fields.push(("Cache-Control", "no-store".into()));
        }
        Procedure::OpenIframe => {
            fields.push(("Accept", "text/html".into()));
            fields.push(("Accept-Encoding", "identity".into()));
        }
        Procedure::Poll | Procedure::LongPoll => {
            fields.push(("Accept", "*/*".into()));
            fields.push(("Accept-Encoding", "identity".into()));
        }
    }
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Puts `Name: value` in the place of the field of that name, or at the end. Cookies are put behind those of the
/// profile, without which the target may not know its client (RFC 6265 section 4.2.1).
fn replace(fields: &mut Vec<(String, String)>, line: &str) {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
    match fields.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        Some((name, cookies)) if name.eq_ignore_ascii_case("Cookie") => {
            *cookies = format!("{cookies}; {value}");
        }
        Some(field) => *field = (name.to_owned(), value),
        None => fields.push((name.to_owned(), value)),
    }
}

fn procedure_path(procedure: Procedure, target: &Target) -> Option<String> {
    match procedure {
        Procedure::SubscribeWebSocket => {
            target.profile.websocket.as_ref().and_then(|websocket| websocket.subscription()).cloned()
        }
        _ => technique_path(target, technique(procedure)),
    }
}

/// The technique that a procedure belongs to.
pub(crate) fn technique(procedure: Procedure) -> &'static str {
    match procedure {
        Procedure::OpenWebSocket | Procedure::SubscribeWebSocket => "websocket",
        Procedure::OpenSse => "sse",
        Procedure::OpenIframe => "iframe",
        Procedure::Poll => "polling",
        Procedure::LongPoll => "long-polling",
    }
}
