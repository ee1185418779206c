//! What is told of a run as a whole.

use std::io::{self, Write};

use super::style::{DIM, Style};
use super::{Detail, Paint, verdict_color};
use crate::escape::{quoted, visible};
use crate::judge::Verdict;
use crate::report::stored::{Case, Report};

/// How many lines each part of the summary has at most, as long as not all is asked for.
const LINES: usize = 8;

/// The verdict in a line, and below it what has to be said of it.
pub(super) fn verdict(out: &mut impl Write, report: &Report, detail: Detail, paint: Paint) -> io::Result<()> {
    let (words, sentence) = (report.verdict(), report.sentence());
    let rest = sentence.strip_prefix(&words).unwrap_or_default();
    writeln!(out, "{}{}", paint.verdict(verdict_color(report), &words), visible(rest))?;
    let mut remarks: Vec<String> =
        report.remarks().iter().map(|remark| format!("  {}", visible(remark))).collect();
    bound(&mut remarks, detail);
    remarks.iter().try_for_each(|remark| writeln!(out, "{remark}"))?;
    running(out, report)?;
    let findings: usize = report.cases.iter().map(|case| case.findings.len()).sum();
    match (&report.fault, findings) {
        (None, _) => Ok(()),
        (Some(fault), 0) => writeln!(out, "  nothing is seen of the fault {}", visible(fault)),
        (Some(fault), 1) => writeln!(out, "  the fault {} is seen: 1 finding", visible(fault)),
        (Some(fault), findings) => {
            writeln!(out, "  the fault {} is seen: {findings} findings", visible(fault))
        }
    }
}

/// How many of the cases that were running when the server went away are named; the others are in the report.
const RUNNING: usize = 6;

fn running(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let Some(gone) = report.gone.as_ref().filter(|gone| !gone.running.is_empty()) else { return Ok(()) };
    let shown: Vec<String> = gone.running.iter().take(RUNNING).map(|id| visible(id)).collect();
    let shown_ids = shown.join(", ");
    match gone.running.len() - shown.len() {
        0 => writeln!(out, "  running then: {shown_ids}"),
        more => writeln!(
            out,
            "  running then: {shown_ids}, and {more} more, which report.json names; -j 1 leaves few of them"
        ),
    }
}

/// How many cases of each technique came to what.
pub(super) fn table(out: &mut impl Write, report: &Report, paint: Paint) -> io::Result<()> {
    let heads: String = Verdict::ALL.iter().map(|verdict| format!("{:>7}", verdict.spelling())).collect();
    writeln!(out, "{:14}{heads}", "")?;
    for technique in report.techniques() {
        let counts = report.summary.by_technique.get(technique);
        row(
            out,
            technique,
            |verdict| counts.and_then(|counts| counts.get(verdict.spelling())).copied(),
            paint,
        )?;
    }
    row(out, "total", |verdict| Some(report.count(verdict)), paint)
}

fn row(
    out: &mut impl Write,
    name: &str,
    count: impl Fn(Verdict) -> Option<usize>,
    paint: Paint,
) -> io::Result<()> {
    write!(out, "{name:14}")?;
    for verdict in Verdict::ALL {
        let count = count(verdict).unwrap_or_default();
        let style = if count == 0 { DIM } else { Style::of(verdict) };
        write!(out, "{}", paint.with(style, &format!("{count:>7}")))?;
    }
    writeln!(out)
}

/// The reasons for which cases were skipped, each once, and how many were excluded.
pub(super) fn skipped(out: &mut impl Write, report: &Report, detail: Detail, paint: Paint) -> io::Result<()> {
    let mut lines: Vec<String> = report
        .skipped()
        .into_iter()
        .map(|(reason, cases)| format!("skipped {}: {}", cases.len(), visible(reason)))
        .collect();
    bound(&mut lines, detail);
    let excluded = report.summary.excluded.len();
    if excluded > 0 {
        let patterns: Vec<String> = report.summary.exclude.iter().map(|pattern| quoted(pattern)).collect();
        lines.push(format!("excluded {excluded}: --exclude {}", visible(&patterns.join(" "))));
    }
    if !lines.is_empty() {
        writeln!(out)?;
    }
    lines.iter().try_for_each(|line| writeln!(out, "{}", paint.dim(line)))
}

/// The cases that did not pass at first: a server that answers rightly most of the time is worth a second look.
pub(super) fn passed_when_run_again(
    out: &mut impl Write,
    report: &Report,
    detail: Detail,
    paint: Paint,
) -> io::Result<()> {
    let unsteady = report.unsteady();
    if unsteady.is_empty() {
        return Ok(());
    }
    let words = paint.verdict(Verdict::Info, "passed only when run again");
    writeln!(out, "\n{words} (what came at first is in report.json):")?;
    let line = |case: &&Case| format!("  {}", visible(&case.name()));
    let mut lines: Vec<String> = unsteady.iter().map(line).collect();
    bound(&mut lines, detail);
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))
}

/// Cuts a list, and says how much was cut.
pub(super) fn bound(lines: &mut Vec<String>, detail: Detail) {
    if detail.is_all() || lines.len() <= LINES {
        return;
    }
    let left = lines.len() - (LINES - 1);
    lines.truncate(LINES - 1);
    lines.push(format!("  … and {left} more, which report.json names"));
}
