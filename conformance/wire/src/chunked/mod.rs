//! The chunked transfer coding (RFC 9112 section 7.1).
//!
//! [`ChunkScanner`] turns the bytes of a body into [`Item`]s. Data is handed out as it arrives, since a chunk may be
//! as long as it likes: how a chunk comes in several [`Item::Data`] depends on how the input was cut, everything
//! else does not. [`facts`] tells what an item has that the grammar does not.
//!
//! How far the scanner reads on where the grammar is broken:
//!
//! - Lines end with LF; a CR before it belongs to the line end.
//! - The size may have whitespace around it. A size line that is not a hexadecimal number (section 7.1) with optional
//!   extensions (section 7.1.1), or a number above 2^64 - 1, makes the rest unreadable.
//! - The data is followed by CR LF. LF alone is read as well; anything else makes the rest unreadable.
//! - Trailers (section 7.1.2) are lines up to the first empty one. Folded trailers are lines of their own.
//!
//! Extensions are checked for their grammar, but not interpreted. Other transfer codings are not supported.

mod facts;
mod item;
mod scanner;
mod size_line;

use alloc::vec::Vec;

pub use facts::{FactKind, facts};
pub use item::{AfterData, Data, Item};
pub use scanner::ChunkScanner;
pub use size_line::SizeLine;

/// A fact about an item of the chunked coding.
pub type Fact = crate::Fact<FactKind>;

/// One chunk without extensions. Empty data gives no bytes at all, since a chunk of size 0 would be the last one.
pub fn encode_chunk(data: &[u8]) -> Vec<u8> {
    if data.is_empty() {
        return Vec::new();
    }
    [alloc::format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
}

/// The last chunk and the empty line, without trailers.
pub fn encode_last() -> Vec<u8> {
    b"0\r\n\r\n".to_vec()
}
