//! Every case: what it is about, what came of it, and what went over the wire.

use maud::{Markup, html};

use super::findings::compared;
use super::ladder::Ladder;
use super::packed::Packed;
use super::{address, badge, lines_of, prose, visible};
use crate::judge::Verdict;
use crate::profile::TECHNIQUES;
use crate::report::stored::{Attempt, Case, Finding, Report};

pub(super) fn section(report: &Report, packed: &mut Packed) -> Markup {
    html! {
        section #cases aria-labelledby="cases-title" {
            h2 #cases-title { "Cases" }
            (tools(report))
            p #nothing hidden { "No case is like that." }
            noscript { p.note { "The transcripts of cases that passed are packed, and a script unpacks them; report.json has them, too." } }
            @for page in report.cases.chunk_by(|one, other| one.page_path() == other.page_path()) {
                (self::page(report, page, packed))
            }
        }
    }
}

/// What narrows the list; a script shows it.
fn tools(report: &Report) -> Markup {
    html! {
        form #tools hidden role="search" {
            label { span.hidden { "Search" } input #search type="search" placeholder="Search cases, clauses, words ( / )"; }
            label { span.hidden { "Technique" } select #technique {
                option value="" { "all techniques" }
                @for technique in TECHNIQUES.into_iter().filter(|name| report.summary.by_technique.contains_key(*name)) {
                    option value=(technique) { (technique) }
                }
            } }
            fieldset {
                legend.hidden { "Verdicts" }
                @for verdict in Verdict::ALL.into_iter().filter(|verdict| report.count(*verdict) > 0) {
                    label.choice { input type="checkbox" name="verdict" value=(verdict.spelling()) checked; " " (badge(verdict)) }
                }
            }
            output #shown aria-live="polite" {}
        }
    }
}

fn page(report: &Report, cases: &[Case], packed: &mut Packed) -> Markup {
    let Some(first) = cases.first() else { return html! {} };
    html! {
        div.page data-technique=(first.technique) {
            h3 { (visible(&first.page)) " " small { (visible(&first.place.file)) } }
            @for family in cases.chunk_by(|one, other| one.heading() == other.heading()) {
                (self::family(report, family, packed))
            }
        }
    }
}

/// The cases of a heading. What they have in common is told once, and of one that passed with the others no more is said.
fn family(report: &Report, cases: &[Case], packed: &mut Packed) -> Markup {
    let [case, others @ ..] = cases else { return html! {} };
    if others.is_empty() {
        return one(report, case, &about(case), &visible(&case.title), packed);
    }
    let worst = cases.iter().map(|case| case.verdict).max().unwrap_or(case.verdict);
    html! {
        details.family.(worst.spelling()) #(case.heading()) open[worst > Verdict::Info] {
            summary { b { (worst.spelling()) } " " span { (visible(&case.title)) } small { (cases.len()) " cases" } }
            (about(case))
            @for cases in cases.chunk_by(|one, other| is_listed(one) && is_listed(other)) {
                @if cases.iter().all(is_listed) { (listed(report, cases, packed)) }
                @else { @for case in cases {
                    @if is_plain(case) { (brief(report, case, packed)) }
                    @else { (one(report, case, &html! {}, &visible(case.label()), packed)) }
                } }
            }
        }
    }
}

/// Why the case matters, where it stands, and what it judges. The script makes links of the clauses of a case that passed.
fn about(case: &Case) -> Markup {
    html! {
        (prose(&case.prose))
        @if is_plain(case) {
            p.k { (visible(&case.clauses.join(" "))) }
        } @else {
            p.k {
                @for clause in &case.clauses { a href=(address(clause)) { (visible(clause)) } " " }
                small { "line " (case.place.line) }
            }
        }
    }
}

/// Whether there is nothing to say of a case but that it passed.
fn is_plain(case: &Case) -> bool {
    case.verdict == Verdict::Pass && case.selected && case.at_first.is_none()
}

/// Whether there is nothing to say of a case of a family but its label.
fn is_listed(case: &Case) -> bool {
    let is_named_by_its_label = case.name() == format!("{}{}", case.heading(), case.label());
    is_plain(case) && is_named_by_its_label && case.duration_ms < LONG_MS
}

/// Cases of a family that passed: there are very many of them. The script makes of each what a case is, with its address.
fn listed(report: &Report, cases: &[Case], packed: &mut Packed) -> Markup {
    html! {
        p.passed { @for case in cases { i { (visible(case.label())) } (transcript(report, case, packed)) } }
    }
}

/// A case of a family that passed: there are many of them, and the script adds the rest.
fn brief(report: &Report, case: &Case, packed: &mut Packed) -> Markup {
    let transcript = transcript(report, case, packed);
    html! {
        details #(case.name()) {
            summary {
                (visible(case.label()))
                @if let Some(endpoint) = &case.endpoint { " " small { "at " (visible(endpoint)) } }
                (duration(case))
            }
            (transcript)
        }
    }
}

