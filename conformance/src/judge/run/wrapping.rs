//! What is known of that which came to a precondition: looked at in proportion to its bytes, however often it is asked.

use super::script::Mark;

/// How often all that came is looked at, whatever it is. Behind that it is looked at again each time it has doubled.
const LOOKS: usize = 8;

/// What is known of one step of a precondition: what came once is not looked at again with each piece that follows.
#[derive(Debug, Default)]
pub(super) struct Wrapping {
    pub(super) mark: Option<Mark>,
    /// How many events of the transcript and how many arrivals were looked at.
    pub(super) events: usize,
    pub(super) arrivals: usize,
    /// How many bytes came on the connection.
    pub(super) came: usize,
    /// Whether the text is among them, and the callback of an iframe.
    pub(super) text: Sought,
    pub(super) callback: Sought,
    pub(super) looks: Looks,
    /// It came in another form.
    pub(super) is_found: bool,
}

/// Whether a text has come, and the last bytes that did: it may come in pieces.
#[derive(Debug, Default)]
pub(super) struct Sought {
    pub(super) is_there: bool,
    pub(super) tail: Vec<u8>,
}

impl Sought {
    /// More bytes came.
    pub(super) fn push(&mut self, piece: &[u8], text: &[u8]) {
        self.tail.extend(piece);
        self.is_there |= contains(&self.tail, text);
        self.tail.drain(..self.tail.len().saturating_sub(text.len().saturating_sub(1)));
    }
}

/// How often all that came was looked at, and how much it was then.
#[derive(Debug, Default)]
pub(super) struct Looks {
    count: usize,
    size: usize,
}

impl Looks {
    /// Whether it is looked at once more, now that it is so much.
    pub(super) fn once_more(&mut self, size: usize) -> bool {
        let is_worth_it = size > self.size && (self.count < LOOKS || size >= 2 * self.size);
        if is_worth_it {
            self.count += 1;
            self.size = size;
        }
        is_worth_it
    }
}

/// Whether a text stands among bytes.
pub(super) fn contains(bytes: &[u8], text: &[u8]) -> bool {
    !text.is_empty() && bytes.windows(text.len()).any(|window| window == text)
}

#[cfg(test)]
mod tests {
    use super::{Looks, Sought};

    #[test]
    fn a_text_is_seen_however_it_is_cut() {
        for cut in 1..14 {
            let mut sought = Sought::default();
            let (first, second) = b"{\"a\": \"one\"}".split_at(cut.min(12));
            sought.push(first, b"one");
            sought.push(second, b"one");
            assert!(sought.is_there, "cut at {cut}");
            assert!(sought.tail.len() < 3);
        }
    }

    #[test]
    fn all_that_came_is_looked_at_in_proportion_to_it() {
        let mut looks = Looks::default();
        let work = |pieces: usize, looks: &mut Looks| -> usize {
            (1..=pieces).map(|piece| piece * 100).filter(|size| looks.once_more(*size)).sum()
        };
        let once = work(10_000, &mut looks);
        assert!(once <= 4 * 10_000 * 100, "{once}");
        let twice = work(20_000, &mut Looks::default());
        assert!(twice <= 4 * 20_000 * 100, "{twice}");
        assert!(!looks.once_more(10), "there is nothing new");
    }
}
