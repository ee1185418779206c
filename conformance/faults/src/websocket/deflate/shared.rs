//! What is known beyond one connection.

use super::compressor::Compressor;
use super::decoder::Decoder;
use super::offers::Agreement;

/// What the relay has agreed on with a client.
#[derive(Debug, Clone)]
pub(crate) struct Agreed {
    pub(super) does: Agreement,
    pub(super) answer: String,
}

/// What is shared by all connections, where a fault has it so.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(super) compressor: Option<Compressor>,
    pub(super) decoder: Option<Decoder>,
    /// How many connections have sent what is broken.
    pub(super) broken: usize,
}
