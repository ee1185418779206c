//! Cases that keep a server busy. They run one at a time: a server that needs a second for each is not to be late with all of
//! them. Where one keeps it busy for a moment only, more of them run at once. They begin when the others only wait; once one has
//! kept the server busy for long, when the others are through. What a light case has missed meanwhile is not held against the
//! server.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use super::counts::Counts;
use super::watch::Watch;
use crate::transcript::{EventKind, Transcript};

/// How many of them run at once at most: where each keeps the server busy for a moment, and where it has nothing to do.
const MOST_OF_A_MOMENT: u32 = 8;
const MOST: u32 = 16;

/// What keeps a server busy for no longer leaves it time for another one.
const MOMENT: Duration = Duration::from_millis(250);

/// How long nothing may come until the server is asked whether it is busy at all; and the same once it was not.
const SILENT: Duration = Duration::from_secs(1);
const SILENT_AGAIN: Duration = Duration::from_millis(200);

/// A server that answers something else so soon, or no later than this after its usual time, is not busy.
const PROMPT: Duration = Duration::from_millis(250);

/// The turns of heavy cases.
#[derive(Debug)]
pub(super) struct Heavy {
    /// One case at a time waits for its turn.
    door: Mutex<()>,
    turns: watch::Sender<Turns>,
    /// How long the server takes to answer when it has nothing else to do.
    answers_after: Duration,
    /// A case waited for the server in vain, and it had nothing to do.
    was_idle: AtomicBool,
    watch: Arc<Watch>,
}

#[derive(Debug, Default)]
struct Turns {
    /// How many may run at once. It is known when it comes to the turn of the next one.
    width: u32,
    /// How many do, in parts of [`MOST`].
    taken: u32,
    /// The turns that are not over, by their numbers, and how many there were.
    held: BTreeSet<usize>,
    begun: usize,
    /// When one of them was last seen to have kept the server busy for more than a moment.
    was_busy: Option<Instant>,
    /// One of them has kept the server busy for so long that others would be late beside it.
    is_slow: bool,
}

impl Turns {
    /// What one more takes of all turns, where there is room for it.
    fn part(&self, is_again: bool) -> Option<u32> {
        let part = MOST / if is_again { 1 } else { self.width };
        (self.taken + part <= MOST).then_some(part)
    }

    /// The next turn, where there is room: its number, and its part.
    fn take(&mut self, is_again: bool) -> Option<(usize, u32)> {
        let part = self.part(is_again)?;
        self.taken += part;
        self.begun += 1;
        self.held.insert(self.begun);
        Some((self.begun, part))
    }
}

/// The turn of a heavy case. It ends with the case, or once the case waits for a server that is not busy.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    heavy: &'a Heavy,
    /// What it takes of all turns; nothing where it is over.
    part: u32,
    number: usize,
    may_look: bool,
}

impl Heavy {
    /// The turns of cases against a server that answers after so long.
    pub(super) fn new(answers_after: Duration, watch: Arc<Watch>) -> Heavy {
        let turns = watch::Sender::new(Turns { width: 1, ..Turns::default() });
        Heavy { door: Mutex::default(), turns, answers_after, was_idle: AtomicBool::new(false), watch }
    }

