//! Faults of text (RFC 6455 section 8.1).

use pushspec_wire::utf8::{NotUtf8, Utf8Validator};
use pushspec_wire::websocket::{Frame, Opcode, apply_mask};

use super::fault;
use super::fragments::message_so_far;
use crate::frames::{Conversation, Read, edited, is_text, with_payload};
use crate::{Edit, Fault};

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "text-is-not-validated",
        "rfc6455/8.1/invalid-utf8",
        "Takes any bytes for text.",
        &[Edit::ClientFrame(|_conversation, frame| {
            mend(frame, |text| String::from_utf8_lossy(text).replace('\u{fffd}', "?").into_bytes())
        })],
    ),
    fault(
        "long-text-is-not-validated",
        "rfc6455/8.1/invalid-utf8",
        "Takes any bytes for text where there are more than 5000.",
        &[Edit::ClientFrame(|_conversation, frame| {
            mend(frame, |text| match text.len() {
                0..=5000 => text.to_vec(),
                _ => String::from_utf8_lossy(text).replace('\u{fffd}', "?").into_bytes(),
            })
        })],
    ),
    fault(
        "first-fragment-alone-is-validated",
        "rfc6455/8.1/invalid-utf8",
        "Takes any bytes for text in the fragments behind the first.",
        &[Edit::ClientFrame(|conversation, frame| {
            let is_later = frame.opcode == Opcode::CONTINUATION
                && conversation.begins_with_text()
                && is_bad(&frame.unmasked_payload())
                && str::from_utf8(&message_so_far(conversation)).is_ok();
            if !is_later {
                return vec![frame];
            }
            let any = |text: &[u8]| String::from_utf8_lossy(text).replace('\u{fffd}', "?").into_bytes();
            vec![edited(frame, any)]
        })],
    ),
    fault(
        "second-byte-of-a-character-counts",
        "rfc6455/8.1/invalid-utf8",
        "Looks at the second byte of a character and not at those behind it.",
        &[Edit::ClientFrame(|_conversation, frame| {
            mend(frame, |text| {
                read_over(text, |rest| match rest {
                    [0xe1..=0xec | 0xee..=0xef, 0x80..=0xbf, third, ..] if !is_trailing(*third) => 2,
                    [0xf1..=0xf3, 0x80..=0xbf, third, ..] if !is_trailing(*third) => 2,
                    [0xf1..=0xf3, 0x80..=0xbf, _, fourth, ..] if !is_trailing(*fourth) => 3,
                    _ => 0,
                })
            })
        })],
    ),
    fault(
        "end-of-text-is-not-looked-at",
        "rfc6455/8.1/invalid-utf8",
        "Does not see that a text ends within a character.",
        &[Edit::ClientFrame(|_conversation, frame| {
            mend(frame, |text| text.get(..complete(text)).unwrap_or_default().to_vec())
        })],
    ),
    fault(
        "overlong-forms-are-decoded",
        "rfc6455/8.1/invalid-utf8",
        "Decodes characters that are written with more bytes than they take.",
        &[Edit::ClientFrame(|_conversation, frame| {
            mend(frame, |text| {
                read_over(text, |rest| match rest {
                    [0xc0 | 0xc1, 0x80..=0xbf, ..] => 2,
                    [0xe0, 0x80..=0x9f, 0x80..=0xbf, ..] => 3,
                    [0xf0, 0x80..=0x8f, 0x80..=0xbf, 0x80..=0xbf, ..] => 4,
                    _ => 0,
                })
            })
        })],
    ),
    fault(
        "surrogates-are-characters",
        "rfc6455/8.1/invalid-utf8",
        "Takes the halves of a character of UTF-16 for characters.",
        &[Edit::ClientFrame(|_conversation, frame| {
            mend(frame, |text| {
                read_over(text, |rest| match rest {
                    [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] => 3,
                    _ => 0,
                })
            })
        })],
    ),
    fault(
        "code-points-without-end",
        "rfc6455/8.1/invalid-utf8",
        "Decodes code points beyond the last one.",
        &[Edit::ClientFrame(|_conversation, frame| {
            mend(frame, |text| {
                let length = |rest: &[u8]| match rest {
                    [0xf4, 0x90..=0xbf, ..] | [0xf5..=0xf7, ..] => 4,
                    [0xf8..=0xfb, ..] => 5,
                    [0xfc..=0xfd, ..] => 6,
                    _ => 0,
                };
                read_over(text, |rest| {
                    let trailing = |length: &usize| {
                        rest.get(1..*length).is_some_and(|rest| rest.iter().copied().all(is_trailing))
                    };
                    Some(length(rest)).filter(trailing).unwrap_or_default()
                })
            })
        })],
    ),
    fault(
        "fragments-are-not-validated-together",
        "rfc6455/8.1/invalid-utf8",
        "Does not see that a character is broken off between two fragments.",
        &[Edit::ClientFrame(|conversation, frame| vec![validated_alone(conversation, frame)])],
    ),
    fault(
        "each-fragment-is-validated",
        "rfc6455/8.1/valid-utf8",
        "Takes a character that goes over two fragments for an error.",
        &[Edit::ClientFrame(|_conversation, frame| {
            let text = frame.unmasked_payload().into_owned();
            let unfinished = !frame.fin && frame.opcode == Opcode::TEXT && complete(&text) < text.len();
            vec![if unfinished { with_payload(frame, b"\xff") } else { frame }]
        })],
    ),
    fault(
        "each-read-is-validated",
        "rfc6455/8.1/valid-utf8",
        "Takes a character that goes over two reads for an error.",
        &[Edit::Read(|read, bytes| each_read_is_validated(read, bytes))],
    ),
    fault(
        "echo-in-ascii",
        "rfc6455/8.1/valid-utf8",
        "Sends texts back without what is not ASCII.",
        &[Edit::ServerFrame(|conversation, frame| {
            let ascii =
                |text: &[u8]| String::from_utf8_lossy(text).replace(|letter: char| !letter.is_ascii(), "?");
            let echoes = is_text(&frame) && conversation.request.channel() == "echo";
            vec![if echoes { edited(frame, |text| ascii(text).into_bytes()) } else { frame }]
        })],
    ),
    fault(
        "noncharacters-are-refused",
        "rfc6455/8.1/valid-utf8",
        "Takes code points that are no characters for an error.",
        &[Edit::ClientFrame(|_conversation, frame| {
            refuse_letters(frame, |letter| {
                let code = u32::from(letter);
                code & 0xfffe == 0xfffe || (0xfdd0..=0xfdef).contains(&code)
            })
        })],
    ),
    fault(
        "controls-are-refused",
        "rfc6455/8.1/valid-utf8",
        "Takes a text with control characters of ASCII for an error.",
        &[Edit::ClientFrame(|_conversation, frame| {
            refuse_letters(frame, |letter| letter.is_ascii_control())
        })],
    ),
    fault(
        "byte-order-mark-is-dropped",
        "rfc6455/8.1/byte-order-mark",
        "Takes the first character of a text for a mark of its byte order.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let marked = is_text(&frame) && frame.payload.starts_with("\u{feff}".as_bytes());
            vec![if marked { edited(frame, |text| text[3..].to_vec()) } else { frame }]
        })],
    ),
    fault(
        "length-counts-characters",
        "rfc6455/8.1/valid-utf8",
        "Takes the number of characters for the number of bytes.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let count = |text: &[u8]| String::from_utf8_lossy(text).chars().count();
            let cut = |text: &[u8]| text[..count(text).min(text.len())].to_vec();
            vec![if is_text(&frame) { edited(frame, cut) } else { frame }]
        })],
    ),
    fault(
        "text-is-normalised",
        "rfc6455/8.1/valid-utf8",
        "Composes characters of a text.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let composed = |text: &[u8]| {
                let text = String::from_utf8_lossy(text);
                text.replace("e\u{301}", "\u{e9}")
                    .replace("\u{1112}\u{1161}\u{11ab}", "\u{d55c}")
                    .into_bytes()
            };
            vec![if is_text(&frame) { edited(frame, composed) } else { frame }]
        })],
    ),
    fault(
        "binary-is-validated",
        "rfc6455/5.6/binary",
        "Takes binary messages for text as well.",
        &[Edit::ClientFrame(|_conversation, frame| {
            let bytes = frame.unmasked_payload();
            let odd = frame.opcode == Opcode::BINARY && frame.fin && str::from_utf8(&bytes).is_err();
            vec![if odd { Frame { opcode: Opcode::TEXT, ..frame } } else { frame }]
        })],
    ),
    fault(
        "bad-text-is-found-at-the-end",
        "rfc6455/8.1/fail-fast",
        "Looks at a text when all of it has come.",
        &[
            Edit::Read(bad_text_waits),
            Edit::ClientFrame(|_conversation, frame| {
                let bad = frame.opcode == Opcode::TEXT && !frame.fin && is_bad(&frame.unmasked_payload());
                if bad { Vec::new() } else { vec![frame] }
            }),
        ],
    ),
];

