//! What a WebSocket answers, and how the suite writes what it says.

use super::Mistake;
use super::fields::subprotocols_wrong;
use super::places::{MESSAGE, Places};
use crate::mistake::Wrong;
use crate::profile::encoding::ReplyEncoding;
use crate::profile::websocket::WebSocket;

/// The longest message that a case sends to a server with such a limit, in bytes.
const LARGEST_LIMIT: usize = 32 * 1024 * 1024;

pub(super) fn mistakes(websocket: &WebSocket, places: &Places<'_>) -> Vec<Mistake> {
    let mistake = |key: &str, wrong| Mistake { table: "websocket", key: key.to_owned(), wrong };
    let mut found = Vec::new();
    if websocket.path.is_empty() {
        let message = "neither `path` nor `subscribe` says where the WebSocket is";
        found.push(mistake("", Wrong::new(message, "add `path = \"/\"`")));
    }
    let reply = websocket.reply.as_ref();
    let wrong =
        reply.and_then(|reply| places.place_wrong(reply, MESSAGE).or_else(|| reply_wrong(websocket, reply)));
    found.extend(wrong.map(|wrong| mistake("reply", wrong)));
    let send = websocket.send.as_ref();
    found.extend(
        send.and_then(|send| send_wrong(websocket, send, places)).map(|wrong| mistake("send", wrong)),
    );
    let first = websocket.first.iter().find_map(|text| places.place_wrong(text, &[]));
    found.extend(first.map(|wrong| mistake("first", wrong)));
    let limit = websocket.message_limit.filter(|limit| !(1..=LARGEST_LIMIT).contains(limit));
    found.extend(limit.map(|limit| mistake("message-limit", limit_wrong(limit))));
    found.extend(subprotocols_wrong(&websocket.subprotocols).map(|wrong| mistake("subprotocols", wrong)));
    found
}

/// What is wrong with a limit of messages.
fn limit_wrong(limit: usize) -> Wrong {
    let hint = "remove it if the server takes longer ones: the suite does not send them";
    Wrong::new(format!("the limit is {limit} bytes, and not from 1 to {LARGEST_LIMIT}"), hint)
}

/// What is wrong with the template of what the suite says.
fn send_wrong(websocket: &WebSocket, send: &str, places: &Places<'_>) -> Option<Wrong> {
    if send.matches("{message}").count() != 1 {
        let hint = "as in `send = '{\"text\": \"{message}\"}'`, with `reply-encoding = \"json\"`";
        return Some(Wrong::new("`send` has `{message}` once", hint));
    }
    let is_json = websocket.reply_encoding == ReplyEncoding::Json;
    places.place_wrong(send, MESSAGE).or_else(|| json_wrong(record(websocket, send)).filter(|_| is_json))
}

/// What is wrong with the template of the answer.
fn reply_wrong(websocket: &WebSocket, reply: &str) -> Option<Wrong> {
    let is_json = websocket.reply_encoding == ReplyEncoding::Json;
    // Where nothing else is in JSON, that the answer is must be meant.
    let is_alone = websocket.send.is_none() && !websocket.parts.wrap();
    if websocket.answers_in_json() || (is_json && is_alone) {
        return json_wrong(record(websocket, reply));
    }
    let is_beside = reply.contains("*{message}") || reply.contains("{message}*");
    let message = "`*` stands beside `{message}`: nobody can tell where the one ends and the other begins";
    is_beside.then(|| Wrong::new(message, "write the text between them, as in `*: {message}`"))
}

/// A text without the separator behind it.
fn record<'t>(websocket: &WebSocket, text: &'t str) -> &'t str {
    websocket.parts.separator.as_deref().and_then(|separator| text.strip_suffix(separator)).unwrap_or(text)
}

/// A text that is to be JSON and is none.
fn json_wrong(template: &str) -> Option<Wrong> {
    let text = template.replace("{message}", &ReplyEncoding::Json.encode("one"));
    let error = serde_json::from_str::<serde_json::Value>(&text).err()?;
    let message = format!("`{}` is not JSON: {error}", text.escape_debug());
    let hint = "`reply-encoding = \"json\"` needs `{message}` within a JSON string, as in `'{\"text\": \"{message}\"}'`";
    Some(Wrong::new(message, hint))
}
