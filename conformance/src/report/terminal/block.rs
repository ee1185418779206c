//! What is told of a case that did not pass.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::{BOLD, DIM, Invocation, style};
use crate::escape::{quoted, visible};
use crate::judge::{Finding, Verdict};
use crate::outcome::{CaseOutcome, Outcome};
use crate::suite::Suite;
use crate::transcript::milliseconds;

/// How many lines of a transcript are shown; more of them are in the report.
const SHOWN: usize = 40;

/// How many cases of a heading are named behind the first one.
const NAMED: usize = 12;

/// How many headings are told in full of those that found the same.
const FULL: usize = 3;

/// Cases of one heading that came to the same: the first stands for all.
type Family<'a> = Vec<&'a CaseOutcome>;

/// What is the same about findings, whichever heading made them: the verdict, the reason, the clauses.
type Kind<'a> = (Verdict, Option<&'a str>, Vec<&'a str>);

/// Everything about the cases that did not pass. Where many headings find the same, as they do with a habit of the server,
/// the first few are told in full, and the others by name.
pub(super) fn blocks(
    out: &mut impl Write,
    suite: &Suite,
    outcome: &Outcome,
    invocation: &Invocation,
) -> io::Result<()> {
    let mut told: BTreeMap<Kind<'_>, usize> = BTreeMap::new();
    let mut rest: BTreeMap<Kind<'_>, Vec<Family<'_>>> = BTreeMap::new();
    for family in families(outcome) {
        let Some(kind) = family.first().map(|case| kind(case)) else { continue };
        let count = told.entry(kind.clone()).or_default();
        *count += 1;
        if *count > FULL {
            rest.entry(kind).or_default().push(family);
        } else {
            block(out, suite, &family, invocation)?;
        }
    }
    rest.iter().rev().try_for_each(|(kind, families)| by_name(out, kind, families))
}

fn kind(case: &CaseOutcome) -> Kind<'_> {
    let clauses = case.findings.iter().map(|finding| finding.clause.as_str()).collect();
    (case.verdict, case.reason.as_deref(), clauses)
}

fn families(outcome: &Outcome) -> Vec<Family<'_>> {
    let mut families: Vec<Family<'_>> = Vec::new();
    let mut known = BTreeMap::new();
    for case in outcome.cases.iter().filter(|case| !matches!(case.verdict, Verdict::Pass | Verdict::Skip)) {
        let index = *known.entry((case.case.heading(), kind(case))).or_insert(families.len());
        match families.get_mut(index) {
            Some(family) => family.push(case),
            None => families.push(vec![case]),
        }
    }
    families
}

/// The headings that found what others above have found, too.
fn by_name(out: &mut impl Write, kind: &Kind<'_>, families: &[Family<'_>]) -> io::Result<()> {
    let (verdict, reason, clauses) = kind;
    let style = style(*verdict);
    let mut what: Vec<&str> = clauses.clone();
    what.dedup();
    let what = match reason {
        Some(reason) if what.is_empty() => visible(reason),
        _ => what.join(", "),
    };
    let spelling = verdict.spelling();
    writeln!(out, "{style}{spelling}{style:#} {BOLD}{what}{BOLD:#}")?;
    writeln!(out, "  was found by these, too; what they expected and what came is in report.json:")?;
    for family in families {
        let Some(case) = family.first() else { continue };
        let times = if family.len() > 1 { format!(" × {}", family.len()) } else { String::new() };
        writeln!(out, "    {}{DIM}{times}{DIM:#}", case.case.heading())?;
    }
    writeln!(out)
}

