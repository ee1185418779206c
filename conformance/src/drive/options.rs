//! How a run is carried out, and why one may not take place.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::watch::Stop;
use crate::escape::visible;
use crate::mistake::Wrong;
use crate::outcome::OPEN_FILES;
use crate::suite::{Pattern, Unmatched};

/// How a run is carried out.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many cases are active at once: they open connections, write, or read what comes.
    pub jobs: usize,
    /// How many connections are open at once. A case that only waits is not counted among the jobs, and its connections
    /// are. `None` is 512, and 1,024 to a target that is late with every answer, by a second or more: a run against it does
    /// little but wait. A target that serves fewer has no more than it serves.
    pub connections: Option<usize>,
    /// How much memory the process may take, in bytes. A little less than half of it is for what comes on the connections,
    /// divided among those that may be open: an allocator takes more than it gives, and what is reported has room of its own.
    pub memory: usize,
    /// Whether it is looked at first how many connections the target serves at once.
    pub probe: bool,
    /// Factor for all upper bounds; lower bounds are exact.
    pub patience: f64,
    /// Which cases; all of them if empty.
    pub select: Vec<Pattern>,
    /// Which of them are left out: what is known already.
    pub exclude: Vec<Pattern>,
    /// Which part of the cases with a conversation, if not all: from 1, and of how many. Invariants belong to every part.
    pub shard: Option<(usize, usize)>,
    /// Whether cases that do not pass are run again, a few at a time, before they are reported: a server that was
    /// overwhelmed for a moment is not accused.
    pub again: bool,
    /// A word in the names of the channels, so that two runs do not hear each other. Random if `None`.
    pub tag: Option<String>,
    /// How long the target may take until it listens.
    pub wait: Duration,
    /// How the suite starts the target, and starts it again where it goes away in mid-run. Without this a target that is
    /// back within [`Options::wait`] is judged on.
    #[cfg(feature = "program")]
    pub start: Option<super::process::Launch>,
    /// How long the whole run may take.
    pub max_time: Option<Duration>,
    /// Ends the run before its time.
    pub stop: Stop,
    /// Tells which cases are running.
    pub running: Running,
}

impl Options {
    /// Judges only the cases that match a pattern, beside those of other calls: `sse`, `websocket/5.2`, the id of a case.
    pub fn only(mut self, pattern: &str) -> Options {
        self.select.push(Pattern::new(pattern));
        self
    }

    /// Leaves out the cases that match a pattern: what is known already.
    pub fn without(mut self, pattern: &str) -> Options {
        self.exclude.push(Pattern::new(pattern));
        self
    }

    /// How many connections may be open to a target that is late with every answer, or to one that is not.
    pub(super) fn most_connections(&self, is_late: bool) -> usize {
        self.connections.unwrap_or(if is_late { CONNECTIONS_IF_LATE } else { CONNECTIONS })
    }

    /// Multiplies every deadline by a factor, for a slow machine. Lower bounds stay.
    pub fn patient(self, patience: f64) -> Options {
        Options { patience, ..self }
    }
}

/// How many connections are open at once where nobody says it.
pub(crate) const CONNECTIONS: usize = 512;

/// The same where the target is late with every answer.
pub(crate) const CONNECTIONS_IF_LATE: usize = 1024;

impl Default for Options {
    fn default() -> Options {
        Options {
            jobs: 32,
            connections: None,
            memory: 512 * 1024 * 1024,
            probe: true,
            patience: 1.0,
            select: Vec::new(),
            exclude: Vec::new(),
            shard: None,
            again: true,
            tag: None,
            wait: Duration::ZERO,
            #[cfg(feature = "program")]
            start: None,
            max_time: None,
            stop: Stop::default(),
            running: Running::default(),
        }
    }
}

/// The cases that are running, in the order in which they began. Clones tell of the same run.
#[derive(Debug, Clone, Default)]
pub struct Running(Arc<Mutex<Vec<String>>>);

