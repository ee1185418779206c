//! What all clients count together, and what each of them has seen.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::gone::Gone;

/// How many different reasons are told apart; a server that invents new ones fills no memory.
const REASONS: usize = 16;

/// Counts of a measurement. Counters are independent of each other, so they need no order among themselves.
#[derive(Debug)]
pub(super) struct Tally {
    /// What every message begins with; its number follows.
    prefix: String,
    messages: Vec<Counted>,
    /// Clients that were connected and subscribed at some time.
    pub(super) opened: AtomicUsize,
    /// Clients that ended before they were connected.
    pub(super) failed: AtomicUsize,
    /// Clients that were connected and are no longer.
    pub(super) dropped: AtomicUsize,
    /// Messages that arrived once more.
    pub(super) doubled: AtomicU64,
    /// Messages that arrived for the first time behind a later one.
    pub(super) out_of_order: AtomicU64,
    /// Microseconds from the start of publishing to arrival.
    latency: Mutex<Option<Histogram<u64>>>,
    reasons: Mutex<BTreeMap<String, usize>>,
}

/// What is counted of one message.
#[derive(Debug, Default)]
struct Counted {
    /// When its publication began.
    begun: OnceLock<Instant>,
    /// Its publication failed: whoever got it all the same was not to get it.
    refused: AtomicBool,
    /// At how many clients it arrived.
    delivered: AtomicU64,
    /// How many of them are gone.
    delivered_to_dropped: AtomicU64,
}

/// The messages that one client has seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// One bit a message.
    numbers: Vec<u64>,
    /// The number behind the highest one.
    next: usize,
}

/// From which times on deliveries are late, in microseconds: an hour is as good as never.
const LONGEST: u64 = 3_600_000_000;

impl Tally {
    pub(super) fn new(tag: &str, messages: usize) -> Tally {
        Tally {
            prefix: format!("load-{tag}-"),
            messages: (0..messages).map(|_| Counted::default()).collect(),
            opened: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
            dropped: AtomicUsize::new(0),
            doubled: AtomicU64::new(0),
            out_of_order: AtomicU64::new(0),
            // Three significant digits, in 200 KiB. The bounds are constants that the library takes.
            latency: Mutex::new(Histogram::new_with_bounds(1, LONGEST, 3).ok()),
            reasons: Mutex::default(),
        }
    }

    /// The data of a message; from here on its latency counts.
    pub(super) fn begin(&self, number: usize) -> String {
        if let Some(message) = self.messages.get(number) {
            let _ = message.begun.set(Instant::now());
        }
        format!("{}{number}", self.prefix)
    }

    /// The publication of a message failed.
    pub(super) fn refused(&self, number: usize) {
        if let Some(message) = self.messages.get(number) {
            message.refused.store(true, Relaxed);
        }
    }

    /// Accepted messages that arrived for the first time, over all clients.
    pub(super) fn delivered(&self) -> u64 {
        self.sum(|message| &message.delivered)
    }

    fn sum(&self, count: impl Fn(&Counted) -> &AtomicU64) -> u64 {
        let accepted = self.messages.iter().filter(|message| !message.refused.load(Relaxed));
        accepted.map(|message| count(message).load(Relaxed)).sum()
    }

    /// Something arrived at a client. Messages of others are passed over; says whether it was news.
    pub(super) fn arrived(&self, seen: &mut Seen, data: &[u8], repeats: bool) -> bool {
        let Some(number) = self.number(data) else { return false };
        let Some(message) = self.messages.get(number) else { return false };
        let Some(begun) = message.begun.get() else { return false };
        match seen.insert(number) {
            Sight::Again => {
                self.doubled.fetch_add(u64::from(!repeats), Relaxed);
                return false;
            }
            Sight::Late => {
                self.out_of_order.fetch_add(1, Relaxed);
            }
            Sight::Next => {}
        }
        message.delivered.fetch_add(1, Relaxed);
        let latency = u64::try_from(begun.elapsed().as_micros()).unwrap_or(LONGEST);
        if let Some(histogram) = lock(&self.latency).as_mut() {
            histogram.saturating_record(latency.max(1));
        }
        true
    }

    /// A client is gone before it was told to go.
    pub(super) fn gone(&self, why: &Gone, was_open: bool, seen: &Seen) {
        if was_open {
            let its_own = self.messages.iter().enumerate().filter(|(number, _)| seen.has(*number));
            for (_, message) in its_own {
                message.delivered_to_dropped.fetch_add(1, Relaxed);
            }
            self.dropped.fetch_add(1, Relaxed);
        } else {
            self.failed.fetch_add(1, Relaxed);
        }
        let mut reasons = lock(&self.reasons);
        let why = why.to_string();
        let why = if reasons.len() < REASONS || reasons.contains_key(&why) { why } else { "others".into() };
        *reasons.entry(why).or_default() += 1;
    }

    /// How many clients are connected.
    pub(super) fn open(&self) -> usize {
        self.opened.load(Relaxed).saturating_sub(self.dropped.load(Relaxed))
    }

