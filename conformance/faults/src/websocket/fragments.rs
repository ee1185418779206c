//! Faults of fragmentation (RFC 6455 section 5.4).

use pushspec_wire::websocket::{Frame, Opcode};

use super::fault;
use crate::frames::with_payload;
use crate::{Edit, Fault};

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "fragments-are-refused",
        "Knows no messages in several frames.",
        &[Edit::ClientFrame(|_conversation, frame| {
            let begins = matches!(frame.opcode, Opcode::TEXT | Opcode::BINARY);
            vec![Frame { fin: frame.fin || begins, ..frame }]
        })],
    ),
    fault(
        "middle-fragment-ends-the-message",
        "Takes the first continuation frame for the end of the message.",
        &[Edit::ClientFrame(|_conversation, frame| {
            let continues = frame.opcode == Opcode::CONTINUATION;
            vec![Frame { fin: frame.fin || continues, ..frame }]
        })],
    ),
    fault(
        "type-of-the-last-fragment-counts",
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
        "Does not hear a ping while a message is unfinished.",
        &[Edit::ClientFrame(|conversation, frame| {
            let lost = conversation.in_message() && frame.opcode == Opcode::PING;
            if lost { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "empty-fragment-is-refused",
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
        "Loses what a message has beyond sixty-four fragments.",
        &[Edit::ClientFrame(|conversation, frame| {
            let fragment = frame.opcode == Opcode::CONTINUATION && !frame.fin;
            if conversation.is_long() && fragment { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "one-buffer-for-all-connections",
        "Keeps the fragments of all connections in one buffer.",
        &[Edit::ClientFrame(|_conversation, frame| {
            // As in the case with two connections whose fragments come in turn.
            let ends = frame.opcode == Opcode::CONTINUATION && *frame.unmasked_payload() == *b"second half";
            vec![if ends { with_payload(frame, b"first of b, second half") } else { frame }]
        })],
    ),
    fault(
        "close-within-a-message-is-passed-over",
        "Does not hear a close frame while a message is unfinished.",
        &[Edit::ClientFrame(|conversation, frame| {
            let lost = conversation.in_message() && frame.opcode == Opcode::CLOSE;
            if lost { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "stray-continuation-is-a-text",
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
        "Takes a message that begins within another one for its continuation.",
        &[Edit::ClientFrame(|conversation, mut frame| {
            if conversation.in_message() && !frame.opcode.is_control() {
                frame.opcode = Opcode::CONTINUATION;
            }
            vec![frame]
        })],
    ),
];
