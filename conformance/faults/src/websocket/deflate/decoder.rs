//! What a server makes of compressed messages.

use pushspec_wire::deflate::{Broken, Inflated, Inflater, Limits, TAIL};

use super::offers::{Agreement, window};

/// The longest message that the server behind takes, in bytes.
pub(in crate::websocket) const LIMIT: usize = 16 * 1024 * 1024;

/// How long one may become where there is no limit: the relay has one all the same.
const NO_LIMIT: usize = 4 * LIMIT;

/// A message as it came, in its fragments.
#[derive(Debug, Default)]
pub(crate) struct Compressed {
    pub(super) is_text: bool,
    pub(super) fragments: Vec<Vec<u8>>,
}

/// What has become of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decoded {
    /// It is delivered.
    Message(Vec<u8>),
    /// It is no DEFLATE.
    Broken(Broken),
    /// It is, and is taken for broken all the same.
    Refused,
    /// It is passed over.
    Nothing,
}

/// What is known of the messages before.
#[derive(Debug, Clone)]
pub(crate) struct Decoder {
    pub(super) inflater: Inflater,
    /// How many messages there were.
    pub(super) messages: usize,
    /// For a fault to remember something.
    pub(super) is_marked: bool,
}

impl Compressed {
    /// The payload, with what a receiver appends.
    pub(super) fn bytes(&self) -> Vec<u8> {
        [self.payload(), TAIL.to_vec()].concat()
    }

    pub(super) fn payload(&self) -> Vec<u8> {
        self.fragments.concat()
    }
}

impl Decoder {
    pub(super) fn new(agreed: Agreement) -> Self {
        Self { inflater: Inflater::new(window(agreed.client_bits)), messages: 0, is_marked: false }
    }

    /// Takes bytes for a part of what was compressed.
    pub(super) fn takes_for_compressed(&mut self, bytes: &[u8]) {
        for bytes in bytes.chunks(usize::from(u16::MAX)) {
            let length = u16::try_from(bytes.len()).unwrap_or_default();
            let stored = [&[0], &length.to_le_bytes()[..], &(!length).to_le_bytes(), bytes].concat();
            let _ = self.inflater.inflate(&stored, Limits::of_bytes(bytes.len()));
        }
    }

    /// The blocks of these bytes, with everything that can be told of them.
    pub(super) fn inflated(&mut self, bytes: &[u8]) -> Result<Inflated, Decoded> {
        self.inflater.inflate(bytes, Limits::of_bytes(LIMIT)).map_err(Decoded::Broken)
    }

    /// What a right server makes of it.
    pub(super) fn decoded(&mut self, message: &Compressed) -> Decoded {
        self.decoded_unless(message, |_| false)
    }

    /// The same, but some messages are taken for broken.
    pub(super) fn decoded_unless(
        &mut self,
        message: &Compressed,
        is_broken: fn(&Inflated) -> bool,
    ) -> Decoded {
        match self.inflated(&message.bytes()) {
            Ok(inflated) if is_broken(&inflated) => Decoded::Refused,
            Ok(inflated) => Decoded::Message(inflated.data),
            Err(broken) => broken,
        }
    }

    /// What a server without a limit makes of it.
    pub(super) fn decoded_whole(&mut self, message: &Compressed) -> Decoded {
        match self.inflater.inflate(&message.bytes(), Limits::of_bytes(NO_LIMIT)) {
            Ok(inflated) => Decoded::Message(inflated.data),
            Err(broken) => Decoded::Broken(broken),
        }
    }
}
