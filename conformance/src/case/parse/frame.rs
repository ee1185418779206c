//! WebSocket frames in square brackets.

use super::{Cursor, Mistake, canonical, text};
use crate::case::statement::{DeflateWord, FrameItem, FrameWord, OPCODES, OpcodeWord};
use crate::case::text::Form;
use crate::mistake::meant_or_known;

/// The words that have no value. A length of seven bits needs none: it is the one that is written by itself.
const FLAGS: [&str; 8] = ["nofin", "rsv1", "rsv2", "rsv3", "nomask", "len16", "len64", "deflate"];

pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<FrameItem, Mistake> {
    let from = cursor.position();
    cursor.take("[");
    let mut words = Vec::new();
    loop {
        let at = cursor.position();
        let word = word(cursor)?;
        let is_opcode = matches!(word, FrameWord::Opcode(_) | FrameWord::Parameter(_));
        if words.is_empty() && !is_opcode {
            return Err(cursor
                .mistake(at, "a frame begins with its opcode")
                .hint("as in `[text \"Hello\"]` or `[0x3]`"));
        }
        if let Some((message, hint)) = conflict(&words, &word) {
            return Err(cursor.mistake(at, message).hint(hint));
        }
        words.push(word);
        if cursor.take("]") {
            return whole(cursor, from, words);
        }
        if cursor.at_end() {
            return Err(cursor.mistake(from, "the frame is not closed").hint("add `]`"));
        }
        cursor.blank("[text nofin \"Hello\"]")?;
    }
}

/// Words that say two things of the same part of a frame.
fn conflict(words: &[FrameWord], word: &FrameWord) -> Option<(&'static str, &'static str)> {
    let part = |word: &FrameWord| match word {
        FrameWord::Rsv(bit) => Some(("the bit is already set", *bit)),
        FrameWord::Opcode(_) => Some(("the frame already has an opcode", 0)),
        FrameWord::NoFin => Some(("the bit is already cleared", 4)),
        FrameWord::NoMask | FrameWord::Mask(_) => Some(("the frame has two words for its mask", 0)),
        FrameWord::LengthForm(_) => Some(("the frame already has a length form", 0)),
        FrameWord::Length(_) => Some(("the frame already has a length", 0)),
        FrameWord::Code(_) | FrameWord::CodeClass(_) => Some(("the frame already has a close code", 0)),
        FrameWord::Payload(_) | FrameWord::Any => Some(("the frame already has a payload", 0)),
        FrameWord::Deflate(_) => Some(("the payload is compressed already", 0)),
        FrameWord::Parameter(_) => None,
    };
    let said = part(word)?;
    let twice = words.iter().any(|other| part(other) == Some(said));
    twice.then_some((said.0, "remove one of the two"))
}

/// A reason without a code would be read as one: its first two bytes are it (RFC 6455 section 5.5.1).
fn whole(cursor: &Cursor<'_>, from: usize, words: Vec<FrameWord>) -> Result<FrameItem, Mistake> {
    let closes = matches!(words.first(), Some(FrameWord::Opcode(OpcodeWord::Named(0x8))));
    let is_code = |word: &FrameWord| {
        matches!(word, FrameWord::Code(_) | FrameWord::CodeClass(_) | FrameWord::Parameter(_))
    };
    let has_code = words.iter().any(is_code);
    let has_reason = words.iter().any(|word| {
        matches!(word, FrameWord::Payload(text) if text.pieces.iter().any(|piece| piece.form == Form::Quoted))
    });
    if closes && has_reason && !has_code {
        return Err(cursor
            .mistake(from, "the close has a reason but no code")
            .hint("write `[close 1000 \"bye\"]`, or the whole body in hex, as in `[close x\"03\"]`"));
    }
    Ok(FrameItem(words))
}

