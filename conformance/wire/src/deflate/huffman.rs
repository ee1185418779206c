use alloc::vec::Vec;

use super::NotDeflate;
use super::bits::Bits;

/// The longest code, in bits (RFC 1951 section 3.2.7).
const LONGEST: usize = 15;

/// A Huffman code: the symbols in the order of their codes (RFC 1951 section 3.2.2).
///
/// It is decoded bit by bit from the number of codes of each length, and not by a table: a block costs no more than its
/// symbols then, however many blocks there are.
pub(super) struct Code {
    /// How many codes there are of each length.
    counts: [u16; LONGEST + 1],
    symbols: Vec<u16>,
}

impl Code {
    /// The code in which each symbol has so many bits; 0 where it has none.
    pub(super) fn new(lengths: &[u8]) -> Result<Code, NotDeflate> {
        let mut counts = [0_u16; LONGEST + 1];
        for length in lengths {
            *counts.get_mut(usize::from(*length)).ok_or(NotDeflate::NoCode)? += 1;
        }
        counts[0] = 0;
        let code = Code { symbols: ordered(lengths, &counts), counts };
        if code.is_code() { Ok(code) } else { Err(NotDeflate::NoCode) }
    }

    /// Whether every word that is read leads to one symbol. A code of one word may leave the other one out, and a block
    /// without references has no code for them (RFC 1951 section 3.2.7).
    fn is_code(&self) -> bool {
        let mut free = 1_i32;
        for count in &self.counts[1..] {
            free = 2 * free - i32::from(*count);
            if free < 0 {
                return false;
            }
        }
        free == 0 || self.symbols.is_empty() || (self.symbols.len() == 1 && self.counts[1] == 1)
    }

    /// The next symbol.
    pub(super) fn symbol(&self, bits: &mut Bits<'_>) -> Result<usize, NotDeflate> {
        // The first code of a length, and how many symbols have shorter codes.
        let (mut first, mut before, mut word) = (0_usize, 0_usize, 0_usize);
        for count in &self.counts[1..] {
            word |= bits.take(1)?;
            let count = usize::from(*count);
            if word < first + count {
                let symbol = self.symbols.get(before + word - first);
                return symbol.map(|symbol| usize::from(*symbol)).ok_or(NotDeflate::UnknownSymbol);
            }
            before += count;
            first = (first + count) << 1;
            word <<= 1;
        }
        Err(NotDeflate::UnknownSymbol)
    }
}

/// The symbols that have a code: by its length, then by their number.
fn ordered(lengths: &[u8], counts: &[u16; LONGEST + 1]) -> Vec<u16> {
    let mut places = [0_usize; LONGEST + 1];
    for length in 1..LONGEST {
        places[length + 1] = places[length] + usize::from(counts[length]);
    }
    let mut symbols = alloc::vec![0; counts.iter().map(|count| usize::from(*count)).sum()];
    for (length, symbol) in lengths.iter().zip(0_u16..).filter(|(length, _)| **length > 0) {
        let place = &mut places[usize::from(*length)];
        symbols[*place] = symbol;
        *place += 1;
    }
    symbols
}
