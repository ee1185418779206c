//! From the body of an answer to its messages, by what the profile says.

use serde_json::Value;

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
    /// The id, where the technique carries one.
    pub id: Option<String>,
    /// The name of the event, where the technique carries one.
    pub event: Option<String>,
}

/// The messages of a poll's answer, and the cursor for the next one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// The messages, in order.
    pub messages: Vec<Message>,
    /// The next cursor, if the body holds one.
    pub cursor: Option<String>,
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
    /// Something other than a list of messages.
    #[error("the value at {0} is not a list")]
    List(String),
}

/// Whether the body of a poll's answer is JSON. Otherwise all of it is the data of one message.
pub fn is_json(answer: &Answer) -> bool {
    answer.messages.is_some() || cursor_pointer(answer).is_some() || answer.parts.data.is_some()
}

/// Where the cursor is in the body, if it is there and not in the head.
fn cursor_pointer(answer: &Answer) -> Option<&str> {
    answer.cursor.as_deref().filter(|cursor| cursor.starts_with('/') || cursor.is_empty())
}

/// Reads the body of a poll's answer.
pub fn batch(answer: &Answer, body: &[u8]) -> Result<Batch, DecodeError> {
    if !is_json(answer) {
        let messages = if body.is_empty() {
            vec![]
        } else {
            vec![Message { data: body.to_vec(), ..Message::default() }]
        };
        return Ok(Batch { messages, cursor: None });
    }
    if body.is_empty() {
        return Ok(Batch::default());
    }
    let value: Value = serde_json::from_slice(body).map_err(|error| DecodeError::Json(error.to_string()))?;
    let cursor = match cursor_pointer(answer) {
        Some(pointer) => {
            Some(value.pointer(pointer).map(text).ok_or_else(|| DecodeError::Pointer(pointer.to_owned()))?)
        }
        None => None,
    };
    let messages = match &answer.messages {
        None => vec![message(&answer.parts, &value)?],
        Some(pointer) => value
            .pointer(pointer)
            .ok_or_else(|| DecodeError::Pointer(pointer.clone()))?
            .as_array()
            .ok_or_else(|| DecodeError::List(pointer.clone()))?
            .iter()
            .map(|value| message(&answer.parts, value))
            .collect::<Result<_, _>>()?,
    };
    Ok(Batch { messages, cursor })
}

/// The message that a script of an iframe delivers: the first argument of the call.
pub fn argument(iframe: &Iframe, value: &Value) -> Result<Message, DecodeError> {
    message(&iframe.parts, value)
}

fn message(parts: &Parts, value: &Value) -> Result<Message, DecodeError> {
    let data = match &parts.data {
        None => text(value),
        Some(pointer) => {
            value.pointer(pointer).map(text).ok_or_else(|| DecodeError::Pointer(pointer.clone()))?
        }
    };
    let part = |pointer: &Option<String>| {
        pointer.as_ref().and_then(|pointer| value.pointer(pointer)).filter(|value| !value.is_null()).map(text)
    };
    Ok(Message { data: data.into_bytes(), binary: false, id: part(&parts.id), event: part(&parts.event) })
}

/// A string as it is, anything else as JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}
