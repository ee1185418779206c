//! Compressed data of DEFLATE (RFC 1951), as permessage-deflate sends it (RFC 7692 section 7.2).
//!
//! [`Inflater`] decodes one message at a time, with no larger window than it is given: a reference that goes further
//! back is an error, and not something that happens to work because more is still there. What it tells beside the data
//! is what can be told apart on the wire: how many blocks of which type there are, and how far back they refer.
//!
//! Unlike a decoder of a file it goes on behind a block with BFINAL, as RFC 7692 section 7.2.1 has it: the next block
//! begins at the next byte.

mod bits;
mod error;
mod huffman;
mod inflater;

pub use error::NotDeflate;
pub use inflater::{Broken, Inflated, Inflater, Limits};

/// The largest window that there is, in bytes (RFC 1951 section 2).
pub const LARGEST_WINDOW: usize = 32 * 1024;

/// What a sender takes from the end of a compressed message, and a receiver appends (RFC 7692 sections 7.2.1 and 7.2.2).
pub const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
