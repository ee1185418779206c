//! Cases that keep a server busy. They run one at a time: a server that needs a second for each is not to be late with all of
//! them. Where one keeps it busy for a moment only, more of them run at once.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::transcript::{EventKind, Transcript};

/// How many of them run at once at most.
const MOST: u32 = 8;

/// What keeps a server busy for no longer leaves it time for another one.
const MOMENT: Duration = Duration::from_millis(250);

/// The turns of heavy cases.
#[derive(Debug)]
pub(super) struct Heavy {
    turns: Semaphore,
    /// How many may run at once.
    width: AtomicU32,
}

impl Default for Heavy {
    fn default() -> Heavy {
        Heavy { turns: Semaphore::new(MOST as usize), width: AtomicU32::new(1) }
    }
}

impl Heavy {
    /// Waits for the turn of a case. One that is run again has the server to itself, as far as these cases go. What is waited
    /// for in vain is never given: the semaphore is not closed.
    pub(super) async fn turn(&self, is_again: bool) -> Option<SemaphorePermit<'_>> {
        let width = if is_again { 1 } else { self.width.load(Relaxed) };
        self.turns.acquire_many(MOST / width).await.ok()
    }

    /// A case was run. From here on twice as many run at once where it has passed and has kept the server busy for a moment
    /// only, and else one at a time.
    pub(super) fn note(&self, has_passed: bool, transcript: &Transcript, duration: Duration) {
        let is_light = has_passed && busy(transcript, duration) < MOMENT;
        let width = if is_light { (2 * self.width.load(Relaxed)).min(MOST) } else { 1 };
        self.width.store(width, Relaxed);
    }
}

/// For how long a case has kept the server busy: from its first answer on. What it takes to open a connection says nothing of
/// that.
fn busy(transcript: &Transcript, duration: Duration) -> Duration {
    let mut events = transcript.events.iter();
    let opened = events.find(|event| matches!(event.kind, EventKind::Received(..)));
    duration.saturating_sub(opened.map_or(Duration::ZERO, |event| event.at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::ConnectionId;

    fn opened_after(seconds: u64) -> Transcript {
        let mut transcript = Transcript::default();
        transcript.push(
            Duration::from_secs(seconds),
            EventKind::Received(ConnectionId(0), b"HTTP/1.1 101\r\n".to_vec()),
        );
        transcript
    }

    async fn at_once(heavy: &Heavy, is_again: bool) -> usize {
        let mut turns = Vec::new();
        while let Ok(turn) = tokio::time::timeout(Duration::from_millis(5), heavy.turn(is_again)).await {
            turns.push(turn);
        }
        turns.len()
    }

    #[tokio::test]
    async fn more_run_at_once_where_each_keeps_the_server_busy_for_a_moment() {
        let heavy = Heavy::default();
        assert_eq!(at_once(&heavy, false).await, 1);
        for most in [2, 4, 8, 8] {
            // It opens late, and is quick from then on.
            heavy.note(true, &opened_after(2), Duration::from_millis(2010));
            assert_eq!(at_once(&heavy, false).await, most);
        }
        assert_eq!(at_once(&heavy, true).await, 1, "what is run again runs alone");
        heavy.note(true, &opened_after(0), Duration::from_secs(1));
        assert_eq!(at_once(&heavy, false).await, 1, "it was busy for a second");
        heavy.note(true, &opened_after(0), Duration::ZERO);
        heavy.note(false, &opened_after(0), Duration::ZERO);
        assert_eq!(at_once(&heavy, false).await, 1, "it did not pass");
    }
}
