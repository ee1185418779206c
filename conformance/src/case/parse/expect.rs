//! Items that must, or may, be received.

use super::attribute::{MESSAGE_ATTRIBUTES, attributes};
use super::{Cursor, Mistake, canonical, frame, text};
use crate::case::statement::{
    Condition, ExpectItem, Expectation, FieldPattern, FieldTest, FrameItem, FrameWord, Grammar,
    MessagePattern, RequestPattern, StatusPattern,
};
use crate::case::text::Template;
use crate::mistake::{did_you_mean, meant_or_known};

const ITEMS: [&str; 12] = [
    "message",
    "reply",
    "comment",
    "anything",
    "prelude",
    "end",
    "no-messages",
    "eof",
    "reset",
    "nothing",
    "skip",
    "HTTP/1.1",
];

/// What stands behind `message` and `reply`, and no name of a field does.
const BEGINNINGS: [&str; 5] = [" \"", " x\"", " noise * ", " octets * ", " binary "];

const TESTS: [&str; 10] = [
    "equals",
    "is",
    "lists",
    "essence",
    "fits",
    "accepts",
    "accepts-within-hints",
    "present",
    "absent",
    "same",
];

pub(super) fn parse(cursor: &mut Cursor<'_>, optional: bool) -> Result<Expectation, Mistake> {
    let from = cursor.position();
    if cursor.at_end() {
        return Err(Mistake::at(from.saturating_sub(1), 1, "an item is expected here")
            .hint("the end of a head needs no line"));
    }
    cursor.blank("< eof")?;
    let mut items = vec![item(cursor)?];
    if let [ExpectItem::Field(_)] = items[..] {
        return Ok(Expectation { optional, items });
    }
    while cursor.take(" or ") {
        let from = cursor.position();
        match item(cursor)? {
            ExpectItem::Field(_) => {
                let mistake = cursor.mistake(from, "a field cannot follow `or`");
                return Err(mistake.hint("write several values as in `< Upgrade is websocket or h2c`"));
            }
            item => items.push(item),
        }
    }
    match items[..] {
        [ExpectItem::Nothing] => {
            let mistake = cursor.mistake(from + 1, "`or nothing` needs an item before it");
            return Err(mistake.hint("write `mute 300ms`, or `< item or nothing`"));
        }
        [ExpectItem::Skip] => {
            let mistake = cursor.mistake(from + 1, "`or skip` needs an item before it");
            return Err(mistake.hint("write `< item or skip`"));
        }
        _ => {}
    }
    Ok(Expectation { optional, items })
}

fn item(cursor: &mut Cursor<'_>) -> Result<ExpectItem, Mistake> {
    if text::begins(cursor) {
        return text::parse(cursor).map(ExpectItem::Bytes);
    }
    if cursor.starts_with("[") {
        return received_frame(cursor).map(ExpectItem::Frame);
    }
    if cursor.starts_with("HTTP/") {
        return status(cursor).map(ExpectItem::Status);
    }
    if is_request(&cursor.rest()) {
        return request(cursor).map(ExpectItem::Request);
    }
    let from = cursor.position();
    let word = cursor.word(&[]);
    match word.as_str() {
        "eof" => Ok(ExpectItem::Eof),
        "reset" => Ok(ExpectItem::Reset),
        "nothing" => Ok(ExpectItem::Nothing),
        "skip" => Ok(ExpectItem::Skip),
        "end" => Ok(ExpectItem::End),
        "no-messages" => Ok(ExpectItem::NoMessages),
        "comment" => Ok(ExpectItem::Comment),
        "anything" => Ok(ExpectItem::Anything),
        "prelude" => {
            cursor.blank("< prelude 1024")?;
            let at = cursor.position();
            let size = cursor.word(&[]);
            canonical(&size).map(ExpectItem::Prelude).ok_or_else(|| {
                cursor
                    .mistake(at, format!("`{size}` is not a number of bytes"))
                    .hint("as in `< prelude 1024`")
            })
        }
        "message" | "reply" if BEGINNINGS.iter().any(|beginning| cursor.starts_with(beginning)) => {
            let pattern = message(cursor)?;
            Ok(if word == "message" { ExpectItem::Message(pattern) } else { ExpectItem::Reply(pattern) })
        }
        "message" | "reply" if cursor.at_end() => {
            let mistake = cursor.mistake(from, format!("`{word}` needs a value"));
            Err(mistake.hint(format!("write `{word} \"…\"`, or `{word} binary x\"…\"`")))
        }
        _ => {
            cursor.set_position(from);
            field(cursor).map(ExpectItem::Field)
        }
    }
}

