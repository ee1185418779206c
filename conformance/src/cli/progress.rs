//! What is seen of a run while it takes place.

use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

use crate::drive::schedule::Running;
use crate::escape::visible;
use crate::judge::Verdict;
use crate::outcome::CaseOutcome;
use crate::report::readable::readable;

/// How often the line on a terminal changes.
const TICK: Duration = Duration::from_millis(120);

/// How often a line is printed where there is no terminal.
const LINE: Duration = Duration::from_secs(5);

/// How many lines are printed so often. After that, only every sixth one is: a long run has no long log.
const FREQUENT: u32 = 12;

/// How many failures have a line of their own. Of those that follow, the line every few seconds has the number and the last
/// one: a server that is wrong throughout fills no log.
const TOLD: usize = 10;

/// How many characters of what was received are told.
const WIDTH: usize = 160;

/// A line that changes on a terminal; without one, a line every few seconds and one for each failure.
pub(super) struct Progress {
    state: Arc<Mutex<State>>,
    ticker: Option<JoinHandle<()>>,
    bar: ProgressBar,
    is_terminal: bool,
}

#[derive(Default)]
struct State {
    done: usize,
    all: usize,
    failed: usize,
    warnings: usize,
    errors: usize,
    /// The last failure without a line of its own that no line has named.
    last: Option<String>,
}

impl Progress {
    /// The progress of a run of so many cases; nothing is seen of it where nobody is to be told.
    pub(super) fn new(all: usize, is_told: bool, running: Running) -> Progress {
        let state = Arc::new(Mutex::new(State { all, ..State::default() }));
        let is_terminal = std::io::stderr().is_terminal();
        let bar = if is_told && is_terminal { bar(all) } else { ProgressBar::hidden() };
        let ticker = is_told.then(|| {
            let (state, bar) = (Arc::clone(&state), bar.clone());
            tokio::spawn(tick(state, bar, running, is_terminal))
        });
        Progress { state, ticker, bar, is_terminal }
    }

    /// A case is done.
    pub(super) fn done(&self, outcome: &CaseOutcome) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done += 1;
        self.bar.inc(1);
        let is_failure = match outcome.verdict {
            Verdict::Fail => {
                state.failed += 1;
                true
            }
            Verdict::Error => {
                state.errors += 1;
                true
            }
            Verdict::Warn => {
                state.warnings += 1;
                false
            }
            _ => false,
        };
        if !is_failure || self.ticker.is_none() || self.is_terminal {
            return;
        }
        match state.failed + state.errors {
            number if number > TOLD => state.last = Some(outcome.case.id.clone()),
            number => {
                say(&failure(outcome));
                if number == TOLD {
                    say(
                        "  … of the failures that follow, a line every few seconds has the number and the last one",
                    );
                }
            }
        }
    }

    /// The run is over.
    pub(super) fn finish(self) {
        if let Some(ticker) = &self.ticker {
            ticker.abort();
        }
        self.bar.finish_and_clear();
    }
}

fn bar(all: usize) -> ProgressBar {
    let bar = ProgressBar::new(all as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:24.cyan} {pos}/{len} {elapsed}  {wide_msg}") {
        bar.set_style(style);
    }
    bar
}

async fn tick(state: Arc<Mutex<State>>, bar: ProgressBar, running: Running, is_terminal: bool) {
    let mut clock = tokio::time::interval(if is_terminal { TICK } else { LINE });
    // The first tick is at once.
    clock.tick().await;
    for number in 1.. {
        clock.tick().await;
        if !is_terminal && !has_line(number) {
            continue;
        }
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let running = running.oldest();
        if is_terminal {
            bar.set_message(format!("{}{}", counts(&state), named("running", running.as_deref())));
        } else {
            say(&line(&mut state, running.as_deref()));
        }
    }
}

/// A line where there is no terminal. A failure is named once.
fn line(state: &mut State, running: Option<&str>) -> String {
    let last = named("the last failure", state.last.take().as_deref());
    let now = named("running", running);
    format!("{} of {} cases, {}{last}{now}", state.done, state.all, counts(state))
}

fn named(what: &str, id: Option<&str>) -> String {
    id.map(|id| format!("; {what}: {}", visible(id))).unwrap_or_default()
}

/// Whether a line is printed when its time has come.
fn has_line(number: u32) -> bool {
    number <= FREQUENT || number.is_multiple_of(FREQUENT / 2)
}

fn counts(state: &State) -> String {
    let mut counts = format!("{} failed", state.failed);
    for (count, what) in [(state.errors, "not run"), (state.warnings, "with warnings")] {
        if count > 0 {
            counts.push_str(&format!(", {count} {what}"));
        }
    }
    counts
}

/// A failure in a line. It may pass when it is run again, which the report tells.
fn failure(outcome: &CaseOutcome) -> String {
    let found = outcome.findings.first();
    let found = found.map(|finding| format!("{}: received {}", finding.clause, readable(&finding.received)));
    let why = outcome.reason.as_deref().map(visible).or(found).unwrap_or_default();
    let cut: String = why.chars().take(WIDTH).collect();
    format!("{} {}: {cut}", outcome.verdict.spelling(), visible(&outcome.case.id))
}

fn say(line: &str) {
    use std::io::Write as _;
    // Who has closed standard error does not want to know.
    let _ = writeln!(anstream::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_number_of_failures_and_names_the_last_one_once() {
        let mut state =
            State { done: 40, all: 90, failed: 12, last: Some("sse/1/a".to_owned()), ..State::default() };
        let first = line(&mut state, Some("sse/1/b"));
        assert_eq!(first, "40 of 90 cases, 12 failed; the last failure: sse/1/a; running: sse/1/b");
        assert_eq!(line(&mut state, None), "40 of 90 cases, 12 failed");
    }

    #[test]
    fn a_long_run_has_a_line_every_half_minute() {
        let of_ten_minutes = (1..=120).filter(|number| has_line(*number)).count();
        assert_eq!(of_ten_minutes, 12 + 18);
    }
}
