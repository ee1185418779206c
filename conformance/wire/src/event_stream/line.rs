use alloc::vec::Vec;

/// The encoding of U+FEFF.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How a line ends (section 9.2.5, `end-of-line`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// LF, not preceded by CR.
    Lf,
    /// CR. If it is CR LF on the wire, [`Item::LineFeedAfterReturn`] follows the line.
    Cr,
    /// Not at all: the input ended within the line.
    None,
}

impl LineEnd {
    /// The bytes of the line end.
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::Cr => b"\r",
            Self::None => b"",
        }
    }
}

/// A line of an event stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Place of the first byte, counted from the first byte the scanner was fed.
    pub offset: usize,
    /// The bytes before the line end.
    pub content: Vec<u8>,
    /// How the line ends.
    pub end: LineEnd,
}

/// A part of an event stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// The byte order mark that the stream begins with.
    ByteOrderMark {
        /// Place of its three bytes.
        offset: usize,
    },
    /// A line.
    Line(Line),
    /// The LF that follows the CR of the line before it.
    LineFeedAfterReturn {
        /// Place of the LF.
        offset: usize,
    },
}

/// What a line means (section 9.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind<'a> {
    /// The empty line, which ends an event.
    Blank,
    /// A line that begins with a colon; here is what follows it.
    Comment(&'a [u8]),
    /// Any other line.
    Field {
        /// What is before the first colon, or the whole line.
        name: &'a [u8],
        /// What is after the first colon and one space, or nothing.
        value: &'a [u8],
        /// Whether there is a colon.
        colon: bool,
    },
}

impl Line {
    /// What the line means.
    pub fn kind(&self) -> LineKind<'_> {
        let content = self.content.as_slice();
        match content.iter().position(|&byte| byte == b':').and_then(|colon| content.split_at_checked(colon))
        {
            _ if content.is_empty() => LineKind::Blank,
            None => LineKind::Field { name: content, value: &[], colon: false },
            Some(([], comment)) => LineKind::Comment(comment.strip_prefix(b":").unwrap_or(comment)),
            Some((name, value)) => {
                let value = value.strip_prefix(b":").unwrap_or(value);
                LineKind::Field { name, value: value.strip_prefix(b" ").unwrap_or(value), colon: true }
            }
        }
    }

    /// The bytes of the line and its end, without the LF of CR LF.
    pub fn encode(&self) -> Vec<u8> {
        [self.content.as_slice(), self.end.bytes()].concat()
    }

    /// Appends the bytes of the line and its end, without the LF of CR LF.
    pub fn encode_into(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.content);
        bytes.extend_from_slice(self.end.bytes());
    }
}

impl Item {
    /// Place of the first byte.
    pub fn offset(&self) -> usize {
        match self {
            Self::ByteOrderMark { offset } | Self::LineFeedAfterReturn { offset } => *offset,
            Self::Line(line) => line.offset,
        }
    }

    /// The bytes of the item.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode_into(&mut bytes);
        bytes
    }

    /// Appends the bytes of the item.
    pub fn encode_into(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::ByteOrderMark { .. } => bytes.extend_from_slice(BYTE_ORDER_MARK),
            Self::Line(line) => line.encode_into(bytes),
            Self::LineFeedAfterReturn { .. } => bytes.push(b'\n'),
        }
    }
}
