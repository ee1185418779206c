/// What a frame is for (RFC 6455 section 5.2). Only the low four bits fit on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Opcode(pub u8);

impl Opcode {
    /// A further fragment of a message.
    pub const CONTINUATION: Self = Self(0x0);
    /// A text message, or its first fragment.
    pub const TEXT: Self = Self(0x1);
    /// A binary message, or its first fragment.
    pub const BINARY: Self = Self(0x2);
    /// The closing handshake (section 5.5.1).
    pub const CLOSE: Self = Self(0x8);
    /// A ping (section 5.5.2).
    pub const PING: Self = Self(0x9);
    /// A pong (section 5.5.3).
    pub const PONG: Self = Self(0xa);

    /// Whether the frame is about the connection rather than a message: the highest of the four bits
    /// (section 5.5).
    pub const fn is_control(self) -> bool {
        self.0 & 0x8 != 0
    }

    /// Whether the protocol has no use for it yet: 0x3 to 0x7 and 0xb to 0xf.
    pub const fn is_reserved(self) -> bool {
        self.name().is_none()
    }

    /// The name of an opcode that is not reserved, in lower case.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::CONTINUATION => Some("continuation"),
            Self::TEXT => Some("text"),
            Self::BINARY => Some("binary"),
            Self::CLOSE => Some("close"),
            Self::PING => Some("ping"),
            Self::PONG => Some("pong"),
            _ => None,
        }
    }
}
