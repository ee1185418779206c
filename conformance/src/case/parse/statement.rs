//! What a line says: its first word decides.

use super::{Cursor, Mistake, expect, send, text};
use crate::case::error::did_you_mean;
use crate::case::statement::{
    Attribute, AttributeValue, ConnectionName, Procedure, Silence, Span, Statement,
};

const WORDS: [&str; 11] = [
    "connect",
    "open",
    "subscribe",
    "poll",
    "long-poll",
    "publish",
    "within",
    "after",
    "silent",
    "mute",
    "wait",
];

/// The attributes of procedures.
const PROCEDURE_ATTRIBUTES: [&str; 9] =
    ["field", "without", "method", "version", "after", "hold", "callback", "again", "times"];

/// The attributes of a message.
pub(super) const MESSAGE_ATTRIBUTES: [&str; 2] = ["id", "event"];

/// The attributes of `publish`.
const PUBLISH_ATTRIBUTES: [&str; 3] = ["id", "event", "refusal"];

pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Statement, Mistake> {
    if let Some((name, arrow)) = take_arrow(cursor) {
        return match arrow {
            ">" => send::parse(cursor).map(|item| Statement::Send(name, item)),
            _ => expect::parse(cursor, arrow == "<?").map(|expectation| Statement::Expect(name, expectation)),
        };
    }
    let from = cursor.position();
    let word = cursor.word(&[]);
    match word.as_str() {
        "connect" => Ok(Statement::Connect(optional_name(cursor)?)),
        "open" | "subscribe" | "poll" | "long-poll" => procedure(cursor, from, &word),
        "publish" => {
            cursor.blank()?;
            let data = text::parse(cursor)?;
            Ok(Statement::Publish(data, attributes(cursor, &PUBLISH_ATTRIBUTES)?))
        }
        "within" => Ok(Statement::Within(argument(cursor)?)),
        "wait" => Ok(Statement::Wait(argument(cursor)?)),
        "silent" => silent(cursor, Silence::OfMessages),
        "mute" => silent(cursor, Silence::OfEverything),
        "after" => after(cursor),
        _ => {
            let mut mistake = cursor.mistake(from, format!("unknown statement `{word}`"));
            mistake.hint = did_you_mean(&word, WORDS)
                .or_else(|| Some("what is sent begins with `>`, what is received with `<`".into()));
            Err(mistake)
        }
    }
}

fn silent(cursor: &mut Cursor<'_>, silence: Silence) -> Result<Statement, Mistake> {
    Ok(Statement::Silent(silence, argument(cursor)?, optional_name(cursor)?))
}

/// `>`, `<` or `<?`, with the name of a connection before it.
fn take_arrow(cursor: &mut Cursor<'_>) -> Option<(ConnectionName, &'static str)> {
    let from = cursor.position();
    let name = cursor.word(&['>', '<']);
    let arrow = ["<?", "<", ">"].into_iter().find(|arrow| cursor.take(arrow));
    let arrow = arrow.filter(|_| name.is_empty() || is_connection_name(&name));
    if arrow.is_none() {
        cursor.set_position(from);
    }
    arrow.map(|arrow| (ConnectionName(name), arrow))
}

fn is_connection_name(name: &str) -> bool {
    crate::case::page::is_kebab_case(name)
        && name.starts_with(|character: char| character.is_ascii_lowercase())
}

fn procedure(cursor: &mut Cursor<'_>, from: usize, word: &str) -> Result<Statement, Mistake> {
    let mut spelling = word.to_owned();
    if matches!(word, "open" | "subscribe") {
        cursor.blank()?;
        spelling = format!("{word} {}", cursor.word(&[]));
    }
    let found = Procedure::ALL.into_iter().find(|(_, known)| *known == spelling);
    let Some((procedure, _)) = found else {
        let mut mistake = cursor.mistake(from, format!("unknown procedure `{spelling}`"));
        mistake.hint = did_you_mean(&spelling, Procedure::ALL.iter().map(|(_, known)| *known));
        return Err(mistake);
    };
    let name = optional_name(cursor)?;
    Ok(Statement::Procedure(procedure, name, attributes(cursor, &PROCEDURE_ATTRIBUTES)?))
}

