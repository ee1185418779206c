//! From the body of an answer to its messages, by what the profile says.

use std::sync::Arc;

use serde_json::Value;

use super::cursor::Values;
use super::iframe::Iframe;
use super::parts::Parts;
use super::poll::Answer;

/// A message, whatever technique brought it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// The data.
    pub data: Vec<u8>,
    /// A binary WebSocket message.
    pub binary: bool,
    /// The id, where the technique carries one. The messages of an event stream share it.
    pub id: Option<Arc<str>>,
    /// The name of the event, where the technique carries one.
    pub event: Option<String>,
}

/// The messages of a poll's answer, and the cursor for the next one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// The messages, in order.
    pub messages: Vec<Message>,
    /// The values of the next cursor that the body has.
    pub cursor: Values,
}

/// A body that does not have the shape that the profile promises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON, although the profile has JSON pointers.
    #[error("the body is not JSON: {0}")]
    Json(String),
    /// The pointer leads nowhere.
    #[error("the body has nothing at {0}, where the profile expects it")]
    Pointer(String),
    /// A response with messages does not have a field of the cursor.
    #[error("the response has no header field `{0}`, where the profile expects the cursor")]
    Field(String),
    /// Something other than a list of messages.
    #[error("the value at {0} is not a list")]
    List(String),
    /// More values than are read.
    #[error("the body has more than {MOST_VALUES} values of JSON, and the suite reads no more")]
    Values,
}

/// How many values a JSON text may have: the smallest take many times the memory of their bytes.
const MOST_VALUES: usize = 64 * 1024;

/// What can be told of a JSON text while it comes, and without memory: how many values it has at most, and whether it is
/// complete.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outline {
    depth: usize,
    /// Within a string; and behind a backslash there.
    string: Option<bool>,
    values: usize,
    /// The outermost value has ended, and so many bytes other than white space have come behind it.
    surplus: Option<usize>,
    /// How many bytes were looked at so far, each as often as that happened.
    pub(crate) work: u64,
}

impl Outline {
    /// More of the text has come.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.step(*byte);
        }
    }

    /// Whether it has more values than are read.
    pub(crate) fn has_too_many_values(&self) -> bool {
        self.values > MOST_VALUES
    }

    /// Whether the outermost array or object has just ended, and nothing has come behind it.
    pub(crate) fn is_complete(&self) -> bool {
        self.surplus == Some(0)
    }

    fn step(&mut self, byte: u8) {
        self.work += 1;
        if let Some(escaped) = self.string {
            self.string = match byte {
                _ if escaped => Some(false),
                b'\\' => Some(true),
                b'"' => None,
                _ => Some(false),
            };
            return;
        }
        if let Some(surplus) = self.surplus.as_mut() {
            *surplus += usize::from(!byte.is_ascii_whitespace());
        }
        match byte {
            b'"' => self.string = Some(false),
            b'[' | b'{' => {
                self.depth += 1;
                self.values += 1;
            }
            b']' | b'}' => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    self.surplus.get_or_insert(0);
                }
            }
            b',' => self.values += 1,
            _ => {}
        }
    }
}

/// The value of a JSON text.
fn value(text: &[u8]) -> Result<Value, DecodeError> {
    let mut outline = Outline::default();
    outline.push(text);
    if outline.has_too_many_values() {
        return Err(DecodeError::Values);
    }
    serde_json::from_slice(text).map_err(|error| DecodeError::Json(error.to_string()))
}

/// Whether the body of a poll's answer is one JSON document. Otherwise it is text.
pub fn is_json(answer: &Answer) -> bool {
    let Parts { messages, data, .. } = &answer.parts;
    answer.parts.separator.is_none() && (messages.is_some() || has_cursor(answer) || data.is_some())
}

/// Whether the body has a value of the cursor.
fn has_cursor(answer: &Answer) -> bool {
    answer.cursor.as_ref().is_some_and(|cursor| !cursor.pointers().is_empty())
}

/// The values of the cursor that a body has.
fn cursor(answer: &Answer, body: &Value) -> Result<Values, DecodeError> {
    let places = answer.cursor.iter().flat_map(|cursor| cursor.pointers());
    let found = places.map(|(name, pointer)| match body.pointer(pointer) {
        Some(value) => Ok((name.to_owned(), as_text(value))),
        None => Err(DecodeError::Pointer(pointer.to_owned())),
    });
    found.collect()
}

