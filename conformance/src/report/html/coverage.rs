//! The clauses, by specification and section, each with its verdict.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{address, badge, visible};
use crate::judge::Verdict;
use crate::report::stored::{Clause, Report};

/// How many cases of a clause are linked.
const LINKS: usize = 3;

/// The sections of a specification, in the order in which it has them.
type Sections<'a> = BTreeMap<Vec<Number>, Vec<&'a Clause>>;

/// A part of a section's number, so that 5.10 stands behind 5.9.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Number {
    Digits(u64),
    Word(String),
}

pub(super) fn section(report: &Report) -> Markup {
    let mut specifications: BTreeMap<&str, Sections<'_>> = BTreeMap::new();
    for clause in &report.clauses {
        let sections = specifications.entry(&clause.specification).or_default();
        sections.entry(number(&clause.section)).or_default().push(clause);
    }
    html! {
        section #coverage aria-labelledby="coverage-title" {
            h2 #coverage-title { "Clauses" }
            p { "What each specification asks, by section, and the worst that was found against it." }
            @for (name, sections) in &specifications {
                @let all = sections.values().flatten().copied();
                details.specification {
                    summary { span.words { (visible(name)) } (tally(all)) }
                    @for clauses in sections.values() { (one(clauses)) }
                }
            }
        }
    }
}

fn number(section: &str) -> Vec<Number> {
    let parse = |part: &str| part.parse().map_or_else(|_| Number::Word(part.to_owned()), Number::Digits);
    section.split('.').map(parse).collect()
}

/// A section, and in it the clauses.
fn one(clauses: &[&Clause]) -> Markup {
    let section = clauses.first().map_or("", |clause| &clause.section);
    let worst = clauses.iter().map(|clause| clause.verdict).max();
    let link = clauses.first().map(|clause| clause.link.as_str());
    html! {
        details.clauses {
            summary {
                @if let Some(worst) = worst { (badge(worst)) " " }
                span.words { "section " (visible(section)) }
                (tally(clauses.iter().copied()))
            }
            @if let Some(link) = link { p { a href=(link) { "Read the section" } } }
            ul { @for clause in clauses { (entry(clause, link)) } }
        }
    }
}

/// A clause, with a link of its own where it is written elsewhere than the section.
fn entry(clause: &Clause, section: Option<&str>) -> Markup {
    html! {
        li.(clause.verdict.spelling()) #(clause.id) {
            b { (clause.verdict.spelling()) } " " (clause.level) " "
            @if section == Some(&clause.link) { code { (visible(&clause.id)) } } @else { a href=(clause.link) { (visible(&clause.id)) } }
            br;
            (visible(&clause.text))
            @if clause.verdict > Verdict::Info {
                @for case in clause.cases.iter().take(LINKS) { " " a href=(address(case)) { (visible(case)) } }
            }
            @if clause.cases.len() > 1 { " " small { (clause.cases.len()) " cases" } }
        }
    }
}

/// How many clauses came to what.
fn tally<'a>(clauses: impl Iterator<Item = &'a Clause>) -> Markup {
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    clauses.for_each(|clause| *counts.entry(clause.verdict).or_default() += 1);
    html! {
        span.tally {
            @for (verdict, count) in counts.iter().rev() {
                span.dot.(verdict.spelling()) { (count) " " (verdict.spelling()) }
            }
        }
    }
}
