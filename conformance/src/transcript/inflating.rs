//! What the compressed messages of a transcript say.

use pushspec_wire::deflate::{Inflater, LARGEST_WINDOW, Limits, NotDeflate, TAIL};
use pushspec_wire::websocket::{Frame, Opcode};

use crate::extension::{Agreed, COMPRESSED};

use super::shown::shown_briefly;

/// What a message may become, for the few bytes of it that are shown.
const LIMITS: Limits = Limits { bytes: 4 * 1024 * 1024, blocks: 64 * 1024 };

/// The compressed messages of one direction.
#[derive(Debug)]
pub(super) struct Inflating {
    inflater: Inflater,
    takeover: bool,
    /// The message under way.
    begun: Option<Vec<u8>>,
    is_lost: bool,
}

impl Inflating {
    /// Reads what a server sends as was agreed, and what a client sends as far as anybody can read it: the suite's own lies
    /// are shown, too.
    pub(super) fn new(agreed: Agreed, of_client: bool) -> Inflating {
        let window = if of_client { LARGEST_WINDOW } else { agreed.server.window() };
        let takeover = of_client || agreed.server.takeover;
        Inflating { inflater: Inflater::new(window), takeover, begun: None, is_lost: false }
    }

    /// What the message says that a frame completes, where it is compressed.
    pub(super) fn note(&mut self, frame: &Frame) -> Option<String> {
        if frame.opcode.is_control() || self.is_lost {
            return None;
        }
        let mut data = match self.begun.take() {
            Some(data) if frame.opcode == Opcode::CONTINUATION => data,
            _ if frame.opcode != Opcode::CONTINUATION && frame.rsv & COMPRESSED != 0 => Vec::new(),
            _ => return None,
        };
        data.extend_from_slice(&frame.unmasked_payload());
        if !frame.fin {
            self.begun = Some(data);
            return None;
        }
        if !self.takeover {
            self.inflater.forget();
        }
        data.extend(TAIL);
        Some(match self.inflater.inflate(&data, LIMITS) {
            Ok(inflated) => format!("inflates to {}", shown_briefly(&inflated.data)),
            Err(broken) => {
                self.is_lost = true;
                match broken.why {
                    why @ (NotDeflate::TooLong { .. } | NotDeflate::TooManyBlocks { .. }) => {
                        format!("is not inflated here: {why}")
                    }
                    why => format!("does not inflate: {why}"),
                }
            }
        })
    }
}
