use alloc::vec::Vec;

use super::bits::Bits;
use super::huffman::Code;
use super::{LARGEST_WINDOW, NotDeflate};

/// The symbol that ends a block (RFC 1951 section 3.2.5).
const END: usize = 256;

/// The lengths of matches: the shortest of each symbol from 257 on, and its extra bits (RFC 1951 section 3.2.5).
const LENGTHS: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

/// How many symbols there are for distances (RFC 1951 section 3.2.5).
const DISTANCES: usize = 30;

/// In which order the lengths of the codes for code lengths stand (RFC 1951 section 3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// What a message may become at most: a few bytes that come can stand for a thousand times as many, or for very many
/// blocks that hold nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many bytes.
    pub bytes: usize,
    /// Of how many blocks.
    pub blocks: usize,
}

impl Limits {
    /// So many bytes, of however many blocks.
    pub const fn of_bytes(bytes: usize) -> Limits {
        Limits { bytes, blocks: usize::MAX }
    }
}

/// What a message has become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inflated {
    /// The bytes.
    pub data: Vec<u8>,
    /// How many blocks there were: stored ones, ones with the fixed codes, and ones with codes of their own.
    pub blocks: [usize; 3],
    /// Whether a block had BFINAL.
    pub is_final: bool,
    /// A bit is set between the end of a block with BFINAL and the next byte, where there are to be zeros only
    /// (RFC 7692 section 7.2.1).
    pub has_padding_set: bool,
    /// How far back the farthest reference went, in bytes; 0 if there was none.
    pub farthest: usize,
}

/// A message that is no DEFLATE from some place on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Why.
    pub why: NotDeflate,
    /// What stands before that place.
    pub data: Vec<u8>,
}

/// Decodes messages one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inflater {
    window: usize,
    /// The last bytes of the messages before: a window of them, and at most as much again.
    history: Vec<u8>,
}

impl Inflater {
    /// A decoder whose references go back at most so many bytes; [`LARGEST_WINDOW`] at most.
    pub fn new(window: usize) -> Inflater {
        Inflater { window: window.min(LARGEST_WINDOW), history: Vec::new() }
    }

    /// Forgets the messages before: the next one begins with an empty window.
    pub fn forget(&mut self) {
        self.history = Vec::new();
    }

    /// How many bytes it holds.
    pub fn held(&self) -> usize {
        self.history.len()
    }

    /// Decodes the blocks of one message, up to the end of the bytes, within limits. Behind an error the messages before
    /// are forgotten.
    pub fn inflate(&mut self, bytes: &[u8], limits: Limits) -> Result<Inflated, Broken> {
        let history = core::mem::take(&mut self.history);
        let mut message = Message {
            window: self.window,
            begin: history.len(),
            limits,
            data: history,
            blocks: [0; 3],
            is_final: false,
            has_padding_set: false,
            farthest: 0,
            fixed: None,
        };
        let mut bits = Bits::new(bytes);
        while !bits.are_over() {
            if let Err(why) = message.block(&mut bits) {
                return Err(Broken { why, data: message.data.split_off(message.begin) });
            }
        }
        let Message { begin, mut data, blocks, is_final, has_padding_set, farthest, .. } = message;
        let inflated = data[begin..].to_vec();
        // Now and then, and not behind each of many small messages.
        if data.len() > 2 * self.window {
            data.drain(..data.len() - self.window);
            data.shrink_to(2 * self.window);
        }
        self.history = data;
        Ok(Inflated { data: inflated, blocks, is_final, has_padding_set, farthest })
    }
}

/// A message while it is decoded.
struct Message {
    window: usize,
    /// Where it begins in the data, behind what the messages before have left.
    begin: usize,
    limits: Limits,
    data: Vec<u8>,
    blocks: [usize; 3],
    is_final: bool,
    has_padding_set: bool,
    farthest: usize,
    /// The fixed codes, once a block has them.
    fixed: Option<(Code, Code)>,
}

impl Message {
    /// Decodes a block (RFC 1951 section 3.2.3).
    fn block(&mut self, bits: &mut Bits<'_>) -> Result<(), NotDeflate> {
        let most = self.limits.blocks;
        if self.blocks.iter().sum::<usize>() >= most {
            return Err(NotDeflate::TooManyBlocks { most });
        }
        let is_final = bits.take(1)? == 1;
        let kind = bits.take(2)?;
        match kind {
            0 => self.stored(bits)?,
            1 => {
                let (literals, distances) = self.fixed.take().map_or_else(fixed, Ok)?;
                self.compressed(bits, &literals, &distances)?;
                self.fixed = Some((literals, distances));
            }
            2 => {
                let (literals, distances) = codes(bits)?;
                self.compressed(bits, &literals, &distances)?;
            }
            _ => return Err(NotDeflate::ReservedType),
        }
        self.blocks[kind] += 1;
        if is_final {
            self.is_final = true;
            self.has_padding_set |= bits.align();
        }
        Ok(())
    }

