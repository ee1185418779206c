use alloc::vec::Vec;
use core::mem;

/// How many bytes of room are kept whatever waits.
const ROOM: usize = 64 * 1024;

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
        // What was long once does not hold its room for ever. The room has grown with bytes that came, so that giving it
        // back costs no more than they did.
        if self.bytes.capacity() > ROOM && self.bytes.capacity() / 4 > self.bytes.len() {
            self.work += self.bytes.len() as u64;
            self.bytes.shrink_to(2 * self.bytes.len());
        }
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

    /// How many bytes of room it has.
    #[cfg(test)]
    fn room(&self) -> usize {
        self.bytes.capacity()
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
        if self.used == self.bytes.len() && self.bytes.capacity() > ROOM {
            self.bytes = Vec::new();
            self.used = 0;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_long_once_holds_no_room() {
        const LONG: usize = 1024 * 1024;
        for behind in [0, 1, 1000] {
            let mut input = Input::default();
            (0..LONG / 1024).for_each(|_| input.push(&[b'a'; 1024]));
            input.push(&alloc::vec![b'b'; behind]);
            assert_eq!(input.take(LONG).len(), LONG);
            input.push(b"c");
            assert!(input.room() <= ROOM + LONG / 8, "{behind}: {}", input.room());
            assert_eq!(input.len(), behind + 1);
        }
    }
}
