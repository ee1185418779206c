//! Faults of what a server decompresses (RFC 7692 sections 6.2 and 7.2.2).

use pushspec_wire::deflate::{LARGEST_WINDOW, TAIL};
use pushspec_wire::websocket::Frame;

use super::decoder::{Compressed, Decoded, Decoder};
use super::deviation::{Contexts, Deviation, MARK, is_marked};
use super::offers::Agreement;
use crate::websocket::fault;
use crate::{Edit, Fault};

/// How long a message is at most that is looked at byte by byte.
const LOOKED_AT: usize = 4096;

pub(crate) static FAULTS: &[Fault] = &[
    fault(
        "deflate-is-not-done",
        "rfc7692/6.2/compressed-received",
        "Accepts the extension, and takes compressed bytes for the message.",
        &[Edit::Deflate(&Deviation {
            decodes: |_decoder, message| Decoded::Message(message.payload()),
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-context-is-dropped",
        "rfc7692/7.2.2/context-kept",
        "Forgets each message before the next one comes, which nobody has agreed on.",
        &[Edit::Deflate(&Deviation {
            decodes: |decoder, message| {
                decoder.inflater.forget();
                decoder.decoded(message)
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-hint-is-taken-for-agreed",
        "rfc7692/7.2.2/context-hint",
        "Takes the hint of a client for an agreement, and does not answer to it.",
        &[Edit::Deflate(&Deviation {
            answers: |_offers, accepted| Agreement { client_forgets: false, ..accepted.agreement() }.answer(),
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-window-hint-is-taken-for-agreed",
        "rfc7692/7.2.2/window-hint",
        "Makes its window as small as the client has said, and does not answer to it.",
        &[Edit::Deflate(&Deviation {
            answers: |_offers, accepted| Agreement { client_bits: None, ..accepted.agreement() }.answer(),
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-window-is-small",
        "rfc7692/7.1.2.2/absent",
        "Has a window of 256 bytes for what clients send.",
        &[Edit::Deflate(&Deviation {
            does: |agreed| Agreement { client_bits: Some(8), ..agreed },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-window-is-that-of-a-compressor",
        "rfc7692/7.2.2/window",
        "Reads references as far back as its own compressor makes them.",
        &[Edit::Deflate(&Deviation {
            decodes: |decoder, message| {
                decoder.decoded_unless(message, |inflated| inflated.farthest > LARGEST_WINDOW - 262)
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-has-one-decompressor",
        "rfc7692/7.2.2/context-kept",
        "Reads the messages of all clients with one window.",
        &[Edit::Deflate(&Deviation { received_contexts: Contexts::OneForAll, ..Deviation::NONE })],
    ),
    fault(
        "deflate-window-has-what-was-not-compressed",
        "rfc7692/7.2.3.2/uncompressed-between",
        "Has uncompressed messages in its window, too.",
        &[Edit::Deflate(&Deviation { takes_for_compressed: true, ..Deviation::NONE })],
    ),
    fault(
        "deflate-ends-with-a-final-block",
        "rfc7692/7.2.1/final-blocks",
        "Takes a block with BFINAL for the end of the message.",
        &[Edit::Deflate(&Deviation { decodes: up_to_a_final_block, ..Deviation::NONE })],
    ),
    fault(
        "deflate-is-over-with-a-final-block",
        "rfc7692/7.2.1/final-blocks",
        "Cannot go on behind a block with BFINAL.",
        &[Edit::Deflate(&Deviation {
            decodes: |decoder, message| {
                if decoder.is_marked {
                    return Decoded::Refused;
                }
                match decoder.inflated(&message.bytes()) {
                    Ok(inflated) => {
                        decoder.is_marked = inflated.is_final;
                        Decoded::Message(inflated.data)
                    }
                    Err(broken) => broken,
                }
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-begins-anew-with-a-final-block",
        "rfc7692/7.2.2/context-behind-a-final-block",
        "Forgets all that came before when a block has BFINAL.",
        &[Edit::Deflate(&Deviation {
            decodes: |decoder, message| match decoder.inflated(&message.bytes()) {
                Ok(inflated) => {
                    if inflated.is_final {
                        decoder.inflater.forget();
                    }
                    Decoded::Message(inflated.data)
                }
                Err(broken) => broken,
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-final-blocks-are-refused",
        "rfc7692/7.2.1/final-blocks",
        "Takes a block with BFINAL for an error.",
        &[Edit::Deflate(&Deviation {
            decodes: |decoder, message| decoder.decoded_unless(message, |inflated| inflated.is_final),
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-stored-blocks-are-refused",
        "rfc7692/7.2.3.3/stored",
        "Knows stored blocks at the end of a message alone.",
        &[Edit::Deflate(&Deviation {
            decodes: |decoder, message| decoder.decoded_unless(message, |inflated| inflated.blocks[0] > 1),
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-fixed-codes-are-refused",
        "rfc7692/7.2.1/block-types",
        "Does not know the codes that every decoder of DEFLATE has from the beginning.",
        &[Edit::Deflate(&Deviation {
            decodes: |decoder, message| decoder.decoded_unless(message, |inflated| inflated.blocks[1] > 0),
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-blocks-with-codes-are-refused",
        "rfc7692/7.2.1/block-types",
        "Does not know blocks that bring codes of their own.",
        &[Edit::Deflate(&Deviation {
            decodes: |decoder, message| decoder.decoded_unless(message, |inflated| inflated.blocks[2] > 0),
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-first-flush-ends-the-message",
        "rfc7692/7.2.1/several-blocks",
        "Takes the first empty block for the end of the message.",
        &[Edit::Deflate(&Deviation { decodes: up_to_the_first_flush, ..Deviation::NONE })],
    ),
    fault(
        "deflate-octets-are-not-put-back",
        "rfc7692/7.2.2/decompress",
        "Does not append what the client has removed, and waits for the rest of the block.",
        &[Edit::Deflate(&Deviation {
            decodes: |decoder, message| match decoder.inflated(&message.payload()) {
                Ok(inflated) => Decoded::Message(inflated.data),
                Err(_) => Decoded::Nothing,
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-room-is-a-hundred-bytes",
        "rfc7692/6.2/compressed-received",
        "Delivers what it has decompressed when its buffer was full for the first time.",
        &[Edit::Deflate(&Deviation {
            decodes: |decoder, message| match decoder.decoded(message) {
                Decoded::Message(mut data) => {
                    data.truncate(100);
                    Decoded::Message(data)
                }
                other => other,
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-frame-is-read-once",
        "rfc7692/6.2/compressed-received",
        "Decompresses what the first read brings of a frame, and what stands in its buffer behind that.",
        &[
            Edit::Read(|read, bytes| {
                if read.before.as_ref().is_some_and(|header| header.rsv == MARK) {
                    for byte in bytes {
                        *byte ^= 0x55;
                    }
                }
            }),
            Edit::Deflate(&Deviation::NONE),
        ],
    ),
    fault(
        "deflate-payload-is-validated",
        "rfc7692/6.1/payload-not-utf-8",
        "Expects compressed bytes of a text to be text.",
        &[Edit::Deflate(&Deviation {
            decodes: |decoder, message| {
                let is_text = !message.is_text || str::from_utf8(&message.payload()).is_ok();
                if is_text { decoder.decoded(message) } else { Decoded::Refused }
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-fragments-end-with-a-flush",
        "rfc7692/7.2.1/fragments",
        "Decompresses each fragment as if it were a message.",
        &[Edit::Deflate(&Deviation { decodes: one_by_one, ..Deviation::NONE })],
    ),
    fault(
        "deflate-empty-fragments-are-refused",
        "rfc7692/7.2.1/fragments",
        "Takes it for an error that its decompressor has nothing to read.",
        &[Edit::Deflate(&Deviation {
            decodes: |decoder, message| {
                let is_empty = message.fragments.iter().any(Vec::is_empty);
                if is_empty { Decoded::Refused } else { decoder.decoded(message) }
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-empty-messages-are-not-heard",
        "rfc7692/7.2.3.6/empty",
        "Delivers nothing where it has decompressed nothing.",
        &[Edit::Deflate(&Deviation {
            decodes: |decoder, message| match decoder.decoded(message) {
                Decoded::Message(data) if data.is_empty() => Decoded::Nothing,
                other => other,
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-bit-of-the-last-frame-counts",
        "rfc7692/6/bit-of-the-first-fragment",
        "Looks for the bit on the frame that ends a message.",
        &[Edit::Deflate(&Deviation {
            is_compressed: |_decoder, first| first.fin && is_marked(first),
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-first-message-decides",
        "rfc7692/6/bit-of-the-first-fragment",
        "Believes that all messages are compressed if the first one is.",
        &[Edit::Deflate(&Deviation {
            is_compressed: |decoder, first| {
                decoder.is_marked |= decoder.messages == 0 && is_marked(first);
                decoder.is_marked
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-is-expected-of-everything",
        "rfc7692/6.2/uncompressed-received",
        "Decompresses all messages, since that was agreed on.",
        &[Edit::Deflate(&Deviation { is_compressed: |_decoder, _first| true, ..Deviation::NONE })],
    ),
    fault(
        "deflate-is-guessed",
        "rfc6455/8.1/invalid-utf8",
        "Decompresses whatever can be decompressed, marked or not.",
        &[Edit::Deflate(&Deviation {
            is_compressed: |decoder, first| {
                let message =
                    Compressed { is_text: true, fragments: vec![first.unmasked_payload().into_owned()] };
                is_marked(first) || matches!(decoder.clone().decoded(&message), Decoded::Message(_))
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-bit-is-taken-of-everybody",
        "rfc6455/5.2/reserved-bits",
        "Passes over the bit where nothing was agreed on.",
        &[
            Edit::Deflate(&Deviation::NONE),
            Edit::ClientFrame(|conversation, frame| {
                let is_agreed = conversation.extension.borrow().is_some();
                vec![if is_agreed { frame } else { Frame { rsv: frame.rsv & !MARK, ..frame } }]
            }),
        ],
    ),
];

/// What stands up to the end of the first block with BFINAL, which is where the bytes are blocks with one for the first
/// time.
fn up_to_a_final_block(decoder: &mut Decoder, message: &Compressed) -> Decoded {
    let bytes = message.bytes();
    let is_final =
        |end: &usize| decoder.clone().inflated(&bytes[..*end]).is_ok_and(|inflated| inflated.is_final);
    let has_one = bytes.len() <= LOOKED_AT && is_final(&bytes.len());
    let end = (1..bytes.len()).find(|end| has_one && is_final(end)).unwrap_or(bytes.len());
    match decoder.inflated(&bytes[..end]) {
        Ok(inflated) => Decoded::Message(inflated.data),
        Err(broken) => broken,
    }
}

fn up_to_the_first_flush(decoder: &mut Decoder, message: &Compressed) -> Decoded {
    let bytes = message.bytes();
    let end = bytes.windows(TAIL.len()).position(|window| window == TAIL).unwrap_or_default() + TAIL.len();
    match decoder.inflated(&bytes[..end]) {
        Ok(inflated) => Decoded::Message(inflated.data),
        Err(broken) => broken,
    }
}

fn one_by_one(decoder: &mut Decoder, message: &Compressed) -> Decoded {
    let mut data = Vec::new();
    for fragment in &message.fragments {
        match decoder.inflated(&[fragment, &TAIL[..]].concat()) {
            Ok(inflated) => data.extend(inflated.data),
            Err(broken) => return broken,
        }
    }
    Decoded::Message(data)
}
