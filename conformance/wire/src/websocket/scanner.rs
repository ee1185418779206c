use alloc::vec::Vec;

use super::{Frame, FrameHeader};
use crate::input::Input;

/// Turns bytes into frames.
///
/// A frame is held back until its payload is complete. As a header may declare up to 2^64 - 1 bytes, a caller should
/// look at [`FrameScanner::pending`] and [`FrameScanner::buffered`] to know when to give up. Nothing is allocated
/// ahead of the bytes that arrive.
#[derive(Debug, Clone, Default)]
pub struct FrameScanner {
    input: Input,
}

/// The bytes of a frame that the input ended in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truncated {
    /// Place of the first byte of the frame.
    pub offset: usize,
    /// What there is of the header and the payload.
    pub bytes: Vec<u8>,
}

impl FrameScanner {
    /// A scanner that counts offsets from 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// A scanner that counts offsets from this one.
    pub fn starting_at(offset: usize) -> Self {
        Self { input: Input::starting_at(offset) }
    }

    /// Adds the next piece of the input.
    pub fn push(&mut self, bytes: &[u8]) {
        self.input.push(bytes);
    }

    /// The next frame, as soon as it is complete.
    pub fn next_frame(&mut self) -> Option<Frame> {
        let header = self.header()?;
        let payload_len = self.payload_len(&header)?;
        self.input.take(header.header_len);
        let FrameHeader { offset, fin, rsv, opcode, length_form, length, mask, header_len: _ } = header;
        let payload = self.input.take(payload_len);
        Some(Frame { offset, fin, rsv, opcode, length_form, length, mask, payload })
    }

    /// The header of the next frame, if it is complete and the payload is not.
    pub fn pending(&self) -> Option<FrameHeader> {
        self.header().filter(|header| self.payload_len(header).is_none())
    }

    /// What has arrived of the payload of the [`FrameScanner::pending`] frame, as on the wire.
    pub fn pending_payload(&self) -> &[u8] {
        self.pending().and_then(|header| self.input.waiting().get(header.header_len..)).unwrap_or_default()
    }

    /// Ends the input: the bytes that are in no frame. It is meant to be called when there is no
    /// [`FrameScanner::next_frame`] any more, or complete frames will be among these bytes.
    pub fn finish(&mut self) -> Option<Truncated> {
        let offset = self.input.offset();
        let bytes = self.input.take(self.input.len());
        (!bytes.is_empty()).then_some(Truncated { offset, bytes })
    }

    /// Takes back all bytes that are in no frame yet, as if they had never been pushed.
    pub fn rest(&mut self) -> Vec<u8> {
        self.input.withdraw()
    }

    /// How many bytes are in no frame yet.
    pub fn buffered(&self) -> usize {
        self.input.len()
    }

    /// How many bytes were looked at or moved so far, each as often as that happened: at most a fixed multiple of what
    /// was pushed.
    pub fn work(&self) -> u64 {
        self.input.work()
    }

    /// Offset of the first byte that is in no frame yet.
    pub fn offset(&self) -> usize {
        self.input.offset()
    }

    fn header(&self) -> Option<FrameHeader> {
        FrameHeader::read(self.input.waiting(), self.input.offset())
    }

    /// The length of the payload, if all of it is there.
    fn payload_len(&self, header: &FrameHeader) -> Option<usize> {
        let there = self.input.len().checked_sub(header.header_len)?;
        usize::try_from(header.length).ok().filter(|&len| len <= there)
    }
}
