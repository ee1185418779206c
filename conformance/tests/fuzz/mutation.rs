//! Inputs that follow from a seed.

/// Bytes that mean something to one reader or another.
const TELLING: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"\x1b[31m",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
    b":",
    b";",
    b"\"",
    b"'",
    b"{",
    b"}",
    b"[",
    b"]",
    b"<!--",
    b"-->",
    b"<script>",
    b"</script>",
    b"data: ",
    b"id: ",
    b"0\r\n",
    b"ffffffffffffffff\r\n",
    b"Content-Length: 18446744073709551616\r\n",
    b"\x88\x7f",
    b"\x81\xff\xff",
    b"99999999999999999999",
    b"{channel}",
    b"{",
    b"\\",
    b"```wire\n",
    b"```",
    b"## ",
    b"< ",
    b"> ",
    b"<? ",
    b"within 5s",
];

/// A source of inputs, and of choices.
pub(crate) struct Mutation(u64);

impl Mutation {
    pub(crate) fn new(seed: u64) -> Mutation {
        Mutation(seed)
    }

    /// The next number (`SplitMix64`).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below another one.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap_or_default()
    }

    /// One of several.
    pub(crate) fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// Bytes, changed in a few places: taken out, put in, doubled, replaced. One in four stays as it is.
    pub(crate) fn of(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        let changes = if self.below(4) == 0 { 0 } else { self.below(6) + 1 };
        for _ in 0..changes {
            let at = self.below(bytes.len() + 1);
            let length = 1 << self.below(8);
            let end = (at + self.below(length)).min(bytes.len());
            match self.below(6) {
                0 => drop(bytes.drain(at..end)),
                1 => {
                    let telling = self.one_of(TELLING).repeat(1 + self.below(3));
                    bytes.splice(at..at, telling);
                }
                2 => {
                    let again = bytes[at..end].repeat(1 + self.below(8));
                    bytes.splice(at..at, again);
                }
                3 if at < bytes.len() => bytes[at] = self.next().to_le_bytes()[0],
                4 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                _ => bytes.truncate(at),
            }
        }
        bytes
    }

    /// The same bytes, cut at some places.
    pub(crate) fn pieces<'a>(&mut self, bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let longest = 1 << self.below(12);
        let mut pieces = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at((1 + self.below(longest)).min(rest.len()));
            pieces.push(piece);
            rest = behind;
        }
        pieces
    }
}
