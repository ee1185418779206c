//! Faults of limits (RFC 6455 section 10.4): what is beyond a limit is taken all the same.
//!
//! The server behind has the limit. So what is beyond it does not go there, and comes back with the reply.

use pushspec_wire::websocket::Frame;

use super::deflate::{Deviation, LIMIT};
use super::fault;
use crate::frames::{Conversation, with_payload};
use crate::{Edit, Fault};

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "limit-is-not-kept",
        "rfc6455/10.4/limits",
        "Takes a message that is longer than its limit.",
        &[Edit::ClientFrame(up_to_the_limit), Edit::ServerFrame(with_the_rest)],
    ),
    fault(
        "limit-is-one-for-each-frame",
        "rfc6455/10.4/limits",
        "Has a limit for a frame, and none for a message in fragments.",
        &[
            Edit::ClientFrame(|conversation, frame| {
                if conversation.in_message() { up_to_the_limit(conversation, frame) } else { vec![frame] }
            }),
            Edit::ServerFrame(with_the_rest),
        ],
    ),
    fault(
        "limit-is-one-for-compressed-bytes",
        "rfc6455/10.4/limits",
        "Looks at what came over the wire, and decompresses it whole, however much it becomes.",
        &[
            Edit::ServerFrame(with_the_rest),
            Edit::Deflate(&Deviation::WITHOUT_LIMIT),
            Edit::ClientFrame(up_to_the_limit),
        ],
    ),
];

/// A frame without what is beyond the limit of its message, which is kept.
fn up_to_the_limit(conversation: &Conversation, frame: Frame) -> Vec<Frame> {
    if frame.opcode.is_control() {
        return vec![frame];
    }
    let fragments = conversation.client.iter().rev().filter(|frame| !frame.opcode.is_control());
    let before: u64 = fragments.take_while(|frame| !frame.fin).map(|frame| frame.length).sum();
    let room = LIMIT.saturating_sub(usize::try_from(before).unwrap_or(usize::MAX));
    if frame.payload.len() <= room {
        return vec![frame];
    }
    let payload = frame.unmasked_payload().into_owned();
    let (taken, rest) = payload.split_at(room);
    conversation.kept.borrow_mut().extend_from_slice(rest);
    vec![with_payload(frame, taken)]
}

/// A frame of the server with what was kept behind it.
fn with_the_rest(conversation: &Conversation, frame: Frame) -> Vec<Frame> {
    if frame.opcode.is_control() || conversation.kept.borrow().is_empty() {
        return vec![frame];
    }
    let rest = conversation.kept.take();
    let payload = [frame.payload.as_slice(), rest.as_slice()].concat();
    vec![with_payload(frame, &payload)]
}
