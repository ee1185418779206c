//! What a profile says is looked at before a server is accused of it.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Profile;
use super::reply::ReplyEncoding;
use super::tables::{Publish, WebSocket};
use crate::case::error::{Wrong, did_you_mean, listed};

/// What is wrong with the value of a key.
pub(super) struct Mistake {
    /// The table in which it stands.
    pub(super) table: &'static str,
    /// The key; empty for the whole table.
    pub(super) key: String,
    pub(super) wrong: Wrong,
}

/// What is filled into the paths of polls.
const POLLING: &[&str] = &["channel", "cursor"];
const LONG_POLLING: &[&str] = &["channel", "cursor", "hold", "hold-ms", "hold-s"];
const IFRAME: &[&str] = &["channel", "callback"];
const CHANNEL: &[&str] = &["channel"];
const PUBLISH: &[&str] = &["channel", "data", "id", "event", "comment"];
const REPLY: &[&str] = &["message"];

/// Every value of a profile that makes no request, or another one than was meant.
pub(super) fn mistakes(profile: &Profile) -> Vec<Mistake> {
    let Profile { polling, long_polling, iframe, sse, websocket, publish, .. } = profile;
    let websocket = websocket.as_ref();
    let paths = [
        ("polling", "path", polling.as_ref().map(|poll| &poll.path), POLLING),
        ("long-polling", "path", long_polling.as_ref().map(|poll| &poll.path), LONG_POLLING),
        ("iframe", "path", iframe.as_ref().map(|iframe| &iframe.path), IFRAME),
        ("sse", "path", sse.as_ref().map(|sse| &sse.path), CHANNEL),
        ("sse", "ending", sse.as_ref().and_then(|sse| sse.ending.as_ref()), CHANNEL),
        ("sse", "gone", sse.as_ref().and_then(|sse| sse.gone.as_ref()), CHANNEL),
        ("sse", "checkpoints", sse.as_ref().and_then(|sse| sse.checkpoints.as_ref()), CHANNEL),
        ("sse", "moved", sse.as_ref().and_then(|sse| sse.moved.as_ref()), CHANNEL),
        ("websocket", "path", websocket.map(|websocket| &websocket.path), CHANNEL),
        ("websocket", "subscribe", websocket.and_then(|websocket| websocket.subscribe.as_ref()), CHANNEL),
    ];
    let mut mistakes = header_mistakes(profile);
    for (table, key, path, known) in paths {
        let wrong = path.and_then(|path| path_wrong(path).or_else(|| place_wrong(path, known)));
        mistakes.extend(wrong.map(|wrong| Mistake { table, key: key.to_owned(), wrong }));
    }
    let reply = websocket.and_then(|websocket| websocket.reply.as_ref());
    let wrong = reply.and_then(|reply| place_wrong(reply, REPLY));
    let wrong = wrong.or_else(|| websocket.and_then(reply_wrong));
    mistakes.extend(wrong.map(|wrong| Mistake { table: "websocket", key: "reply".to_owned(), wrong }));
    mistakes.extend(pointer_mistakes(profile));
    mistakes.extend(publish.as_ref().into_iter().flat_map(publish_mistakes));
    mistakes
}

/// Pointers that lead nowhere in any document (RFC 6901 section 3).
fn pointer_mistakes(profile: &Profile) -> Vec<Mistake> {
    let Profile { polling, long_polling, iframe, .. } = profile;
    let answers = [
        ("polling", polling.as_ref().map(|poll| &poll.answer)),
        ("long-polling", long_polling.as_ref().map(|poll| &poll.answer)),
    ];
    let mut pointers = Vec::new();
    for (table, answer) in answers.into_iter().filter_map(|(table, answer)| Some((table, answer?))) {
        let in_body = |cursor: &&String| !cursor.starts_with("header:");
        pointers.push((table, "cursor", answer.cursor.as_ref().filter(in_body)));
        pointers.push((table, "messages", answer.messages.as_ref()));
        pointers.extend(answer.parts.pointers().map(|(key, pointer)| (table, key, pointer)));
    }
    let parts = iframe.iter().flat_map(|iframe| iframe.parts.pointers());
    pointers.extend(parts.map(|(key, pointer)| ("iframe", key, pointer)));
    let wrong = pointers.into_iter().filter_map(|(table, key, pointer)| {
        let wrong = pointer_wrong(pointer?, key)?;
        Some(Mistake { table, key: key.to_owned(), wrong })
    });
    wrong.collect()
}