fn message(cursor: &mut Cursor<'_>) -> Result<MessagePattern, Mistake> {
    cursor.blank("< message \"one\"")?;
    let binary = cursor.take("binary ");
    let data = text::parse(cursor)?;
    Ok(MessagePattern { binary, data, attributes: attributes(cursor, &MESSAGE_ATTRIBUTES)? })
}

fn received_frame(cursor: &mut Cursor<'_>) -> Result<FrameItem, Mistake> {
    let from = cursor.position();
    let frame = frame::parse(cursor)?;
    let of_the_sender = frame.0.iter().any(|word| {
        matches!(
            word,
            FrameWord::NoMask | FrameWord::Mask(_) | FrameWord::LengthForm(_) | FrameWord::Length(_)
        )
    });
    if frame.0.iter().any(|word| matches!(word, FrameWord::Deflate(_))) {
        let mistake = cursor.mistake(from, "how a message was compressed is not looked at");
        return Err(mistake.hint("write `< message \"…\"` or `< reply \"…\"`"));
    }
    if of_the_sender {
        return Err(cursor
            .mistake(from, "the invariants judge the masking and the length form of a received frame")
            .hint("remove the word"));
    }
    Ok(frame)
}

fn status(cursor: &mut Cursor<'_>) -> Result<StatusPattern, Mistake> {
    let version = version(cursor)?;
    cursor.blank("< HTTP/1.1 200 *")?;
    let codes = codes(cursor)?;
    // A reason phrase may be empty, but the space before it may not be left out (RFC 9112 section 4).
    if cursor.rest() == " " {
        cursor.take_rest();
        return Ok(StatusPattern { version, codes, reason: Some(String::new()) });
    }
    cursor.blank("< HTTP/1.1 200 *")?;
    if cursor.take("*") {
        return Ok(StatusPattern { version, codes, reason: None });
    }
    let reason = cursor.take_rest();
    Ok(StatusPattern { version, codes, reason: Some(reason) })
}

/// Whether a request line was meant: a method in capitals, and a version behind the target.
fn is_request(rest: &str) -> bool {
    let mut words = rest.split(' ');
    let is_method = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase());
    words.next().is_some_and(is_method) && words.nth(1).is_some_and(|word| word.starts_with("HTTP/"))
}

fn request(cursor: &mut Cursor<'_>) -> Result<RequestPattern, Mistake> {
    let method = cursor.word(&[]);
    cursor.blank("< GET * HTTP/1.1")?;
    let target = Some(cursor.word(&[])).filter(|target| target != "*");
    cursor.blank("< GET * HTTP/1.1")?;
    Ok(RequestPattern { method, target, version: version(cursor)? })
}

fn version(cursor: &mut Cursor<'_>) -> Result<String, Mistake> {
    let from = cursor.position();
    let version = cursor.word(&[]);
    if matches!(version.as_str(), "HTTP/1.1" | "HTTP/1.0" | "HTTP/1.x") {
        return Ok(version);
    }
    let mistake = cursor.mistake(from, format!("unknown version `{version}`"));
    Err(mistake.hint("HTTP/1.1, HTTP/1.0 or HTTP/1.x"))
}

/// Statuses and classes of them, with bars between.
fn codes(cursor: &mut Cursor<'_>) -> Result<Vec<String>, Mistake> {
    let from = cursor.position();
    let word = cursor.word(&[]);
    let codes: Vec<String> = word.split('|').map(ToOwned::to_owned).collect();
    if codes.iter().all(|code| is_status_pattern(code)) {
        return Ok(codes);
    }
    Err(cursor.mistake(from, format!("`{word}` is not a status")).hint("as in `200`, `4xx` or `400|405`"))
}

fn is_status_pattern(code: &str) -> bool {
    let bytes = code.as_bytes();
    bytes.len() == 3
        && (b'1'..=b'5').contains(&bytes[0])
        && (&bytes[1..] == b"xx" || bytes[1..].iter().all(u8::is_ascii_digit))
}

