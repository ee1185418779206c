//! `key="value"` behind a procedure, a publication or a message.

use super::{Cursor, Mistake, canonical, span, text};
use crate::case::statement::{Attribute, AttributeValue};
use crate::case::text::Segment;
use crate::mistake::meant_or_known;

/// The attributes of procedures.
pub(super) const PROCEDURE_ATTRIBUTES: [&str; 12] = [
    "field", "without", "method", "version", "after", "hold", "callback", "again", "times", "channel",
    "path", "offer",
];

/// The attributes of a message.
pub(super) const MESSAGE_ATTRIBUTES: [&str; 3] = ["id", "event", "above"];

/// The attributes of `publish`.
pub(super) const PUBLISH_ATTRIBUTES: [&str; 6] = ["id", "event", "comment", "channel", "refusal", "settle"];

/// The attributes that can stand on a line more than once.
const MANY: [&str; 2] = ["field", "without"];

/// How many connections `times` opens, and `again` resets, at most: a run has a thousand files as a rule, and where the
/// built-in server is judged, both ends of a connection are among them.
const MOST_CONNECTIONS: usize = 500;

pub(super) fn attributes(cursor: &mut Cursor<'_>, known: &[&str]) -> Result<Vec<Attribute>, Mistake> {
    let mut attributes: Vec<Attribute> = Vec::new();
    // Who reads the whole line reports spaces at its end.
    while cursor.starts_with(" ") && !cursor.rest().trim().is_empty() {
        let before = cursor.position();
        cursor.take(" ");
        let from = cursor.position();
        let key = cursor.word(&['=']);
        if key == "or" {
            cursor.set_position(before);
            break;
        }
        check_key(cursor, from, &key, known, &attributes)?;
        let at = cursor.position();
        let value = attribute_value(cursor, &key)?;
        if let Some((message, hint)) = value_mistake(&key, &value) {
            return Err(cursor.mistake(at, message).hint(hint));
        }
        attributes.push(Attribute { key, value });
    }
    Ok(attributes)
}

/// A key that is known and new, and the equals sign behind it.
fn check_key(
    cursor: &mut Cursor<'_>,
    from: usize,
    key: &str,
    known: &[&str],
    before: &[Attribute],
) -> Result<(), Mistake> {
    if key.is_empty() {
        let width = cursor.rest().chars().take_while(|character| *character == ' ').count() + 1;
        return Err(Mistake::at(from - 1, width, "a single space is expected here")
            .hint("remove all spaces but one, or put `  #` before a comment"));
    }
    if !known.contains(&key) {
        let mistake = cursor.mistake(from, format!("unknown attribute `{key}`"));
        return Err(mistake.hint(meant_or_known(key, known.iter().copied())));
    }
    if before.iter().any(|other| other.key == key) && !MANY.contains(&key) {
        let mistake = cursor.mistake(from, format!("`{key}` occurs twice"));
        return Err(mistake.hint("remove one of the two"));
    }
    if !cursor.take("=") {
        let mistake = cursor.mistake(from, format!("`{key}` has no value"));
        return Err(mistake.hint(format!("write `{}`", example(key))));
    }
    Ok(())
}

/// An attribute as it should be.
pub(super) fn example(key: &str) -> &'static str {
    match key {
        "field" => "field=\"Origin: http://localhost:8000\"",
        "without" => "without=\"Host\"",
        "method" => "method=HEAD",
        "version" => "version=1.0",
        "after" => "after=\"{start}\"",
        "hold" => "hold=300ms",
        "callback" => "callback=\"push.deliver\"",
        "again" => "again=50",
        "times" => "times=100",
        "channel" => "channel=\"{channel}-other\"",
        "path" => "path=\"{gone-path}\"",
        "offer" => "offer=\"permessage-deflate\"",
        "event" => "event=\"tick\"",
        "above" => "above=\"7\"",
        "comment" => "comment=\"note\"",
        "settle" => "settle=0ms",
        "refusal" => "refusal=ok",
        _ => "id=\"7\"",
    }
}

fn attribute_value(cursor: &mut Cursor<'_>, key: &str) -> Result<AttributeValue, Mistake> {
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
        let mistake = cursor.mistake(from, "a value is expected here");
        return Err(mistake.hint(format!("write `{}`", example(key))));
    }
    Ok(AttributeValue::Word(word))
}

/// What is wrong with a value that is written out, and a way out. What a parameter gives is not known yet.
fn value_mistake(key: &str, value: &AttributeValue) -> Option<(String, String)> {
    let hint = || format!("as in `{}`", example(key));
    // These say how a request is made before any parameter has a value.
    if matches!(key, "again" | "times") {
        let number: Option<usize> = match value {
            AttributeValue::Word(word) => canonical(word),
            _ => None,
        };
        let fits = number.is_some_and(|number| (1..=MOST_CONNECTIONS).contains(&number));
        let message = || format!("`{key}` takes a whole number from 1 to {MOST_CONNECTIONS}");
        return (!fits).then(|| (message(), hint()));
    }
    let written = literal(value)?;
    match key {
        "version" if !matches!(written.as_str(), "1.0" | "1.1") => {
            let hint = "write other versions out, as in `> GET {path} HTTP/9`";
            Some((
                format!("`{}` is not a version that a well-formed request can have", written.escape_debug()),
                hint.into(),
            ))
        }
        "hold" if span::duration(&written).is_none_or(|hold| hold.is_zero()) => {
            Some((format!("`{}` is not a time to hold a poll", written.escape_debug()), hint()))
        }
        "settle" if span::duration(&written).is_none() => {
            Some((format!("`{}` is not a time to wait", written.escape_debug()), hint()))
        }
        "field" if !written.contains(':') => Some(("a header field has a colon".into(), hint())),
        "refusal" if written != "ok" => Some(("`refusal` has only one value".into(), hint())),
        _ => None,
    }
}

/// The text of a value in which nothing is substituted.
fn literal(value: &AttributeValue) -> Option<String> {
    match value {
        AttributeValue::Word(word) => Some(word.clone()),
        AttributeValue::Parameter(_) => None,
        AttributeValue::Text(text) => {
            let segments = text.pieces.iter().flat_map(|piece| &piece.template.segments);
            let bytes = segments.map(|segment| match segment {
                Segment::Bytes(bytes) => Some(bytes.as_slice()),
                Segment::Substitution(_) => None,
            });
            let bytes: Vec<&[u8]> = bytes.collect::<Option<_>>()?;
            Some(String::from_utf8_lossy(&bytes.concat()).into_owned())
        }
    }
}
