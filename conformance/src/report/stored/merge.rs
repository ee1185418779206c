//! The shards of a run, put together again.

use std::collections::BTreeMap;

use super::{Case, Clause, Report, Summary};
use crate::judge::Verdict;
use crate::outcome::{NOTHING_JUDGED, objections_of_counts};

/// Why reports do not make one run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There are no reports.
    #[error("there is nothing to merge")]
    Nothing,
    /// A report is that of a whole run.
    #[error("the report of {0} is no shard: it was made without --shard")]
    NoShard(String),
    /// Reports of runs that were cut into different numbers of shards.
    #[error("one report is of {0} shards and another one of {1}: they are not of one run")]
    Counts(usize, usize),
    /// Reports of runs that were carried out in different ways.
    #[error("the shards are not of one run: {0} differs between them")]
    Differs(&'static str),
    /// The same shard twice.
    #[error("shard {0} is there twice")]
    Twice(String),
    /// Some shards are not there.
    #[error("shard {0} is missing: its run failed, or its report was not named")]
    Missing(String),
    /// The shards are there, and do not have all the cases.
    #[error(
        "the shards have {found} of {selected} cases: some of them were not selected by the same patterns"
    )]
    Cases {
        /// How many cases they have.
        found: usize,
        /// How many they should have.
        selected: usize,
    },
}

impl Report {
    /// The shards of a run as one report.
    pub fn merge(mut shards: Vec<Report>) -> Result<Report, MergeError> {
        check(&shards)?;
        shards.sort_by_key(|report| report.shard.map(|shard| shard.index));
        let first = shards.first().cloned().ok_or(MergeError::Nothing)?;
        let selected = first.shard.map_or(0, |shard| shard.selected);
        let cases = cases(&shards);
        let excluded = union(shards.iter().map(|shard| &shard.summary.excluded));
        let found = cases.iter().filter(|case| case.selected && !case.invariant).count();
        if found != selected {
            return Err(MergeError::Cases { found, selected });
        }
        let summary = Summary {
            total: count(cases.iter()),
            by_technique: by_technique(&cases),
            excluded,
            exclude: first.summary.exclude.clone(),
            unjudged: shards.iter().flat_map(|shard| shard.summary.unjudged.clone()).collect(),
        };
        let mut merged = Report {
            shard: None,
            interrupted: shards.iter().any(|shard| shard.interrupted),
            gone: shards.iter().find_map(|shard| shard.gone.clone()),
            overdue_ms: shards.iter().filter_map(|shard| shard.overdue_ms).reduce(f64::max),
            out_of_files: shards.iter().any(|shard| shard.out_of_files),
            ends: shards.iter().flat_map(|shard| shard.ends.clone()).collect(),
            started: shards.iter().map(|shard| shard.started.clone()).min().unwrap_or_default(),
            duration_ms: shards.iter().map(|shard| shard.duration_ms).fold(0.0, f64::max),
            notes: union(shards.iter().map(|shard| &shard.notes)),
            objections_to_run: objections_to_run(&shards),
            clauses: clauses(&shards),
            summary,
            cases,
            ..first
        };
        merged.judge();
        Ok(merged)
    }

    /// Counts and judges what is there anew.
    #[cfg(test)]
    pub(crate) fn settle(&mut self) {
        self.count_again();
        self.judge();
    }

    /// Counts the cases anew.
    pub(super) fn count_again(&mut self) {
        self.summary.total = count(self.cases.iter());
        self.summary.by_technique = by_technique(&self.cases);
    }

    /// Draws the verdict on the target from what is there.
    pub(super) fn judge(&mut self) {
        let not_accepted = |verdict: Verdict| {
            self.cases.iter().filter(|case| case.verdict == verdict && case.accepted.is_none()).count()
        };
        let mut objections = self.objections_to_run.clone();
        objections.extend(objections_of_counts(not_accepted, self.strict));
        self.conformant = objections.is_empty();
        self.objections = objections;
    }
}

