//! What is like a text that is waited for: looked at once, however often it is asked.

use std::time::Duration;

use super::script::Mark;

/// How many letters and digits an escape may have.
const ESCAPE: usize = 6;

/// What is known of one step on one connection. What was looked at once is not looked at again: a server that floods costs
/// no more than it sends.
#[derive(Debug, Default)]
pub(super) struct Respelled {
    pub(super) mark: Option<Mark>,
    /// The texts that the step waits for and that have more than one spelling.
    pub(super) wanted: Vec<Wanted>,
    pub(super) likes: Likes,
}

/// The arrivals that are like what is wanted.
#[derive(Debug, Default)]
pub(super) struct Likes {
    /// How many arrivals were looked at.
    passed: usize,
    /// When the last of them that is like it came.
    found: Option<Duration>,
}

impl Likes {
    /// When the first one came that is not before a time. `like` says when an arrival came, if it is one.
    pub(super) fn since(
        &mut self,
        base: Duration,
        arrivals: usize,
        mut like: impl FnMut(usize) -> Option<Duration>,
    ) -> Option<Duration> {
        while self.found.is_none_or(|at| at < base) && self.passed < arrivals {
            self.found = like(self.passed).or(self.found);
            self.passed += 1;
        }
        self.found.filter(|at| *at >= base)
    }
}

/// A text that has more than one spelling.
#[derive(Debug)]
pub(super) struct Wanted {
    /// What is the same in each of them.
    words: Vec<u8>,
    /// How many letters and digits a spelling has at most.
    most: usize,
}

impl Wanted {
    /// Nothing where there is one spelling alone.
    pub(super) fn of(text: &[u8]) -> Option<Wanted> {
        let words: Vec<u8> = words(text).collect();
        let most = words.len() + ESCAPE * (text.len() - words.len());
        (words.len() < text.len()).then_some(Wanted { words, most })
    }

    /// Whether one text is the other with what is no letter and no digit in it written otherwise, or cut off.
    pub(super) fn is_like(&self, came: &[u8]) -> bool {
        let mut count = 0;
        let mut same = 0;
        let mut held = 0;
        for byte in words(came) {
            same += usize::from(same == count && self.words.get(count) == Some(&byte));
            held += usize::from(self.words.get(held) == Some(&byte));
            count += 1;
        }
        let is_beginning = same == count;
        let holds_all = held == self.words.len();
        count > 0 && (is_beginning || (holds_all && count <= self.most))
    }
}

fn words(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    text.iter().copied().filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Likes, Wanted};

    #[test]
    fn a_text_is_known_however_its_line_breaks_are_written() {
        let like = |wanted: &str, came: &str| {
            Wanted::of(wanted.as_bytes()).is_some_and(|wanted| wanted.is_like(came.as_bytes()))
        };
        assert!(like("one\rtwo", "one\\rtwo"));
        assert!(like("one\rtwo", "one\\u000dtwo"));
        assert!(like("one\rtwo", "one two"));
        assert!(like("one\rtwo", "one"));
        assert!(!like("one\rtwo", "welcome"));
        assert!(!like("one\rtwo", ""));
        assert!(!like("one", "onetwo"), "a text of letters alone has one spelling");
        assert!(!like("one\rtwo", "one and many more words, and then two"));
    }

    #[test]
    fn what_came_is_looked_at_once_however_often_it_is_asked() {
        let ms = Duration::from_millis;
        let (mut likes, mut looks) = (Likes::default(), 0);
        for came in 0..4000 {
            let found = likes.since(ms(0), came, |index| {
                looks += 1;
                (index == 3000).then_some(ms(5))
            });
            assert_eq!(found, (came > 3000).then_some(ms(5)), "after {came}");
        }
        assert_eq!(looks, 3001);
        // Times count from later: the one that was found is before.
        assert_eq!(likes.since(ms(6), 4000, |index| (index == 3500).then_some(ms(7))), Some(ms(7)));
    }
}
