//! Faults of text (RFC 6455 section 8.1).

use pushspec_wire::utf8::{NotUtf8, Utf8Validator};
use pushspec_wire::websocket::{Frame, Opcode, apply_mask};

use super::fault;
use crate::frames::{Read, edited, is_text, with_payload};
use crate::{Edit, Fault};

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "text-is-not-validated",
        "Takes any bytes for text.",
        &[Edit::ClientFrame(|_conversation, frame| {
            mend(frame, |text| String::from_utf8_lossy(text).replace('\u{fffd}', "?").into_bytes())
        })],
    ),
    fault(
        "long-text-is-not-validated",
        "Takes any bytes for text where there are more than 5000.",
        &[Edit::ClientFrame(|_conversation, frame| {
            mend(frame, |text| match text.len() {
                0..=5000 => text.to_vec(),
                _ => String::from_utf8_lossy(text).replace('\u{fffd}', "?").into_bytes(),
            })
        })],
    ),
    fault(
        "second-byte-of-a-character-counts",
        "Looks at the second byte of a character and not at those behind it.",
        &[Edit::ClientFrame(|_conversation, frame| mend(frame, |text| replaced(text, b"\xe2\x82c", b"?c")))],
    ),
    fault(
        "end-of-text-is-not-looked-at",
        "Does not see that a text ends within a character.",
        &[Edit::ClientFrame(|_conversation, frame| {
            mend(frame, |text| text.get(..complete(text)).unwrap_or_default().to_vec())
        })],
    ),
    fault(
        "overlong-forms-are-decoded",
        "Decodes characters that are written with more bytes than they take.",
        &[Edit::ClientFrame(|_conversation, frame| {
            mend(frame, |text| match text {
                b"\xc0\xaf" => b"/".to_vec(),
                b"\xc0\x80" => b"\0".to_vec(),
                b"\xe0\x9f\xbf" => "\u{7ff}".into(),
                b"\xf0\x8f\xbf\xbf" => "\u{ffff}".into(),
                other => other.to_vec(),
            })
        })],
    ),
    fault(
        "surrogates-are-characters",
        "Takes the halves of a character of UTF-16 for characters.",
        &[Edit::ClientFrame(|_conversation, frame| {
            mend(frame, |text| {
                let surrogates = text.chunks(3).all(|half| matches!(half, [0xed, 0xa0..=0xbf, _]));
                if surrogates { b"?".to_vec() } else { text.to_vec() }
            })
        })],
    ),
    fault(
        "code-points-without-end",
        "Decodes code points beyond the last one.",
        &[Edit::ClientFrame(|_conversation, frame| {
            mend(frame, |text| match text {
                [0xf4, 0x90..=0xbf, ..] | [0xf5..=0xfd, ..] => b"?".to_vec(),
                other => other.to_vec(),
            })
        })],
    ),
    fault(
        "fragments-are-not-validated-together",
        "Does not see that a character is broken off between two fragments.",
        &[Edit::ClientFrame(|_conversation, frame| {
            let text = frame.unmasked_payload().into_owned();
            let breaks_off = !frame.fin && frame.opcode == Opcode::TEXT && text == b"\xce\xba\xe1\xbd";
            vec![if breaks_off { with_payload(frame, &text[..2]) } else { frame }]
        })],
    ),
    fault(
        "each-fragment-is-validated",
        "Takes a character that goes over two fragments for an error.",
        &[Edit::ClientFrame(|_conversation, frame| {
            let text = frame.unmasked_payload().into_owned();
            let unfinished = !frame.fin && frame.opcode == Opcode::TEXT && complete(&text) < text.len();
            vec![if unfinished { with_payload(frame, b"\xff") } else { frame }]
        })],
    ),
    fault(
        "each-read-is-validated",
        "Takes a character that goes over two reads for an error.",
        &[Edit::Read(|read, bytes| each_read_is_validated(read, bytes))],
    ),
    fault(
        "echo-in-ascii",
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
        "Takes a text with control characters of ASCII for an error.",
        &[Edit::ClientFrame(|_conversation, frame| {
            refuse_letters(frame, |letter| letter.is_ascii_control())
        })],
    ),
    fault(
        "byte-order-mark-is-dropped",
        "Takes the first character of a text for a mark of its byte order.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let marked = is_text(&frame) && frame.payload.starts_with("\u{feff}".as_bytes());
            vec![if marked { edited(frame, |text| text[3..].to_vec()) } else { frame }]
        })],
    ),
    fault(
        "length-counts-characters",
        "Takes the number of characters for the number of bytes.",
        &[Edit::ServerFrame(|_conversation, frame| {
            // In a long row of one character, where the length is what shows.
            let text = str::from_utf8(&frame.payload).unwrap_or_default();
            let row = text.starts_with("\u{20ac}") && text.chars().all(|letter| letter == '\u{20ac}');
            let length = text.chars().count() / 3 * 3;
            let cut = is_text(&frame) && row && length > 0;
            vec![if cut { edited(frame, |text| text[..length].to_vec()) } else { frame }]
        })],
    ),
    fault(
        "text-is-normalised",
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
        "Takes binary messages for text as well.",
        &[Edit::ClientFrame(|_conversation, frame| {
            let bytes = frame.unmasked_payload();
            // Of the bytes, those that end in what UTF-8 never has.
            let odd = frame.opcode == Opcode::BINARY && bytes.ends_with(b"\xfe\xff");
            vec![if odd { Frame { opcode: Opcode::TEXT, ..frame } } else { frame }]
        })],
    ),
    fault(
        "bad-text-is-found-at-the-end",
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
    // In a short one: going through megabytes letter by letter shows nothing more.
    let text = frame.unmasked_payload();
    let short = is_text(&frame) && text.len() < 256;
    let has = short && str::from_utf8(&text).is_ok_and(|text| text.contains(refused));
    vec![if has { with_payload(frame, b"\xff") } else { frame }]
}

/// Whether it cannot be the beginning of a text.
fn is_bad(text: &[u8]) -> bool {
    str::from_utf8(text).is_err_and(|error| error.error_len().is_some())
}

/// Holds back a text that is not complete and not UTF-8.
fn bad_text_waits(read: &Read<'_>, bytes: &mut Vec<u8>) {
    let Some(frames) = read.frames else { return };
    let Some(header) = frames.pending().filter(|header| header.opcode == Opcode::TEXT && header.length < 126)
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

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    match text.windows(from.len()).position(|window| window == from) {
        Some(at) => [&text[..at], to, &text[at + from.len()..]].concat(),
        None => text.to_vec(),
    }
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