    /// Waits for the turn of a case. One that is run again has the server to itself, as far as these cases go. `may_look` says
    /// whether the server may be asked something meanwhile.
    pub(super) async fn turn(&self, is_again: bool, may_look: bool, counts: &Counts) -> Turn<'_> {
        let _door = self.door.lock().await;
        let mut changes = self.turns.subscribe();
        loop {
            // This holds the sender.
            let _ = changes.wait_for(|turns| turns.part(is_again).is_some()).await;
            counts.lull().await;
            // How those before it went is known by now.
            let is_slow = self.turns.borrow().is_slow;
            if is_slow || !may_look {
                counts.empty().await;
            }
            let mut taken = None;
            self.turns.send_modify(|turns| taken = turns.take(is_again));
            if let Some((number, part)) = taken {
                self.watch.keep_busy(true);
                return Turn { heavy: self, part, number, may_look };
            }
        }
    }

    /// Waits until none of them keeps the server busy, and none is to begin.
    pub(super) async fn over(&self, counts: &Counts) {
        counts.heavy.none().await;
        // This holds the sender.
        let _ = self.turns.subscribe().wait_for(|turns| turns.taken == 0).await;
    }

    /// Whether one of them has kept the server busy since then. Of one that runs it is known when its turn is over.
    pub(super) async fn has_kept_busy_since(&self, then: Instant) -> bool {
        let newest = self.turns.borrow().begun;
        let mut turns = self.turns.subscribe();
        // This holds the sender.
        let settled = turns.wait_for(|turns| turns.held.first().is_none_or(|oldest| *oldest > newest)).await;
        settled.is_ok_and(|turns| turns.was_busy.is_some_and(|was_busy| was_busy >= then))
    }

    /// From here on so many times as many run at once, up to a bound.
    fn widen(&self, times: u32, most: u32) {
        self.turns.send_modify(|turns| turns.width = (times * turns.width).min(most));
    }

    /// From here on one runs at a time.
    fn narrow(&self) {
        self.turns.send_modify(|turns| turns.width = 1);
    }

    /// The server was kept busy for so long.
    fn was_busy(&self, busy: Duration) {
        self.turns.send_modify(|turns| {
            turns.was_busy = Some(Instant::now());
            turns.is_slow |= busy >= SILENT;
        });
    }
}

