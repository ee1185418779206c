use alloc::vec::Vec;

use super::Opcode;

/// FIN, the first bit of a frame (RFC 6455 section 5.2).
const FIN: u8 = 0x80;
/// MASK, the first bit of the second byte.
const MASK: u8 = 0x80;
/// The seven bits of the payload length.
const LENGTH: u8 = 0x7f;
/// The value of these bits when the length is in the next two bytes.
const EXTENDED_16: u8 = 0x7e;
/// The value of these bits when the length is in the next eight bytes.
const EXTENDED_64: u8 = 0x7f;

/// How the length of the payload is written (RFC 6455 section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LengthForm {
    /// In seven bits: up to 125.
    Short,
    /// In two further bytes: up to 0xffff.
    Extended16,
    /// In eight further bytes.
    Extended64,
}

impl LengthForm {
    /// Number of bytes after the second that hold the length.
    pub const fn extra_len(self) -> usize {
        match self {
            Self::Short => 0,
            Self::Extended16 => 2,
            Self::Extended64 => 8,
        }
    }
}

/// A frame up to its payload (RFC 6455 section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Place of the first byte.
    pub offset: usize,
    /// Whether this is the last fragment of its message.
    pub fin: bool,
    /// The three reserved bits: RSV1 = 0b100, RSV2 = 0b010, RSV3 = 0b001.
    pub rsv: u8,
    /// What the frame is for.
    pub opcode: Opcode,
    /// How the length is written.
    pub length_form: LengthForm,
    /// The length as declared, in bytes.
    pub length: u64,
    /// The masking key, if the frame says that it is masked.
    pub mask: Option<[u8; 4]>,
    /// Number of bytes before the payload: 2 to 14.
    pub header_len: usize,
}

impl FrameHeader {
    /// The header that these bytes begin with, if it is complete.
    pub(super) fn read(bytes: &[u8], offset: usize) -> Option<Self> {
        let (&[first, second], rest) = bytes.split_first_chunk()?;
        let (length_form, length, rest) = read_length(second & LENGTH, rest)?;
        let (mask, rest) = match second & MASK {
            0 => (None, rest),
            _ => rest.split_first_chunk().map(|(&key, rest)| (Some(key), rest))?,
        };
        Some(Self {
            offset,
            fin: first & FIN != 0,
            rsv: first >> 4 & 0b111,
            opcode: Opcode(first & 0x0f),
            length_form,
            length,
            mask,
            header_len: bytes.len() - rest.len(),
        })
    }

    /// The bytes of the header. Of each value as many low bits are written as it has room for: a length of 0x10005
    /// in [`LengthForm::Extended16`] becomes 5.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode_into(&mut bytes);
        bytes
    }

    /// Appends the bytes of the header.
    pub fn encode_into(&self, bytes: &mut Vec<u8>) {
        let fin = if self.fin { FIN } else { 0 };
        let mask = if self.mask.is_some() { MASK } else { 0 };
        let length @ [.., high, low] = self.length.to_be_bytes();
        bytes.push(fin | (self.rsv & 0b111) << 4 | self.opcode.0 & 0x0f);
        match self.length_form {
            LengthForm::Short => bytes.push(mask | low & LENGTH),
            LengthForm::Extended16 => bytes.extend_from_slice(&[mask | EXTENDED_16, high, low]),
            LengthForm::Extended64 => {
                bytes.push(mask | EXTENDED_64);
                bytes.extend_from_slice(&length);
            }
        }
        bytes.extend(self.mask.into_iter().flatten());
    }
}

fn read_length(bits: u8, rest: &[u8]) -> Option<(LengthForm, u64, &[u8])> {
    match bits {
        EXTENDED_16 => {
            let (length, rest) = rest.split_first_chunk()?;
            Some((LengthForm::Extended16, u16::from_be_bytes(*length).into(), rest))
        }
        EXTENDED_64 => {
            let (length, rest) = rest.split_first_chunk()?;
            Some((LengthForm::Extended64, u64::from_be_bytes(*length), rest))
        }
        short => Some((LengthForm::Short, short.into(), rest)),
    }
}
