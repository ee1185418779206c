use alloc::vec::Vec;

use super::grammar::{CARRIAGE_RETURN, LINE_FEED};
use crate::input::Input;

/// How a line ends (RFC 9112 section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// CR LF.
    Crlf,
    /// LF without CR before it.
    Lf,
    /// Not at all: the input ended within the line.
    None,
}

impl LineEnd {
    /// The bytes of the line end.
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Crlf => b"\r\n",
            Self::Lf => b"\n",
            Self::None => b"",
        }
    }
}

/// A line of a head, of the chunked coding or of its trailers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Place of the first byte, counted from the first byte the scanner was fed.
    pub offset: usize,
    /// The bytes before the line end. There is no LF among them when they come from a scanner, but there may be CRs.
    pub content: Vec<u8>,
    /// How the line ends.
    pub end: LineEnd,
}

impl Line {
    /// The bytes of the line and its end.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len());
        self.encode_into(&mut bytes);
        bytes
    }

    /// Appends the bytes of the line and its end.
    pub fn encode_into(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.content);
        bytes.extend_from_slice(self.end.bytes());
    }

    /// Whether the line has an end.
    pub fn is_ended(&self) -> bool {
        self.end != LineEnd::None
    }

    /// Whether nothing comes before the line end.
    pub fn is_empty(&self) -> bool {
        self.content.is_empty()
    }

    /// Number of bytes on the wire.
    pub fn len(&self) -> usize {
        self.content.len() + self.end.bytes().len()
    }

    /// The next line that has an end.
    pub(crate) fn next(input: &mut Input) -> Option<Self> {
        let offset = input.offset();
        let last = input.find(|byte| byte == LINE_FEED)?;
        let mut content = input.take(last + 1);
        content.pop();
        if content.last() == Some(&CARRIAGE_RETURN) {
            content.pop();
            return Some(Self { offset, content, end: LineEnd::Crlf });
        }
        Some(Self { offset, content, end: LineEnd::Lf })
    }

    /// What is left of the input as a line without an end.
    pub(crate) fn unfinished(input: &mut Input) -> Option<Self> {
        let offset = input.offset();
        let content = input.take(input.len());
        (!content.is_empty()).then_some(Self { offset, content, end: LineEnd::None })
    }
}
