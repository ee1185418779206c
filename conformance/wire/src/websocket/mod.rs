//! WebSocket frames (RFC 6455 section 5).
//!
//! [`FrameScanner`] turns bytes into [`Frame`]s with all that is on the wire: the three reserved bits, the form of the
//! length and the masking key, and the payload still masked. Any byte string is a sequence of frames, the last of
//! which may be cut short; what is remarkable about a frame is told by [`Frame::facts`].
//!
//! A frame is plain data. It can lie about every field, [`Frame::encode`] writes what it says: that is how the
//! frames are made that a peer must not accept.
//!
//! Frames stand alone here. What depends on more than one (fragmented messages, sequences of control frames), on the
//! opening handshake (which end this is, which extensions are in use) or on time is not handled, nor is the payload
//! of extensions. Text that goes over several frames can be validated with [`crate::utf8`].

mod facts;
mod frame;
mod header;
mod mask;
mod opcode;
mod scanner;

pub use facts::FactKind;
pub use frame::Frame;
pub use header::{FrameHeader, LengthForm};
pub use mask::apply_mask;
pub use opcode::Opcode;
pub use scanner::{FrameScanner, Truncated};

/// A fact about a frame.
pub type Fact = crate::Fact<FactKind>;
