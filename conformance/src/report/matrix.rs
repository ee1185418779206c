//! Several servers side by side.

use std::collections::{BTreeMap, BTreeSet};

use maud::html;

use super::html::{badge, page};
use super::markdown::{code, mark, text};
use super::stored::{Clause, Report};
use crate::escape::visible;
use crate::judge::Verdict;
use crate::profile::TECHNIQUES;

/// A server, under the name that its column has.
#[derive(Debug, Clone)]
pub struct Column {
    /// What it is called.
    pub name: String,
    /// What a run came to.
    pub report: Report,
}

/// A clause from which a server deviates, and what each of them came to.
struct Row<'a> {
    clause: &'a Clause,
    verdicts: Vec<Option<Verdict>>,
}

/// The clauses from which one of the servers deviates, in the order of their ids.
fn rows(columns: &[Column]) -> Vec<Row<'_>> {
    let mut clauses: BTreeMap<&str, &Clause> = BTreeMap::new();
    let deviates: BTreeSet<&str> = columns
        .iter()
        .flat_map(|column| &column.report.clauses)
        .filter(|clause| clause.verdict > Verdict::Info)
        .map(|clause| clause.id.as_str())
        .collect();
    for clause in columns.iter().flat_map(|column| &column.report.clauses) {
        clauses.entry(&clause.id).or_insert(clause);
    }
    let verdicts: Vec<BTreeMap<&str, Verdict>> = columns
        .iter()
        .map(|column| {
            column.report.clauses.iter().map(|clause| (clause.id.as_str(), clause.verdict)).collect()
        })
        .collect();
    let row = |id: &str| {
        let clause = *clauses.get(id)?;
        Some(Row { clause, verdicts: verdicts.iter().map(|of| of.get(id).copied()).collect() })
    };
    deviates.into_iter().filter_map(row).collect()
}

/// How many cases of a technique passed, of those that were judged.
fn passed(report: &Report, technique: &str) -> Option<(usize, usize)> {
    let counts = report.summary.by_technique.get(technique)?;
    let of = |verdict: Verdict| counts.get(verdict.spelling()).copied().unwrap_or_default();
    let judged = counts.values().sum::<usize>() - of(Verdict::Skip);
    (judged > 0).then(|| (of(Verdict::Pass) + of(Verdict::Info), judged))
}

/// The matrix as Markdown.
pub fn markdown(columns: &[Column]) -> String {
    let names: Vec<String> = columns.iter().map(|column| text(&column.name)).collect();
    let head =
        |first: &str| format!("| {first} | {} |\n|---|{}\n", names.join(" | "), ":---:|".repeat(names.len()));
    let mut out = format!("# Servers side by side\n\n{}", head(""));
    let verdicts =
        columns.iter().map(|column| format!("{} {}", sign(&column.report), column.report.verdict()));
    out.push_str(&format!("| verdict | {} |\n", verdicts.collect::<Vec<_>>().join(" | ")));
    for technique in TECHNIQUES {
        let cells = columns.iter().map(|column| match passed(&column.report, technique) {
            Some((passed, judged)) => format!("{passed} of {judged}"),
            None => "–".to_owned(),
        });
        out.push_str(&format!("| {technique} | {} |\n", cells.collect::<Vec<_>>().join(" | ")));
    }
    out.push_str(&format!("\nWhat each clause came to, where one of them deviates:\n\n{}", head("clause")));
    for row in rows(columns) {
        let cells = row.verdicts.iter().map(|verdict| verdict.map_or("", mark));
        let cells = cells.collect::<Vec<_>>().join(" | ");
        let id = code(&row.clause.id).replace('|', "\\|");
        out.push_str(&format!("| [{id}]({}) {} | {cells} |\n", row.clause.link, row.clause.level));
    }
    out
}

fn sign(report: &Report) -> &'static str {
    mark(match () {
        () if report.conformant && report.count(Verdict::Warn) > 0 => Verdict::Warn,
        () if report.conformant => Verdict::Pass,
        () => Verdict::Fail,
    })
}

/// The matrix as a page.
pub fn html(columns: &[Column]) -> String {
    let rows = rows(columns);
    let body = html! {
        header.info { p.product { "pushspec · server push conformance" } h1 { "Servers side by side" }
            p.sentence { (columns.len()) " servers, " (rows.len()) " clauses from which one of them deviates." } }
        main {
            div.scroll tabindex="0" role="region" aria-label="Techniques" {
                table {
                    caption { "Cases that passed of those that were judged" }
                    thead { tr { th scope="col" { "technique" } @for column in columns { th scope="col" { (visible(&column.name)) } } } }
                    tbody {
                        tr { th scope="row" { "verdict" } @for column in columns { td { (column.report.verdict()) } } }
                        @for technique in TECHNIQUES {
                            tr { th scope="row" { (technique) }
                                @for column in columns {
                                    @match passed(&column.report, technique) {
                                        Some((passed, judged)) => td.cell.(if passed == judged { "pass" } else { "fail" }) { (passed) "/" (judged) },
                                        None => td.none { "–" },
                                    }
                                } }
                        }
                    }
                }
            }
            h2 { "Clauses" }
            div.scroll tabindex="0" role="region" aria-label="Clauses" {
                table.wide {
                    thead { tr { th scope="col" { "clause" } @for column in columns { th scope="col" { (visible(&column.name)) } } } }
                    tbody {
                        @for row in &rows {
                            tr {
                                th scope="row" { a href=(row.clause.link) title=(visible(&row.clause.text)) { (visible(&row.clause.id)) } " " span.when { (row.clause.level) } }
                                @for verdict in &row.verdicts { td { @match verdict { Some(verdict) => (badge(*verdict)), None => "–" } } }
                            }
                        }
                    }
                }
            }
        }
    };
    page("Servers side by side", &body, None)
}
