//! Writing a baseline anew: what is found is added, what is stale is taken out, and comments stay.

use std::time::SystemTime;

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use super::{Baseline, by_heading, date, day};
use crate::judge::Verdict;
use crate::outcome::Outcome;
use crate::suite::Pattern;

/// Why a baseline cannot be written anew.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// It is no TOML.
    #[error("{0}")]
    Toml(#[from] toml_edit::TomlError),
    /// `accept` is written in another way than as `[[accept]]`.
    #[error("`accept` is no list of tables: write each entry below a line `[[accept]]`")]
    NoTables,
}

impl Baseline {
    /// The text of this baseline with what an outcome came to. `verdicts` are those that are added.
    pub fn updated(
        &self,
        text: &str,
        outcome: &Outcome,
        verdicts: &[Verdict],
        now: SystemTime,
    ) -> Result<String, UpdateError> {
        let mut document: DocumentMut = text.parse()?;
        let accept = document.entry("accept").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
        let accept = accept.as_array_of_tables_mut().ok_or(UpdateError::NoTables)?;
        let today = day(now);
        let mut kept = Vec::new();
        let mut index = 0;
        for entry in &self.entries {
            let is_over = entry.expires.is_some_and(|expires| date(&expires) < today);
            let cases = || outcome.cases.iter().filter(|case| entry.holds_at(case));
            let judged = || cases().filter(|case| !matches!(case.verdict, Verdict::Skip | Verdict::Error));
            let holds = judged().all(|case| case.verdict == entry.verdict.verdict());
            // What this run did not look at stays as it is.
            if !is_over && holds {
                kept.push((entry.pattern.clone(), entry.verdict));
                index += 1;
            } else {
                accept.remove(index);
            }
        }
        let is_kept = |id: &str, verdict: Verdict| {
            kept.iter().any(|(pattern, kept)| kept.verdict() == verdict && pattern.matches(id))
        };
        for (pattern, verdict) in found(outcome, verdicts, is_kept) {
            let mut table = Table::new();
            table["case"] = value(pattern.to_string());
            table["verdict"] = value(verdict.spelling());
            table["reason"] = value("Found by --update-baseline; say here why it is accepted.");
            if !accept.is_empty() || !text.is_empty() {
                table.decor_mut().set_prefix("\n");
            }
            accept.push(table);
        }
        if accept.is_empty() {
            document.remove("accept");
        }
        Ok(document.to_string())
    }
}

/// What is not accepted yet: a heading where all its cases came to the same, and otherwise each case.
fn found(
    outcome: &Outcome,
    verdicts: &[Verdict],
    is_kept: impl Fn(&str, Verdict) -> bool,
) -> Vec<(Pattern, Verdict)> {
    let mut found = Vec::new();
    for (heading, cases) in by_heading(outcome) {
        let open = |case: &&&crate::outcome::CaseOutcome| {
            verdicts.contains(&case.verdict) && !is_kept(&case.case.id, case.verdict)
        };
        let open: Vec<_> = cases.iter().filter(open).collect();
        let Some(first) = open.first() else { continue };
        let is_alike = open.len() == cases.len() && open.iter().all(|case| case.verdict == first.verdict);
        if is_alike {
            found.push((Pattern::new(heading), first.verdict));
        } else {
            found.extend(open.iter().map(|case| (Pattern::new(&case.case.id), case.verdict)));
        }
    }
    found
}