fn word(cursor: &mut Cursor<'_>) -> Result<FrameWord, Mistake> {
    let from = cursor.position();
    if text::begins(cursor) {
        return text::parse(cursor).map(FrameWord::Payload);
    }
    if let Some(name) = cursor.braced_name() {
        cursor.check_name(from, &name)?;
        cursor.set_position(from + name.len() + 2);
        return Ok(FrameWord::Parameter(name));
    }
    let word = cursor.word(&[']']);
    parse_word(&word).map_err(|(message, hint)| cursor.mistake(from, message).hint(hint))
}

/// A word without quotes; also the values that `each` gives for a word.
pub(crate) fn parse_word(word: &str) -> Result<FrameWord, (String, String)> {
    if let Some((_, number)) = OPCODES.iter().find(|(name, _)| *name == word) {
        return Ok(FrameWord::Opcode(OpcodeWord::Named(*number)));
    }
    Ok(match word {
        "*" => FrameWord::Any,
        "nofin" => FrameWord::NoFin,
        "nomask" => FrameWord::NoMask,
        "rsv1" => FrameWord::Rsv(1),
        "rsv2" => FrameWord::Rsv(2),
        "rsv3" => FrameWord::Rsv(3),
        "len16" => FrameWord::LengthForm(16),
        "len64" => FrameWord::LengthForm(64),
        "deflate" => FrameWord::Deflate(Vec::new()),
        _ => return valued(word),
    })
}

fn unknown(word: &str) -> (String, String) {
    let names = OPCODES.iter().map(|(name, _)| *name).chain(FLAGS);
    (format!("unknown word `{word}` in a frame"), meant_or_known(word, names))
}

fn valued(word: &str) -> Result<FrameWord, (String, String)> {
    let wrong = |what: &str, hint: &str| Err((format!("`{word}` is no {what}"), hint.to_owned()));
    if let Some(digits) = word.strip_prefix("0x") {
        return match hex_digits(digits, 1).and_then(|number| u8::try_from(number).ok()) {
            Some(number) => Ok(FrameWord::Opcode(OpcodeWord::Number(number))),
            None => wrong("opcode", "an opcode is one hex digit, as in `0x3`"),
        };
    }
    if let Some(digits) = word.strip_prefix("mask=") {
        return match hex_digits(digits, 8) {
            Some(key) => Ok(FrameWord::Mask(key.to_be_bytes())),
            None => wrong("masking key", "a masking key is eight hex digits, as in `mask=37fa213d`"),
        };
    }
    if let Some(digits) = word.strip_prefix("length=") {
        return match canonical(digits) {
            Some(length) => Ok(FrameWord::Length(length)),
            None => wrong("length", "a length is a number below 2^64, as in `length=9`"),
        };
    }
    if let Some(how) = word.strip_prefix("deflate=") {
        return how.split(',').map(deflate_word).collect::<Result<_, _>>().map(FrameWord::Deflate);
    }
    if let Some(thousand) = word.strip_suffix("xxx") {
        return match canonical(thousand).filter(|thousand| (1..=4).contains(thousand)) {
            Some(thousand) => Ok(FrameWord::CodeClass(thousand)),
            None => wrong("class of close codes", "a class of close codes is written as in `[close 3xxx]`"),
        };
    }
    if word.starts_with(|first: char| first.is_ascii_digit()) {
        return match canonical(word) {
            Some(code) => Ok(FrameWord::Code(code)),
            None => wrong("close code", "a close code is a number up to 65535, as in `[close 1002]`"),
        };
    }
    Err(unknown(word))
}

fn deflate_word(word: &str) -> Result<DeflateWord, (String, String)> {
    let known = DeflateWord::ALL.iter().find(|(_, spelling)| *spelling == word);
    known.map(|(word, _)| *word).ok_or_else(|| {
        let names = DeflateWord::ALL.iter().map(|(_, spelling)| *spelling);
        (format!("unknown word `{word}` behind `deflate=`"), meant_or_known(word, names))
    })
}

/// So many hex digits, as they are printed again.
fn hex_digits(digits: &str, count: usize) -> Option<u32> {
    let plain = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
    let fits = digits.len() == count && digits.bytes().all(plain);
    u32::from_str_radix(digits, 16).ok().filter(|_| fits)
}
