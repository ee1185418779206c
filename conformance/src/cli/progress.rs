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

/// How many failures are told as they happen: a server that is wrong throughout is told of at the end.
const TOLD: usize = 10;

/// How many characters of what was received are told.
const WIDTH: usize = 160;

/// A line that changes on a terminal; without one, a line every few seconds and one for each failure.
pub(super) struct Progress {
    state: Arc<Mutex<State>>,
    ticker: Option<JoinHandle<()>>,
    bar: ProgressBar,
}

#[derive(Default)]
struct State {
    done: usize,
    all: usize,
    failed: usize,
    warnings: usize,
    errors: usize,
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
        Progress { state, ticker, bar }
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
        let number = state.failed + state.errors;
        if !is_failure || self.ticker.is_none() || std::io::stderr().is_terminal() || number > TOLD {
            return;
        }
        say(&failure(outcome));
        if number == TOLD {
            say("  … more failures are counted and told at the end");
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
    loop {
        clock.tick().await;
        let state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = running.oldest().map(|id| format!("; running: {}", visible(&id))).unwrap_or_default();
        let counts = counts(&state);
        if is_terminal {
            bar.set_message(format!("{counts}{now}"));
        } else {
            say(&format!("{} of {} cases, {counts}{now}", state.done, state.all));
        }
    }
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
