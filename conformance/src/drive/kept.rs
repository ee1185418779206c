//! How much a run keeps of what went over the wire: a report is to be read, however much a target sends.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::transcript::Transcript;

/// How much a run keeps of long transcripts, in bytes.
const LONG: usize = 8 * 1024 * 1024;

/// How much it keeps of each of the others that are long, from then on, in bytes.
const SHORT: usize = 2 * 1024;

/// What a run keeps.
#[derive(Debug, Default)]
pub(super) struct Kept(AtomicUsize);

impl Kept {
    /// Shortens a transcript that is long, once much was kept.
    pub(super) fn shorten(&self, transcript: &mut Transcript) {
        let size = transcript.size();
        if size <= SHORT {
            return;
        }
        if self.0.fetch_add(size, Relaxed) + size > LONG {
            self.0.fetch_sub(size, Relaxed);
            transcript.shorten(SHORT);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::transcript::{ConnectionId, EventKind};

    #[test]
    fn a_run_keeps_no_more_than_so_much_whatever_the_cases_see() {
        let kept = Kept::default();
        let mut total = 0;
        for _ in 0..1000 {
            let mut transcript = Transcript::default();
            for _ in 0..100 {
                transcript.push(Duration::ZERO, EventKind::Received(ConnectionId(0), vec![0; 1000]));
            }
            kept.shorten(&mut transcript);
            assert!(matches!(transcript.events[0].kind, EventKind::Received(..)));
            total += transcript.size();
        }
        assert!(total < LONG + 1000 * 2 * SHORT, "{total}");
    }
}