/// A name, if one comes next rather than an attribute.
fn optional_name(cursor: &mut Cursor<'_>) -> Result<ConnectionName, Mistake> {
    let from = cursor.position();
    if !cursor.take(" ") {
        return Ok(ConnectionName::default());
    }
    let word = cursor.word(&['=']);
    if cursor.starts_with("=") || word.is_empty() {
        cursor.set_position(from);
        return Ok(ConnectionName::default());
    }
    if PROCEDURE_ATTRIBUTES.contains(&word.as_str()) {
        let mistake = cursor.mistake(from + 1, format!("`{word}` has no value"));
        return Err(mistake.hint(format!("write `{word}=\"…\"`")));
    }
    if is_connection_name(&word) {
        return Ok(ConnectionName(word));
    }
    Err(cursor
        .mistake(from + 1, format!("`{word}` is no name of a connection"))
        .hint("small letters, as in `connect b`"))
}

pub(super) fn attributes(cursor: &mut Cursor<'_>, known: &[&str]) -> Result<Vec<Attribute>, Mistake> {
    let mut attributes = Vec::new();
    while cursor.starts_with(" ") && cursor.peek_word(&['=']).is_empty() {
        let before = cursor.position();
        cursor.take(" ");
        let from = cursor.position();
        let key = cursor.word(&['=']);
        if key == "or" {
            cursor.set_position(before);
            break;
        }
        if !known.contains(&key.as_str()) {
            let mut mistake = cursor.mistake(from, format!("unknown attribute `{key}`"));
            mistake.hint = did_you_mean(&key, known.iter().copied());
            return Err(mistake);
        }
        if !cursor.take("=") {
            return Err(cursor
                .mistake(from, format!("`{key}` has no value"))
                .hint(format!("write `{key}=\"…\"`")));
        }
        attributes.push(Attribute { key, value: attribute_value(cursor)? });
    }
    Ok(attributes)
}

fn attribute_value(cursor: &mut Cursor<'_>) -> Result<AttributeValue, Mistake> {
    let from = cursor.position();
    if text::begins(cursor) {
        return text::parse(cursor).map(AttributeValue::Text);
    }
    if let Some(name) = cursor.braced_name() {
        cursor.check_name(from, &name)?;
        cursor.set_position(from + name.len() + 2);
        return Ok(AttributeValue::Parameter(name));
    }
    let word = cursor.word(&[]);
    if word.is_empty() || word.contains('"') {
        return Err(cursor.mistake(from, "a value is expected here"));
    }
    Ok(AttributeValue::Word(word))
}

fn argument(cursor: &mut Cursor<'_>) -> Result<Span, Mistake> {
    cursor.blank()?;
    let from = cursor.position();
    let word = cursor.word(&[]);
    span(&word).ok_or_else(|| bad_span(cursor, from, &word))
}

fn after(cursor: &mut Cursor<'_>) -> Result<Statement, Mistake> {
    cursor.blank()?;
    let from = cursor.position();
    let word = cursor.word(&[]);
    let (lower, upper) = word
        .split_once("..")
        .ok_or_else(|| cursor.mistake(from, "`after` takes two bounds, as in `1s..5s`"))?;
    match (span(lower), span(upper)) {
        (Some(lower), Some(upper)) if lower.duration(None) < upper.duration(None) => {
            Ok(Statement::After(lower, upper))
        }
        (Some(_), Some(_)) => Err(cursor.mistake(from, "the lower bound is not below the upper one")),
        _ => Err(bad_span(cursor, from, &word)),
    }
}

fn bad_span(cursor: &Cursor<'_>, from: usize, word: &str) -> Mistake {
    cursor.mistake(from, format!("`{word}` is no time")).hint("write `300ms`, `5s` or `heartbeat`")
}

/// `300ms`, `5s` or `heartbeat`.
pub(crate) fn span(word: &str) -> Option<Span> {
    if word == "heartbeat" {
        return Some(Span::Heartbeat);
    }
    let (digits, seconds) = match word.strip_suffix("ms") {
        Some(digits) => (digits, false),
        None => (word.strip_suffix('s')?, true),
    };
    let count: u64 = digits.parse().ok()?;
    // An hour is more than any case waits.
    let plain = count.to_string() == digits && count <= 3_600_000;
    plain.then_some(if seconds { Span::Seconds(count) } else { Span::Milliseconds(count) })
}

/// `300ms` or `5s` where nothing declares a heartbeat: in profiles and attributes.
pub(crate) fn duration(word: &str) -> Option<std::time::Duration> {
    span(word).filter(|span| *span != Span::Heartbeat).map(|span| span.duration(None))
}
