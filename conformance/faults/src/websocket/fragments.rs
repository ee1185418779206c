//! Faults of fragmentation (RFC 6455 section 5.4).

use pushspec_wire::websocket::{Frame, Opcode};

use super::fault;
use crate::frames::{Conversation, edited, with_payload};
use crate::{Edit, Fault};

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "fragments-are-refused",
        "rfc6455/5.4/fragmented-messages",
        "Knows no messages in several frames.",
        &[Edit::ClientFrame(|_conversation, frame| {
            let begins = matches!(frame.opcode, Opcode::TEXT | Opcode::BINARY);
            vec![Frame { fin: frame.fin || begins, ..frame }]
        })],
    ),
    fault(
        "middle-fragment-ends-the-message",
        "rfc6455/5.4/fragmented-messages",
        "Takes the first continuation frame for the end of the message.",
        &[Edit::ClientFrame(|_conversation, frame| {
            let continues = frame.opcode == Opcode::CONTINUATION;
            vec![Frame { fin: frame.fin || continues, ..frame }]
        })],
    ),
    fault(
        "type-of-the-last-fragment-counts",
        "rfc6455/6.2/type-of-message",
        "Forgets that a message in fragments was binary.",
        &[Edit::ServerFrame(|conversation, mut frame| {
            let fragments = conversation.client.iter().any(|frame| frame.opcode == Opcode::CONTINUATION);
            if fragments && frame.opcode == Opcode::BINARY {
                frame.opcode = Opcode::TEXT;
                let text = String::from_utf8_lossy(&frame.payload).into_owned();
                frame = with_payload(frame, text.as_bytes());
            }
            vec![frame]
        })],
    ),
    fault(
        "ping-within-a-message-is-lost",
        "rfc6455/5.4/control-frames-between",
        "Does not hear a ping while a message is unfinished.",
        &[Edit::ClientFrame(|conversation, frame| {
            let lost = conversation.in_message() && frame.opcode == Opcode::PING;
            if lost { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "empty-fragment-is-refused",
        "rfc6455/5.4/fragments-of-any-size",
        "Takes a fragment without content for an error.",
        &[Edit::ClientFrame(|_conversation, mut frame| {
            let fragment = frame.opcode == Opcode::CONTINUATION || !(frame.fin || frame.opcode.is_control());
            if fragment && frame.payload.is_empty() {
                frame.rsv = 0b010;
            }
            vec![frame]
        })],
    ),
    fault(
        "room-for-64-fragments",
        "rfc6455/10.4/large-messages",
        "Loses what a message has beyond sixty-four fragments.",
        &[Edit::ClientFrame(|conversation, frame| {
            let fragment = frame.opcode == Opcode::CONTINUATION && !frame.fin;
            if conversation.is_long() && fragment { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "fragment-of-one-byte-is-lost",
        "rfc6455/5.4/fragments-of-any-size",
        "Takes a fragment of one byte for an empty one.",
        &[Edit::ClientFrame(|_conversation, frame| {
            let is_lost = is_fragment(&frame) && frame.payload.len() == 1;
            vec![if is_lost { with_payload(frame, b"") } else { frame }]
        })],
    ),
    fault(
        "room-for-128-bytes-of-fragments",
        "rfc6455/5.4/fragments-of-any-size",
        "Loses what the fragments of a message have beyond 128 bytes.",
        &[Edit::ClientFrame(|conversation, frame| {
            let before = message_so_far(conversation).len();
            let is_over = frame.opcode == Opcode::CONTINUATION && before + frame.payload.len() > 128;
            vec![if is_over { edited(frame, |payload| payload[..payload.len() / 2].to_vec()) } else { frame }]
        })],
    ),
    fault(
        "fragments-of-the-last-message-stay",
        "rfc6455/6.2/next-message",
        "Puts the fragments of a message behind those of the one before it.",
        &[Edit::ClientFrame(|conversation, frame| {
            let begins = !frame.fin && matches!(frame.opcode, Opcode::TEXT | Opcode::BINARY);
            let before = if begins { message_so_far(conversation) } else { Vec::new() };
            vec![if before.is_empty() {
                frame
            } else {
                edited(frame, |payload| [before.as_slice(), payload].concat())
            }]
        })],
    ),
    fault(
        "one-buffer-for-all-connections",
        "rfc6455/6.2/message-delivered",
        "Keeps the fragments of all connections in one buffer.",
        &[Edit::ClientFrame(|conversation, frame| {
            if frame.opcode.is_control() || (frame.fin && frame.opcode != Opcode::CONTINUATION) {
                return vec![frame];
            }
            let memory = &conversation.request.memory;
            memory.append(&frame.unmasked_payload());
            let payload = if frame.fin { memory.take() } else { Vec::new() };
            vec![with_payload(frame, &payload)]
        })],
    ),
    fault(
        "close-within-a-message-is-passed-over",
        "rfc6455/6.1/only-while-open",
        "Does not hear a close frame while a message is unfinished.",
        &[Edit::ClientFrame(|conversation, frame| {
            let lost = conversation.in_message() && frame.opcode == Opcode::CLOSE;
            if lost { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "stray-continuation-is-a-text",
        "rfc6455/5.4/continuation-needs-start",
        "Takes a continuation of nothing for a text.",
        &[Edit::ClientFrame(|conversation, mut frame| {
            if !conversation.in_message() && frame.opcode == Opcode::CONTINUATION {
                frame.opcode = Opcode::TEXT;
            }
            vec![frame]
        })],
    ),
    fault(
        "message-within-a-message-continues-it",
        "rfc6455/5.4/one-message-at-a-time",
        "Takes a message that begins within another one for its continuation.",
        &[Edit::ClientFrame(|conversation, mut frame| {
            if conversation.in_message() && !frame.opcode.is_control() {
                frame.opcode = Opcode::CONTINUATION;
            }
            vec![frame]
        })],
    ),
];

/// Whether a frame is a part of a message.
fn is_fragment(frame: &Frame) -> bool {
    frame.opcode == Opcode::CONTINUATION || !(frame.fin || frame.opcode.is_control())
}

/// What the client has sent of the message in fragments that it began last, whether it has ended it or not.
pub(super) fn message_so_far(conversation: &Conversation) -> Vec<u8> {
    let data = conversation.client.iter().filter(|frame| !frame.opcode.is_control());
    let mut message = Vec::new();
    for frame in data.filter(|frame| is_fragment(frame)) {
        if frame.opcode != Opcode::CONTINUATION {
            message.clear();
        }
        message.extend_from_slice(&frame.unmasked_payload());
    }
    message
}