    fn stored(&mut self, bits: &mut Bits<'_>) -> Result<(), NotDeflate> {
        bits.align();
        let (length, complement) = (bits.take(16)?, bits.take(16)?);
        if length ^ complement != 0xffff {
            return Err(NotDeflate::StoredLength);
        }
        let bytes = bits.bytes(length)?;
        self.has_room(length)?;
        self.data.extend_from_slice(bytes);
        Ok(())
    }

    fn compressed(
        &mut self,
        bits: &mut Bits<'_>,
        literals: &Code,
        distances: &Code,
    ) -> Result<(), NotDeflate> {
        loop {
            match literals.symbol(bits)? {
                END => return Ok(()),
                symbol if symbol < END => {
                    self.has_room(1)?;
                    self.data.push(symbol.to_le_bytes()[0]);
                }
                symbol => {
                    let (least, extra) = *LENGTHS.get(symbol - END - 1).ok_or(NotDeflate::UnknownSymbol)?;
                    let length = usize::from(least) + bits.take(extra.into())?;
                    let distance = distance(bits, distances)?;
                    self.copy(length, distance)?;
                }
            }
        }
    }

    /// Repeats what stands so far back.
    fn copy(&mut self, length: usize, distance: usize) -> Result<(), NotDeflate> {
        self.has_room(length)?;
        if distance > self.window {
            return Err(NotDeflate::BeyondTheWindow { distance, window: self.window });
        }
        let available = self.data.len();
        let Some(from) = available.checked_sub(distance) else {
            return Err(NotDeflate::BeforeTheStart { distance, available });
        };
        self.farthest = self.farthest.max(distance);
        // What is repeated may reach into the repetition itself: what is there of it is repeated first.
        let mut left = length;
        while left > 0 {
            let known = (self.data.len() - from).min(left);
            self.data.extend_from_within(from..from + known);
            left -= known;
        }
        Ok(())
    }

    fn has_room(&self, length: usize) -> Result<(), NotDeflate> {
        let room = self.limits.bytes;
        let is_room = self.data.len() - self.begin + length <= room;
        if is_room { Ok(()) } else { Err(NotDeflate::TooLong { room }) }
    }
}

/// The fixed codes of literals and lengths, and of distances (RFC 1951 section 3.2.6). The last two symbols of each stand
/// for nothing.
fn fixed() -> Result<(Code, Code), NotDeflate> {
    let mut lengths = [8_u8; 288];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    Ok((Code::new(&lengths)?, Code::new(&[5; 32])?))
}

/// The codes of a block that brings its own (RFC 1951 section 3.2.7).
fn codes(bits: &mut Bits<'_>) -> Result<(Code, Code), NotDeflate> {
    let literals = 257 + bits.take(5)?;
    let distances = 1 + bits.take(5)?;
    let count = 4 + bits.take(4)?;
    if literals > END + 1 + LENGTHS.len() || distances > DISTANCES {
        return Err(NotDeflate::NoCode);
    }
    let mut of_lengths = [0; ORDER.len()];
    for at in &ORDER[..count] {
        of_lengths[*at] = bits.take(3)?.to_le_bytes()[0];
    }
    let lengths = lengths(bits, &Code::new(&of_lengths)?, literals + distances)?;
    let (of_literals, of_distances) = lengths.split_at(literals);
    // A block without an end is none.
    if of_literals[END] == 0 {
        return Err(NotDeflate::NoCode);
    }
    Ok((Code::new(of_literals)?, Code::new(of_distances)?))
}

/// So many lengths of codes, in the code of a block.
fn lengths(bits: &mut Bits<'_>, code: &Code, count: usize) -> Result<Vec<u8>, NotDeflate> {
    let mut lengths: Vec<u8> = Vec::with_capacity(count);
    while lengths.len() < count {
        let (value, times) = match code.symbol(bits)? {
            16 => (*lengths.last().ok_or(NotDeflate::NoCode)?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (length.to_le_bytes()[0], 1),
        };
        if lengths.len() + times > count {
            return Err(NotDeflate::NoCode);
        }
        lengths.extend(core::iter::repeat_n(value, times));
    }
    Ok(lengths)
}

/// How far back a match lies. Two symbols each have one extra bit more than the two before (RFC 1951 section 3.2.5).
fn distance(bits: &mut Bits<'_>, code: &Code) -> Result<usize, NotDeflate> {
    let symbol = code.symbol(bits)?;
    if symbol >= DISTANCES {
        return Err(NotDeflate::UnknownSymbol);
    }
    if symbol < 2 {
        return Ok(symbol + 1);
    }
    let extra = symbol / 2 - 1;
    let least = ((2 + symbol % 2) << extra) + 1;
    let extra = u32::try_from(extra).unwrap_or_default();
    Ok(least + bits.take(extra)?)
}