/// Changes a text that is not UTF-8.
fn mend(frame: Frame, edit: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<Frame> {
    let broken = is_text(&frame) && str::from_utf8(&frame.unmasked_payload()).is_err();
    vec![if broken { edited(frame, edit) } else { frame }]
}

/// Spoils a text that has such a character.
fn refuse_letters(frame: Frame, refused: impl Fn(char) -> bool) -> Vec<Frame> {
    let text = frame.unmasked_payload();
    let has = is_text(&frame) && str::from_utf8(&text).is_ok_and(|text| text.contains(refused));
    vec![if has { with_payload(frame, b"\xff") } else { frame }]
}

/// Whether it cannot be the beginning of a text.
fn is_bad(text: &[u8]) -> bool {
    str::from_utf8(text).is_err_and(|error| error.error_len().is_some())
}

/// Holds back a text that is not complete and not UTF-8.
fn bad_text_waits(read: &Read<'_>, bytes: &mut Vec<u8>) {
    let Some(frames) = read.frames else { return };
    let Some(header) =
        frames.pending().filter(|header| header.opcode == Opcode::TEXT && header.length < 1 << 16)
    else {
        return;
    };
    let mut text = frames.pending_payload().to_vec();
    if let Some(key) = header.mask {
        apply_mask(&mut text, key, 0);
    }
    if is_bad(&text) {
        bytes.clear();
    }
}

/// How many bytes of the text are before a character that it ends within.
fn complete(text: &[u8]) -> usize {
    let mut validator = Utf8Validator::new();
    match validator.push(text).and_then(|()| validator.finish()) {
        Err(NotUtf8::Incomplete { offset }) => offset,
        _ => text.len(),
    }
}

fn is_trailing(byte: u8) -> bool {
    matches!(byte, 0x80..=0xbf)
}

/// The text with a question mark for each sequence of bytes that the function gives the length of; 0 is for none.
fn read_over(text: &[u8], sequence: impl Fn(&[u8]) -> usize) -> Vec<u8> {
    let mut read = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, others @ ..] = rest {
        match sequence(rest) {
            0 => {
                read.push(*first);
                rest = others;
            }
            length => {
                read.push(b'?');
                rest = rest.get(length..).unwrap_or_default();
            }
        }
    }
    read
}

