//! The last bytes of the messages of one direction.

use crate::memory::Held;

/// The LZ77 window that a message takes over from those before it (RFC 7692, section 7.2).
#[derive(Debug)]
pub(super) struct History {
    /// How many bytes are kept: 0 where nothing is taken over.
    size: usize,
    bytes: Vec<u8>,
    held: Held,
}

impl History {
    pub(super) fn new(size: usize, held: Held) -> Self {
        Self { size, bytes: Vec::new(), held }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Adds a message. Tells whether there is room for it; nothing is kept if not.
    pub(super) fn push(&mut self, message: &[u8]) -> bool {
        let added = message.len().min(self.size);
        let kept = self.bytes.len().min(self.size - added);
        if !self.held.resize(kept + added) {
            self.held.resize(0);
            self.bytes = Vec::new();
            return false;
        }
        self.bytes.drain(..self.bytes.len() - kept);
        self.bytes.reserve_exact(added);
        self.bytes.extend_from_slice(&message[message.len() - added..]);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;

    #[test]
    fn the_last_bytes_are_kept_and_held() {
        let memory = Memory::new(8);
        let mut history = History::new(8, memory.nothing());
        for (message, kept) in [
            ("", ""),
            ("abc", "abc"),
            ("", "abc"),
            ("defgh", "abcdefgh"),
            ("i", "bcdefghi"),
            ("0123456789", "23456789"),
        ] {
            assert!(history.push(message.as_bytes()));
            assert_eq!(str::from_utf8(history.bytes()), Ok(kept));
            assert!(memory.hold(8 - kept.len()).is_some() && memory.hold(9 - kept.len()).is_none());
        }
    }

    #[test]
    fn without_takeover_and_without_room_nothing_is_kept() {
        let mut nothing = History::new(0, Memory::new(0).nothing());
        assert!(nothing.push(b"abc") && nothing.bytes().is_empty());
        let memory = Memory::new(4);
        let mut small = History::new(8, memory.nothing());
        assert!(small.push(b"abcd"));
        assert!(!small.push(b"e") && small.bytes().is_empty() && memory.hold(4).is_some());
    }
}
