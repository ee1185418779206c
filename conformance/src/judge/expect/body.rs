//! Expectations that look at the bytes of a message body rather than at items.

use std::time::Duration;

use crate::judge::receive::connection::Connection;
use crate::judge::receive::item::{Arrival, Item};
use crate::transcript::shown::shown;

/// What an expectation of bytes came to.
pub(crate) enum BodyState {
    Met,
    Missed(String),
    NotYet,
}

/// So many bytes of the message body before the first message.
pub(crate) fn prelude(connection: &Connection, size: usize) -> BodyState {
    let message = |arrival: &Arrival| matches!(arrival.item, Item::Message(_));
    if connection.prelude >= size {
        BodyState::Met
    } else if connection.has_ended() || connection.arrivals.iter().any(message) {
        BodyState::Missed(format!("{} bytes of the body before the first message", connection.prelude))
    } else {
        BodyState::NotYet
    }
}

/// Any byte of the message body that came after a time.
pub(crate) fn anything(connection: &Connection, since: Duration) -> BodyState {
    if connection.body_at.is_some_and(|at| at > since) {
        BodyState::Met
    } else if connection.has_ended() {
        BodyState::Missed("the end of the stream".to_owned())
    } else {
        BodyState::NotYet
    }
}

/// These bytes next in the message body.
pub(crate) fn next_bytes(connection: &mut Connection, wanted: &[u8]) -> BodyState {
    let came: Vec<u8> = connection.unread.iter().copied().take(wanted.len()).collect();
    if came == wanted {
        connection.unread.drain(..wanted.len());
        BodyState::Met
    } else if connection.has_ended() || !wanted.starts_with(&came) {
        BodyState::Missed(shown(&came))
    } else {
        BodyState::NotYet
    }
}
