//! How a run is carried out, and why one may not take place.

use std::collections::BTreeSet;
use std::time::Duration;

use super::watch::Stop;
use crate::mistake::did_you_mean;
use crate::suite::Pattern;

/// How a run is carried out.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many cases run at once.
    pub jobs: usize,
    /// Factor for all upper bounds; lower bounds are exact.
    pub patience: f64,
    /// Which cases; all of them if empty.
    pub select: Vec<Pattern>,
    /// Which of them are left out: what is known already.
    pub exclude: Vec<Pattern>,
    /// Whether cases that do not pass are run again, a few at a time, before they are reported: a server that was
    /// overwhelmed for a moment is not accused.
    pub again: bool,
    /// A word in the names of the channels, so that two runs do not hear each other. Random if `None`.
    pub tag: Option<String>,
    /// How long the target may take until it listens.
    pub wait: Duration,
    /// Ends the run before its time.
    pub stop: Stop,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            jobs: 32,
            patience: 1.0,
            select: Vec::new(),
            exclude: Vec::new(),
            again: true,
            tag: None,
            wait: Duration::ZERO,
            stop: Stop::default(),
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
    /// Somebody ended the run before it had begun.
    #[error("interrupted before anything was judged")]
    Stopped,
    /// Something in the suite itself.
    #[error("{0}")]
    Internal(String),
}

/// Patterns that match nothing, and what may have been meant.
#[derive(Debug, thiserror::Error)]
#[error("no {what} matches {patterns}; {hint}")]
pub struct Unmatched {
    /// What they are held against: `case`, `clause` or `fault`.
    pub what: &'static str,
    /// The patterns, as they are quoted in a sentence.
    pub patterns: String,
    /// A way out.
    pub hint: String,
}

impl Unmatched {
    /// Those of the patterns that match none of the names; `list` is the command that shows them all.
    pub fn of<'a>(
        what: &'static str,
        list: &str,
        patterns: &[Pattern],
        names: impl Iterator<Item = &'a str> + Clone,
    ) -> Option<Unmatched> {
        let unmatched: Vec<String> = patterns
            .iter()
            .filter(|pattern| !names.clone().any(|name| pattern.matches(name)))
            .map(Pattern::to_string)
            .collect();
        let meant = unmatched.first().and_then(|written| {
            // A pattern is the beginning of a name as a rule: it is held against as much of each.
            let parts = written.matches('/').count() + 1;
            let beginnings = names.map(|name| beginning(name, parts));
            did_you_mean(written, beginnings.collect::<BTreeSet<_>>())
        });
        let hint = meant.unwrap_or_else(|| format!("`{list}` lists them all"));
        let quoted: Vec<String> = unmatched.iter().map(|pattern| format!("`{pattern}`")).collect();
        (!quoted.is_empty()).then(|| Unmatched { what, patterns: quoted.join(" or "), hint })
    }
}

/// The first parts of a name, up to a slash.
fn beginning(name: &str, parts: usize) -> &str {
    name.match_indices('/').nth(parts - 1).map_or(name, |(end, _)| &name[..end])
}
