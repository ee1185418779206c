//! Patterns that match nothing.

use std::collections::BTreeSet;

use super::pattern::Pattern;
use crate::mistake::did_you_mean;

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
