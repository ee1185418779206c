//! Faults of what a server compresses (RFC 7692 sections 6.1 and 7.2.1).

use pushspec_wire::deflate::TAIL;
use pushspec_wire::websocket::{Frame, Opcode};

use super::compressor::Compressor;
use super::deviation::{Contexts, Deviation, MARK, is_marked};
use super::offers::Agreement;
use crate::frames::{edited, with_payload};
use crate::websocket::fault;
use crate::{Edit, Fault};

/// Compression as it should be, for the edits of frames behind it.
const COMPRESSION: Edit = Edit::Deflate(&Deviation::NONE);

pub(crate) static FAULTS: &[Fault] = &[
    fault(
        "deflate-context-is-kept",
        "rfc7692/7.2.1/context-dropped",
        "Refers to messages that the client has not kept.",
        &[Edit::Deflate(&Deviation {
            does: |agreed| Agreement { server_forgets: false, ..agreed },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-window-is-the-largest",
        "rfc7692/7.2.1/window",
        "Compresses with its usual window, whatever was agreed on.",
        &[Edit::Deflate(&Deviation {
            does: |agreed| Agreement { server_bits: None, ..agreed },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-sides-are-mixed-up",
        "rfc7692/7/unsupported",
        "Does what was agreed on for the client, and expects of the client what was agreed on for itself.",
        &[Edit::Deflate(&Deviation {
            does: |agreed| Agreement {
                server_forgets: agreed.client_forgets,
                client_forgets: agreed.server_forgets,
                server_bits: agreed.client_bits,
                client_bits: agreed.server_bits,
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-has-one-compressor",
        "rfc7692/7.2.1/compress",
        "Compresses what it sends to all clients with one window.",
        &[Edit::Deflate(&Deviation { contexts: Contexts::OneForAll, ..Deviation::NONE })],
    ),
    fault(
        "deflate-has-a-compressor-for-each-type",
        "rfc7692/7.2.1/compress",
        "Compresses texts with one window, and bytes with another.",
        &[Edit::Deflate(&Deviation { contexts: Contexts::OfEachType, ..Deviation::NONE })],
    ),
    fault(
        "deflate-refers-to-what-was-not-compressed",
        "rfc7692/7.2.1/compress",
        "Takes frames that it has not compressed for a part of the window.",
        &[Edit::Deflate(&Deviation {
            compresses: |message| message.payload.len() != 1,
            takes_for_sent: |_frame| true,
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-end-of-flush-is-sent",
        "rfc7692/7.2.1/compress",
        "Leaves on what a flush writes at the end.",
        &[
            COMPRESSION,
            Edit::ServerFrame(|_conversation, frame| {
                vec![on_marked(frame, |payload| [payload, &TAIL].concat())]
            }),
        ],
    ),
    fault(
        "deflate-output-is-cut",
        "rfc7692/7.2.1/compress",
        "Has room for some bytes of output, and forgets the rest.",
        &[
            COMPRESSION,
            Edit::ServerFrame(|_conversation, frame| {
                vec![on_marked(frame, |payload| match payload {
                    [first @ .., _, _] if payload.len() > 100 => first.to_vec(),
                    _ => payload.to_vec(),
                })]
            }),
        ],
    ),
    fault(
        "deflate-length-is-that-of-the-message",
        "rfc7692/5/algorithm",
        "Announces as many bytes as the message has that it has compressed.",
        &[
            COMPRESSION,
            Edit::ServerFrame(|conversation, mut frame| {
                let asked = conversation.client.iter().rev().find(|frame| !frame.opcode.is_control());
                let length = asked.map_or(frame.length, |asked| asked.length).max(frame.length);
                if is_marked(&frame) && length > 200 {
                    frame.length = length;
                    frame.length_form = Frame::minimal_form(length);
                }
                vec![frame]
            }),
        ],
    ),
    fault(
        "deflate-bit-is-missing",
        "rfc7692/6.1/compressed-sent",
        "Does not mark what it has compressed.",
        &[COMPRESSION, Edit::ServerFrame(|_conversation, frame| vec![Frame { rsv: 0, ..frame }])],
    ),
    fault(
        "deflate-bit-is-on-everything",
        "rfc7692/6.1/uncompressed-sent",
        "Marks the short messages, too, that it leaves as they are.",
        &[
            Edit::Deflate(&Deviation {
                compresses: |message| message.payload.len() > 100,
                ..Deviation::NONE
            }),
            Edit::ServerFrame(|conversation, frame| {
                let is_marked = !frame.opcode.is_control() && conversation.extension.borrow().is_some();
                vec![Frame { rsv: if is_marked { MARK } else { frame.rsv }, ..frame }]
            }),
        ],
    ),
    fault(
        "deflate-bit-is-on-each-fragment",
        "rfc7692/6.1/bit-set-elsewhere",
        "Marks each fragment of a compressed message.",
        &[
            COMPRESSION,
            Edit::ServerFrame(|_conversation, frame| {
                let half = frame.payload.len() / 2;
                if !is_marked(&frame) || half < 4 {
                    return vec![frame];
                }
                let first =
                    Frame { fin: false, rsv: MARK, ..Frame::new(frame.opcode, &frame.payload[..half]) };
                let second = Frame { rsv: MARK, ..Frame::new(Opcode::CONTINUATION, &frame.payload[half..]) };
                vec![first, second]
            }),
        ],
    ),
    fault(
        "deflate-pongs-are-compressed",
        "rfc7692/6/data-messages-alone",
        "Compresses whatever it sends, a pong, too.",
        &[
            COMPRESSION,
            Edit::ServerFrame(|conversation, frame| {
                let is_compressed = frame.opcode == Opcode::PONG && conversation.extension.borrow().is_some();
                vec![if is_compressed { compressed(frame) } else { frame }]
            }),
        ],
    ),
    fault(
        "deflate-close-frame-is-marked",
        "rfc7692/6.1/bit-set-elsewhere",
        "Marks the last frame of a connection like the others.",
        &[
            COMPRESSION,
            Edit::ServerFrame(|conversation, frame| {
                let is_marked = frame.opcode == Opcode::CLOSE && conversation.extension.borrow().is_some();
                vec![Frame { rsv: if is_marked { MARK } else { frame.rsv }, ..frame }]
            }),
        ],
    ),
    fault(
        "deflate-bytes-become-text",
        "rfc7692/6.1/opcode-kept",
        "Sends whatever it has compressed as text.",
        &[
            COMPRESSION,
            Edit::ServerFrame(|_conversation, frame| {
                vec![if is_marked(&frame) { Frame { opcode: Opcode::TEXT, ..frame } } else { frame }]
            }),
        ],
    ),
    fault(
        "deflate-empty-message-is-not-sent",
        "rfc7692/7.2.3.6/empty",
        "Sends nothing where there is nothing to compress.",
        &[
            COMPRESSION,
            Edit::ServerFrame(|_conversation, frame| {
                if is_marked(&frame) && frame.payload == [0] { Vec::new() } else { vec![frame] }
            }),
        ],
    ),
    fault(
        "deflate-empty-message-has-no-octet",
        "rfc7692/7.2.1/compress",
        "Marks an empty message as compressed, and leaves it empty.",
        &[
            COMPRESSION,
            Edit::ServerFrame(|_conversation, frame| {
                vec![on_marked(frame, |payload| match payload {
                    [0] => Vec::new(),
                    _ => payload.to_vec(),
                })]
            }),
        ],
    ),
    fault(
        "deflate-padding-is-set",
        "rfc7692/7.2.1/padding",
        "Fills the last byte of a message with what its memory has there.",
        &[Edit::Deflate(&Deviation { compress: Compressor::compressed_to_the_end, ..Deviation::NONE })],
    ),
    fault(
        "deflate-characters-are-counted",
        "rfc7692/6.1/compressed-sent",
        "Compresses as many bytes of a text as it has characters.",
        &[Edit::Deflate(&Deviation {
            compress: |compressor, message| {
                let count = str::from_utf8(message).map_or(message.len(), |text| text.chars().count());
                compressor.compressed(&message[..count])
            },
            ..Deviation::NONE
        })],
    ),
];

/// The same frame, with another payload if it is one of a compressed message.
fn on_marked(frame: Frame, edit: impl FnOnce(&[u8]) -> Vec<u8>) -> Frame {
    if is_marked(&frame) { edited(frame, edit) } else { frame }
}

/// A control frame that went through a compressor.
fn compressed(frame: Frame) -> Frame {
    let payload = Compressor::new(1 << 15).compressed(&frame.payload);
    with_payload(frame, &payload[..payload.len().min(125)])
}
