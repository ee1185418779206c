//! The extension permessage-deflate (RFC 7692): what is agreed ([`agreement`]), and what is then done with the payloads of
//! messages in each direction ([`inflater`], [`deflater`]).
//!
//! Between two messages only their last bytes are kept ([`history`]), and no state of the compression library: that of
//! its compressor is ten times as large, and most WebSockets only wait. Each message has a compressor or an inflater of
//! its own, which begins with these bytes as its dictionary. They are the LZ77 window of the messages before.

mod agreement;
mod deflater;
mod history;
mod inflater;

use self::history::History;
pub(super) use self::{
    agreement::Agreement,
    deflater::Deflater,
    inflater::{InflateError, Inflater},
};
use crate::memory::Memory;

/// What is not sent of each message (section 7.2.1): the end of an empty block without compression.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// The largest LZ77 window of DEFLATE.
const LARGEST_WINDOW: usize = 1 << 15;

/// How many bytes are compressed or inflated before the other connections have their turn.
const STEP: usize = 64 << 10;

/// Both directions of a connection.
#[derive(Debug)]
pub(super) struct Deflate {
    pub(super) inflater: Inflater,
    pub(super) deflater: Deflater,
}

impl Deflate {
    /// `largest` is the number of bytes that a message of the client may inflate to.
    pub(super) fn new(agreement: Agreement, largest: usize, memory: &Memory) -> Self {
        let window = |no_context_takeover, bits: Option<agreement::WindowBits>| {
            if no_context_takeover { 0 } else { bits.map_or(LARGEST_WINDOW, agreement::WindowBits::size) }
        };
        let received = window(agreement.client_no_context_takeover, agreement.client_max_window_bits);
        let sent = window(agreement.server_no_context_takeover, agreement.server_max_window_bits);
        Self {
            inflater: Inflater::new(History::new(received, memory.nothing()), largest),
            deflater: Deflater::new(
                agreement.server_max_window_bits.unwrap_or_default(),
                History::new(sent, memory.nothing()),
            ),
        }
    }
}

#[cfg(test)]
mod tests;
