//! Well-formed requests, made from the profile.

use crate::case::statement::{Attribute, Procedure};
use crate::case::text::NoValue;
use crate::extension;
use crate::judge::expect::attribute::attribute_text;
use crate::profile::Target;

use super::places::{PathValues, expand_body, expand_fields, expand_path, technique_path};
use super::scope::CaseScope;

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
    let mut values = PathValues { cursor: cursor(procedure, attributes, scope)?, ..PathValues::default() };
    let technique = technique(procedure);
    let asked = target.profile.request_of(technique).cloned().unwrap_or_default();
    let mut method = asked.method.clone();
    let mut version = "1.1".to_owned();
    let mut channel = scope.text("channel").unwrap_or_default();
    let mut path = procedure_path(procedure, target).unwrap_or_default();
    let mut fields = all_fields(procedure, target, scope, &values);
    for attribute in attributes {
        let value = attribute_text(&attribute.value, scope)?;
        match attribute.key.as_str() {
            "method" => method = value,
            "version" => version = value,
            "callback" => values.callback = Some(value),
            "channel" => channel = value,
            "path" => path = value,
            "after" | "again" | "times" => {}
            "offer" => replace(&mut fields, &format!("{}: {value}", extension::FIELD)),
            "without" => leave_out(&value, &mut path, &mut fields),
            "hold" => {
                values.hold = Some(crate::case::parse_duration(&value).ok_or(RequestError::Hold(value))?);
            }
            _ => replace(&mut fields, &value),
        }
    }
    let path = expand_path(target, technique, &path, &channel, &values);
    // Another method has no use for the body of this one.
    let body = expand_body(target, technique, &channel, &values).filter(|_| method == asked.method);
    if let Some(body) = &body {
        fields.push(("Content-Type".to_owned(), asked.media_type().to_owned()));
        fields.push(("Content-Length".to_owned(), body.len().to_string()));
    }
    let lines: String = fields.into_iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let body = body.unwrap_or_default();
    Ok(format!("{method} {path} HTTP/{version}\r\n{lines}\r\n{body}").into_bytes())
}

/// The cursor that a poll asks with. Polling and long polling have cursors of their own.
fn cursor(
    procedure: Procedure,
    attributes: &[Attribute],
    scope: &CaseScope,
) -> Result<Option<String>, RequestError> {
    if let Some(after) = attributes.iter().find(|attribute| attribute.key == "after") {
        return Ok(Some(attribute_text(&after.value, scope)?));
    }
    let key = if procedure == Procedure::LongPoll { "long-polling.cursor" } else { "polling.cursor" };
    Ok(scope.text(key))
}

/// Leaves out a field, or the parameter of the callback.
fn leave_out(name: &str, path: &mut String, fields: &mut Vec<(String, String)>) {
    if name == "callback" {
        *path = without_callback(path);
    }
    fields.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
}

/// A path without the parameter of its query that names the callback.
fn without_callback(path: &str) -> String {
    let Some((path, query)) = path.split_once('?') else { return path.to_owned() };
    let rest: Vec<&str> = query.split('&').filter(|parameter| !parameter.contains("{callback}")).collect();
    if rest.is_empty() { path.to_owned() } else { format!("{path}?{}", rest.join("&")) }
}

/// The fields of the procedure, and those of the profile, which replace them.
fn all_fields(
    procedure: Procedure,
    target: &Target,
    scope: &CaseScope,
    values: &PathValues,
) -> Vec<(String, String)> {
    let mut fields = own_fields(procedure, scope);
    for (name, value) in expand_fields(target, technique(procedure), values) {
        fields.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
        fields.push((name, value));
    }
    fields
}

fn own_fields(procedure: Procedure, scope: &CaseScope) -> Vec<(String, String)> {
    let mut fields = vec![("Host", scope.text("authority").unwrap_or_default())];
    match procedure {
        Procedure::OpenWebSocket | Procedure::SubscribeWebSocket => {
            fields.push(("Upgrade", "websocket".into()));
            fields.push(("Connection", "Upgrade".into()));
            fields.push(("Sec-WebSocket-Key", scope.text("key").unwrap_or_default()));
            fields.push(("Sec-WebSocket-Version", "13".into()));
            if scope.deflate.is_offered {
                fields.push((extension::FIELD, extension::NAME.into()));
            }
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

#[cfg(test)]
mod tests {
    use super::without_callback;

    #[test]
    fn the_callback_is_left_out_of_a_query() {
        assert_eq!(without_callback("/a/{channel}?callback={callback}"), "/a/{channel}");
        assert_eq!(without_callback("/a?b=1&f={callback}&c=2"), "/a?b=1&c=2");
        assert_eq!(without_callback("/a/{callback}"), "/a/{callback}");
    }
}
