//! Markdown: for the summary of a CI step, or a comment on a merge request.

use super::readable::readable;
use super::stored::{Group, Report};
use crate::escape::visible;
use crate::judge::Verdict;
use crate::outcome::cases;
use crate::transcript::Line;

/// How many clauses are told with an example.
const FULL: usize = 10;

/// How many more stand in a table.
const BRIEF: usize = 40;

/// How many lines of a transcript are shown.
const LINES: usize = 24;

/// How many characters of anything are shown: comments end at 65,536.
const WIDTH: usize = 400;

/// The report as Markdown: bounded, the worst first.
pub fn to_string(report: &Report) -> String {
    let mut out = format!("## pushspec: {}\n\n", report.verdict());
    out.push_str(&format!("{}\n", text(&report.sentence())));
    for remark in report.remarks().iter().chain(&report.notes).take(BRIEF) {
        out.push_str(&format!("\n- {}", text(remark)));
    }
    out.push_str(&format!("\n\n{}", table(report)));
    let groups: Vec<Group<'_>> = report.groups();
    let told: Vec<&Group<'_>> =
        groups.iter().filter(|group| !group.accepted && group.verdict > Verdict::Info).collect();
    for group in told.iter().take(FULL) {
        out.push_str(&details(report, group));
    }
    out.push_str(&briefly(told.get(FULL..).unwrap_or_default()));
    let errors = report.errors();
    if !errors.is_empty() {
        out.push_str("\n### Could not be run\n\n");
        for (reason, cases) in errors.iter().take(FULL) {
            let first = cases.first().map(|case| case.name()).unwrap_or_default();
            let more = if cases.len() > 1 { format!(" and {} more", cases.len() - 1) } else { String::new() };
            out.push_str(&format!("- {}{more}: {}\n", code(&first), text(reason)));
        }
    }
    out
}

/// How many cases of each technique came to what.
fn table(report: &Report) -> String {
    let heads: Vec<&str> = Verdict::ALL.iter().map(|verdict| verdict.spelling()).collect();
    let mut out = format!("| | {} |\n|---|{}\n", heads.join(" | "), "---:|".repeat(heads.len()));
    let techniques =
        report.techniques().filter_map(|name| Some((name, report.summary.by_technique.get(name)?)));
    for (name, counts) in techniques.chain([("**total**", &report.summary.total)]) {
        let counts = heads.iter().map(|head| counts.get(*head).copied().unwrap_or_default().to_string());
        out.push_str(&format!("| {name} | {} |\n", counts.collect::<Vec<_>>().join(" | ")));
    }
    out
}

fn details(report: &Report, group: &Group<'_>) -> String {
    let Some(example) = group.examples.first() else { return String::new() };
    let finding = example.finding;
    let mut out = format!(
        "\n<details><summary>{} <b>{}</b> <code>{}</code> ({})</summary>\n\n{}  \n<{}>\n\n",
        mark(group.verdict),
        group.level,
        html(group.clause),
        cases(group.examples.len()),
        text(group.text()),
        group.link(),
    );
    if let Some(also) = group.also_broken(code) {
        out.push_str(&format!("- {also}\n"));
    }
    out.push_str(&format!("- case: {}\n", code(&example.case.name())));
    out.push_str(&format!("- expected: {}\n", code(&readable(&finding.expected))));
    out.push_str(&format!("- received: {}\n", code(&readable(&finding.received))));
    if let Some(rerun) = &example.case.rerun {
        out.push_str(&format!("- run it again: {}\n", code(rerun)));
    }
    let output = &example.case.server_output;
    if !output.is_empty() {
        let lines: Vec<String> = output.iter().map(|line| cut(&visible(line))).collect();
        out.push_str(&format!("- the last lines of the server's output:\n{}", fenced(&lines)));
    }
    let seen_in = report.seen_in(example.case, finding).unwrap_or(example.case);
    out.push_str(&wire(&seen_in.transcript, finding.line));
    out + "\n</details>\n"
}

/// The lines of a transcript around the one that decides.
fn wire(transcript: &[Line], decisive: Option<usize>) -> String {
    if transcript.is_empty() {
        return String::new();
    }
    let end =
        decisive.map_or(transcript.len(), |at| at + 3).clamp(LINES.min(transcript.len()), transcript.len());
    let lines: Vec<String> = transcript[end.saturating_sub(LINES)..end]
        .iter()
        .map(|line| cut(&readable(&line.to_string())))
        .collect();
    fenced(&lines)
}

/// Lines in a fence that none of them ends.
fn fenced(lines: &[String]) -> String {
    let text = lines.join("\n");
    let ticks = "`".repeat(longest_run(&text).max(2) + 1);
    format!("\n{ticks}text\n{text}\n{ticks}\n")
}

fn briefly(groups: &[&Group<'_>]) -> String {
    if groups.is_empty() {
        return String::new();
    }
    let mut out = "\n### Also found\n\n| level | clause | cases | |\n|---|---|---:|---|\n".to_owned();
    for group in groups.iter().take(BRIEF) {
        out.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            group.level,
            code(group.clause).replace('|', "\\|"),
            group.examples.len(),
            text(group.text()).replace('|', "\\|")
        ));
    }
    if groups.len() > BRIEF {
        out.push_str(&format!("\n… and {} more clauses, which `report.json` names.\n", groups.len() - BRIEF));
    }
    out
}

/// A sign that is known before the words are read.
pub(super) fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✅",
        Verdict::Fail => "❌",
        Verdict::Warn => "⚠️",
        Verdict::Info => "ℹ️",
        Verdict::Skip => "➖",
        Verdict::Error => "💥",
    }
}

/// Text in which nothing is markup.
pub(super) fn text(text: &str) -> String {
    let mut out = String::new();
    for character in cut(&visible(text)).chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '@' | '~' | '|' | '!' => {
                out.push('\\');
                out.push(character);
            }
            other => out.push(other),
        }
    }
    out
}

/// Text as code, in which nothing is markup either.
pub(super) fn code(text: &str) -> String {
    let text = cut(&visible(text));
    let ticks = "`".repeat(longest_run(&text) + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{space}{text}{space}{ticks}")
}

fn html(text: &str) -> String {
    visible(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or_default()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}
