//! Items that the suite sends.

use super::{Cursor, Mistake, canonical, frame, text};
use crate::case::statement::{FrameItem, FrameWord, OpcodeWord, SendItem};
use crate::case::text::Repeat;
use crate::mistake::did_you_mean;

pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<SendItem, Mistake> {
    if cursor.at_end() {
        return text::template(cursor, false).map(SendItem::HttpLine);
    }
    cursor.blank("> GET {path} HTTP/1.1")?;
    item(cursor)
}

fn item(cursor: &mut Cursor<'_>) -> Result<SendItem, Mistake> {
    let from = cursor.position();
    if text::begins(cursor) {
        return text::parse(cursor).map(SendItem::Bytes);
    }
    if cursor.starts_with("[") {
        let frame = frame::parse(cursor)?;
        if frame.0.iter().any(|word| matches!(word, FrameWord::CodeClass(_))) {
            return Err(cursor
                .mistake(from, "a frame that is sent has a code, not a class of codes")
                .hint("as in `[close 1000]`"));
        }
        return Ok(SendItem::Frame(frame));
    }
    match cursor.rest().as_str() {
        "eof" | "reset" | "pause" | "trickle" | "resume" => Ok(match cursor.take_rest().as_str() {
            "eof" => SendItem::Eof,
            "reset" => SendItem::Reset,
            "pause" => SendItem::Pause,
            "trickle" => SendItem::Trickle,
            _ => SendItem::Resume,
        }),
        rest if rest.starts_with("chop ") => chop(cursor),
        rest if rest.starts_with("fragments ") => fragments(cursor),
        rest if rest.contains(':') || rest.contains(" HTTP/") || rest.starts_with("HTTP/1.") => {
            text::template(cursor, false).map(SendItem::HttpLine)
        }
        rest => {
            if let Some(mistake) = text::other_quotes(cursor, from) {
                return Err(mistake);
            }
            let mut mistake =
                Mistake::at(from, rest.chars().count(), "this is neither an item nor an HTTP line");
            mistake.hint =
                did_you_mean(rest, ["eof", "reset", "pause", "trickle", "resume", "chop", "fragments"])
                    .or_else(|| Some("write other bytes in quotes: `> \"GET /\\r\\n\"`".into()));
            Err(mistake)
        }
    }
}

fn chop(cursor: &mut Cursor<'_>) -> Result<SendItem, Mistake> {
    cursor.take("chop ");
    let from = cursor.position();
    let word = cursor.word(&[]);
    let size = canonical(&word).filter(|size: &usize| *size > 0);
    let size = size.ok_or_else(|| {
        let mistake = cursor.mistake(from, format!("`{word}` is not a number of bytes"));
        mistake.hint("a write has at least one byte, as in `> chop 1 [text \"Hello\"]`")
    })?;
    cursor.blank("> chop 1 [text \"Hello\"]")?;
    let from = cursor.position();
    match item(cursor)? {
        inner @ (SendItem::Bytes(_) | SendItem::Frame(_)) => Ok(SendItem::Chop(size, Box::new(inner))),
        _ => Err(cursor
            .mistake(from, "only bytes in quotes or a frame can be sent in pieces")
            .hint("as in `> chop 1 \"GET\"` or `> chop 1 [text \"Hello\"]`")),
    }
}

fn fragments(cursor: &mut Cursor<'_>) -> Result<SendItem, Mistake> {
    cursor.take("fragments ");
    let from = cursor.position();
    let size = if let Some(name) = cursor.braced_name() {
        cursor.check_name(from, &name)?;
        cursor.set_position(from + name.len() + 2);
        Repeat::Parameter(name)
    } else {
        let word = cursor.word(&[]);
        let size = canonical(&word).filter(|size: &usize| *size > 0);
        size.map(Repeat::Times).ok_or_else(|| {
            let mistake = cursor.mistake(from, format!("`{word}` is not a number of bytes"));
            mistake.hint("a fragment has at least one byte, as in `> fragments 1 [text \"Hello\"]`")
        })?
    };
    cursor.blank("> fragments 1 [text \"Hello\"]")?;
    let from = cursor.position();
    let frame = match item(cursor)? {
        SendItem::Frame(frame) if is_whole_message(&frame) => frame,
        _ => {
            return Err(cursor
                .mistake(from, "only a whole message can be sent in fragments")
                .hint("as in `> fragments 1 [text \"Hello\"]`"));
        }
    };
    Ok(SendItem::Fragments(size, frame))
}

/// Whether a frame is a message of its own: control frames have no fragments (RFC 6455 section 5.5).
fn is_whole_message(FrameItem(words): &FrameItem) -> bool {
    let begins = matches!(
        words.first(),
        Some(FrameWord::Opcode(OpcodeWord::Named(0x1 | 0x2)) | FrameWord::Parameter(_))
    );
    let lies =
        |word: &FrameWord| matches!(word, FrameWord::NoFin | FrameWord::Length(_) | FrameWord::LengthForm(_));
    begins && !words.iter().any(lies)
}