impl Turn<'_> {
    /// How long nothing may come until it is looked whether the server is busy; nothing where the turn is over.
    pub(super) fn looks_after(&self) -> Option<Duration> {
        let silent = if self.heavy.was_idle.load(Relaxed) { SILENT_AGAIN } else { SILENT };
        (self.may_look && self.part > 0).then_some(silent)
    }

    /// Gives the turn to the next case where the server is not busy: it has not taken the work, or is through with it. Four
    /// times as many run at once from here on.
    pub(super) async fn look(&mut self) {
        if self.heavy.watch.answers(self.heavy.answers_after + PROMPT).await {
            self.heavy.was_idle.store(true, Relaxed);
            self.heavy.widen(4, MOST);
            self.end();
        } else {
            self.heavy.was_busy(SILENT);
        }
    }

    /// The case was run. From here on twice as many run at once where it has passed and has kept the server busy for a moment
    /// only, and else one at a time. Where the turn is over already, that is known.
    pub(super) fn note(&self, has_passed: bool, transcript: &Transcript, duration: Duration) {
        if self.part > 0 {
            let busy = busy(transcript, duration);
            if has_passed && busy < MOMENT {
                self.heavy.widen(2, MOST_OF_A_MOMENT);
            } else {
                self.heavy.narrow();
            }
            if busy >= MOMENT {
                self.heavy.was_busy(busy);
            }
        }
    }

    fn end(&mut self) {
        let part = std::mem::take(&mut self.part);
        self.heavy.turns.send_modify(|turns| {
            turns.taken -= part;
            turns.held.remove(&self.number);
        });
        self.heavy.watch.keep_busy(self.heavy.turns.borrow().taken > 0);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

/// For how long a case has kept the server busy: without what the first answer on a connection takes, or the answer to a
/// publication, as far as that is no more than the first answer of all took. A server may be late with every answer, and have
/// nothing to do meanwhile.
fn busy(transcript: &Transcript, duration: Duration) -> Duration {
    let mut opening = BTreeSet::new();
    let (mut is_publishing, mut since) = (false, Duration::ZERO);
    let (mut late, mut idle) = (None, Duration::ZERO);
    for event in &transcript.events {
        let was_waiting = is_publishing || !opening.is_empty();
        match &event.kind {
            EventKind::Connect(id, _) => _ = opening.insert(*id),
            EventKind::Received(id, _)
            | EventKind::Eof(id)
            | EventKind::Cut(id)
            | EventKind::Reset(id)
            | EventKind::Refused(id, _)
            | EventKind::Close(id) => _ = opening.remove(id),
            EventKind::Publish(_) => is_publishing = true,
            EventKind::Published(_) => is_publishing = false,
            _ => {}
        }
        match (was_waiting, is_publishing || !opening.is_empty()) {
            (false, true) => since = event.at,
            (true, false) => {
                let waited = event.at.saturating_sub(since);
                idle += waited.min(*late.get_or_insert(waited));
            }
            _ => {}
        }
    }
    duration.saturating_sub(idle)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::super::route::Route;
    use super::super::watch::{Stop, Terms};
    use super::*;
    use crate::case::statement::ConnectionName;
    use crate::transcript::ConnectionId;

    fn terms() -> Terms {
        Terms {
            deadline: None,
            silence: Duration::from_secs(5),
            question: b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            is_supervised: false,
            has_exited: Arc::default(),
        }
    }

    /// A case that opens connections one after the other, each of which is answered after so many seconds.
    fn answered_after(seconds: &[u64]) -> Transcript {
        let mut transcript = Transcript::default();
        let mut at = Duration::ZERO;
        for (number, seconds) in seconds.iter().enumerate() {
            let id = ConnectionId(number);
            transcript.push(at, EventKind::Connect(id, ConnectionName(number.to_string())));
            at += Duration::from_secs(*seconds);
            transcript.push(at, EventKind::Received(id, b"HTTP/1.1 101\r\n".to_vec()));
        }
        transcript
    }

    fn opened_after(seconds: u64) -> Transcript {
        answered_after(&[seconds])
    }

    #[test]
    fn a_server_that_is_late_with_every_answer_is_not_busy() {
        let busy =
            |answers: &[u64], seconds| busy(&answered_after(answers), Duration::from_secs(seconds)).as_secs();
        assert_eq!(busy(&[2, 2, 2], 6), 0);
        assert_eq!(busy(&[2, 2], 7), 3, "what comes behind the answers is its work");
        assert_eq!(busy(&[0, 2], 2), 2, "the second answer took longer than the first one");
        assert_eq!(busy(&[2, 5], 7), 3);
    }

    /// The turns of cases beside which nothing runs, against a server that nobody asks anything.
    fn nothing_beside() -> (Heavy, Counts) {
        let watch = Watch::new(Route::in_the_clear(([127, 0, 0, 1], 9).into()), Stop::default(), terms());
        (Heavy::new(Duration::ZERO, watch), Counts::default())
    }

    async fn at_once(heavy: &Heavy, counts: &Counts, is_again: bool) -> usize {
        let mut turns = Vec::new();
        let soon = Duration::from_millis(5);
        while let Ok(turn) = tokio::time::timeout(soon, heavy.turn(is_again, true, counts)).await {
            turns.push(turn);
        }
        turns.len()
    }

    #[tokio::test]
    async fn more_run_at_once_where_each_keeps_the_server_busy_for_a_moment() {
        let (heavy, counts) = nothing_beside();
        assert_eq!(at_once(&heavy, &counts, false).await, 1);
        for most in [2, 4, 8, 8] {
            // It opens late, and is quick from then on.
            heavy.turn(false, true, &counts).await.note(true, &opened_after(2), Duration::from_millis(2010));
            assert_eq!(at_once(&heavy, &counts, false).await, most);
        }
        assert_eq!(at_once(&heavy, &counts, true).await, 1, "what is run again runs alone");
        heavy.turn(false, true, &counts).await.note(true, &opened_after(0), Duration::from_secs(1));
        assert_eq!(at_once(&heavy, &counts, false).await, 1, "it was busy for a second");
        heavy.turn(false, true, &counts).await.note(true, &opened_after(0), Duration::ZERO);
        heavy.turn(false, true, &counts).await.note(false, &opened_after(0), Duration::ZERO);
        assert_eq!(at_once(&heavy, &counts, false).await, 1, "it did not pass");
    }

    #[tokio::test]
    async fn once_one_was_slow_the_next_waits_until_no_light_case_runs() {
        let (heavy, counts) = nothing_beside();
        let (light, active) = (counts.running.one(), counts.active.one());
        assert_eq!(at_once(&heavy, &counts, false).await, 0, "the light case is active");
        drop(active);
        assert_eq!(at_once(&heavy, &counts, false).await, 1, "it only waits");
        heavy.turn(false, true, &counts).await.note(true, &opened_after(0), Duration::from_secs(1));
        assert_eq!(at_once(&heavy, &counts, false).await, 0, "it may be late for a heavy case");
        drop(light);
        assert_eq!(at_once(&heavy, &counts, false).await, 1);
    }

    #[tokio::test]
    async fn whether_the_server_was_busy_is_known_when_the_turn_is_over() {
        let (heavy, counts) = nothing_beside();
        for (busy, is_busy) in [(100, false), (300, true)] {
            let then = Instant::now();
            assert!(!heavy.has_kept_busy_since(then).await);
            let turn = heavy.turn(false, true, &counts).await;
            let answer =
                async { tokio::time::timeout(Duration::from_secs(8), heavy.has_kept_busy_since(then)).await };
            let end = async {
                tokio::task::yield_now().await;
                turn.note(true, &opened_after(0), Duration::from_millis(busy));
                drop(turn);
            };
            assert_eq!(tokio::join!(answer, end).0, Ok(is_busy), "{busy}");
        }
    }

    #[tokio::test]
    async fn a_turn_is_given_away_where_the_server_is_not_busy() -> std::io::Result<()> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let watch = Watch::new(Route::in_the_clear(listener.local_addr()?), Stop::default(), terms());
        let (heavy, counts) = (Heavy::new(Duration::ZERO, watch), Counts::default());
        let mut turn = heavy.turn(false, true, &counts).await;
        assert_eq!(turn.looks_after(), Some(SILENT));
        turn.look().await;
        assert_eq!(at_once(&heavy, &counts, false).await, 0, "it does not answer: it is busy");
        tokio::spawn(async move { while listener.accept().await.is_ok() {} });
        while turn.looks_after().is_some() {
            turn.look().await;
        }
        turn.note(false, &opened_after(0), Duration::from_secs(8));
        assert_eq!(
            at_once(&heavy, &counts, false).await,
            4,
            "it has nothing to do, whatever the case comes to"
        );
        assert_eq!(heavy.turn(false, true, &counts).await.looks_after(), Some(SILENT_AGAIN));
        assert_eq!(heavy.turn(false, false, &counts).await.looks_after(), None, "the server has few workers");
        Ok(())
    }

    #[tokio::test]
    async fn those_that_wait_already_run_side_by_side_as_well() {
        let (heavy, counts) = nothing_beside();
        let mut first = Some(heavy.turn(false, true, &counts).await);
        let running = AtomicU32::new(0);
        let most = AtomicU32::new(0);
        let case = async || {
            let turn = heavy.turn(false, true, &counts).await;
            most.fetch_max(running.fetch_add(1, Relaxed) + 1, Relaxed);
            tokio::time::sleep(Duration::from_millis(1)).await;
            running.fetch_sub(1, Relaxed);
            turn.note(true, &opened_after(0), Duration::ZERO);
        };
        let begin = async {
            tokio::task::yield_now().await;
            first.take().expect("it is the first").note(true, &opened_after(0), Duration::ZERO);
        };
        tokio::join!(case(), case(), case(), case(), case(), case(), begin);
        assert!(most.load(Relaxed) > 1, "one after the other");
    }
}
