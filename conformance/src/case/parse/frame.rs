//! WebSocket frames in square brackets.

use super::{Cursor, Mistake, text};
use crate::case::error::did_you_mean;
use crate::case::statement::{FrameItem, FrameWord, OPCODES, OpcodeWord};

const FLAGS: [&str; 8] = ["nofin", "rsv1", "rsv2", "rsv3", "nomask", "len7", "len16", "len64"];

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
        words.push(word);
        if cursor.take("]") {
            return Ok(FrameItem(words));
        }
        if cursor.at_end() {
            return Err(cursor.mistake(from, "the frame is not closed").hint("add `]`"));
        }
        cursor.blank()?;
    }
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
    parse_word(&word).map_err(|(message, hint)| Mistake { hint, ..cursor.mistake(from, message) })
}

/// A word without quotes; also the values that `each` gives for a word.
pub(crate) fn parse_word(word: &str) -> Result<FrameWord, (String, Option<String>)> {
    if let Some((_, number)) = OPCODES.iter().find(|(name, _)| *name == word) {
        return Ok(FrameWord::Opcode(OpcodeWord::Named(*number)));
    }
    let known = match word {
        "*" => Some(FrameWord::Any),
        "nofin" => Some(FrameWord::NoFin),
        "nomask" => Some(FrameWord::NoMask),
        "rsv1" => Some(FrameWord::Rsv(1)),
        "rsv2" => Some(FrameWord::Rsv(2)),
        "rsv3" => Some(FrameWord::Rsv(3)),
        "len7" => Some(FrameWord::LengthForm(7)),
        "len16" => Some(FrameWord::LengthForm(16)),
        "len64" => Some(FrameWord::LengthForm(64)),
        _ => valued(word),
    };
    known.ok_or_else(|| {
        let names = OPCODES.iter().map(|(name, _)| *name).chain(FLAGS);
        (format!("unknown word `{word}` in a frame"), did_you_mean(word, names))
    })
}

fn valued(word: &str) -> Option<FrameWord> {
    if let Some(digits) = word.strip_prefix("0x") {
        let number =
            u8::from_str_radix(digits, 16).ok().filter(|number| *number <= 0xF && digits.len() == 1)?;
        return Some(FrameWord::Opcode(OpcodeWord::Number(number)));
    }
    if let Some(digits) = word.strip_prefix("mask=") {
        let key = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 8)?;
        return Some(FrameWord::Mask(key.to_be_bytes()));
    }
    if let Some(digits) = word.strip_prefix("length=") {
        return digits.parse().ok().map(FrameWord::Length);
    }
    if let Some(thousand) = word.strip_suffix("xxx") {
        return thousand.parse().ok().filter(|thousand| (1..=4).contains(thousand)).map(FrameWord::CodeClass);
    }
    word.parse().ok().map(FrameWord::Code)
}
