//! What a line says: its first word decides.

use super::attribute::{PROCEDURE_ATTRIBUTES, PUBLISH_ATTRIBUTES, attributes, example};
use super::span::span;
use super::{Cursor, Mistake, expect, send, text};
use crate::case::statement::{ConnectionName, Declared, Procedure, Silence, Span, Statement};
use crate::mistake::{did_you_mean, meant_or_known};

const WORDS: [&str; 12] = [
    "connect",
    "accept",
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
        "accept" => Ok(Statement::Accept(optional_name(cursor)?)),
        "open" | "subscribe" | "poll" | "long-poll" => procedure(cursor, from, &word),
        "publish" => {
            cursor.blank("publish \"one\"")?;
            let data = text::parse(cursor)?;
            Ok(Statement::Publish(data, attributes(cursor, &PUBLISH_ATTRIBUTES)?))
        }
        "within" => Ok(Statement::Within(argument(cursor, "within 500ms")?)),
        "wait" => Ok(Statement::Wait(argument(cursor, "wait 300ms")?)),
        "silent" => silent(cursor, Silence::OfMessages, "silent 300ms"),
        "mute" => silent(cursor, Silence::OfEverything, "mute 300ms"),
        "after" => after(cursor),
        _ => {
            let mut mistake = cursor.mistake(from, format!("unknown statement `{word}`"));
            mistake.hint = did_you_mean(&word, WORDS)
                .or_else(|| Some("what is sent begins with `>`, what is received with `<`".into()));
            Err(mistake)
        }
    }
}

fn silent(cursor: &mut Cursor<'_>, silence: Silence, example: &str) -> Result<Statement, Mistake> {
    Ok(Statement::Silent(silence, argument(cursor, example)?, optional_name(cursor)?))
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
    crate::case::name::is_kebab_case(name)
        && name.starts_with(|character: char| character.is_ascii_lowercase())
}

fn procedure(cursor: &mut Cursor<'_>, from: usize, word: &str) -> Result<Statement, Mistake> {
    let mut spelling = word.to_owned();
    if matches!(word, "open" | "subscribe") {
        cursor.blank(if word == "open" { "open sse" } else { "subscribe websocket" })?;
        spelling = format!("{word} {}", cursor.word(&[]));
    }
    let found = Procedure::ALL.into_iter().find(|(_, known)| *known == spelling);
    let Some((procedure, _)) = found else {
        let mistake = cursor.mistake(from, format!("unknown procedure `{spelling}`"));
        return Err(mistake.hint(meant_or_known(&spelling, Procedure::ALL.iter().map(|(_, known)| *known))));
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
        return Err(mistake.hint(format!("write `{}`", example(&word))));
    }
    if is_connection_name(&word) {
        return Ok(ConnectionName(word));
    }
    Err(cursor
        .mistake(from + 1, format!("`{word}` is not the name of a connection"))
        .hint("small letters, as in `connect b`"))
}

fn argument(cursor: &mut Cursor<'_>, example: &str) -> Result<Span, Mistake> {
    cursor.blank(example)?;
    let from = cursor.position();
    let word = cursor.word(&[]);
    match span(&word) {
        Some(span) if span.duration(Declared::default()).is_zero() => {
            Err(cursor.mistake(from, "no time at all").hint(format!("as in `{example}`")))
        }
        Some(span) => Ok(span),
        None => Err(bad_span(cursor, from, &word)),
    }
}

fn after(cursor: &mut Cursor<'_>) -> Result<Statement, Mistake> {
    cursor.blank("after 1s..5s")?;
    let from = cursor.position();
    let word = cursor.word(&[]);
    let (lower, upper) = word
        .split_once("..")
        .ok_or_else(|| cursor.mistake(from, "`after` takes two bounds").hint("as in `after 1s..5s`"))?;
    let (Some(earliest), Some(latest)) = (span(lower), span(upper)) else {
        return Err(bad_span(cursor, from, &word).hint("as in `after 1s..5s` or `after 300ms..5s`"));
    };
    if earliest.duration(Declared::default()) >= latest.duration(Declared::default()) {
        return Err(cursor
            .mistake(from, "the lower bound is not below the upper one")
            .hint("write the lower bound first, as in `after 1s..5s`"));
    }
    if earliest.duration(Declared::default()).is_zero() {
        return Err(cursor
            .mistake(from, "a lower bound of 0 has no effect")
            .hint(format!("write `within {upper}`")));
    }
    Ok(Statement::After(earliest, latest))
}

fn bad_span(cursor: &Cursor<'_>, from: usize, word: &str) -> Mistake {
    cursor
        .mistake(from, format!("`{word}` is not a time"))
        .hint("write `300ms`, `5s`, `heartbeat`, `interval`, `hold` or `half-hold`")
}
