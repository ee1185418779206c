//! Faults of WebSocket.

mod closing;
mod control;
pub(crate) mod deflate;
mod fragments;
mod framing;
mod handshake;
mod limits;
mod messages;
mod offers;
mod opening;
mod push;
mod sent;
mod utf8;

use super::{Edit, Fault};

pub(super) static FAULTS: [&[Fault]; 16] = [
    handshake::FAULTS,
    opening::FAULTS,
    offers::FAULTS,
    framing::FAULTS,
    messages::FAULTS,
    fragments::FAULTS,
    control::FAULTS,
    closing::FAULTS,
    utf8::FAULTS,
    sent::FAULTS,
    push::FAULTS,
    limits::FAULTS,
    deflate::negotiation::FAULTS,
    deflate::sending::FAULTS,
    deflate::receiving::FAULTS,
    deflate::broken::FAULTS,
];

const fn fault(
    name: &'static str,
    clause: &'static str,
    summary: &'static str,
    edits: &'static [Edit],
) -> Fault {
    Fault { name, clause, technique: "websocket", summary, edits }
}
