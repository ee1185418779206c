//! A compressor of DEFLATE (RFC 1951) with the fixed codes and a window of any size.

use std::mem;

/// The shortest repetition that is looked for, and the longest that can be written (RFC 1951 section 3.2.5).
const SHORTEST: usize = 4;
const LONGEST: usize = 258;

/// How many places are tried for a repetition.
const TRIES: usize = 8;

/// How many lists of places there are, and how many places are known: as many as the largest window has.
const LISTS: usize = 1 << 15;

/// No place.
const NOWHERE: usize = usize::MAX;

/// Compresses messages one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Compressor {
    window: usize,
    history: Vec<u8>,
}

impl Compressor {
    /// One whose references go back at most so many bytes.
    pub(super) fn new(window: usize) -> Self {
        Self { window, history: Vec::new() }
    }

    /// Forgets the messages before.
    pub(super) fn forget(&mut self) {
        self.history = Vec::new();
    }

    /// How many bytes it holds.
    pub(super) fn held(&self) -> usize {
        self.history.len()
    }

    /// Takes bytes for something that the client has in its window.
    pub(super) fn takes_for_sent(&mut self, bytes: &[u8]) {
        self.history.extend_from_slice(bytes);
        self.history.drain(..self.history.len().saturating_sub(self.window));
    }

    /// The blocks of a message, without the octets that end it on the wire (RFC 7692 section 7.2.1).
    pub(super) fn compressed(&mut self, message: &[u8]) -> Vec<u8> {
        let mut bits = Bits::default();
        if !message.is_empty() {
            self.block(message, 0b010, &mut bits);
        }
        // The header of the empty block whose rest is not sent.
        bits.put(0, 3);
        bits.done()
    }

    /// The same with a block that has BFINAL, and ones behind it up to the next byte.
    pub(super) fn compressed_to_the_end(&mut self, message: &[u8]) -> Vec<u8> {
        let mut bits = Bits::default();
        self.block(message, 0b011, &mut bits);
        let rest = (8 - bits.count) % 8;
        bits.put((1 << rest) - 1, rest);
        bits.bytes.push(0);
        bits.bytes
    }

    /// A block with the fixed codes.
    fn block(&mut self, message: &[u8], header: usize, bits: &mut Bits) {
        let begin = self.history.len();
        let mut data = mem::take(&mut self.history);
        data.extend_from_slice(message);
        bits.put(header, 3);
        self.symbols(&data, begin, bits);
        bits.put_code(0, 7);
        self.history = data.split_off(data.len().saturating_sub(self.window));
    }

    fn symbols(&self, data: &[u8], begin: usize, bits: &mut Bits) {
        let mut places = Places { first: vec![NOWHERE; LISTS], next: vec![NOWHERE; LISTS] };
        for at in 0..begin {
            places.add(data, at);
        }
        let mut at = begin;
        while at < data.len() {
            let (length, distance) = places.longest(data, at, self.window);
            if length < SHORTEST {
                bits.literal(data[at]);
                places.add(data, at);
                at += 1;
            } else {
                bits.repetition(length, distance);
                // Within a long one its beginning is enough to be found again.
                (at..at + length.min(32)).for_each(|at| places.add(data, at));
                at += length;
            }
        }
    }
}

/// Where each beginning of four bytes stands, the last place first.
struct Places {
    first: Vec<usize>,
    next: Vec<usize>,
}

impl Places {
    fn list(data: &[u8], at: usize) -> Option<usize> {
        let bytes = data.get(at..)?.first_chunk()?;
        let mixed = u32::from_le_bytes(*bytes).wrapping_mul(0x9e37_79b1) >> 17;
        Some(mixed as usize)
    }

    fn add(&mut self, data: &[u8], at: usize) {
        if let Some(list) = Self::list(data, at) {
            self.next[at % LISTS] = self.first[list];
            self.first[list] = at;
        }
    }

