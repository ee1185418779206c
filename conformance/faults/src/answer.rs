//! An answer on its way to the client.

use std::time::Duration;

use pushspec_wire::http1::Head;
use serde_json::Value;

use super::fields;

/// An answer: all of it where its length is known, and its head where it is a stream.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The lines of its head.
    pub(crate) head: Head,
    /// The body; of a stream nothing is known yet.
    pub(crate) body: Option<Vec<u8>>,
    /// How much later than the server sends it the answer goes to the client.
    pub(crate) delay: Duration,
    /// The connection ends in its stead.
    pub(crate) dropped: bool,
    /// The connection ends behind it.
    pub(crate) last: bool,
}

impl Answer {
    /// An answer as the server sent it.
    pub(crate) fn new(head: Head, body: Option<Vec<u8>>) -> Self {
        Self { head, body, delay: Duration::ZERO, dropped: false, last: false }
    }

    /// The status code; 0 where there is none.
    pub(crate) fn status(&self) -> u16 {
        self.head.status_line().map_or(0, |line| line.code)
    }

    /// Replaces status code and reason.
    pub(crate) fn set_status(&mut self, status: &str) {
        fields::set_start_line(&mut self.head, format!("HTTP/1.1 {status}"));
    }

    /// The answer to a poll, if this is one.
    fn poll(&self) -> Option<Value> {
        let value: Value = serde_json::from_slice(self.body.as_deref()?).ok()?;
        value.get("messages")?.is_array().then_some(value)
    }

    /// Whether this is the answer to a poll, and whether it brings messages.
    pub(crate) fn brings_news(&self) -> Option<bool> {
        let poll = self.poll()?;
        Some(!poll.get("messages")?.as_array()?.is_empty())
    }

    /// Changes the messages of the answer to a poll.
    pub(crate) fn edit_messages(&mut self, edit: impl FnOnce(&mut Vec<Value>)) {
        let Some(mut poll) = self.poll() else { return };
        if let Some(messages) = poll.get_mut("messages").and_then(Value::as_array_mut) {
            edit(messages);
            self.body = Some(poll.to_string().into_bytes());
        }
    }

    /// Changes the text of each message of the answer to a poll.
    pub(crate) fn edit_texts(&mut self, edit: impl Fn(&str) -> String) {
        self.edit_messages(|messages| {
            for data in messages.iter_mut().filter_map(|message| message.get_mut("data")) {
                if let Some(text) = data.as_str() {
                    *data = edit(text).into();
                }
            }
        });
    }

    /// Gives the answer the number of its characters for a length.
    pub(crate) fn count_characters(&mut self) {
        let Some(body) = &self.body else { return };
        let characters = String::from_utf8_lossy(body).chars().count();
        if characters < body.len() {
            fields::set(&mut self.head, "Content-Length", &characters.to_string());
        }
    }

    /// Changes the cursor of the answer to a poll.
    pub(crate) fn set_cursor(&mut self, cursor: u64) {
        let Some(mut poll) = self.poll() else { return };
        if let Some(present) = poll.get_mut("cursor") {
            *present = cursor.into();
            self.body = Some(poll.to_string().into_bytes());
        }
    }
}

/// What UTF-8 becomes where it is taken for Latin-1 and encoded once more.
pub(crate) fn encoded_twice(text: &[u8]) -> Vec<u8> {
    text.iter().flat_map(|&byte| char::from(byte).to_string().into_bytes()).collect()
}

/// A text as it stands in an HTML page.
pub(crate) fn escaped_for_a_page(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// A text with its lines in one.
pub(crate) fn joined(text: &str) -> String {
    text.replace("\r\n", " ").replace('\n', " ")
}
