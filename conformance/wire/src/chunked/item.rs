use alloc::vec::Vec;

use super::SizeLine;
use crate::http1::Line;

/// A part of a body in chunked coding (RFC 9112 section 7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// The line before the data of a chunk; that of size 0 announces the end.
    Size(SizeLine),
    /// Data of a chunk, or the first or next part of it.
    Data(Data),
    /// What follows the data of a chunk.
    AfterData(AfterData),
    /// A line after the last chunk that is not empty.
    Trailer(Line),
    /// The empty line that ends the body.
    End(Line),
    /// Bytes after the coding went wrong, up to the end of the input.
    Unreadable(Data),
}

/// Bytes without a structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// Place of the first byte.
    pub offset: usize,
    /// At least one byte.
    pub bytes: Vec<u8>,
}

/// The bytes after the data of a chunk, up to the one that settles whether they are a line end.
///
/// CR LF is right. LF alone is read as a line end. One byte that is neither CR nor LF, or a CR and one byte that is
/// no LF, end the readable part of the body. A CR alone is where the input ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AfterData {
    /// Place of the first byte.
    pub offset: usize,
    /// One or two bytes.
    pub bytes: Vec<u8>,
}

impl AfterData {
    /// Whether these bytes end the data, so that another chunk can follow.
    pub fn is_line_end(&self) -> bool {
        matches!(self.bytes.as_slice(), b"\r\n" | b"\n")
    }
}

impl Item {
    /// Place of the first byte.
    pub fn offset(&self) -> usize {
        match self {
            Self::Size(size_line) => size_line.offset,
            Self::Data(data) | Self::Unreadable(data) => data.offset,
            Self::AfterData(after) => after.offset,
            Self::Trailer(line) | Self::End(line) => line.offset,
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
            Self::Size(size_line) => size_line.line.encode_into(bytes),
            Self::Data(data) | Self::Unreadable(data) => bytes.extend_from_slice(&data.bytes),
            Self::AfterData(after) => bytes.extend_from_slice(&after.bytes),
            Self::Trailer(line) | Self::End(line) => line.encode_into(bytes),
        }
    }
}
