//! The places in the paths, bodies and header fields of a profile, and what is filled in for them.

use std::cell::Cell;

use crate::profile::Target;
use crate::profile::cursor::{asks_with_cursor, said};
use crate::profile::template::{fill, percent_encode};

/// What a profile's path can ask for beside the channel.
#[derive(Debug, Clone, Default)]
pub(crate) struct PathValues {
    pub(crate) cursor: Option<String>,
    pub(crate) hold: Option<std::time::Duration>,
    pub(crate) callback: Option<String>,
}

/// Where the profile keeps a technique.
pub(crate) fn technique_path(target: &Target, technique: &str) -> Option<String> {
    let profile = &target.profile;
    match technique {
        "polling" => profile.polling.as_ref().map(|poll| poll.path.clone()),
        "long-polling" => profile.long_polling.as_ref().map(|poll| poll.path.clone()),
        "iframe" => profile.iframe.as_ref().map(|iframe| iframe.path.clone()),
        "sse" => profile.sse.as_ref().map(|sse| sse.path.clone()),
        "websocket" => profile.websocket.as_ref().map(|websocket| websocket.path.clone()),
        _ => None,
    }
}

/// Fills the places of a path.
pub(crate) fn expand_path(
    target: &Target,
    technique: &str,
    path: &str,
    channel: &str,
    values: &PathValues,
) -> String {
    let value = |name: &str| place(target, technique, name, channel, values);
    // The times of `{hold}` need no encoding, and have none.
    fill(path, |name| value(name).map(|value| percent_encode(&value)))
}

/// The body of the request of a technique, with its places filled.
pub(crate) fn expand_body(
    target: &Target,
    technique: &str,
    channel: &str,
    values: &PathValues,
) -> Option<String> {
    let request = target.profile.request_of(technique)?;
    let value = |name: &str| place(target, technique, name, channel, values);
    Some(fill(request.body.as_ref()?, |name| value(name).map(|value| request.encode(&value))))
}

/// The header fields of the requests of a technique. One that asks with a cursor of which nothing is known is left out.
pub(crate) fn expand_fields(target: &Target, technique: &str, values: &PathValues) -> Vec<(String, String)> {
    let fields = target.profile.fields_of(technique).into_iter();
    let is_poll = target.profile.answer_of(technique).is_some();
    let filled = fields.filter_map(|(name, written)| {
        if !is_poll || !asks_with_cursor(written) {
            return Some((name.to_owned(), written.to_owned()));
        }
        let is_unknown = Cell::new(false);
        let value = fill(written, |name| {
            let value = place(target, technique, name, "", values).filter(|_| said("", name).is_some())?;
            is_unknown.set(is_unknown.get() || value.is_empty());
            Some(in_field(&value))
        });
        (!is_unknown.get()).then(|| (name.to_owned(), value))
    });
    filled.collect()
}

/// A value as a header field can have it: a case may ask with one that ends the line.
fn in_field(value: &str) -> String {
    let is_visible = |byte: u8| (0x20..0x7f).contains(&byte);
    value
        .bytes()
        .map(|byte| if is_visible(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// What stands for a name in braces, in the path or the body of a technique. Each technique begins with a cursor of its
/// own.
fn place(target: &Target, technique: &str, name: &str, channel: &str, values: &PathValues) -> Option<String> {
    let profile = &target.profile;
    let long_polling = profile.long_polling.as_ref();
    let start = || match technique {
        "long-polling" => long_polling.map(|poll| poll.answer.start.as_start()),
        _ => profile.polling.as_ref().map(|poll| poll.answer.start.as_start()),
    };
    let cursor = || values.cursor.clone().or_else(start).unwrap_or_default();
    let hold = || values.hold.or_else(|| long_polling.map(|poll| poll.hold)).unwrap_or_default();
    let callback = || profile.iframe.as_ref().map(|iframe| iframe.callback.clone());
    match name {
        "channel" => Some(channel.to_owned()),
        "hold" => Some(format!("{}ms", hold().as_millis())),
        "hold-ms" => Some(hold().as_millis().to_string()),
        "hold-s" => Some(hold().as_secs_f64().to_string()),
        "callback" => values.callback.clone().or_else(callback),
        _ => said(&cursor(), name),
    }
}
