//! The receiving side of a WebSocket: frames to messages, and what must hold of each of them.

use std::collections::VecDeque;
use std::time::Duration;

use pushspec_wire::utf8::Utf8Validator;
use pushspec_wire::websocket::{FactKind, Frame, FrameHeader, FrameScanner, Opcode};

use super::invariant::{Invariant, Watch};
use super::item::{Arrival, Item, shown, shown_frame};
use crate::profile::decode::Message;

/// How many bytes of what is no frame are shown, beside those that were read as a header.
const SHOWN: usize = 32;

/// Reads what a server sends after its 101.
#[derive(Debug, Default)]
pub(crate) struct WebSocketReceiver {
    frames: FrameScanner,
    /// Opcode and payload so far of a message in parts.
    message: Option<(Opcode, Vec<u8>)>,
    closed: bool,
    /// Something else has come where a frame should begin: nothing behind it can be read.
    lost: bool,
    /// The answer has accepted an extension: what reserved bits and payloads mean is not known.
    extended: bool,
}

impl WebSocketReceiver {
    /// `extended` says whether the answer has accepted an extension.
    pub(crate) fn new(extended: bool) -> WebSocketReceiver {
        WebSocketReceiver { extended, ..WebSocketReceiver::default() }
    }

    pub(crate) fn push(
        &mut self,
        now: Duration,
        bytes: &[u8],
        out: &mut VecDeque<Arrival>,
        watch: &mut Watch,
    ) {
        if self.lost {
            return;
        }
        watch.relevant(&[Invariant::WebSocketFramesAlone]);
        self.frames.push(bytes);
        while let Some(frame) = self.frames.next_frame() {
            if self.is_none(now, &frame.header(), &frame.payload, out, watch) {
                return;
            }
            let closes_again = self.closed && frame.opcode == Opcode::CLOSE;
            self.judge(now, &frame, watch);
            // One finding of the invariant, and not one in every case that waits for the end.
            if closes_again {
                continue;
            }
            let message = self.assemble(now, &frame, watch);
            out.push_back(Arrival { at: now, item: Item::Frame(frame) });
            out.extend(message.map(|message| Arrival { at: now, item: Item::Message(message) }));
        }
        if let Some(header) = self.frames.pending() {
            let begun = self.frames.pending_payload();
            let begun = begun[..begun.len().min(SHOWN)].to_vec();
            self.is_none(now, &header, &begun, out, watch);
        }
    }

    /// Whether what came is no frame at all: one breach then, and not one for each way in which it is none, nor one in
    /// every case for what cannot be read any more.
    fn is_none(
        &mut self,
        now: Duration,
        header: &FrameHeader,
        payload: &[u8],
        out: &mut VecDeque<Arrival>,
        watch: &mut Watch,
    ) -> bool {
        let mut bytes = header.encode();
        bytes.extend(payload.iter().take(SHOWN));
        let why = if bytes.starts_with(b"HTTP/1.") {
            let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
            format!("an answer of HTTP on the open WebSocket, {}", shown(line))
        } else if header.opcode.is_reserved() && (!header.fin || header.rsv != 0) && !self.extended {
            format!("bytes that are no frame, {}", shown(&bytes))
        } else {
            return false;
        };
        self.lost = true;
        watch.breach(Invariant::WebSocketFramesAlone, now, why.clone());
        if !bytes.starts_with(b"HTTP/1.") {
            out.push_back(Arrival { at: now, item: Item::Unreadable(why) });
        }
        true
    }

    fn judge(&mut self, now: Duration, frame: &Frame, watch: &mut Watch) {
        use Invariant as I;
        watch.relevant(&[I::WebSocketUnmasked, I::WebSocketOpcodes, I::WebSocketLength]);
        if !self.extended {
            watch.relevant(&[I::WebSocketReservedBits]);
        }
        if frame.opcode.is_control() {
            watch.relevant(&[I::WebSocketControlWhole, I::WebSocketControlShort]);
        }
        if frame.opcode == Opcode::CLOSE {
            watch.relevant(&[
                I::WebSocketCloseCode,
                I::WebSocketCloseRange,
                I::WebSocketCloseBody,
                I::WebSocketOneClose,
                I::WebSocketAfterClose,
            ]);
        }
        let shown = || format!("the frame {}", shown_frame(frame));
        // Section 5.5.1 forbids data frames behind a close; a pong that crosses it is harmless.
        if self.closed && !frame.opcode.is_control() {
            watch.breach(I::WebSocketAfterClose, now, shown());
        }
        if self.closed && frame.opcode == Opcode::CLOSE {
            watch.breach(I::WebSocketOneClose, now, shown());
        }
        self.closed |= frame.opcode == Opcode::CLOSE;
        for fact in frame.facts() {
            let invariant = match fact {
                FactKind::Masked => I::WebSocketUnmasked,
                FactKind::ReservedBits(_) if self.extended => continue,
                FactKind::ReservedBits(_) => I::WebSocketReservedBits,
                FactKind::ReservedOpcode => I::WebSocketOpcodes,
                FactKind::NotMinimalLength | FactKind::TopBitOfLength => I::WebSocketLength,
                FactKind::FragmentedControl => I::WebSocketControlWhole,
                FactKind::OversizedControl => I::WebSocketControlShort,
                // Codes without a meaning yet may get one from the registry any day (RFC 6455 section 11.7).
                FactKind::CloseCodeReserved(_) => continue,
                FactKind::CloseCodeNotForTheWire(_) => I::WebSocketCloseCode,
                FactKind::CloseCodeOutOfRange(_) => I::WebSocketCloseRange,
                FactKind::OneByteClose | FactKind::CloseReasonNotUtf8 => I::WebSocketCloseBody,
            };
            watch.breach(invariant, now, shown());
        }
    }

    /// The message that a frame completes.
    fn assemble(&mut self, now: Duration, frame: &Frame, watch: &mut Watch) -> Option<Message> {
        if frame.opcode.is_control() || frame.opcode.is_reserved() {
            return None;
        }
        watch.relevant(&[Invariant::WebSocketFragments]);
        let continues = frame.opcode == Opcode::CONTINUATION;
        if continues != self.message.is_some() {
            let why = if continues { "no message has begun" } else { "a message has begun and not ended" };
            watch.breach(
                Invariant::WebSocketFragments,
                now,
                format!("the frame {}, though {why}", shown_frame(frame)),
            );
        }
        let (opcode, mut payload) = match self.message.take() {
            Some(begun) if continues => begun,
            _ => (frame.opcode, Vec::new()),
        };
        payload.extend_from_slice(&frame.unmasked_payload());
        if !frame.fin {
            self.message = Some((opcode, payload));
            return None;
        }
        let binary = opcode == Opcode::BINARY;
        if !binary && !self.extended {
            watch.relevant(&[Invariant::WebSocketUtf8]);
            let mut validator = Utf8Validator::new();
            if validator.push(&payload).and_then(|()| validator.finish()).is_err() {
                watch.breach(
                    Invariant::WebSocketUtf8,
                    now,
                    format!("the text {}", super::item::shown(&payload)),
                );
            }
        }
        Some(Message { data: payload, binary, id: None, event: None })
    }
}
