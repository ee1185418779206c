//! Compressed messages: put together from frames, and inflated (RFC 7692 sections 6.2 and 7.2.2). The layer between frames
//! and messages where permessage-deflate was agreed on.

use pushspec_wire::deflate::{Broken, Inflated, Inflater, LARGEST_WINDOW, Limits, NotDeflate, TAIL};
use pushspec_wire::websocket::{Frame, Opcode};

use crate::extension::{COMPRESSED, Compressor};
use crate::judge::verdict::invariant::Invariant;
use crate::transcript::shown::{shown_briefly, shown_frame};

use super::item::Item;
use super::sink::Sink;

/// Inflates the messages of one direction.
#[derive(Debug)]
pub(super) struct DeflateReader {
    inflater: Inflater,
    agreed: Compressor,
    /// No compressed message has come yet.
    is_first: bool,
    /// Opcode and compressed data so far of a message in fragments.
    begun: Option<(Opcode, Vec<u8>)>,
    /// What came does not inflate: what the next message may refer to is not known.
    pub(super) is_lost: bool,
}

impl DeflateReader {
    /// A reader of what a side compresses as was agreed.
    pub(super) fn new(agreed: Compressor) -> DeflateReader {
        let inflater = Inflater::new(agreed.window());
        DeflateReader { inflater, agreed, is_first: true, begun: None, is_lost: false }
    }

    /// How many bytes it holds.
    pub(super) fn held(&self) -> usize {
        self.inflater.held() + self.begun.as_ref().map_or(0, |(_, data)| 2 * data.len())
    }

    /// A frame came; gives the frame that the layer above is to read: the same, or one with all of a message.
    pub(super) fn push(&mut self, frame: &Frame, sink: &mut Sink<'_>) -> Option<Frame> {
        if frame.opcode.is_control() || frame.opcode.is_reserved() {
            return Some(frame.clone());
        }
        let continues = frame.opcode == Opcode::CONTINUATION;
        if !continues && self.begun.take().is_some() {
            sink.relevant(&[Invariant::WebSocketFragments]);
            let seen =
                || format!("the frame {}, though a message has begun and not ended", shown_frame(frame));
            sink.breach_of(Invariant::WebSocketFragments, seen);
        }
        let (opcode, mut data) = match self.begun.take() {
            Some(begun) if continues => begun,
            _ if !continues && frame.rsv & COMPRESSED != 0 => (frame.opcode, Vec::new()),
            _ => return Some(frame.clone()),
        };
        data.extend_from_slice(&frame.unmasked_payload());
        if !frame.fin {
            self.begun = Some((opcode, data));
            return None;
        }
        self.inflated(&data, sink).map(|message| Frame::new(opcode, &message))
    }

    /// Notes for which invariants a message gives something to judge, and forgets those before it where that was agreed on.
    fn judged(&mut self, sink: &mut Sink<'_>) {
        sink.relevant(&[Invariant::WebSocketDeflateData]);
        if self.agreed.window() < LARGEST_WINDOW {
            sink.relevant(&[Invariant::WebSocketDeflateWindow]);
        }
        if !self.agreed.takeover {
            self.inflater.forget();
            if !self.is_first {
                sink.relevant(&[Invariant::WebSocketDeflateContext]);
            }
        }
    }

    /// The invariant that a message breaks that does not inflate.
    fn broken_by(&self, why: NotDeflate) -> Invariant {
        match why {
            NotDeflate::BeyondTheWindow { .. } if self.agreed.window() < LARGEST_WINDOW => {
                Invariant::WebSocketDeflateWindow
            }
            NotDeflate::BeforeTheStart { .. } if !self.agreed.takeover && !self.is_first => {
                Invariant::WebSocketDeflateContext
            }
            _ => Invariant::WebSocketDeflateData,
        }
    }

    /// A message that is complete.
    fn inflated(&mut self, data: &[u8], sink: &mut Sink<'_>) -> Option<Vec<u8>> {
        self.judged(sink);
        let bytes = sink.inflated_left().min(sink.room());
        let limits = Limits { bytes, blocks: sink.steps_left() };
        match self.inflater.inflate(&[data, &TAIL].concat(), limits) {
            Ok(Inflated { data: message, blocks, is_final, has_padding_set, .. }) => {
                sink.inflated(blocks.iter().sum(), message.len());
                if is_final {
                    sink.relevant(&[Invariant::WebSocketDeflatePadding]);
                }
                if has_padding_set {
                    let seen = || {
                        let shown = shown_briefly(data);
                        format!("the compressed message {shown}, with a bit set behind a last block")
                    };
                    sink.breach_of(Invariant::WebSocketDeflatePadding, seen);
                }
                self.is_first = false;
                sink.has_room_for(message.len()).then_some(message)
            }
            Err(broken) => {
                self.is_lost = true;
                self.broken(&broken, data, sink);
                None
            }
        }
    }

    /// A message that was not inflated to its end.
    fn broken(&self, broken: &Broken, data: &[u8], sink: &mut Sink<'_>) {
        match broken.why {
            // The suite's own affair, which the meter tells.
            NotDeflate::TooLong { room } if room < sink.inflated_left() => {
                sink.has_room_for(sink.inflated_left());
            }
            NotDeflate::TooLong { room } => {
                sink.inflated(0, room);
                let why = "a compressed message becomes far longer than what the suite sent can ask for";
                sink.item(Item::Unreadable(why.to_owned()));
            }
            NotDeflate::TooManyBlocks { most } => sink.inflated(most + 1, 0),
            why => {
                let seen =
                    format!("a compressed message that does not inflate, {}: {why}", shown_briefly(data));
                let broken = self.broken_by(why);
                sink.breach_of(broken, || seen.clone());
                // What was agreed on is the business of the case that has agreed on it.
                let is_beyond = broken != Invariant::WebSocketDeflateData;
                sink.item(if is_beyond { Item::BeyondAgreed(seen) } else { Item::Unreadable(seen) });
            }
        }
    }
}
