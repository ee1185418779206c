//! How much time a run has for what is run again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many cases are active at a time when they are run again.
pub(super) const AGAIN_AT_ONCE: usize = 16;

/// How much time all that is run again may take together where it runs side by side, as far as the first run tells. With 256
/// connections or more this is enough for 128 cases that were not answered within 8 s: where there are more, it is not for
/// want of a moment's rest.
const SIDE_BY_SIDE: Duration = Duration::from_secs(4);
const MOST_SIDE_BY_SIDE: usize = 256;

/// The same where it runs one at a time.
const IN_TURN: Duration = Duration::from_secs(20);

/// How much of the budget is used up.
#[derive(Debug, Default)]
pub(super) struct Budget(Mutex<Used>);

#[derive(Debug, Default)]
struct Used {
    /// By cases that run side by side.
    spread: Duration,
    /// By cases that run one at a time.
    in_turn: Duration,
}

impl Budget {
    /// Whether there is time for a case that takes so long, where so many run side by side.
    pub(super) fn takes(&self, time: Duration, in_turn: bool, side_by_side: usize, patience: f64) -> bool {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let side_by_side = u32::try_from(side_by_side.min(MOST_SIDE_BY_SIDE)).unwrap_or(u32::MAX);
        let spread = used.spread + time / side_by_side;
        let in_turn = used.in_turn + if in_turn { time } else { Duration::ZERO };
        let fits = spread <= SIDE_BY_SIDE.mul_f64(patience) && in_turn <= IN_TURN.mul_f64(patience);
        if fits {
            *used = Used { spread, in_turn };
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_used_up() {
        let budget = Budget::default();
        let long = Duration::from_secs(8);
        assert_eq!((0..1000).filter(|_| budget.takes(long, false, 512, 1.0)).count(), 128);
        assert!(budget.takes(Duration::from_millis(1), false, 256, 2.0), "a patient run has more");
        let budget = Budget::default();
        assert_eq!((0..1000).filter(|_| budget.takes(long, true, 256, 1.0)).count(), 2);
    }
}
