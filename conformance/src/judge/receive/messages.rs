//! WebSocket messages: put together from frames.

use pushspec_wire::utf8::Utf8Validator;
use pushspec_wire::websocket::{Frame, Opcode};

use crate::judge::verdict::invariant::Invariant;
use crate::profile::decode::Message;
use crate::transcript::shown::{shown, shown_frame};

use super::sink::Sink;

/// Puts messages together.
#[derive(Debug)]
pub(crate) struct MessageReader {
    /// Opcode and payload so far of a message in parts.
    begun: Option<(Opcode, Vec<u8>)>,
    /// An extension was accepted: what payloads mean is not known.
    extended: bool,
}

impl MessageReader {
    pub(super) fn new(extended: bool) -> MessageReader {
        MessageReader { begun: None, extended }
    }

    /// A frame came; gives the message that it completes.
    pub(super) fn push(&mut self, frame: &Frame, sink: &mut Sink<'_>) -> Option<Message> {
        if frame.opcode.is_control() || frame.opcode.is_reserved() {
            return None;
        }
        sink.relevant(&[Invariant::WebSocketFragments]);
        let continues = frame.opcode == Opcode::CONTINUATION;
        if continues != self.begun.is_some() {
            let why = if continues { "no message has begun" } else { "a message has begun and not ended" };
            let seen = format!("the frame {}, though {why}", shown_frame(frame));
            sink.breach(Invariant::WebSocketFragments, seen);
        }
        let (opcode, mut payload) = match self.begun.take() {
            Some(begun) if continues => begun,
            _ => (frame.opcode, Vec::new()),
        };
        payload.extend_from_slice(&frame.unmasked_payload());
        if !frame.fin {
            self.begun = Some((opcode, payload));
            return None;
        }
        let binary = opcode == Opcode::BINARY;
        if !binary && !self.extended {
            sink.relevant(&[Invariant::WebSocketUtf8]);
            let mut validator = Utf8Validator::new();
            if validator.push(&payload).and_then(|()| validator.finish()).is_err() {
                sink.breach(Invariant::WebSocketUtf8, format!("the text {}", shown(&payload)));
            }
        }
        Some(Message { data: payload, binary, id: None, event: None })
    }
}
