//! WebSocket messages: put together from frames.

use pushspec_wire::utf8::Utf8Validator;
use pushspec_wire::websocket::{Frame, Opcode};

use crate::judge::verdict::invariant::Invariant;
use crate::profile::decode::{self, Message};
use crate::profile::parts::Parts;
use crate::transcript::shown::{shown, shown_frame};

use super::item::Item;
use super::sink::Sink;

/// Puts messages together.
#[derive(Debug)]
pub(crate) struct MessageReader {
    /// Opcode and payload so far of a message in parts.
    begun: Option<(Opcode, Vec<u8>)>,
    /// An extension was accepted that is not known here: neither is what payloads mean.
    extended: bool,
    /// Where the parts of a text are.
    parts: Parts,
}

impl MessageReader {
    pub(super) fn new(extended: bool, parts: Parts) -> MessageReader {
        MessageReader { begun: None, extended, parts }
    }

    /// How many bytes it holds.
    pub(super) fn held(&self) -> usize {
        self.begun.as_ref().map_or(0, |(_, payload)| 2 * payload.len())
    }

    /// A frame came; gives the messages that it completes.
    pub(super) fn push(&mut self, frame: &Frame, sink: &mut Sink<'_>) -> Vec<Item> {
        if frame.opcode.is_control() || frame.opcode.is_reserved() {
            return Vec::new();
        }
        sink.relevant(&[Invariant::WebSocketFragments]);
        let continues = frame.opcode == Opcode::CONTINUATION;
        if continues != self.begun.is_some() {
            let why = if continues { "no message has begun" } else { "a message has begun and not ended" };
            let seen = || format!("the frame {}, though {why}", shown_frame(frame));
            sink.breach_of(Invariant::WebSocketFragments, seen);
        }
        let (opcode, mut payload) = match self.begun.take() {
            Some(begun) if continues => begun,
            _ => (frame.opcode, Vec::new()),
        };
        payload.extend_from_slice(&frame.unmasked_payload());
        if !frame.fin {
            self.begun = Some((opcode, payload));
            return Vec::new();
        }
        let binary = opcode == Opcode::BINARY;
        if !binary && !self.extended {
            sink.relevant(&[Invariant::WebSocketUtf8]);
            let mut validator = Utf8Validator::new();
            if validator.push(&payload).and_then(|()| validator.finish()).is_err() {
                sink.breach_of(Invariant::WebSocketUtf8, || format!("the text {}", shown(&payload)));
            }
        }
        if binary {
            return vec![Item::Message(Message { data: payload, binary, id: None, event: None })];
        }
        match decode::texts(&self.parts, payload) {
            Ok(messages) => messages.into_iter().map(Item::Message).collect(),
            Err(text) => vec![Item::Foreign(text)],
        }
    }
}