/// How many milliseconds a case that passed takes at least to be worth a word.
const LONG_MS: f64 = 1000.0;

fn duration(case: &Case) -> Markup {
    let is_told = case.duration_ms > 0.0 && (!is_plain(case) || case.duration_ms >= LONG_MS);
    html! { @if is_told { small { (format!("{:.0} ms", case.duration_ms.ceil())) } } }
}

/// A case. The script adds the address and the transcript of one that passed.
fn one(report: &Report, case: &Case, about: &Markup, title: &str, packed: &mut Packed) -> Markup {
    let transcript = transcript(report, case, packed);
    let body = body(report, case, about, &transcript);
    html! {
        details.case.(case.verdict.spelling()) #(case.name()) {
            summary {
                b { (case.verdict.spelling()) } " " span { (title) }
                @if let Some(endpoint) = &case.endpoint { small { "at " (visible(endpoint)) } }
                @if case.accepted.is_some() { small { "accepted" } }
                (duration(case))
            }
            @if !body.0.is_empty() { div.body { (body) } }
        }
    }
}

fn body(report: &Report, case: &Case, about: &Markup, transcript: &Markup) -> Markup {
    html! {
        @if !is_plain(case) { p.id { a href=(address(&case.name())) { (visible(&case.name())) } @if !case.selected { " (not selected)" } } }
        (about)
        @if let Some(reason) = &case.accepted { p.note { "Accepted: " (visible(reason)) } }
        @if let Some(reason) = &case.reason { p.note { (visible(reason)) } }
        @for finding in &case.findings { (self::finding(report, case, finding)) }
        @if !case.server_output.is_empty() {
            p { "The last lines of the server's output:" }
            pre { code { (lines_of(&case.server_output.join("\n"))) } }
        }
        (transcript)
        @if let Some(rerun) = &case.rerun { p.rerun { "Run it again: " code { (visible(rerun)) } } }
        @if let Some(first) = &case.at_first { (at_first(report, case, first)) }
    }
}

fn finding(report: &Report, case: &Case, finding: &Finding) -> Markup {
    let seen_in = report.seen_in(case, finding).map(Case::name);
    let seen_in = seen_in.as_deref().or(finding.seen_in.as_deref());
    let clause = report.clause(&finding.clause);
    html! {
        div.finding.(finding.verdict.spelling()) {
            p { b { (finding.level) } " " a href=(address(&finding.clause)) { (visible(&finding.clause)) }
                @if let Some(clause) = clause { ": " (visible(&clause.text)) " " a href=(clause.link) { "Read it" } @if let Some(note) = &clause.note { " " em { "Note: " (visible(note)) } } }
            }
            (compared(finding))
            p.source { code { (source(finding)) } br; span.when { (visible(&finding.place.file)) ":" (finding.place.line) }
                @if let Some(seen_in) = seen_in { " · seen in " a href=(address(seen_in)) { (visible(seen_in)) } }
            }
        }
    }
}

/// The line of the page, with the expectation marked.
fn source(finding: &Finding) -> Markup {
    let place = &finding.place;
    let characters: Vec<char> = place.source.chars().collect();
    let start = place.column.saturating_sub(1).min(characters.len());
    let end = start.saturating_add(place.width).min(characters.len());
    let text = |range: &[char]| visible(&range.iter().collect::<String>());
    html! { (text(&characters[..start])) mark { (text(&characters[start..end])) } (text(&characters[end..])) }
}

/// What went over the wire, where it is not packed, as that of a case that passed is.
fn transcript(report: &Report, case: &Case, packed: &mut Packed) -> Markup {
    let marks = |findings: &[Finding]| -> Vec<usize> {
        findings
            .iter()
            .filter(|finding| finding.seen_in.is_none())
            .filter_map(|finding| finding.line)
            .collect()
    };
    let seen_in =
        case.findings.iter().find_map(|finding| Some((report.seen_in(case, finding)?, finding.line)));
    let (lines, marks) = match seen_in {
        Some((other, line)) => (&other.transcript, line.into_iter().collect()),
        None => (&case.transcript, marks(&case.findings)),
    };
    if lines.is_empty() {
        return html! {};
    }
    let matters = case.verdict > Verdict::Info || case.at_first.is_some();
    packed.place(&case.name(), Ladder::of(lines, &marks, report.cases.len()), matters)
}

/// What came the first time, where the case was run again.
fn at_first(report: &Report, case: &Case, first: &Attempt) -> Markup {
    let marks: Vec<usize> = first.findings.iter().filter_map(|finding| finding.line).collect();
    html! {
        details.plain {
            summary { "What came the first time: " (badge(first.verdict)) }
            @if let Some(reason) = &first.reason { p.note { (visible(reason)) } }
            @for finding in &first.findings { (self::finding(report, case, finding)) }
            (Ladder::of(&first.transcript, &marks, report.cases.len()).markup())
        }
    }
}
