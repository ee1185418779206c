//! Faults of control frames (RFC 6455 section 5.5).

use std::time::Duration;

use pushspec_wire::websocket::{Frame, FrameHeader, Opcode};

use super::fault;
use crate::frames::{edited, with_payload};
use crate::{Edit, Fault};

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "ping-is-not-answered",
        "rfc6455/5.5.2/pong",
        "Sends no pongs.",
        &[Edit::ServerFrame(|_conversation, frame| if is_pong(&frame) { Vec::new() } else { vec![frame] })],
    ),
    fault(
        "pong-comes-late",
        "rfc6455/5.5.2/soon",
        "Answers a ping after a second and a half.",
        &[Edit::FrameDelay(
            |_conversation, frame| {
                if is_pong(frame) { Duration::from_millis(1500) } else { Duration::ZERO }
            },
        )],
    ),
    fault(
        "pong-is-empty",
        "rfc6455/5.5.3/same-payload",
        "Answers a ping without its payload.",
        &[Edit::ServerFrame(|_conversation, frame| {
            vec![if is_pong(&frame) { with_payload(frame, b"") } else { frame }]
        })],
    ),
    fault(
        "empty-ping-is-not-answered",
        "rfc6455/5.5.2/pong",
        "Answers only pings with a payload.",
        &[Edit::ServerFrame(|_conversation, frame| {
            if is_pong(&frame) && frame.payload.is_empty() { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "pong-has-the-rest-of-the-last",
        "rfc6455/5.5.3/same-payload",
        "Answers a ping from a buffer in which the end of a longer one is left.",
        &[Edit::ServerFrame(|conversation, frame| {
            let last = conversation.server.iter().rev().find(|frame| is_pong(frame));
            let rest = last.and_then(|last| last.payload.get(frame.payload.len()..)).unwrap_or_default();
            let with_rest = |payload: &[u8]| [payload, rest].concat();
            vec![if is_pong(&frame) { edited(frame, with_rest) } else { frame }]
        })],
    ),
    fault(
        "pong-cut-at-124",
        "rfc6455/5.5.2/pong",
        "Keeps room for 124 bytes of a ping.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let payload = frame.payload.get(..124).filter(|_| is_pong(&frame)).map(<[u8]>::to_vec);
            vec![payload.map(|payload| with_payload(frame.clone(), &payload)).unwrap_or(frame)]
        })],
    ),
    fault(
        "pong-is-text",
        "rfc6455/5.5.3/same-payload",
        "Handles the payload of a ping as text in ASCII.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let ascii = |payload: &[u8]| {
                payload.iter().map(|byte| if byte.is_ascii() { *byte } else { b'?' }).collect()
            };
            vec![if is_pong(&frame) { edited(frame, ascii) } else { frame }]
        })],
    ),
    fault(
        "first-ping-is-answered",
        "rfc6455/5.5.2/pong",
        "Answers the first ping of a connection and no other.",
        &[Edit::ServerFrame(|conversation, frame| {
            if is_pong(&frame) && conversation.server.iter().any(is_pong) { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "unasked-pong-is-an-error",
        "rfc6455/5.5.3/unsolicited-pong",
        "Takes a pong that it did not ask for for an error.",
        &[Edit::ClientFrame(|_conversation, mut frame| {
            if is_pong(&frame) {
                frame.opcode = Opcode(0xb);
            }
            vec![frame]
        })],
    ),
    fault(
        "many-pongs-stop-the-reader",
        "rfc6455/10.4/many-frames",
        "Keeps pongs that it did not ask for until there is no room.",
        &[Edit::ClientFrame(|conversation, frame| {
            let full = conversation.is_long() && conversation.client.iter().all(is_pong);
            if full { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "long-control-frame-is-waited-for",
        "rfc6455/5.5/long-control-frame-at-once",
        "Looks at the length of a control frame when all of it has come.",
        &[Edit::Read(|read, bytes| {
            let announces = |header: FrameHeader| header.opcode.is_control() && header.length > 125;
            // The length may be known before the header is complete.
            let begins = matches!(bytes[..], [0x88..=0x8f, length, ..] if length & 0x7f >= 126);
            let Some(frames) = read.frames else { return };
            if frames.pending().is_some_and(announces) || (begins && frames.buffered() == bytes.len()) {
                bytes.clear();
            }
        })],
    ),
    fault(
        "long-control-frame-is-cut",
        "rfc6455/5.5/long-control-frame-received",
        "Reads the first 125 bytes of a control frame that is longer.",
        &[Edit::ClientFrame(|_conversation, frame| {
            let long = frame.opcode.is_control() && frame.payload.len() > 125;
            let short = |payload: &[u8]| payload.iter().take(125).copied().collect();
            vec![if long { edited(frame, short) } else { frame }]
        })],
    ),
    fault(
        "fragment-of-a-control-frame-is-whole",
        "rfc6455/5.5/fragmented-control-frame-received",
        "Takes the first fragment of a control frame for a whole one.",
        &[Edit::ClientFrame(|_conversation, frame| {
            let whole = frame.fin || frame.opcode.is_control();
            vec![Frame { fin: whole, ..frame }]
        })],
    ),
];

fn is_pong(frame: &Frame) -> bool {
    frame.opcode == Opcode::PONG
}