fn field(cursor: &mut Cursor<'_>) -> Result<FieldPattern, Mistake> {
    let from = cursor.position();
    let name = cursor.word(&[':']);
    if cursor.take(": ") {
        let test = FieldTest::Exactly(text::template(cursor, false)?);
        return Ok(FieldPattern { name, test, conditions: Vec::new(), when: Vec::new() });
    }
    let at = cursor.position() + 1;
    let test =
        cursor.rest().strip_prefix(' ').map(|rest| rest.split(' ').next().unwrap_or_default().to_owned());
    let test = test.filter(|test| TESTS.contains(&test.as_str()));
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let Some(test) = test.filter(|_| is_name) else {
        return Err(unknown(cursor, from, at, &name));
    };
    cursor.take(" ");
    cursor.take(&test);
    let test = match test.as_str() {
        "present" => FieldTest::Present,
        "absent" => FieldTest::Absent,
        "same" => FieldTest::Same,
        "fits" => FieldTest::Fits(grammar(cursor)?),
        "equals" => FieldTest::Equals(values(cursor, "< Access-Control-Allow-Origin equals {origin}")?),
        "is" => FieldTest::Is(values(cursor, "< Upgrade is websocket")?),
        "accepts" => FieldTest::Accepts(offers(cursor)?),
        "accepts-within-hints" => FieldTest::AcceptsWithinHints(offers(cursor)?),
        "lists" => FieldTest::Lists(values(cursor, "< Connection lists upgrade")?),
        _ => {
            cursor.blank("< Content-Type essence text/html")?;
            FieldTest::Essence(text::template(cursor, false)?)
        }
    };
    let conditions = conditions(cursor)?;
    let when = if cursor.take(" when ") { codes(cursor)? } else { Vec::new() };
    Ok(FieldPattern { name, test, conditions, when })
}

fn offers(cursor: &mut Cursor<'_>) -> Result<Template, Mistake> {
    cursor.blank("< Sec-WebSocket-Extensions accepts permessage-deflate")?;
    text::template(cursor, true)
}

fn conditions(cursor: &mut Cursor<'_>) -> Result<Vec<Condition>, Mistake> {
    let mut conditions = Vec::new();
    loop {
        let unless = cursor.take(" unless ");
        if !unless && !cursor.take(" if ") {
            return Ok(conditions);
        }
        let name = cursor.word(&[]);
        let lists =
            if cursor.take(" lists") { values(cursor, "unless Vary lists Origin")? } else { Vec::new() };
        conditions.push(Condition { unless, name, lists });
    }
}

/// Neither an item nor a field: says which of the two it resembles.
fn unknown(cursor: &mut Cursor<'_>, from: usize, at: usize, name: &str) -> Mistake {
    if let Some(mistake) = text::other_quotes(cursor, from) {
        return mistake;
    }
    if let Some(hint) = did_you_mean(name, ITEMS) {
        return cursor.mistake(from, format!("unknown item `{name}`")).hint(hint);
    }
    let end = cursor.position();
    cursor.set_position(at);
    let word = cursor.word(&[]);
    if word.is_empty() {
        cursor.set_position(end);
    }
    let mistake = Mistake::at(from, cursor.position() - from, "this is neither an item nor a field");
    match did_you_mean(&word, TESTS) {
        Some(hint) => mistake.hint(hint),
        None => mistake.hint("as in `< eof`, `< message \"one\"` or `< Content-Type essence text/html`"),
    }
}

fn values(cursor: &mut Cursor<'_>, example: &str) -> Result<Vec<Template>, Mistake> {
    cursor.blank(example)?;
    let mut values = vec![text::template(cursor, true)?];
    while cursor.take(" or ") {
        values.push(text::template(cursor, true)?);
    }
    Ok(values)
}

fn grammar(cursor: &mut Cursor<'_>) -> Result<Grammar, Mistake> {
    cursor.blank("< Retry-After fits digits")?;
    let from = cursor.position();
    let word = cursor.word(&[]);
    let found = Grammar::ALL.into_iter().find(|(_, spelling)| *spelling == word);
    found.map(|(grammar, _)| grammar).ok_or_else(|| {
        let known = Grammar::ALL.iter().map(|(_, spelling)| *spelling);
        cursor.mistake(from, format!("unknown grammar `{word}`")).hint(meant_or_known(&word, known))
    })
}
