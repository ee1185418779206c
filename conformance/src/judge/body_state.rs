//! Expectations that look at the bytes of a message body rather than at items.

use std::time::Duration;

use super::connection::Connection;
use super::item::{Arrival, Item, shown};

/// What an expectation of bytes came to.
pub(super) enum BodyState {
    Met,
    Missed(String),
    NotYet,
}

/// So many bytes of the message body before the first message.
pub(super) fn prelude(connection: &Connection, size: usize) -> BodyState {
    let message = |arrival: &Arrival| matches!(arrival.item, Item::Message(_));
    if connection.prelude >= size {
        BodyState::Met
    } else if has_ended(connection) || connection.arrivals.iter().any(message) {
        BodyState::Missed(format!("{} bytes of the body before the first message", connection.prelude))
    } else {
        BodyState::NotYet
    }
}

/// Any byte of the message body that came after a time.
pub(super) fn anything(connection: &Connection, since: Duration) -> BodyState {
    if connection.body_at.is_some_and(|at| at > since) {
        BodyState::Met
    } else if has_ended(connection) {
        BodyState::Missed("the end of the stream".to_owned())
    } else {
        BodyState::NotYet
    }
}

/// These bytes next in the message body.
pub(super) fn next_bytes(connection: &mut Connection, wanted: &[u8]) -> BodyState {
    let came: Vec<u8> = connection.unread.iter().copied().take(wanted.len()).collect();
    if came == wanted {
        connection.unread.drain(..wanted.len());
        BodyState::Met
    } else if has_ended(connection) || !wanted.starts_with(&came) {
        BodyState::Missed(shown(&came))
    } else {
        BodyState::NotYet
    }
}

pub(super) fn has_ended(connection: &Connection) -> bool {
    let ends = |arrival: &Arrival| {
        let item = &arrival.item;
        matches!(item, Item::End | Item::Eof | Item::Reset | Item::Unreadable(_) | Item::Undecoded(_))
    };
    connection.arrivals.iter().any(ends)
}
