//! Validation of UTF-8 (RFC 3629) that arrives in pieces.
//!
//! A byte that cannot continue the text is reported as soon as it is seen, even in the middle of a sequence: after
//! `e0` already `80` is wrong, for it would be an overlong form, whatever follows. Overlong forms, surrogates
//! (`ed a0` to `ed bf`) and everything above U+10FFFF are invalid (section 3 and 4). Nothing is decoded here.

use core::fmt;
use core::ops::RangeInclusive;

/// Bytes that may continue a sequence, unless its first byte narrows them (RFC 3629 section 4, `UTF8-tail`).
const TAIL: RangeInclusive<u8> = 0x80..=0xbf;

/// What makes a text not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotUtf8 {
    /// No valid text begins with the bytes up to and including the one at this offset, and it is the first such byte.
    InvalidByte {
        /// Counted from the first byte the validator was fed.
        offset: usize,
    },
    /// The text ended within a sequence.
    Incomplete {
        /// Where that sequence begins, counted from the first byte the validator was fed.
        offset: usize,
    },
}

impl fmt::Display for NotUtf8 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidByte { offset } => write!(formatter, "the byte at {offset} cannot be part of UTF-8"),
            Self::Incomplete { offset } => write!(formatter, "the sequence at {offset} is not complete"),
        }
    }
}

impl core::error::Error for NotUtf8 {}

/// Validates text piece by piece and fails at the first byte that can no longer be valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Utf8Validator {
    offset: usize,
    sequence: Option<Sequence>,
    invalid: Option<NotUtf8>,
    work: u64,
}

/// A sequence that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sequence {
    offset: usize,
    missing: u8,
    next: RangeInclusive<u8>,
}

impl Utf8Validator {
    /// A validator that has seen nothing yet.
    pub const fn new() -> Self {
        Self { offset: 0, sequence: None, invalid: None, work: 0 }
    }

    /// Validates the next piece. After the first error every call gives that same error again.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), NotUtf8> {
        for &byte in bytes {
            if let Some(invalid) = self.invalid {
                return Err(invalid);
            }
            self.step(byte);
        }
        self.invalid.map_or(Ok(()), Err)
    }

    /// How many bytes were looked at so far, each as often as that happened: at most as many as were pushed.
    pub fn work(&self) -> u64 {
        self.work
    }

    /// Says whether the text may end here. The validator can still be fed.
    pub fn finish(&self) -> Result<(), NotUtf8> {
        match (self.invalid, &self.sequence) {
            (Some(invalid), _) => Err(invalid),
            (None, Some(sequence)) => Err(NotUtf8::Incomplete { offset: sequence.offset }),
            (None, None) => Ok(()),
        }
    }

    fn step(&mut self, byte: u8) {
        self.work += 1;
        let continued = match self.sequence.take() {
            None => Sequence::begin(byte, self.offset),
            Some(sequence) => sequence.advance(byte),
        };
        match continued {
            Some(sequence) => self.sequence = (sequence.missing > 0).then_some(sequence),
            None => self.invalid = Some(NotUtf8::InvalidByte { offset: self.offset }),
        }
        self.offset = self.offset.saturating_add(1);
    }
}

impl Default for Utf8Validator {
    fn default() -> Self {
        Self::new()
    }
}

impl Sequence {
    /// The table of RFC 3629 section 4: the first byte says how many follow and narrows the second.
    fn begin(first: u8, offset: usize) -> Option<Self> {
        let (missing, next) = match first {
            0x00..=0x7f => (0, TAIL),
            0xc2..=0xdf => (1, TAIL),
            0xe0 => (2, 0xa0..=0xbf),
            0xe1..=0xec | 0xee..=0xef => (2, TAIL),
            0xed => (2, 0x80..=0x9f),
            0xf0 => (3, 0x90..=0xbf),
            0xf1..=0xf3 => (3, TAIL),
            0xf4 => (3, 0x80..=0x8f),
            _ => return None,
        };
        Some(Self { offset, missing, next })
    }

    fn advance(self, byte: u8) -> Option<Self> {
        let Self { offset, missing, next } = self;
        next.contains(&byte).then_some(Self { offset, missing: missing - 1, next: TAIL })
    }
}