    /// The longest repetition at a place: how long it is, and how far back.
    fn longest(&self, data: &[u8], at: usize, window: usize) -> (usize, usize) {
        let Some(list) = Self::list(data, at) else { return (0, 0) };
        let (mut best, mut from) = ((0, 0), self.first[list]);
        for _ in 0..TRIES {
            if from == NOWHERE || from >= at || at - from > window.min(LISTS) {
                break;
            }
            let same = data[from..].iter().zip(&data[at..]).take(LONGEST).take_while(|(a, b)| a == b).count();
            if same > best.0 {
                best = (same, at - from);
            }
            let before = self.next[from % LISTS];
            // What is not further back has taken the place of another one.
            from = if before < from { before } else { NOWHERE };
        }
        best
    }
}

/// Bits as DEFLATE has them, the lowest of each byte first (RFC 1951 section 3.1.1).
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    held: u64,
    count: u32,
}

impl Bits {
    /// A number, its lowest bit first.
    fn put(&mut self, value: usize, count: u32) {
        self.held |= (value as u64) << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.held.to_le_bytes()[0]);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    /// A code, its highest bit first.
    fn put_code(&mut self, code: usize, count: u32) {
        self.put(code.reverse_bits() >> (usize::BITS - count), count);
    }

    /// A byte as it is (RFC 1951 section 3.2.6).
    fn literal(&mut self, byte: u8) {
        match byte {
            0..=143 => self.put_code(0x30 + usize::from(byte), 8),
            144..=255 => self.put_code(0x190 + usize::from(byte) - 144, 9),
        }
    }

    /// A reference (RFC 1951 section 3.2.5).
    fn repetition(&mut self, length: usize, distance: usize) {
        let (symbol, extra, rest) = match length - 3 {
            255 => (28, 0, 0),
            more => {
                let extra = more.max(4).ilog2() - 2;
                (4 * extra as usize + (more >> extra), extra, more & ((1 << extra) - 1))
            }
        };
        match symbol + 1 {
            low @ ..24 => self.put_code(low, 7),
            high => self.put_code(0xc0 + high - 24, 8),
        }
        self.put(rest, extra);
        let back = distance - 1;
        let extra = back.max(2).ilog2() - 1;
        self.put_code(2 * extra as usize + (back >> extra), 5);
        self.put(back & ((1 << extra) - 1), extra);
    }

    fn done(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.bytes.push(self.held.to_le_bytes()[0]);
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use pushspec_wire::deflate::{Inflater, Limits, TAIL};

    use super::*;

    fn noise(length: usize) -> Vec<u8> {
        let mut seed = 1_u32;
        let next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed.to_be_bytes()[0]
        };
        std::iter::repeat_with(next).take(length).collect()
    }

    #[test]
    fn messages_come_back_and_refer_within_the_window() {
        for window in [256, 512, 4096, 32768] {
            let mut farthest = 0;
            let (mut compressor, mut inflater) = (Compressor::new(window), Inflater::new(window));
            for length in [0, 1, 3, 4, 5, 257, 258, 259, 300, 700, 5000, 32_000, 32_768, 100_000] {
                let full = noise(window).repeat(2);
                for message in [noise(length), noise(length).repeat(2), vec![b'*'; length], full] {
                    let payload = [&compressor.compressed(&message)[..], &TAIL].concat();
                    let read = inflater.inflate(&payload, Limits::of_bytes(usize::MAX)).expect("DEFLATE");
                    assert!(read.data == message, "{length} bytes, window of {window}");
                    assert!(length < 258 || payload.len() < message.len() * 9 / 8 + 10);
                    farthest = farthest.max(read.farthest);
                }
            }
            assert_eq!(farthest, window);
        }
    }

    #[test]
    fn a_message_that_came_before_costs_little_unless_it_is_forgotten() {
        let mut compressor = Compressor::new(32768);
        let first = compressor.compressed(&noise(200));
        assert!(compressor.compressed(&noise(200)).len() < 10);
        compressor.forget();
        assert_eq!(compressor.compressed(&noise(200)), first);
        assert_eq!(Compressor::new(256).compressed(b""), [0]);
    }
}
