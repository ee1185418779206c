//! What a target answers to a message.

use crate::case::statement::ExpectItem;
use crate::case::text::{Scope, Text};
use crate::profile::websocket::WebSocket;
use crate::transcript::shown::shown;

/// What the target answers to a message: an echo where the profile says nothing else.
pub(crate) fn answer(websocket: Option<&WebSocket>, sent: &[u8], binary: bool) -> Vec<u8> {
    websocket.map_or_else(|| sent.to_vec(), |websocket| websocket.answer(sent, binary))
}

/// What the target answers to the message of an expectation, where the profile makes it other than the message.
pub(crate) fn made_reply(
    websocket: Option<&WebSocket>,
    items: &[ExpectItem],
    scope: &dyn Scope,
) -> Option<String> {
    let pattern = items.iter().find_map(|item| match item {
        ExpectItem::Reply(pattern) => Some(pattern),
        _ => None,
    })?;
    let sent = pattern.data.bytes(scope).ok()?;
    let made = answer(websocket, &sent, pattern.binary);
    (made != sent).then(|| shown(&made))
}

/// The reply that comes first among these, as the profile has it.
pub(crate) fn by_the_profile(
    websocket: Option<&WebSocket>,
    items: &[ExpectItem],
    scope: &dyn Scope,
) -> Option<String> {
    let Some(ExpectItem::Reply(pattern)) = items.first() else { return None };
    let sent = pattern.data.bytes(scope).ok()?;
    let answer = answer(websocket, &sent, pattern.binary);
    Some(format!("the answer {} to {}", shown(&answer), Text::from_bytes(&sent)))
}
