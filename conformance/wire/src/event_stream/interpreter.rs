use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::sync::Arc;
use core::mem;

use super::{Line, LineEnd, LineKind};

/// An event as it is dispatched (section 9.2.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Place of the first line of its block, be it a field or a comment.
    pub offset: usize,
    /// The event type: what the last `event` field says, or `message` if it says nothing.
    pub kind: String,
    /// The values of the `data` fields, joined with LF.
    pub data: String,
    /// The last event ID of the stream at this event: events that have the same one share it, however long it is.
    pub last_event_id: Arc<str>,
}

/// Interprets the lines of an event stream as the standard has it (section 9.2.6).
///
/// The byte order mark is not a line and so never gets here. A line without an end is pending data at the end of the
/// stream, and is discarded, as is a block without a blank line. The buffers are as large as the fields of a block:
/// a caller that wants a limit has to count the bytes of the lines.
#[derive(Debug, Clone, Default)]
pub struct Interpreter {
    /// The place of the first line of the block that has begun.
    block: Option<usize>,
    data: String,
    event_type: String,
    /// What the next blank line makes the last event ID.
    last_event_id_buffer: Arc<str>,
    last_event_id: Arc<str>,
    retry: Option<u64>,
    /// How many bytes were looked at or copied so far.
    work: u64,
}

impl Interpreter {
    /// An interpreter at the beginning of a stream, with all buffers empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// Processes the next line; a blank one may dispatch an event.
    pub fn line(&mut self, line: &Line) -> Option<Event> {
        if line.end == LineEnd::None {
            return None;
        }
        self.work += line.content.len() as u64 + 1;
        match line.kind() {
            LineKind::Blank => return self.dispatch(),
            LineKind::Comment(_) => {}
            LineKind::Field { name, value, colon: _ } => self.field(name, value),
        }
        self.block.get_or_insert(line.offset);
        None
    }

    /// The last event ID: what the latest `id` field before the latest blank line says.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// The same, shared with the events that have it.
    pub fn shared_last_event_id(&self) -> Arc<str> {
        Arc::clone(&self.last_event_id)
    }

    /// How many bytes it holds: of the block that has begun, and of the last event ID.
    pub fn buffered(&self) -> usize {
        self.data.len() + self.event_type.len() + self.last_event_id_buffer.len() + self.last_event_id.len()
    }

    /// How many bytes were looked at or copied so far, each as often as that happened: at most a fixed multiple of what the
    /// lines had.
    pub fn work(&self) -> u64 {
        self.work
    }

    /// The reconnection time in milliseconds that the latest valid `retry` field sets; at most [`u64::MAX`].
    pub fn retry(&self) -> Option<u64> {
        self.retry
    }

    /// The four fields there are; all others are ignored.
    fn field(&mut self, name: &[u8], value: &[u8]) {
        match name {
            b"event" => self.event_type = self.decode(value),
            b"data" => {
                let data = self.decode(value);
                self.data.push_str(&data);
                self.data.push('\n');
            }
            b"id" if !value.contains(&0x00) => self.last_event_id_buffer = self.decode(value).into(),
            b"retry" if is_digits(value) => self.retry = Some(saturating_number(value)),
            _ => {}
        }
    }

    /// The steps at a blank line. The last event ID is set, and the event type forgotten, even if there is no data.
    fn dispatch(&mut self) -> Option<Event> {
        let block = self.block.take();
        let mut data = mem::take(&mut self.data);
        let event_type = mem::take(&mut self.event_type);
        self.last_event_id = Arc::clone(&self.last_event_id_buffer);
        if data.is_empty() {
            return None;
        }
        data.pop();
        let kind = if event_type.is_empty() { "message".to_owned() } else { event_type };
        Some(Event { offset: block?, kind, data, last_event_id: Arc::clone(&self.last_event_id) })
    }

    /// Decoding line by line is the same as decoding the stream: no sequence goes on after a line end.
    fn decode(&mut self, value: &[u8]) -> String {
        // It is read once, and copied once more to where it stays.
        self.work += 2 * value.len() as u64;
        String::from_utf8_lossy(value).into_owned()
    }
}

/// At least one digit: of the empty value no number can be made.
pub(super) fn is_digits(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().all(u8::is_ascii_digit)
}

fn saturating_number(digits: &[u8]) -> u64 {
    let add = |number: u64, digit: &u8| number.saturating_mul(10).saturating_add(u64::from(digit & 0x0f));
    digits.iter().fold(0, add)
}
