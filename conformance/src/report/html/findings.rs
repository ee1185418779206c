//! What was found, clause by clause, the worst first.

use maud::{Markup, html};

use super::{address, badge, visible};
use crate::judge::Verdict;
use crate::outcome::cases;
use crate::report::readable::readable;
use crate::report::stored::{Finding, Group, Report};

/// How many groups are open at first.
const OPEN: usize = 3;

pub(super) fn section(report: &Report) -> Markup {
    let groups = report.groups();
    let errors = report.errors();
    html! {
        section #findings aria-labelledby="findings-title" {
            h2 #findings-title { "Findings" }
            @if groups.is_empty() && errors.is_empty() { p { "Nothing was found." } }
            @for (index, group) in groups.iter().enumerate() {
                (self::group(group, index < OPEN && group.verdict > Verdict::Info && !group.accepted))
            }
            @for (reason, cases) in &errors {
                details.group.error {
                    summary { (badge(Verdict::Error)) " " span.words { "could not be run: " (visible(reason)) } span.times { (cases.len()) } }
                    ul.links { @for case in cases { li { a href=(address(&case.name())) { (visible(&case.name())) } } } }
                }
            }
            @if !report.unsteady().is_empty() {
                details.group {
                    summary { (badge(Verdict::Info)) " " span.words { "passed only when run again" } span.times { (report.unsteady().len()) } }
                    ul.links { @for case in report.unsteady() { li { a href=(address(&case.name())) { (visible(&case.name())) } } } }
                }
            }
        }
    }
}

fn group(group: &Group<'_>, open: bool) -> Markup {
    let Some(example) = group.examples.first() else { return html! {} };
    html! {
        details.group.(group.verdict.spelling()) open[open] {
            summary {
                (badge(group.verdict)) " "
                span.words { b { (group.level) } " " (visible(group.clause)) @if group.accepted { " (accepted)" } }
                span.times { @if group.is_at_large() { "on all traffic" } @else { (cases(group.examples.len())) } }
            }
            p { (visible(group.text())) " " a href=(group.link()) { "Read it" } }
            @if !group.also.is_empty() {
                p { "The same habit breaks" @for clause in &group.also { " " a href=(address(clause)) { (visible(clause)) } } "." }
            }
            (compared(example.finding))
            @if let Some(rerun) = &example.case.rerun { p.rerun { "Run it again: " code { (visible(rerun)) } } }
            ul.links {
                @for example in &group.examples {
                    li { a href=(address(&example.case.name())) { (visible(&example.case.name())) } }
                }
            }
        }
    }
}

/// What was expected against what came.
pub(super) fn compared(finding: &Finding) -> Markup {
    html! {
        dl.compared {
            div.expected { dt { "expected" } dd { code { (readable(&finding.expected)) } } }
            div.received { dt { "received" } dd { code { mark { (readable(&finding.received)) } } " " span.when { (format!("at {:.1} ms", finding.at_ms)) } } }
        }
    }
}
