//! What a person reads after a run: findings, then a summary.

use std::collections::BTreeSet;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::escape::visible;
use crate::judge::finding::milliseconds;
use crate::judge::{Finding, Verdict};
use crate::outcome::{CaseOutcome, Counts, Outcome};
use crate::suite::Suite;

/// How much is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Findings, reasons of skipped cases, the summary.
    Full,
    /// Findings and the verdict.
    Findings,
}

/// How a case is run again.
#[derive(Debug, Clone, Default)]
pub struct Rerun {
    /// What stands between `pushspec run` and `--select`.
    pub arguments: Vec<String>,
}

/// How many lines of a transcript are shown; all of them are in the report.
const SHOWN: usize = 40;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Prints an outcome.
pub fn print(
    out: &mut impl Write,
    suite: &Suite,
    outcome: &Outcome,
    strict: bool,
    detail: Detail,
    rerun: &Rerun,
) -> io::Result<()> {
    for case in outcome.cases.iter().filter(|case| is_shown(case)) {
        block(out, suite, case, rerun)?;
    }
    if detail == Detail::Full {
        passed_when_run_again(out, outcome)?;
        skipped(out, outcome)?;
        summary(out, outcome)?;
    }
    verdict(out, outcome, strict)
}

fn is_shown(case: &CaseOutcome) -> bool {
    !matches!(case.verdict, Verdict::Pass | Verdict::Skip)
}

fn style(verdict: Verdict) -> Style {
    let color = match verdict {
        Verdict::Pass => AnsiColor::Green,
        Verdict::Fail | Verdict::Error => AnsiColor::Red,
        Verdict::Warn => AnsiColor::Yellow,
        Verdict::Info => AnsiColor::Cyan,
        Verdict::Skip => return DIM,
    };
    color.on_default().bold()
}

/// Everything about a case that did not pass.
fn block(out: &mut impl Write, suite: &Suite, case: &CaseOutcome, rerun: &Rerun) -> io::Result<()> {
    let style = style(case.verdict);
    writeln!(out, "{style}{}{style:#} {BOLD}{}{BOLD:#}", case.verdict.spelling(), case.case.id)?;
    if let Some(reason) = &case.reason {
        writeln!(out, "  {}", visible(reason))?;
    }
    for finding in &case.findings {
        print_finding(out, suite, finding)?;
    }
    transcript(out, case)?;
    let seen_in = case.findings.first().and_then(|finding| finding.seen_in.as_ref());
    let arguments = rerun.arguments.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    let arguments = if arguments.is_empty() { String::new() } else { format!(" {arguments}") };
    writeln!(
        out,
        "  run it again: pushspec run{arguments} --select {}\n",
        quoted(seen_in.unwrap_or(&case.case.id))
    )
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:=@,+%".contains(&byte));
    if plain && !word.is_empty() { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

fn print_finding(out: &mut impl Write, suite: &Suite, finding: &Finding) -> io::Result<()> {
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
    writeln!(out, "  {gutter}--> {}:{}:{}", place.file, place.line, place.column)?;
    writeln!(out, "  {gutter} |")?;
    writeln!(out, "  {} | {}", place.line, visible(&place.source))?;
    writeln!(out, "  {gutter} | {pad}{style}{carets}{style:#}")?;
    writeln!(out, "  {gutter} = expected: {}", visible(&finding.expected))?;
    writeln!(
        out,
        "  {gutter} = received: {} (at {:.1} ms)",
        visible(&finding.received),
        milliseconds(finding.at)
    )?;
    if let Some(case) = &finding.seen_in {
        writeln!(out, "  {gutter} = seen in: {case}")?;
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
        writeln!(out, "  {DIM}… {} lines are in report.json{DIM:#}", rest.len() - last.len())?;
    }
    for line in last {
        writeln!(out, "  {DIM}{}{DIM:#}", visible(line))?;
    }
    writeln!(out)
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

/// The reasons for which cases were skipped, each once.
fn skipped(out: &mut impl Write, outcome: &Outcome) -> io::Result<()> {
    let skipped: Vec<&CaseOutcome> =
        outcome.cases.iter().filter(|case| case.verdict == Verdict::Skip).collect();
    let reasons: BTreeSet<&str> = skipped.iter().filter_map(|case| case.reason.as_deref()).collect();
    for reason in &reasons {
        let count = skipped.iter().filter(|case| case.reason.as_deref() == Some(reason)).count();
        writeln!(out, "{DIM}skipped {count}: {}{DIM:#}", visible(reason))?;
    }
    if reasons.is_empty() { Ok(()) } else { writeln!(out) }
}

fn summary(out: &mut impl Write, outcome: &Outcome) -> io::Result<()> {
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

fn verdict(out: &mut impl Write, outcome: &Outcome, strict: bool) -> io::Result<()> {
    let counts = outcome.counts();
    let judged = counts.total() - counts.of(Verdict::Skip);
    let seconds = outcome.duration.as_secs_f64();
    let broken = counts.of(Verdict::Fail) + counts.of(Verdict::Error) > 0;
    let (style, words) = if outcome.judged() == 0 && !broken {
        (style(Verdict::Warn), "nothing could be judged")
    } else if outcome.is_conformant(strict) {
        (style(Verdict::Pass), "conformant")
    } else {
        (style(Verdict::Fail), "not conformant")
    };
    writeln!(
        out,
        "{style}{words}{style:#}: {judged} cases judged at {} in {seconds:.2} s",
        visible(&outcome.target)
    )?;
    outcome
        .unjudged
        .iter()
        .try_for_each(|(technique, why)| writeln!(out, "{technique} could not be judged: {}", visible(why)))
}
