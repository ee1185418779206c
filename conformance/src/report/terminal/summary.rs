//! What is told of a run as a whole.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use super::{DIM, Invocation, style};
use crate::escape::visible;
use crate::judge::Verdict;
use crate::outcome::{CaseOutcome, Counts, Ending, INTERRUPTED, NOTHING_JUDGED, Outcome, cases, not_judged};
use crate::suite::Suite;

/// How many of the cases that were running when the server went away are named; the others are in the report.
const RUNNING: usize = 6;

/// What was skipped and why, the counts, and what was found against each clause.
pub(super) fn summary(
    out: &mut impl Write,
    suite: &Suite,
    outcome: &Outcome,
    invocation: &Invocation,
) -> io::Result<()> {
    passed_when_run_again(out, outcome)?;
    skipped(out, outcome, invocation)?;
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
fn skipped(out: &mut impl Write, outcome: &Outcome, invocation: &Invocation) -> io::Result<()> {
    let skipped: Vec<&CaseOutcome> =
        outcome.cases.iter().filter(|case| case.verdict == Verdict::Skip).collect();
    let reasons: BTreeSet<&str> = skipped.iter().filter_map(|case| case.reason.as_deref()).collect();
    for reason in &reasons {
        let count = skipped.iter().filter(|case| case.reason.as_deref() == Some(reason)).count();
        writeln!(out, "{DIM}skipped {count}: {}{DIM:#}", visible(reason))?;
    }
    let excluded = outcome.excluded.len();
    if excluded > 0 {
        let patterns = visible(&invocation.exclude.join(" "));
        writeln!(out, "{DIM}excluded {excluded}: --exclude {patterns}{DIM:#}")?;
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

/// The verdict in a line, and below it what has to be said of it.
pub(super) fn verdict(
    out: &mut impl Write,
    outcome: &Outcome,
    strict: bool,
    invocation: &Invocation,
) -> io::Result<()> {
    let counts = outcome.counts();
    let judged = counts.total() - counts.of(Verdict::Skip);
    let broken = counts.of(Verdict::Fail) + counts.of(Verdict::Error) > 0;
    let nothing = outcome.judged() == 0 && !broken && outcome.ending.is_none();
    let (style, words) = match &outcome.ending {
        Some(Ending::Stopped) => (style(Verdict::Fail), "interrupted".to_owned()),
        Some(Ending::Gone { .. }) => (style(Verdict::Fail), "cut short".to_owned()),
        None if nothing => (style(Verdict::Warn), NOTHING_JUDGED.to_owned()),
        None if outcome.is_conformant(strict) => match counts.of(Verdict::Warn) {
            0 => (style(Verdict::Pass), "conformant".to_owned()),
            1 => (style(Verdict::Pass), "conformant, with 1 warning".to_owned()),
            warnings => (style(Verdict::Pass), format!("conformant, with {warnings} warnings")),
        },
        None => (style(Verdict::Fail), "not conformant".to_owned()),
    };
    let judged = if nothing { String::new() } else { format!(": {} judged", cases(judged)) };
    let target =
        if invocation.built_in { "the built-in reference server" } else { &visible(&outcome.target) };
    let seconds = outcome.duration.as_secs_f64();
    writeln!(out, "{style}{words}{style:#}{judged} at {target} in {seconds:.2} s")?;
    objections(out, outcome, strict)?;
    match (&invocation.fault, outcome.findings().len()) {
        (None, _) => Ok(()),
        (Some(fault), 0) => writeln!(out, "  nothing is seen of the fault {}", visible(fault)),
        (Some(fault), 1) => writeln!(out, "  the fault {} is seen: 1 finding", visible(fault)),
        (Some(fault), findings) => {
            writeln!(out, "  the fault {} is seen: {findings} findings", visible(fault))
        }
    }
}

/// Why the target is not called conformant, and what could not be judged of one that is.
fn objections(out: &mut impl Write, outcome: &Outcome, strict: bool) -> io::Result<()> {
    let mut lines = outcome.objections(strict);
    // These are the verdict.
    lines.retain(|line| line != NOTHING_JUDGED && line != INTERRUPTED);
    let unjudged = outcome.unjudged.iter().map(|(technique, why)| not_judged(technique, why));
    lines.extend(unjudged.filter(|line| !lines.contains(line)).collect::<Vec<_>>());
    lines.iter().try_for_each(|line| writeln!(out, "  {}", visible(line)))?;
    let Some(Ending::Gone { running, .. }) = &outcome.ending else { return Ok(()) };
    let shown: Vec<&str> = running.iter().map(String::as_str).take(RUNNING).collect();
    match running.len() - shown.len() {
        _ if running.is_empty() => Ok(()),
        0 => writeln!(out, "  running then: {}", shown.join(", ")),
        more => writeln!(
            out,
            "  running then: {}, and {more} more, which report.json names; -j 1 leaves few of them",
            shown.join(", ")
        ),
    }
}
