//! How the runs of a case are counted. What one run published is not to be heard by another: each has channels of its own.

/// The first run.
pub(super) const FIRST: usize = 1;

/// The second one, which looks at what the first one found.
pub(super) const AGAIN: usize = 2;

/// That of a case that was skipped while the server did not publish.
pub(super) const AFTER_ALL: usize = 3;

/// Those that look at what was found while the server was busy.
pub(super) const IN_PEACE: std::ops::Range<usize> = 4..ALONE;

/// How many runs a case has at most beside those in which it is alone.
const ALONE: usize = 10;

/// Whether a run looks at what an earlier one found.
pub(super) fn is_again(attempt: usize) -> bool {
    attempt == AGAIN || IN_PEACE.contains(&attempt)
}

/// A run in which a case is alone, to see whether it ends the server: the first or the second one of those.
pub(super) fn alone(attempt: usize, time: usize) -> usize {
    attempt * ALONE + time
}
