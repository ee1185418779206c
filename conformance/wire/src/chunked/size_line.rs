use crate::http1::Line;
use crate::http1::grammar::{is_whitespace, split_while};

/// The line before the data of a chunk (RFC 9112 section 7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeLine {
    /// Place of the first byte.
    pub offset: usize,
    /// The line as it came.
    pub line: Line,
    /// Number of bytes of data. `None` if the line has no end, if its size is not hexadecimal, or if it is 2^64 or
    /// more: then nothing after it can be read.
    pub size: Option<u64>,
}

/// The content of a size line, cut where its parts meet.
pub(super) struct Parts<'a> {
    pub(super) before: &'a [u8],
    pub(super) digits: &'a [u8],
    pub(super) after: &'a [u8],
    /// Empty, or extensions, or something that makes the line unreadable.
    pub(super) rest: &'a [u8],
}

impl SizeLine {
    pub(super) fn read(line: Line) -> Self {
        let size = if line.is_ended() { Parts::of(&line.content).size() } else { None };
        Self { offset: line.offset, line, size }
    }

    /// The chunk extensions (section 7.1.1) from their first semicolon on; often empty.
    pub fn extensions(&self) -> &[u8] {
        let parts = Parts::of(&self.line.content);
        if parts.is_number() { parts.rest } else { &[] }
    }
}

impl<'a> Parts<'a> {
    pub(super) fn of(content: &'a [u8]) -> Self {
        let (before, rest) = split_while(content, is_whitespace);
        let (digits, rest) = split_while(rest, |byte| byte.is_ascii_hexdigit());
        let (after, rest) = split_while(rest, is_whitespace);
        Self { before, digits, after, rest }
    }

    /// Whether there is a hexadecimal number, of any size, and nothing but extensions behind it.
    pub(super) fn is_number(&self) -> bool {
        !self.digits.is_empty() && matches!(self.rest, [] | [b';', ..])
    }

    fn size(&self) -> Option<u64> {
        let add = |size: u64, digit: &u8| size.checked_mul(0x10)?.checked_add(hexadecimal(*digit)?);
        self.is_number().then(|| self.digits.iter().try_fold(0, add))?
    }
}

fn hexadecimal(digit: u8) -> Option<u64> {
    char::from(digit).to_digit(0x10).map(u64::from)
}
