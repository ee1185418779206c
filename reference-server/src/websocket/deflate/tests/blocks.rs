//! A reader of DEFLATE blocks that tells how far back their references go (RFC 1951, section 3.2).

/// What a compressed message is made of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Blocks {
    /// How many bytes it inflates to.
    pub(super) length: usize,
    /// The largest distance of a reference; 0 where there is none.
    pub(super) furthest: usize,
}

/// Base values and numbers of extra bits (section 3.2.5).
const LENGTHS: [(usize, u8); 29] = [
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

const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

struct Bits<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> usize {
        let bit = self.bytes[self.place / 8] >> (self.place % 8) & 1;
        self.place += 1;
        bit.into()
    }

    fn number(&mut self, bits: u8) -> usize {
        (0..bits).map(|place| self.bit() << place).sum()
    }

    fn symbol(&mut self, code: &Code) -> usize {
        let (mut number, mut first, mut place) = (0, 0, 0);
        for count in &code.counts {
            number |= self.bit();
            if number < first + count {
                return code.symbols[place + number - first];
            }
            place += count;
            first = (first + count) << 1;
            number <<= 1;
        }
        panic!("no symbol has this code")
    }
}

/// A Huffman code: how many symbols there are of each length, and the symbols in their order.
struct Code {
    counts: Vec<usize>,
    symbols: Vec<usize>,
}

impl Code {
    fn new(lengths: &[usize]) -> Self {
        let counts = (1..=15).map(|length| lengths.iter().filter(|&&known| known == length).count());
        let mut symbols: Vec<usize> = (0..lengths.len()).filter(|&symbol| lengths[symbol] > 0).collect();
        symbols.sort_by_key(|&symbol| lengths[symbol]);
        Self { counts: counts.collect(), symbols }
    }
}

/// Reads a message with its tail. It must be valid.
pub(super) fn read(bytes: &[u8]) -> Blocks {
    let mut bits = Bits { bytes, place: 0 };
    let mut blocks = Blocks::default();
    while bits.place + 3 <= 8 * bytes.len() {
        let (last, kind) = (bits.bit() == 1, bits.number(2));
        match kind {
            0 => stored(&mut bits, &mut blocks),
            1 => {
                let lengths = [[8; 144].as_slice(), &[9; 112], &[7; 24], &[8; 8]].concat();
                compressed(&mut bits, &Code::new(&lengths), &Code::new(&[5; 30]), &mut blocks);
            }
            2 => {
                let (symbols, distances) = codes(&mut bits);
                compressed(&mut bits, &symbols, &distances, &mut blocks);
            }
            _ => panic!("a reserved type of block"),
        }
        if last {
            bits.place = bits.place.next_multiple_of(8);
        }
    }
    blocks
}

fn stored(bits: &mut Bits<'_>, blocks: &mut Blocks) {
    bits.place = bits.place.next_multiple_of(8);
    let (length, complement) = (bits.number(16), bits.number(16));
    assert_eq!(length ^ 0xffff, complement);
    bits.place += 8 * length;
    blocks.length += length;
}

/// The codes of a block that describes its own (section 3.2.7).
fn codes(bits: &mut Bits<'_>) -> (Code, Code) {
    let (symbols, distances, described) = (bits.number(5) + 257, bits.number(5) + 1, bits.number(4) + 4);
    let mut lengths = [0; 19];
    for place in &ORDER[..described] {
        lengths[*place] = bits.number(3);
    }
    let code = Code::new(&lengths);
    let mut lengths = Vec::new();
    while lengths.len() < symbols + distances {
        let (repeated, times) = match bits.symbol(&code) {
            16 => (*lengths.last().expect("a length before"), bits.number(2) + 3),
            17 => (0, bits.number(3) + 3),
            18 => (0, bits.number(7) + 11),
            length => (length, 1),
        };
        lengths.extend(vec![repeated; times]);
    }
    (Code::new(&lengths[..symbols]), Code::new(&lengths[symbols..]))
}

fn compressed(bits: &mut Bits<'_>, symbols: &Code, distances: &Code, blocks: &mut Blocks) {
    loop {
        match bits.symbol(symbols) {
            0..256 => blocks.length += 1,
            256 => return,
            length => {
                let (base, extra) = LENGTHS[length - 257];
                blocks.length += base + bits.number(extra);
                let number = bits.symbol(distances);
                let (base, extra) = match number {
                    0..4 => (number + 1, 0),
                    _ => (
                        ((2 + number % 2) << (number / 2 - 1)) + 1,
                        u8::try_from(number / 2 - 1).expect("small"),
                    ),
                };
                blocks.furthest = blocks.furthest.max(base + bits.number(extra));
            }
        }
    }
}
