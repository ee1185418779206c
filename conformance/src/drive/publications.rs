//! Whether the target publishes. One that does not is noticed once, and not in every case that needs it.

use std::sync::{Mutex, PoisonError};

/// How many cases running may not publish before the rest are skipped.
const IN_A_ROW: usize = 3;

/// How the reason begins for which the rest are skipped.
pub(super) const SKIPPED: &str = "publishing failed in three cases in a row";

/// How the publications of the cases went.
#[derive(Debug, Default)]
pub(super) struct Publications(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    in_a_row: usize,
    broken: Option<String>,
}

impl Publications {
    /// Takes note of a case that published. Whether it is to be skipped: that it cannot publish was known before it was
    /// through.
    pub(super) fn note(&self, published: &Result<(), String>) -> Option<String> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Err(why) = published else {
            *state = State::default();
            return None;
        };
        if state.broken.is_some() {
            return state.broken.clone();
        }
        state.in_a_row += 1;
        if state.in_a_row >= IN_A_ROW {
            state.broken = Some(format!("{SKIPPED}: {why}"));
        }
        None
    }

    /// Why nothing more is published.
    pub(super) fn why_broken(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).broken.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_three_times_in_a_row_is_broken_until_it_succeeds() {
        let publications = Publications::default();
        let failed = Err("the response was 500".to_owned());
        for published in [&failed, &failed, &Ok(()), &failed, &failed] {
            assert_eq!(publications.note(published), None);
            assert_eq!(publications.why_broken(), None);
        }
        assert_eq!(publications.note(&failed), None, "the third is still told");
        let why = publications.why_broken().expect("it failed three times");
        assert_eq!(why, format!("{SKIPPED}: the response was 500"));
        assert_eq!(publications.note(&failed), Some(why));
        publications.note(&Ok(()));
        assert_eq!(publications.why_broken(), None);
    }
}