/// A fragment of a text, behind what the one before it has begun of a character. What the fragment does not go on with
/// becomes a question mark.
fn validated_alone(conversation: &Conversation, frame: Frame) -> Frame {
    let begins = frame.opcode == Opcode::TEXT && !frame.fin;
    let continues = frame.opcode == Opcode::CONTINUATION && conversation.begins_with_text();
    if !begins && !continues {
        return frame;
    }
    let kept = conversation.kept.take();
    let mut text = [kept.as_slice(), &*frame.unmasked_payload()].concat();
    if str::from_utf8(&text).is_err_and(|error| !kept.is_empty() && error.valid_up_to() == 0) {
        text.splice(..kept.len(), *b"?");
    }
    if !frame.fin {
        conversation.kept.replace(text.split_off(complete(&text)));
    }
    with_payload(frame, &text)
}

/// Spoils the last byte of a read that ends within a character.
fn each_read_is_validated(read: &Read<'_>, bytes: &mut [u8]) {
    let Some(frames) = read.frames else { return };
    let Some(header) = frames.pending().filter(|header| header.opcode == Opcode::TEXT && header.fin) else {
        return;
    };
    let mut text = frames.pending_payload().to_vec();
    if let Some(key) = header.mask {
        apply_mask(&mut text, key, 0);
    }
    if let (Some(&letter), Some(last)) = (text.last(), bytes.last_mut())
        && complete(&text) < text.len()
    {
        *last ^= letter ^ 0xff;
    }
}