fn block(
    out: &mut impl Write,
    suite: &Suite,
    family: &Family<'_>,
    invocation: &Invocation,
) -> io::Result<()> {
    let [case, others @ ..] = family.as_slice() else { return Ok(()) };
    let style = style(case.verdict);
    writeln!(out, "{style}{}{style:#} {BOLD}{}{BOLD:#}", case.verdict.spelling(), case.case.id)?;
    if let Some(reason) = &case.reason {
        writeln!(out, "  {}", visible(reason))?;
    }
    let same = |one: &Finding, other: &Finding| {
        one.clause == other.clause && one.place == other.place && one.expected == other.expected
    };
    case.findings.chunk_by(same).try_for_each(|findings| print_findings(out, suite, findings))?;
    transcript(out, case)?;
    more(out, others)?;
    let seen_in = case.findings.first().and_then(|finding| finding.seen_in.as_ref());
    let arguments = invocation.arguments.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    let arguments = if arguments.is_empty() { String::new() } else { format!(" {arguments}") };
    writeln!(
        out,
        "  run it again: pushspec run{arguments} --select {}\n",
        quoted(seen_in.unwrap_or(&case.case.id))
    )
}

/// The other cases of the same heading that came to the same.
fn more(out: &mut impl Write, others: &[&CaseOutcome]) -> io::Result<()> {
    let labels = others.iter().map(|other| &other.case.id[other.case.heading().len()..]);
    let named: Vec<&str> = labels.take(NAMED).collect();
    let rest = if others.len() > named.len() { " …" } else { "" };
    match others.len() {
        0 => Ok(()),
        count => {
            let named = visible(&named.join(" "));
            writeln!(out, "  (and {count} more of this heading: {named}{rest}; all in report.json)\n")
        }
    }
}

/// Findings of one expectation: an invariant has one for each place where it did not hold.
fn print_findings(out: &mut impl Write, suite: &Suite, findings: &[Finding]) -> io::Result<()> {
    let [finding, ..] = findings else { return Ok(()) };
    let style = style(finding.verdict);
    writeln!(out, "  {style}{}{style:#} {}", finding.level, finding.clause)?;
    if let Some(clause) = suite.catalogue.clause(&finding.clause) {
        writeln!(out, "  {}", clause.text)?;
        writeln!(out, "  {DIM}{}{DIM:#}", clause.link)?;
    }
    let place = &finding.place;
    let gutter = " ".repeat(place.line.to_string().len());
    let before: String = place.source.chars().take(place.column.saturating_sub(1)).collect();
    let carets = "^".repeat(place.width.max(1));
    let pad = " ".repeat(visible(&before).chars().count());
    writeln!(out, "  {gutter}--> {}:{}:{}", visible(&place.file), place.line, place.column)?;
    writeln!(out, "  {gutter} |")?;
    writeln!(out, "  {} | {}", place.line, visible(&place.source))?;
    writeln!(out, "  {gutter} | {pad}{style}{carets}{style:#}")?;
    // What an invariant expects is its heading, which stands above.
    if finding.seen_in.is_none() {
        writeln!(out, "  {gutter} = expected: {}", visible(&finding.expected))?;
    }
    for Finding { received, at, seen_in, .. } in findings {
        let seen_in = seen_in.as_ref().map(|case| format!(", in {case}")).unwrap_or_default();
        let at = milliseconds(*at);
        writeln!(out, "  {gutter} = received: {} (at {at:.1} ms{seen_in})", visible(received))?;
    }
    writeln!(out)
}

fn transcript(out: &mut impl Write, case: &CaseOutcome) -> io::Result<()> {
    let lines = crate::transcript::printed(&case.transcript);
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "  what went over the wire:")?;
    let (first, rest) = lines.split_at(lines.len().min(SHOWN / 2));
    let last = &rest[rest.len().saturating_sub(SHOWN / 2)..];
    for line in first {
        writeln!(out, "  {DIM}{}{DIM:#}", visible(line))?;
    }
    if last.len() < rest.len() {
        writeln!(out, "  {DIM}… {} more lines are in report.json{DIM:#}", rest.len() - last.len())?;
    }
    for line in last {
        writeln!(out, "  {DIM}{}{DIM:#}", visible(line))?;
    }
    writeln!(out)
}
