//! In what a server with compression differs from one that does everything right.

use pushspec_wire::websocket::Frame;

use super::compressor::Compressor;
use super::decoder::{Compressed, Decoded, Decoder};
use super::offers::{Agreement, Offer};

/// What a server with compression does. A fault has something else in some of the fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deviation {
    /// Which of the offers it accepts, if any.
    pub(super) accepts: fn(&[Offer]) -> Option<&Offer>,
    /// What it believes to have agreed on.
    pub(super) does: fn(Agreement) -> Agreement,
    /// What its answer says of the offers and of the one that it has accepted; empty if nothing.
    pub(super) answers: fn(&[Offer], &Offer) -> String,
    /// It does so where nothing was agreed on, too.
    pub(super) is_unasked: bool,
    /// Which messages it compresses.
    pub(super) compresses: fn(&Frame) -> bool,
    /// What its compressor makes of a message.
    pub(super) compress: fn(&mut Compressor, &[u8]) -> Vec<u8>,
    /// Which of the other frames that it sends it takes for something in its window.
    pub(super) takes_for_sent: fn(&Frame) -> bool,
    /// The windows that it has for what it sends.
    pub(super) contexts: Contexts,
    /// Which messages it takes for compressed, by their first frame.
    pub(super) is_compressed: fn(&mut Decoder, &Frame) -> bool,
    /// What it makes of them.
    pub(super) decodes: fn(&mut Decoder, &Compressed) -> Decoded,
    /// It takes other messages for something in the window of the client.
    pub(super) takes_for_compressed: bool,
    /// The windows that it has for what it receives.
    pub(super) received_contexts: Contexts,
    /// With one connection all end that have compression.
    pub(super) ends_all: bool,
}

/// How many windows a server has for a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contexts {
    OfEachConnection,
    OfEachType,
    OneForAll,
}

impl Deviation {
    /// Everything is right.
    pub(crate) const NONE: Self = Self {
        accepts: |offers| offers.iter().find(|offer| offer.is_acceptable()),
        does: |agreed| agreed,
        answers: |_offers, accepted| accepted.agreement().answer(),
        is_unasked: false,
        compresses: |_message| true,
        compress: Compressor::compressed,
        takes_for_sent: |_frame| false,
        contexts: Contexts::OfEachConnection,
        is_compressed: |_decoder, first| is_marked(first),
        decodes: Decoder::decoded,
        takes_for_compressed: false,
        received_contexts: Contexts::OfEachConnection,
        ends_all: false,
    };

    /// Everything is right, but there is no limit for what a message becomes.
    pub(crate) const WITHOUT_LIMIT: Self = Self { decodes: Decoder::decoded_whole, ..Self::NONE };
}

/// Whether a frame has the bit of the extension.
pub(super) fn is_marked(frame: &Frame) -> bool {
    frame.rsv & MARK != 0
}

/// The bit RSV1.
pub(super) const MARK: u8 = 0b100;
