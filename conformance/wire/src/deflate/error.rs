use core::fmt;

/// Why bytes are no DEFLATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotDeflate {
    /// The data ends within a block.
    Incomplete,
    /// A block has the type 3, which is reserved (RFC 1951 section 3.2.3).
    ReservedType,
    /// The length of a stored block and its complement do not match (RFC 1951 section 3.2.4).
    StoredLength,
    /// The code lengths of a block give no Huffman code (RFC 1951 section 3.2.2).
    NoCode,
    /// A symbol that stands for nothing (RFC 1951 sections 3.2.5 and 3.2.6).
    UnknownSymbol,
    /// A reference goes further back than there is data.
    BeforeTheStart {
        /// How far, in bytes.
        distance: usize,
        /// How many bytes there are.
        available: usize,
    },
    /// A reference goes further back than the window reaches.
    BeyondTheWindow {
        /// How far, in bytes.
        distance: usize,
        /// How many bytes the window has.
        window: usize,
    },
    /// The data would be longer than the caller has room for.
    TooLong {
        /// The room, in bytes.
        room: usize,
    },
    /// There are more blocks than the caller wants to read.
    TooManyBlocks {
        /// How many it wants to.
        most: usize,
    },
}

impl fmt::Display for NotDeflate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete => formatter.write_str("the data ends within a block"),
            Self::ReservedType => formatter.write_str("a block has the reserved type"),
            Self::StoredLength => {
                formatter.write_str("the length of a stored block does not match its complement")
            }
            Self::NoCode => formatter.write_str("the code lengths of a block give no Huffman code"),
            Self::UnknownSymbol => formatter.write_str("a symbol stands for nothing"),
            Self::BeforeTheStart { distance, available } => {
                write!(formatter, "a reference goes {distance} bytes back, where there are {available}")
            }
            Self::BeyondTheWindow { distance, window } => {
                write!(formatter, "a reference goes {distance} bytes back, beyond the window of {window}")
            }
            Self::TooLong { room } => write!(formatter, "it becomes longer than {room} bytes"),
            Self::TooManyBlocks { most } => write!(formatter, "it has more than {most} blocks"),
        }
    }
}

impl core::error::Error for NotDeflate {}
