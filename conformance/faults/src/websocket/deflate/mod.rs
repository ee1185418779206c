//! Faults of permessage-deflate (RFC 7692).
//!
//! The relay takes the offers out of the opening handshake, so that the server behind it speaks without compression, and
//! is the extension itself: what a fault does differently stands in its [`Deviation`].

pub(super) mod broken;
mod compressor;
mod decoder;
mod deviation;
mod middle;
pub(super) mod negotiation;
mod offers;
pub(super) mod receiving;
pub(super) mod sending;
mod shared;

pub(super) use decoder::LIMIT;
pub(crate) use deviation::Deviation;
pub(crate) use middle::{Middle, answer, negotiate};
pub(crate) use shared::{Agreed, Shared};
