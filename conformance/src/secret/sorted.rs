//! Needles in order, so that those that are most like a text are found without a look at the others.

use std::sync::Arc;

/// A sequence of bytes that is looked for.
#[derive(Debug, Clone)]
pub(super) struct Needle {
    pub(super) bytes: Arc<[u8]>,
    pub(super) name: Arc<str>,
    /// It is a part of a text in base64, whose neighbours have bits of the secret as well.
    pub(super) is_base64: bool,
    /// How many bytes of the secret come behind it.
    pub(super) more: usize,
    /// Which of the values of sessions it belongs to; `None` where it is no session's.
    pub(super) session: Option<u64>,
}

/// How many bytes were compared.
#[derive(Debug, Default)]
pub(super) struct Work(pub(super) u64);

/// The direction in which needles and texts are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the first byte to the last.
    Ahead,
    /// From the last byte to the first.
    Back,
}

/// The places that needles have among all, in the order of their bytes as they are read in one direction.
#[derive(Debug, Default)]
pub(super) struct Sorted(Vec<usize>);

impl Sorted {
    /// Takes in the needle that gets this place, with its bytes.
    pub(super) fn insert(&mut self, all: &[Needle], place: usize, bytes: &[u8], direction: Direction) {
        let (at, _) = self.search(all, bytes, direction, &mut Work::default());
        self.0.insert(at, place);
    }

    /// The last needle that is a text or comes before it in the order, and the first that comes behind it, each with how many
    /// bytes it has in common with the text. No other has more.
    pub(super) fn near(
        &self,
        all: &[Needle],
        text: &[u8],
        direction: Direction,
        work: &mut Work,
    ) -> [Option<(usize, usize)>; 2] {
        let (at, [before, behind]) = self.search(all, text, direction, work);
        let needle = |at: usize| self.0.get(at).copied();
        [
            at.checked_sub(1).and_then(needle).map(|index| (index, before)),
            needle(at).map(|index| (index, behind)),
        ]
    }

    /// How many needles are a text or come before it, and how much of it the two beside that border have.
    fn search(
        &self,
        all: &[Needle],
        text: &[u8],
        direction: Direction,
        work: &mut Work,
    ) -> (usize, [usize; 2]) {
        let (mut low, mut high) = (0, self.0.len());
        let mut common = [0, 0];
        while low < high {
            let middle = low + (high - low) / 2;
            let needle = &all[self.0[middle]].bytes;
            // All between two needles begin as these two do.
            let known = common[0].min(common[1]);
            let same = in_common(needle, text, known, direction);
            work.0 += (same - known) as u64 + 1;
            if read(needle, same, direction) <= read(text, same, direction) {
                (low, common[0]) = (middle + 1, same);
            } else {
                (high, common[1]) = (middle, same);
            }
        }
        (low, common)
    }
}

/// How many bytes two texts begin with alike; that so many are is known.
fn in_common(one: &[u8], other: &[u8], known: usize, direction: Direction) -> usize {
    let same = |(one, other): &(&u8, &u8)| one == other;
    known
        + match direction {
            Direction::Ahead => one[known..].iter().zip(&other[known..]).take_while(same).count(),
            Direction::Back => {
                let (one, other) = (&one[..one.len() - known], &other[..other.len() - known]);
                one.iter().rev().zip(other.iter().rev()).take_while(same).count()
            }
        }
}

/// The byte of a text behind so many others, if there is one: a text comes before all that begin with it.
fn read(text: &[u8], at: usize, direction: Direction) -> Option<u8> {
    match direction {
        Direction::Ahead => text.get(at).copied(),
        Direction::Back => text.len().checked_sub(at + 1).and_then(|at| text.get(at).copied()),
    }
}
