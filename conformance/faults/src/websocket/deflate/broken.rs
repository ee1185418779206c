//! Faults of bits that have no meaning, and of what does not decompress (RFC 7692 sections 6.1 and 7.2.2).

use pushspec_wire::deflate::{Broken, NotDeflate};
use pushspec_wire::websocket::{Frame, Opcode};

use super::decoder::{Compressed, Decoded, Decoder};
use super::deviation::{Deviation, MARK};
use crate::websocket::fault;
use crate::{Edit, Fault};

/// Compression as it should be, for the edits of frames before it.
const COMPRESSION: Edit = Edit::Deflate(&Deviation::NONE);

/// How much comes out of a message at most, where there is a bound.
const BOUND: usize = 1024 * 1024;

/// How much of a message is looked at byte by byte.
const LOOKED_AT: usize = 500;

pub(crate) static FAULTS: &[Fault] = &[
    fault(
        "deflate-bit-of-control-frames-is-passed-over",
        "rfc7692/6.1/bit-elsewhere-fails",
        "Does not mind the bit on control frames.",
        &[
            Edit::ClientFrame(|conversation, frame| {
                let is_agreed = conversation.extension.borrow().is_some();
                let is_control = frame.opcode.is_control() && !frame.opcode.is_reserved();
                vec![if is_agreed && is_control { without(frame, MARK) } else { frame }]
            }),
            COMPRESSION,
        ],
    ),
    fault(
        "deflate-bit-of-continuations-is-passed-over",
        "rfc7692/6.1/bit-elsewhere-fails",
        "Does not mind the bit on fragments behind the first.",
        &[
            Edit::ClientFrame(|conversation, frame| {
                let is_lone = !conversation.in_message();
                match frame.opcode {
                    Opcode::CONTINUATION if is_lone && frame.rsv == MARK => Vec::new(),
                    Opcode::CONTINUATION => vec![without(frame, MARK)],
                    _ => vec![frame],
                }
            }),
            COMPRESSION,
        ],
    ),
    fault(
        "deflate-other-bits-are-passed-over",
        "rfc6455/5.2/reserved-bits",
        "Does not look at the reserved bits any more when an extension has a use for one of them.",
        &[
            Edit::ClientFrame(|conversation, frame| {
                let is_agreed = conversation.extension.borrow().is_some();
                vec![if is_agreed { without(frame, 0b011) } else { frame }]
            }),
            COMPRESSION,
        ],
    ),
    fault(
        "deflate-of-unknown-opcodes-is-passed-over",
        "rfc6455/5.2/unknown-opcode",
        "Passes over marked frames of a type that it does not know.",
        &[
            Edit::ClientFrame(|_conversation, frame| {
                if frame.opcode.is_reserved() && frame.rsv == MARK { Vec::new() } else { vec![frame] }
            }),
            COMPRESSION,
        ],
    ),
    fault(
        "deflate-broken-message-is-passed-over",
        "rfc7692/7.2.2/broken-data",
        "Passes over what it cannot decompress.",
        &[Edit::Deflate(&Deviation {
            decodes: |decoder, message| match decoder.decoded(message) {
                Decoded::Broken(_) => Decoded::Nothing,
                other => other,
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-half-is-delivered",
        "rfc7692/6.2/nothing-else-delivered",
        "Delivers what it has decompressed when it comes to a mistake, or to the end.",
        &[Edit::Deflate(&Deviation {
            decodes: |decoder, message| match decoder.decoded(message) {
                Decoded::Broken(broken) => Decoded::Message(broken.data),
                other => other,
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-incomplete-message-is-delivered",
        "rfc7692/7.2.2/incomplete-data",
        "Does not see that the end of a message is missing.",
        &[Edit::Deflate(&Deviation {
            decodes: |decoder, message| match decoder.decoded(message) {
                Decoded::Broken(Broken { why: NotDeflate::Incomplete, data }) => Decoded::Message(data),
                other => other,
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-broken-message-is-delivered-as-it-came",
        "rfc7692/6.2/nothing-else-delivered",
        "Delivers the bytes that came where it cannot decompress them.",
        &[Edit::Deflate(&Deviation {
            decodes: |decoder, message| match decoder.decoded(message) {
                Decoded::Broken(_) => Decoded::Message(message.payload()),
                other => other,
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-broken-message-ends-all",
        "rfc7692/7.2.2/context-kept",
        "Ends all connections when one client sends what it cannot decompress.",
        &[Edit::Deflate(&Deviation { ends_all: true, ..Deviation::NONE })],
    ),
    fault(
        "deflate-text-is-not-validated",
        "rfc7692/6.1/utf-8-again",
        "Takes any bytes for text that it has decompressed.",
        &[Edit::Deflate(&Deviation {
            decodes: |decoder, message| match decoder.decoded(message) {
                Decoded::Message(data) if message.is_text => {
                    let text = String::from_utf8_lossy(&data).replace('\u{fffd}', "?");
                    Decoded::Message(text.into_bytes())
                }
                other => other,
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-pieces-are-validated",
        "rfc6455/8.1/valid-utf8",
        "Takes a character for broken whose bytes do not come out of the decompressor together.",
        &[Edit::Deflate(&Deviation { decodes: validated_in_pieces, ..Deviation::NONE })],
    ),
    fault(
        "deflate-bytes-are-validated",
        "rfc7692/6.1/opcode-kept",
        "Expects text of whatever it has decompressed.",
        &[Edit::Deflate(&Deviation {
            decodes: |decoder, message| match decoder.decoded(message) {
                Decoded::Message(data) if str::from_utf8(&data).is_err() && !message.is_text => {
                    Decoded::Refused
                }
                other => other,
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-large-message-is-cut",
        "rfc6455/10.4/large-messages",
        "Decompresses a mebibyte of a message, and delivers it.",
        &[Edit::Deflate(&Deviation {
            decodes: |decoder, message| match decoder.decoded(message) {
                Decoded::Message(mut data) => {
                    data.truncate(BOUND);
                    Decoded::Message(data)
                }
                other => other,
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-many-blocks-take-for-ever",
        "rfc6455/10.4/many-frames",
        "Does not come to an end with thousands of blocks.",
        &[Edit::Deflate(&Deviation {
            decodes: |decoder, message| match decoder.inflated(&message.bytes()) {
                Ok(inflated) if inflated.blocks.iter().sum::<usize>() > 5000 => Decoded::Nothing,
                Ok(inflated) => Decoded::Message(inflated.data),
                Err(broken) => broken,
            },
            ..Deviation::NONE
        })],
    ),
];

fn without(frame: Frame, bits: u8) -> Frame {
    Frame { rsv: frame.rsv & !bits, ..frame }
}

/// Each fragment, and each block up to a flush, is validated for itself.
fn validated_in_pieces(decoder: &mut Decoder, message: &Compressed) -> Decoded {
    let bytes = message.bytes();
    let mut is_valid = true;
    // What is a whole number of blocks comes out at once.
    for end in 1..=bytes.len().min(LOOKED_AT) {
        if let Ok(inflated) = decoder.clone().inflated(&bytes[..end]) {
            is_valid &= str::from_utf8(&inflated.data).is_ok();
        }
    }
    match decoder.decoded(message) {
        Decoded::Message(data) if message.is_text && !is_valid && str::from_utf8(&data).is_ok() => {
            Decoded::Refused
        }
        other => other,
    }
}
