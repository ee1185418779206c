use super::NotDeflate;

/// Bits of bytes, the lowest of each byte first (RFC 1951 section 3.1.1).
pub(super) struct Bits<'b> {
    bytes: &'b [u8],
    /// How many of the bytes have gone into `held`.
    taken: usize,
    held: u32,
    count: u32,
}

impl<'b> Bits<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Bits<'b> {
        Bits { bytes, taken: 0, held: 0, count: 0 }
    }

    /// Whether everything was read.
    pub(super) fn are_over(&self) -> bool {
        self.count == 0 && self.taken == self.bytes.len()
    }

    /// The next bits as a number, the first of them the lowest: at most 16.
    pub(super) fn take(&mut self, count: u32) -> Result<usize, NotDeflate> {
        while self.count < count {
            let byte = *self.bytes.get(self.taken).ok_or(NotDeflate::Incomplete)?;
            self.held |= u32::from(byte) << self.count;
            self.taken += 1;
            self.count += 8;
        }
        let value = self.held & ((1 << count) - 1);
        self.held >>= count;
        self.count -= count;
        Ok(value as usize)
    }

    /// Goes to the next byte that no bit was taken of; tells whether a bit that was passed over is set.
    pub(super) fn align(&mut self) -> bool {
        let is_set = self.held != 0;
        (self.held, self.count) = (0, 0);
        is_set
    }

    /// So many whole bytes, behind [`Bits::align`].
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'b [u8], NotDeflate> {
        let bytes = self.bytes.get(self.taken..).and_then(|rest| rest.get(..count));
        self.taken += count;
        bytes.ok_or(NotDeflate::Incomplete)
    }
}
