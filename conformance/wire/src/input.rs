use alloc::vec::Vec;
use core::mem;

/// The bytes a scanner was fed and has not used yet.
///
/// It counts its work: each byte that is looked at or moved, as often as that happens. A test holds the count against
/// what was fed.
///
/// A search for the end of a line is resumed where the last one stopped, and used bytes are dropped only when they
/// outnumber the others: both keep a scanner linear however small the pieces are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Input {
    bytes: Vec<u8>,
    /// How many of `bytes` are used up.
    used: usize,
    /// How many of the waiting bytes the last search has seen.
    searched: usize,
    /// Offset of the first waiting byte.
    offset: usize,
    /// How many bytes were looked at or moved so far.
    work: u64,
}

impl Input {
    pub(crate) fn starting_at(offset: usize) -> Self {
        Self { offset, ..Self::default() }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.used * 2 > self.bytes.len() {
            self.work += self.len() as u64;
            self.bytes.drain(..self.used);
            self.used = 0;
        }
        self.work += bytes.len() as u64;
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn waiting(&self) -> &[u8] {
        self.bytes.get(self.used..).unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.used
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// How many bytes were looked at or moved so far.
    pub(crate) fn work(&self) -> u64 {
        self.work
    }

    /// Uses up to `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> Vec<u8> {
        let count = count.min(self.len());
        self.offset = self.offset.saturating_add(count);
        self.searched = 0;
        if self.used == 0 && count == self.bytes.len() {
            return mem::take(&mut self.bytes);
        }
        let taken = self.waiting().get(..count).unwrap_or_default().to_vec();
        self.work += count as u64;
        self.used += count;
        taken
    }

    /// Takes all bytes back, as if they had never been pushed.
    pub(crate) fn withdraw(&mut self) -> Vec<u8> {
        let offset = self.offset;
        let bytes = self.take(self.len());
        *self = Self { work: self.work, ..Self::starting_at(offset) };
        bytes
    }

    /// Place of the first waiting byte that fits. One scanner must always look for the same bytes.
    pub(crate) fn find(&mut self, fits: impl Fn(u8) -> bool) -> Option<usize> {
        let searched = self.searched;
        let found = self.waiting().iter().skip(searched).position(|&byte| fits(byte));
        self.work += found.map_or(self.len() - searched, |place| place + 1) as u64;
        if found.is_none() {
            self.searched = self.len();
        }
        found.map(|place| searched + place)
    }
}