fn pointer_wrong(pointer: &str, key: &str) -> Option<Wrong> {
    let escaped = pointer.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if (pointer.is_empty() || pointer.starts_with('/')) && escaped {
        return None;
    }
    let message = format!("`{}` is not a JSON pointer", pointer.escape_debug());
    if !escaped {
        return Some(Wrong::new(message, "write `~` as `~0`, and `/` within a name as `~1`"));
    }
    let or_header = if key == "cursor" { "; `header:Name` is a header field of the response" } else { "" };
    Some(Wrong::new(message, format!("a JSON pointer begins with `/`, as in `/result/update`{or_header}")))
}

fn header_mistakes(profile: &Profile) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for (name, value) in &profile.headers {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let message = if name.is_empty() || !name.bytes().all(token) {
            format!("`{}` is not the name of a header field", name.escape_debug())
        } else if !value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            format!("`{}` is not the value of a header field", value.escape_debug())
        } else {
            continue;
        };
        let wrong = Wrong::new(message, "printable ASCII, as in `Authorization = \"Bearer …\"`");
        mistakes.push(Mistake { table: "headers", key: name.clone(), wrong });
    }
    mistakes
}

/// A path goes into a request line as it is.
fn path_wrong(path: &str) -> Option<Wrong> {
    let printable = path.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    if path.starts_with('/') && printable {
        return None;
    }
    let message = format!("`{}` is not a path", path.escape_debug());
    Some(Wrong::new(message, "a path begins with `/`; spaces and non-ASCII characters are percent-encoded"))
}

/// A name in braces that nothing is filled in for, and that the server would get as it is.
fn place_wrong(template: &str, known: &[&str]) -> Option<Wrong> {
    let is_name = |name: &&str| {
        let belongs = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        !name.is_empty() && name.bytes().all(belongs)
    };
    let mut names = template.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
    let name = names.find(|name| is_name(name) && !known.contains(name))?;
    let message = format!("`{{{name}}}` has no value here");
    let braced: Vec<String> = known.iter().map(|known| format!("{{{known}}}")).collect();
    let braced = braced.iter().map(String::as_str);
    let hint = did_you_mean(&format!("{{{name}}}"), braced.clone())
        .unwrap_or_else(|| format!("known are {}", listed(braced)));
    Some(Wrong::new(message, hint))
}

/// An answer that is to be JSON and is none.
fn reply_wrong(websocket: &WebSocket) -> Option<Wrong> {
    let reply = websocket.reply.as_ref().filter(|_| websocket.reply_encoding == ReplyEncoding::Json)?;
    let answer = reply.replace("{message}", &ReplyEncoding::Json.encode("one"));
    let error = serde_json::from_str::<serde_json::Value>(&answer).err()?;
    let message = format!("`{}` is not JSON: {error}", answer.escape_debug());
    let hint = "`reply-encoding = \"json\"` needs `{message}` within a JSON string, as in `'{\"text\": \"{message}\"}'`";
    Some(Wrong::new(message, hint))
}

fn publish_mistakes(publish: &Publish) -> Vec<Mistake> {
    let mistake = |key: &str, wrong| Mistake { table: "publish", key: key.to_owned(), wrong };
    let mut mistakes = Vec::new();
    mistakes.extend(request_wrong(&publish.request).map(|wrong| mistake("request", wrong)));
    mistakes.extend(place_wrong(&publish.body, PUBLISH).map(|wrong| mistake("body", wrong)));
    if mistakes.is_empty() && !publish.names("data") {
        let message =
            "neither `request` nor `body` has `{data}`: the publication would not contain the message";
        let hint = "as in `body = \"{data}\"`; remove [publish] if the suite cannot make the server send";
        mistakes.push(mistake("", Wrong::new(message, hint)));
    }
    mistakes
}

fn request_wrong(request: &str) -> Option<Wrong> {
    let hint = "method and path, as in `POST /publish/{channel}`";
    let Some((method, path)) = request.split_once(' ') else {
        return Some(Wrong::new(format!("`{}` is not a request", request.escape_debug()), hint));
    };
    if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Some(Wrong::new(format!("`{}` is not a method", method.escape_debug()), hint));
    }
    path_wrong(path).or_else(|| place_wrong(path, PUBLISH))
}

/// Where an entry stands in the text, or the name of its table where there is no such entry.
pub(super) fn place(text: &str, table: &str, key: &str) -> Range<usize> {
    let Ok(document) = DeTable::parse(text) else { return 0..0 };
    let Some((header, value)) = entry(document.get_ref(), table) else { return 0..0 };
    match value.get_ref().as_table().and_then(|entries| entry(entries, key)) {
        // A header field may be wrong by its name.
        Some((name, value)) => name.start..value.span().end,
        None => header,
    }
}

fn entry<'t, 'i>(table: &'t DeTable<'i>, key: &str) -> Option<(Range<usize>, &'t Spanned<DeValue<'i>>)> {
    let found = table.iter().find(|(name, _)| name.get_ref() == key);
    found.map(|(name, value)| (name.span(), value))
}