impl Running {
    /// The case that has been running the longest.
    pub fn oldest(&self) -> Option<String> {
        self.ids().first().cloned()
    }

    /// A case begins. It is over when this is dropped.
    pub(super) fn begins(&self, id: &str) -> Begun<'_> {
        self.ids().push(id.to_owned());
        Begun { running: self, id: id.to_owned() }
    }

    fn ids(&self) -> MutexGuard<'_, Vec<String>> {
        // A list of names is whole whatever happened to who held it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run of a case that has begun. Another one of the same case may run beside it.
pub(super) struct Begun<'a> {
    running: &'a Running,
    id: String,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        let mut ids = self.running.ids();
        if let Some(at) = ids.iter().position(|running| *running == self.id) {
            ids.remove(at);
        }
    }
}

/// Why a run did not take place.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// One of the patterns of what is selected matches no case.
    #[error("--select: {0}")]
    NothingSelected(Unmatched),
    /// One of the patterns of what is excluded matches no case.
    #[error("--exclude: {0}")]
    NothingExcluded(Unmatched),
    /// A value of a profile that was written in code.
    #[error("[{table}]: {}; {}", visible(&wrong.message), visible(&wrong.hint))]
    Profile {
        /// The table; empty for a key at the top.
        table: &'static str,
        /// What is wrong with it, and a way out.
        wrong: Wrong,
    },
    /// The profile says of no technique where it is.
    #[error(
        "the profile has no technique: say where one is, as in `Profile::default().with_sse(EventStream::at(\"/events\"))`"
    )]
    NoTechnique,
    /// There are more shards than cases.
    #[error("shard {0}/{1} has no case: what is selected is cut into at most {2} shards")]
    EmptyShard(usize, usize, usize),
    /// Every case that is selected is excluded, too.
    #[error("--exclude removes every selected case")]
    AllExcluded,
    /// Nothing listens there.
    #[error("{target} is not reachable: {why}")]
    Unreachable {
        /// The URL of the target.
        target: String,
        /// Why.
        why: String,
    },
    /// The address of the recipe leads nowhere.
    #[error("[publish] url: {0}")]
    Publisher(String),
    /// Something listens where the server is to be started.
    #[error(
        "something answers at {target} before the server is started there: end it, or leave --start out to judge it"
    )]
    Occupied {
        /// The URL of the target.
        target: String,
    },
    /// The command that starts the server does not bring it up.
    #[error("`{}` does not bring the server up: {}{}", visible(command), visible(why), told(output))]
    NotStarted {
        /// The command.
        command: String,
        /// Why.
        why: String,
        /// The last lines of its output.
        output: Vec<String>,
    },
    /// This process may open no more files, and nothing was judged until then.
    #[error("{OPEN_FILES}")]
    OpenFiles,
    /// Somebody ended the run before it had begun.
    #[error("interrupted before anything was judged")]
    Stopped,
    /// Something in the suite itself.
    #[error("{0}")]
    Internal(String),
}

/// The last lines of a server's output, below a message.
fn told(output: &[String]) -> String {
    output.iter().map(|line| format!("\n  | {}", visible(line))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_bounds_the_connections_bounds_those_to_a_late_target_too() {
        let (unsaid, said) = (Options::default(), Options { connections: Some(4), ..Options::default() });
        assert_eq!([false, true].map(|is_late| unsaid.most_connections(is_late)), [512, 1024]);
        assert_eq!([false, true].map(|is_late| said.most_connections(is_late)), [4, 4]);
    }

    #[test]
    fn a_run_that_is_given_up_is_over() {
        let running = Running::default();
        let first = running.begins("a");
        let second = running.begins("a");
        let other = running.begins("b");
        drop(second);
        assert_eq!(running.oldest().as_deref(), Some("a"), "the first run goes on");
        drop(first);
        assert_eq!(running.oldest().as_deref(), Some("b"));
        drop(other);
        assert_eq!(running.oldest(), None);
    }
}