    /// Whether every client that is connected has this many messages.
    pub(super) fn is_complete(&self, messages: usize) -> bool {
        let delivered = self.delivered().saturating_sub(self.sum(|message| &message.delivered_to_dropped));
        delivered >= (self.open() * messages) as u64
    }

    /// Why clients ended, most frequent first.
    pub(super) fn reasons(&self) -> Vec<(String, usize)> {
        let mut reasons: Vec<_> = lock(&self.reasons).clone().into_iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        reasons
    }

    /// Times from the start of publishing to arrival: p50, p99 and the longest. `None` if nothing arrived.
    pub(super) fn latency(&self) -> Option<[Duration; 3]> {
        let histogram = lock(&self.latency).clone().filter(|histogram| !histogram.is_empty())?;
        let times = [histogram.value_at_quantile(0.5), histogram.value_at_quantile(0.99), histogram.max()];
        Some(times.map(Duration::from_micros))
    }

    /// The number of a message. A server may wrap it, as in `{"data":"load-x-7"}`: its mark stands somewhere within, and no
    /// digit or letter behind its number.
    fn number(&self, data: &[u8]) -> Option<usize> {
        let prefix = self.prefix.as_bytes();
        let at = data.windows(prefix.len()).position(|window| window == prefix)?;
        let rest = data.get(at + prefix.len()..)?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if rest.get(digits).is_some_and(u8::is_ascii_alphanumeric) {
            return None;
        }
        std::str::from_utf8(rest.get(..digits)?).ok()?.parse().ok()
    }
}

enum Sight {
    Next,
    Late,
    Again,
}

impl Seen {
    fn has(&self, number: usize) -> bool {
        self.numbers.get(number / 64).is_some_and(|bits| bits & (1 << (number % 64)) != 0)
    }

    fn insert(&mut self, number: usize) -> Sight {
        let (word, bit) = (number / 64, 1 << (number % 64));
        if self.numbers.len() <= word {
            self.numbers.resize(word + 1, 0);
        }
        let Some(bits) = self.numbers.get_mut(word).filter(|bits| **bits & bit == 0) else {
            return Sight::Again;
        };
        *bits |= bit;
        let late = number < self.next;
        self.next = self.next.max(number + 1);
        if late { Sight::Late } else { Sight::Next }
    }
}

/// Nothing under these locks can be left half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(arrivals: &[&str], repeats: bool) -> [u64; 3] {
        let tally = Tally::new("x", 200);
        for number in 0..200 {
            tally.begin(number);
        }
        let mut seen = Seen::default();
        for data in arrivals {
            tally.arrived(&mut seen, data.as_bytes(), repeats);
        }
        [tally.delivered(), tally.doubled.load(Relaxed), tally.out_of_order.load(Relaxed)]
    }

    #[test]
    fn each_message_counts_once_and_in_its_place() {
        assert_eq!(counts(&["load-x-0", "load-x-1", "load-x-199"], false), [3, 0, 0]);
        assert_eq!(counts(&["load-x-1", "load-x-0", "load-x-2"], false), [3, 0, 1]);
        assert_eq!(counts(&["load-x-0", "load-x-0", "load-x-1"], false), [2, 1, 0]);
        assert_eq!(counts(&["load-x-0", "load-x-0", "load-x-1"], true), [2, 0, 0]);
    }

    #[test]
    fn a_message_that_the_server_wraps_is_not_lost() {
        let wrapped = [r#"{"user":"a","data":"load-x-0"}"#, "[load-x-1]", "a: load-x-2\n"];
        assert_eq!(counts(&wrapped, false), [3, 0, 0]);
    }

    #[test]
    fn messages_of_others_are_passed_over() {
        assert_eq!(counts(&["hello", "load-y-0", "load-x-200", "load-x-", "load-x-1x"], false), [0, 0, 0]);
    }

    #[test]
    fn a_message_whose_publication_failed_is_not_expected_and_does_not_count_where_it_arrives() {
        let tally = Tally::new("x", 2);
        tally.begin(0);
        tally.begin(1);
        tally.opened.store(1, Relaxed);
        let mut seen = Seen::default();
        tally.arrived(&mut seen, b"load-x-0", false);
        tally.refused(0);
        assert_eq!(tally.delivered(), 0);
        assert!(!tally.is_complete(1));
        tally.arrived(&mut seen, b"load-x-1", false);
        assert!(tally.is_complete(1));
        assert_eq!(tally.delivered(), 1);
    }

    #[test]
    fn who_is_gone_is_not_waited_for() {
        let tally = Tally::new("x", 1);
        tally.begin(0);
        tally.opened.store(2, Relaxed);
        let mut seen = Seen::default();
        tally.arrived(&mut seen, b"load-x-0", false);
        assert!(!tally.is_complete(1));
        tally.gone(&Gone::Ended, true, &Seen::default());
        assert!(tally.is_complete(1));
        assert_eq!(tally.reasons(), [("the server ended the connection".to_owned(), 1)]);
    }
}
