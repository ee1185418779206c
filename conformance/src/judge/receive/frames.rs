//! WebSocket frames, and what must hold of each of them. The layer below the messages.

use pushspec_wire::websocket::{FactKind, Frame, FrameHeader, FrameScanner, Opcode};

use crate::extension::{COMPRESSED, Extension};
use crate::judge::verdict::invariant::Invariant;
use crate::transcript::shown::{shown, shown_frame};

use super::item::Item;
use super::side::Side;
use super::sink::Sink;

/// How many bytes of what is no frame are shown, beside those that were read as a header.
const SHOWN: usize = 32;

/// Reads frames.
#[derive(Debug)]
pub(crate) struct FrameReader {
    scanner: FrameScanner,
    /// Who sends them.
    sender: Side,
    /// The extension that was accepted: it gives reserved bits a meaning.
    extension: Extension,
    /// A close frame has come.
    closed: bool,
    /// Something else has come where a frame should begin: nothing behind it can be read.
    lost: bool,
}

impl FrameReader {
    /// `extension` is the one that the answer has accepted.
    pub(super) fn new(sender: Side, extension: Extension) -> FrameReader {
        FrameReader { scanner: FrameScanner::new(), sender, extension, closed: false, lost: false }
    }

    /// Bytes came.
    pub(super) fn push(&mut self, bytes: &[u8], sink: &mut Sink<'_>) {
        if self.lost {
            return;
        }
        sink.relevant(&[Invariant::WebSocketFramesAlone]);
        self.scanner.push(bytes);
    }

    /// Whether a close frame has come.
    pub(super) fn has_close_come(&self) -> bool {
        self.closed
    }

    /// How many bytes it holds.
    pub(super) fn held(&self) -> usize {
        2 * self.scanner.buffered()
    }

    /// The next frame that is complete.
    pub(super) fn next(&mut self, sink: &mut Sink<'_>) -> Option<Frame> {
        while !self.lost {
            let Some(frame) = self.scanner.next_frame() else {
                self.look_ahead(sink);
                return None;
            };
            sink.step();
            if self.is_none(&frame.header(), &frame.payload, sink) {
                return None;
            }
            // One finding of the invariant, and not one in every case that waits for the end.
            let is_too_late = self.closed && (frame.opcode == Opcode::CLOSE || !frame.opcode.is_control());
            self.judge(&frame, sink);
            if !is_too_late {
                return Some(frame);
            }
        }
        None
    }

    /// Looks at a frame that is on its way: what is none need not be waited for.
    fn look_ahead(&mut self, sink: &mut Sink<'_>) {
        if let Some(header) = self.scanner.pending() {
            let begun = self.scanner.pending_payload();
            let begun = begun[..begun.len().min(SHOWN)].to_vec();
            self.is_none(&header, &begun, sink);
        }
    }

    /// Whether what came is no frame at all: one breach then, and not one for each way in which it is none, nor one in
    /// every case for what cannot be read any more.
    fn is_none(&mut self, header: &FrameHeader, payload: &[u8], sink: &mut Sink<'_>) -> bool {
        let mut bytes = header.encode();
        bytes.extend(payload.iter().take(SHOWN));
        let why = if bytes.starts_with(b"HTTP/1.") {
            let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
            format!("an answer of HTTP on the open WebSocket, {}", shown(line))
        } else if header.opcode.is_reserved()
            && (!header.fin || header.rsv & !self.extension.bits() != 0)
            && self.extension != Extension::Unknown
        {
            format!("bytes that are no frame, {}", shown(&bytes))
        } else {
            return false;
        };
        self.lost = true;
        sink.breach(Invariant::WebSocketFramesAlone, why.clone());
        if !bytes.starts_with(b"HTTP/1.") {
            sink.item(Item::Unreadable(why));
        }
        true
    }

    fn judge(&mut self, frame: &Frame, sink: &mut Sink<'_>) {
        use Invariant as I;
        self.judged(frame, sink);
        let shown = || format!("the frame {}", shown_frame(frame));
        // Section 5.5.1 forbids data frames behind a close; a pong that crosses it is harmless.
        if self.closed && !frame.opcode.is_control() {
            sink.breach_of(I::WebSocketAfterClose, shown);
        }
        if self.closed && frame.opcode == Opcode::CLOSE {
            sink.breach_of(I::WebSocketOneClose, shown);
        }
        self.closed |= frame.opcode == Opcode::CLOSE;
        for invariant in frame.facts().iter().filter_map(|fact| self.broken_by(*fact)) {
            sink.breach_of(invariant, shown);
        }
        // The bit is that of the first frame of a message of data (RFC 7692 section 6.1).
        let is_deflate = matches!(self.extension, Extension::Deflate(_));
        if is_deflate && frame.rsv & COMPRESSED != 0 && !matches!(frame.opcode, Opcode::TEXT | Opcode::BINARY)
        {
            sink.breach_of(I::WebSocketDeflateBit, shown);
        }
    }

    /// Notes for which invariants a frame gives something to judge.
    fn judged(&self, frame: &Frame, sink: &mut Sink<'_>) {
        use Invariant as I;
        sink.relevant(&[I::WebSocketOpcodes, I::WebSocketLength]);
        if self.sender == Side::Server {
            sink.relevant(&[I::WebSocketUnmasked]);
        }
        match self.extension {
            Extension::None => sink.relevant(&[I::WebSocketReservedBits]),
            Extension::Deflate(_) => sink.relevant(&[I::WebSocketReservedBits, I::WebSocketDeflateBit]),
            Extension::Unknown => {}
        }
        if frame.opcode.is_control() {
            sink.relevant(&[I::WebSocketControlWhole, I::WebSocketControlShort]);
        }
        if frame.opcode == Opcode::CLOSE {
            sink.relevant(&[
                I::WebSocketCloseCode,
                I::WebSocketCloseRange,
                I::WebSocketCloseBody,
                I::WebSocketOneClose,
                I::WebSocketAfterClose,
            ]);
        }
    }

    /// The invariant that a frame breaks by what is remarkable about it.
    fn broken_by(&self, fact: FactKind) -> Option<Invariant> {
        use Invariant as I;
        match fact {
            // A client masks its frames (section 5.1); whether it does is for a case to look at.
            FactKind::Masked => (self.sender == Side::Server).then_some(I::WebSocketUnmasked),
            FactKind::ReservedBits(bits) => {
                (bits & !self.extension.bits() != 0).then_some(I::WebSocketReservedBits)
            }
            FactKind::ReservedOpcode => Some(I::WebSocketOpcodes),
            FactKind::NotMinimalLength | FactKind::TopBitOfLength => Some(I::WebSocketLength),
            FactKind::FragmentedControl => Some(I::WebSocketControlWhole),
            FactKind::OversizedControl => Some(I::WebSocketControlShort),
            // Codes without a meaning yet may get one from the registry any day (RFC 6455 section 11.7).
            FactKind::CloseCodeReserved(_) => None,
            FactKind::CloseCodeNotForTheWire(_) => Some(I::WebSocketCloseCode),
            FactKind::CloseCodeOutOfRange(_) => Some(I::WebSocketCloseRange),
            FactKind::OneByteClose | FactKind::CloseReasonNotUtf8 => Some(I::WebSocketCloseBody),
        }
    }
}