/// Reads the body of a poll's answer.
pub fn batch(answer: &Answer, body: &[u8]) -> Result<Batch, DecodeError> {
    if body.is_empty() {
        return Ok(Batch::default());
    }
    if answer.parts.separator.is_some() {
        // What is of another type is no news.
        let messages = texts(&answer.parts, body.to_vec()).unwrap_or_default();
        return Ok(Batch { messages, cursor: Values::new() });
    }
    let Some(body) = behind_prefix(&answer.parts, body) else { return Ok(Batch::default()) };
    if !is_json(answer) {
        let message = Message { data: body.to_vec(), ..Message::default() };
        return Ok(Batch { messages: vec![message], cursor: Values::new() });
    }
    let value = value(body)?;
    let cursor = cursor(answer, &value)?;
    let messages = match &answer.parts.messages {
        None => vec![message(&answer.parts, &value)?],
        Some(pointer) => value
            .pointer(pointer)
            .ok_or_else(|| DecodeError::Pointer(pointer.clone()))?
            .as_array()
            .ok_or_else(|| DecodeError::List(pointer.clone()))?
            .iter()
            // What has no data is of the protocol, and none of the messages.
            .filter_map(|value| found(&answer.parts, value, None))
            .collect(),
    };
    Ok(Batch { messages, cursor })
}

/// The pieces of a body between separators.
fn split<'b>(body: &'b [u8], separator: &'b [u8]) -> impl Iterator<Item = &'b [u8]> {
    let mut rest = Some(body);
    std::iter::from_fn(move || {
        let piece = rest?;
        let at = piece.windows(separator.len().max(1)).position(|window| window == separator);
        rest = at.map(|at| &piece[at + separator.len()..]);
        Some(at.map_or(piece, |at| &piece[..at]))
    })
}

/// A text without its prefix; nothing where it is of another type.
fn behind_prefix<'t>(parts: &Parts, text: &'t [u8]) -> Option<&'t [u8]> {
    text.strip_prefix(parts.prefix.as_deref().unwrap_or_default().as_bytes())
}

/// What a text says by the profile; the text itself where it is of another type, or the data is not where the pointers
/// lead: it is none of the messages of which the profile speaks. Without prefix and pointers the text is the data.
pub fn texts(parts: &Parts, text: Vec<u8>) -> Result<Vec<Message>, Vec<u8>> {
    if parts.percent_encoded {
        let decoded = Parts { percent_encoded: false, ..parts.clone() };
        return texts(&decoded, percent_decode(&text)).map_err(|_| text);
    }
    let Some(separator) = &parts.separator else { return record(parts, text) };
    let records = split(&text, separator.as_bytes()).filter(|record| !record.is_empty());
    let messages: Vec<Message> =
        records.filter_map(|written| record(parts, written.to_vec()).ok()).flatten().collect();
    if messages.is_empty() { Err(text) } else { Ok(messages) }
}

/// A text whose percent-encoded octets are octets; a percent sign with no number behind it stays.
fn percent_decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, behind @ ..] = rest {
        let digits = (*first == b'%').then(|| behind.get(..2)).flatten();
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let octet = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        out.push(octet.unwrap_or(*first));
        rest = if octet.is_some() { &behind[2..] } else { behind };
    }
    out
}

/// What one record of a text says.
fn record(parts: &Parts, text: Vec<u8>) -> Result<Vec<Message>, Vec<u8>> {
    let Some(content) = behind_prefix(parts, &text) else { return Err(text) };
    if parts.pointers().all(|(_, pointer)| pointer.is_none()) {
        return Ok(vec![Message { data: content.to_vec(), ..Message::default() }]);
    }
    let Ok(value) = value(content) else { return Err(text) };
    let Some(pointer) = &parts.messages else {
        let whole = parts.data.is_none().then(|| content.to_vec());
        return found(parts, &value, whole).map(|message| vec![message]).ok_or(text);
    };
    let list = value.pointer(pointer).and_then(Value::as_array);
    let messages = list.map(|list| list.iter().filter_map(|value| found(parts, value, None)).collect());
    messages.ok_or(text)
}

/// A message of a text, if its data is where the pointer leads. Without a pointer all of it is the data, as it is
/// written where that is known.
fn found(parts: &Parts, value: &Value, whole: Option<Vec<u8>>) -> Option<Message> {
    let part = |pointer: &Option<String>| {
        let found = pointer.as_ref().and_then(|pointer| value.pointer(pointer));
        found.filter(|value| !value.is_null()).map(as_text)
    };
    let data = match &parts.data {
        None => whole.unwrap_or_else(|| as_text(value).into_bytes()),
        Some(_) => part(&parts.data)?.into_bytes(),
    };
    Some(Message { data, binary: false, id: part(&parts.id).map(Arc::from), event: part(&parts.event) })
}

