//! What was judged, what it came to, and how the techniques and levels stand.

use maud::{Markup, html};

use super::{badge, visible};
use crate::catalogue::Level;
use crate::escape::quoted;
use crate::judge::Verdict;
use crate::report::stored::{Case, Report};

const LEVELS: [Level; 7] = [
    Level::Must,
    Level::MustNot,
    Level::Grammar,
    Level::Should,
    Level::ShouldNot,
    Level::Practice,
    Level::May,
];

/// The verdict, the target, and the counts.
pub(super) fn header(report: &Report) -> Markup {
    let verdict = match () {
        () if report.conformant && report.count(Verdict::Warn) > 0 => Verdict::Warn,
        () if report.conformant => Verdict::Pass,
        () => Verdict::Fail,
    };
    let (words, sentence) = (report.verdict(), report.sentence());
    let rest = sentence.strip_prefix(&words).unwrap_or_default();
    html! {
        header.(verdict.spelling()) {
            p.product { "pushspec · server push conformance" }
            h1 { (visible(report.name())) }
            p.sentence { strong { (words) } (visible(rest)) "." }
            (bar(report))
            dl.facts {
                div { dt { "judged" } dd { time datetime=(report.started) { (report.started.replace('T', " ").replace('Z', " UTC")) } } }
                div { dt { "took" } dd { (format!("{:.1} s", report.duration_ms / 1000.0)) } }
                div { dt { "pushspec" } dd { (visible(&report.tool.version)) } }
                @if report.strict { div { dt { "strict" } dd { "warnings are failures" } } }
                @if let Some(fault) = &report.fault { div { dt { "fault" } dd { (visible(fault)) } } }
                @if let Some(shard) = report.shard { div { dt { "shard" } dd { (shard.index) " of " (shard.count) } } }
            }
            @if !report.arguments.is_empty() {
                p.command { code { "pushspec run " (visible(&report.arguments.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))) } }
            }
        }
    }
}

/// How many cases came to what, as a bar and in words.
fn bar(report: &Report) -> Markup {
    let counts = || Verdict::ALL.into_iter().map(|verdict| (verdict, report.count(verdict)));
    html! {
        div.bar aria-hidden="true" {
            @for (verdict, count) in counts().filter(|(_, count)| *count > 0) {
                span.(verdict.spelling()) style=(format!("flex-grow:{count}")) {}
            }
        }
        ul.counts {
            @for (verdict, count) in counts() {
                li.zero[count == 0] { (badge(verdict)) " " b { (count) } }
            }
        }
    }
}

/// Why the target is not conformant, and the tables.
pub(super) fn section(report: &Report) -> Markup {
    let remarks = report.remarks();
    html! {
        section #overview aria-labelledby="overview-title" {
            h2 #overview-title { "Overview" }
            @if !remarks.is_empty() {
                ul.remarks { @for remark in &remarks { li { (visible(remark)) } } }
            }
            @for note in &report.notes { p.note { "Note: " (visible(note)) } }
            @if let Some(gone) = &report.gone {
                p.note { "Running when the server went away: " (visible(&gone.running.join(", "))) }
            }
            div.scroll tabindex="0" role="region" aria-label="Techniques and levels" { (levels(report)) }
            (skipped(report))
        }
    }
}

/// Techniques down, levels and verdicts across. A cell has how many cases passed of those that were judged.
fn levels(report: &Report) -> Markup {
    html! {
        table.matrix {
            caption { "Cases that passed of those that were judged, by technique and level" }
            thead { tr {
                th scope="col" { "technique" }
                @for level in LEVELS { th scope="col" { (level) } }
                @for verdict in Verdict::ALL { th scope="col" .count { (verdict.spelling()) } }
            } }
            tbody {
                @for technique in report.techniques() {
                    tr {
                        th scope="row" { (technique) }
                        @for level in LEVELS { (cell(report, technique, level)) }
                        @for verdict in Verdict::ALL { (count(report, technique, verdict)) }
                    }
                }
            }
        }
    }
}

fn cell(report: &Report, technique: &str, level: Level) -> Markup {
    let cases: Vec<&Case> =
        report.cases.iter().filter(|case| case.technique == technique && case.level == level).collect();
    let judged = cases.iter().filter(|case| case.verdict != Verdict::Skip);
    let (judged, worst) = (judged.clone().count(), judged.map(|case| case.verdict).max());
    let passed = cases.iter().filter(|case| matches!(case.verdict, Verdict::Pass | Verdict::Info)).count();
    html! {
        @match worst {
            Some(worst) => td.cell.(worst.spelling()) { (passed) "/" (judged) span.hidden { " worst: " (worst.spelling()) } },
            None if cases.is_empty() => td.cell.none { "–" },
            None => td.cell.skip { "skip" },
        }
    }
}

fn count(report: &Report, technique: &str, verdict: Verdict) -> Markup {
    let counts = report.summary.by_technique.get(technique);
    let count = counts.and_then(|counts| counts.get(verdict.spelling())).copied().unwrap_or_default();
    html! { td.count.zero[count == 0] { (count) } }
}

/// What was not judged, and why.
fn skipped(report: &Report) -> Markup {
    let skipped = report.skipped();
    html! {
        @if !skipped.is_empty() || !report.summary.excluded.is_empty() {
            details.plain {
                summary { "What was not judged" }
                ul {
                    @for (reason, cases) in &skipped { li { b { (cases.len()) } " " (visible(reason)) } }
                    @if !report.summary.excluded.is_empty() {
                        li { b { (report.summary.excluded.len()) } " excluded: " code { (visible(&report.summary.excluded.join(" "))) } }
                    }
                }
            }
        }
    }
}
