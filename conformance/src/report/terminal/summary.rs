//! What is told of a run as a whole.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use super::super::escape::visible;
use super::{DIM, style};
use crate::judge::Verdict;
use crate::outcome::{CaseOutcome, Counts, Outcome};
use crate::suite::Suite;

/// What was skipped and why, the counts, and what was found against each clause.
pub(super) fn summary(out: &mut impl Write, suite: &Suite, outcome: &Outcome) -> io::Result<()> {
    passed_when_run_again(out, outcome)?;
    skipped(out, outcome)?;
    table(out, outcome)?;
    found(out, suite, outcome)
}

/// The cases that did not pass at first: a server that answers rightly most of the time is worth a second look.
fn passed_when_run_again(out: &mut impl Write, outcome: &Outcome) -> io::Result<()> {
    let again = outcome.cases.iter().filter(|case| case.verdict == Verdict::Pass && case.at_first.is_some());
    let ids: Vec<&str> = again.map(|case| case.case.id.as_str()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let style = style(Verdict::Info);
    writeln!(out, "{style}passed only when run again{style:#} (what came at first is in report.json):")?;
    ids.iter().try_for_each(|id| writeln!(out, "  {id}"))?;
    writeln!(out)
}

/// The reasons for which cases were skipped, each once, and how many were excluded.
fn skipped(out: &mut impl Write, outcome: &Outcome) -> io::Result<()> {
    let skipped: Vec<&CaseOutcome> =
        outcome.cases.iter().filter(|case| case.verdict == Verdict::Skip).collect();
    let reasons: BTreeSet<&str> = skipped.iter().filter_map(|case| case.reason.as_deref()).collect();
    for reason in &reasons {
        let count = skipped.iter().filter(|case| case.reason.as_deref() == Some(reason)).count();
        writeln!(out, "{DIM}skipped {count}: {}{DIM:#}", visible(reason))?;
    }
    let excluded = outcome.excluded.len();
    if excluded > 0 {
        writeln!(out, "{DIM}excluded {excluded}: --exclude names them{DIM:#}")?;
    }
    if reasons.is_empty() && excluded == 0 { Ok(()) } else { writeln!(out) }
}

fn table(out: &mut impl Write, outcome: &Outcome) -> io::Result<()> {
    write!(out, "{:14}", "")?;
    for verdict in Verdict::ALL {
        write!(out, "{:>7}", verdict.spelling())?;
    }
    writeln!(out)?;
    for (technique, counts) in outcome.by_technique() {
        row(out, technique, &counts)?;
    }
    row(out, "total", &outcome.counts())?;
    writeln!(out)
}

fn row(out: &mut impl Write, name: &str, counts: &Counts) -> io::Result<()> {
    write!(out, "{name:14}")?;
    for verdict in Verdict::ALL {
        let count = counts.of(verdict);
        let style = if count == 0 { DIM } else { style(verdict) };
        write!(out, "{style}{count:>7}{style:#}")?;
    }
    writeln!(out)
}

/// Each clause against which something was found, with the number of cases that found it: the worst first.
fn found(out: &mut impl Write, suite: &Suite, outcome: &Outcome) -> io::Result<()> {
    let mut cases: BTreeMap<&str, (Verdict, BTreeSet<&str>)> = BTreeMap::new();
    for (case, finding) in outcome.findings() {
        let (_, ids) = cases.entry(&finding.clause).or_insert((finding.verdict, BTreeSet::new()));
        ids.insert(case);
    }
    let mut clauses: Vec<_> = cases.into_iter().collect();
    clauses.sort_by_key(|(_, (verdict, ids))| Reverse((*verdict, ids.len())));
    for (id, (verdict, ids)) in &clauses {
        let Some(clause) = suite.catalogue.clause(id) else { continue };
        let style = style(*verdict);
        let count = ids.len();
        let level = clause.level.to_string();
        writeln!(
            out,
            "{count:>5} × {style}{level}{style:#} {id}  {DIM}{}{DIM:#}",
            first_sentence(&clause.text)
        )?;
    }
    if clauses.is_empty() { Ok(()) } else { writeln!(out) }
}

fn first_sentence(text: &str) -> &str {
    text.find(". ").map_or(text, |end| &text[..=end])
}

pub(super) fn verdict(out: &mut impl Write, outcome: &Outcome, strict: bool) -> io::Result<()> {
    let counts = outcome.counts();
    let judged = counts.total() - counts.of(Verdict::Skip);
    let seconds = outcome.duration.as_secs_f64();
    let broken = counts.of(Verdict::Fail) + counts.of(Verdict::Error) > 0;
    let nothing = outcome.judged() == 0 && !broken;
    let (style, words) = if nothing {
        (style(Verdict::Warn), "nothing that was selected could be judged")
    } else if outcome.is_conformant(strict) {
        (style(Verdict::Pass), "conformant")
    } else {
        (style(Verdict::Fail), "not conformant")
    };
    let judged = if nothing { String::new() } else { format!(": {judged} cases judged") };
    let target = visible(&outcome.target);
    writeln!(out, "{style}{words}{style:#}{judged} at {target} in {seconds:.2} s")?;
    outcome
        .unjudged
        .iter()
        .try_for_each(|(technique, why)| writeln!(out, "{technique} could not be judged: {}", visible(why)))
}