fn check(shards: &[Report]) -> Result<(), MergeError> {
    let first = shards.first().ok_or(MergeError::Nothing)?;
    let mut seen = Vec::new();
    let mut count = None;
    for report in shards {
        let shard = report.shard.ok_or_else(|| MergeError::NoShard(report.target.url.clone()))?;
        let count = *count.get_or_insert(shard.count);
        if count != shard.count {
            return Err(MergeError::Counts(count, shard.count));
        }
        if seen.contains(&shard.index) {
            return Err(MergeError::Twice(format!("{}/{count}", shard.index)));
        }
        seen.push(shard.index);
        let same = [
            ("the version of the program", report.tool == first.tool),
            ("--strict", report.strict == first.strict),
            ("--fault", report.fault == first.fault),
            ("--exclude", report.summary.exclude == first.summary.exclude),
            ("--select", report.shard.map(|shard| shard.selected) == first.shard.map(|shard| shard.selected)),
        ];
        if let Some((what, _)) = same.iter().find(|(_, same)| !same) {
            return Err(MergeError::Differs(what));
        }
    }
    let count = count.unwrap_or_default();
    let missing: Vec<String> =
        (1..=count).filter(|index| !seen.contains(index)).map(|index| format!("{index}/{count}")).collect();
    if missing.is_empty() { Ok(()) } else { Err(MergeError::Missing(missing.join(", "))) }
}

/// The cases of all shards in the order of the pages. What several of them judged, as each does with the invariants, counts
/// once: the worst of it, with all that was found.
fn cases(shards: &[Report]) -> Vec<Case> {
    let mut cases: BTreeMap<(Option<usize>, String, Option<String>), Case> = BTreeMap::new();
    for case in shards.iter().flat_map(|shard| &shard.cases) {
        let key = (case.position, case.id.clone(), case.endpoint.clone());
        match cases.get_mut(&key) {
            None => drop(cases.insert(key, case.clone())),
            Some(other) => join(other, case),
        }
    }
    cases.into_values().map(|case| Case { position: None, ..case }).collect()
}

fn join(case: &mut Case, other: &Case) {
    let findings = [case.findings.as_slice(), &other.findings].concat();
    let selected = case.selected || other.selected;
    // A case with a conversation is judged where it is selected; an invariant by all traffic.
    let takes_other =
        if case.invariant { other.verdict > case.verdict } else { other.selected && !case.selected };
    if takes_other {
        *case = other.clone();
    }
    case.selected = selected;
    if case.invariant {
        case.findings = findings;
    }
}

fn clauses(shards: &[Report]) -> Vec<Clause> {
    let mut clauses: BTreeMap<&str, Clause> = BTreeMap::new();
    for clause in shards.iter().flat_map(|shard| &shard.clauses) {
        let entry =
            clauses.entry(&clause.id).or_insert_with(|| Clause { cases: Vec::new(), ..clause.clone() });
        entry.verdict = entry.verdict.max(clause.verdict);
        entry.cases.extend(clause.cases.iter().cloned());
    }
    for clause in clauses.values_mut() {
        clause.cases.sort();
        clause.cases.dedup();
    }
    clauses.into_values().collect()
}

/// That nothing could be judged holds only where it holds for all.
fn objections_to_run(shards: &[Report]) -> Vec<String> {
    let nothing = shards.iter().all(Report::is_empty);
    let mut objections = union(shards.iter().map(|shard| &shard.objections_to_run));
    objections.retain(|objection| nothing || objection != NOTHING_JUDGED);
    objections
}

fn union<'a>(lists: impl Iterator<Item = &'a Vec<String>>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for text in lists.flatten() {
        if !all.contains(text) {
            all.push(text.clone());
        }
    }
    all
}

fn count<'a>(cases: impl Iterator<Item = &'a Case>) -> BTreeMap<String, usize> {
    let mut counts: BTreeMap<String, usize> =
        Verdict::ALL.into_iter().map(|verdict| (verdict.spelling().to_owned(), 0)).collect();
    for case in cases {
        *counts.entry(case.verdict.spelling().to_owned()).or_default() += 1;
    }
    counts
}

fn by_technique(cases: &[Case]) -> BTreeMap<String, BTreeMap<String, usize>> {
    let mut techniques: BTreeMap<String, Vec<&Case>> = BTreeMap::new();
    for case in cases {
        techniques.entry(case.technique.clone()).or_default().push(case);
    }
    techniques.into_iter().map(|(name, cases)| (name, count(cases.into_iter()))).collect()
}