/// The messages that a script of an iframe delivers: the first argument of the call. Where they are within a text, the
/// argument is that text. `None` where the data is no text: what is published is one, whatever it looks like.
pub fn argument(iframe: &Iframe, value: &Value) -> Result<Option<Vec<Message>>, DecodeError> {
    let parts = &iframe.parts;
    let is_text = parts.separator.is_some() || parts.prefix.is_some() || parts.messages.is_some();
    if let Some(text) = value.as_str().filter(|_| is_text) {
        // A text of another type is none of the messages.
        return Ok(Some(texts(parts, text.as_bytes().to_vec()).unwrap_or_default()));
    }
    let data = parts.data.as_ref().map_or(Some(value), |pointer| value.pointer(pointer));
    let is_other = |value: &Value| matches!(value, Value::Number(_) | Value::Bool(_) | Value::Null);
    if data.is_some_and(is_other) {
        return Ok(None);
    }
    message(parts, value).map(|message| Some(vec![message]))
}

fn message(parts: &Parts, value: &Value) -> Result<Message, DecodeError> {
    let data = match &parts.data {
        None => as_text(value),
        Some(pointer) => {
            value.pointer(pointer).map(as_text).ok_or_else(|| DecodeError::Pointer(pointer.clone()))?
        }
    };
    let part = |pointer: &Option<String>| {
        pointer
            .as_ref()
            .and_then(|pointer| value.pointer(pointer))
            .filter(|value| !value.is_null())
            .map(as_text)
    };
    Ok(Message {
        data: data.into_bytes(),
        binary: false,
        id: part(&parts.id).map(Arc::from),
        event: part(&parts.event),
    })
}

/// A string as it is, anything else as JSON.
fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datas(messages: &[Message]) -> Vec<&str> {
        messages.iter().map(|message| std::str::from_utf8(&message.data).unwrap_or("?")).collect()
    }

    #[test]
    fn a_text_in_which_the_pointers_find_nothing_is_no_message() {
        let parts = Parts { data: Some("/a/0".into()), id: Some("/n".into()), ..Parts::default() };
        let read = |written: &str| texts(&parts, written.as_bytes().to_vec());
        let message = Message { data: b"one".to_vec(), id: Some("7".into()), ..Message::default() };
        assert_eq!(read(r#"{"a": ["one"], "n": 7}"#), Ok(vec![message]));
        for written in ["one", "{}", r#"{"a": [null]}"#] {
            assert_eq!(read(written), Err(written.as_bytes().to_vec()));
        }
    }

    #[test]
    fn a_text_brings_as_many_messages_as_its_list_has() {
        let parts = Parts { prefix: Some("a".into()), messages: Some(String::new()), ..Parts::default() };
        let read = |written: &str| texts(&parts, written.as_bytes().to_vec());
        let both = read("a[\"one\",\"two\"]\n");
        assert_eq!(both.as_deref().map(datas), Ok(vec!["one", "two"]));
        for other in ["o", "h\n", "c[3000,\"Go away!\"]", "a{}", "[\"one\"]"] {
            assert_eq!(read(other), Err(other.as_bytes().to_vec()));
        }
    }

    #[test]
    fn a_percent_encoded_text_is_decoded_before_it_is_read() {
        let parts = Parts { percent_encoded: true, prefix: Some("a".into()), ..Parts::default() };
        let read = |written: &str| texts(&parts, written.as_bytes().to_vec());
        assert_eq!(read("a100%2525 %0A%").as_deref().map(datas), Ok(vec!["100%25 \n%"]));
        assert_eq!(read("%61one").as_deref().map(datas), Ok(vec!["one"]));
        assert_eq!(read("h%41"), Err(b"h%41".to_vec()));
    }

    #[test]
    fn a_body_brings_the_records_that_begin_as_messages_do() {
        let separator = Some("\u{1e}".to_owned());
        let parts = Parts { separator, prefix: Some("4".into()), ..Parts::default() };
        let answer = Answer { parts, ..Answer::default() };
        let read = |body: &str| batch(&answer, body.as_bytes()).map(|batch| batch.messages);
        assert_eq!(read("4one\u{1e}2\u{1e}4two").as_deref().map(datas), Ok(vec!["one", "two"]));
        assert_eq!(read("6").as_deref().map(datas), Ok(vec![]));
        let list = Parts { prefix: Some("a".into()), messages: Some(String::new()), ..Parts::default() };
        let answer = Answer { parts: list, ..Answer::default() };
        let read = |body: &str| batch(&answer, body.as_bytes()).map(|batch| batch.messages);
        assert_eq!(read("a[\"one\"]\n").as_deref().map(datas), Ok(vec!["one"]));
        assert_eq!(read("o\n").as_deref().map(datas), Ok(vec![]));
        assert!(matches!(read("a7"), Err(DecodeError::List(_))));
        let parts = Parts { messages: Some(String::new()), data: Some("/data".into()), ..Parts::default() };
        let answer = Answer { parts, ..Answer::default() };
        let read = |body: &str| batch(&answer, body.as_bytes()).map(|batch| batch.messages);
        let list = r#"[{"data": "one"}, {"channel": "/meta/connect"}, {"data": "two"}]"#;
        assert_eq!(read(list).as_deref().map(datas), Ok(vec!["one", "two"]));
    }
}
