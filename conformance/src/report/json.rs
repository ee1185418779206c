//! `report.json`: everything, for programs.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::Report;
use crate::catalogue::Level;
use crate::judge::{Finding, Verdict};
use crate::outcome::{CaseOutcome, Counts, Ending};
use crate::transcript::milliseconds;

/// The version of the format: it changes when a reader of the last one would be misled.
pub const SCHEMA: &str = "pushspec-report/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    tool: Tool,
    target: Target<'a>,
    conformant: bool,
    /// Why it does not conform.
    objections: Vec<String>,
    interrupted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    gone: Option<Gone<'a>>,
    strict: bool,
    started: String,
    arguments: &'a [String],
    duration_ms: f64,
    summary: Summary<'a>,
    cases: Vec<Case<'a>>,
    clauses: Vec<Clause<'a>>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Target<'a> {
    url: &'a str,
}

/// The server went away in mid-run.
#[derive(Serialize)]
struct Gone<'a> {
    after_ms: f64,
    why: &'a str,
    running: &'a [String],
}

#[derive(Serialize)]
struct Summary<'a> {
    total: BTreeMap<&'static str, usize>,
    excluded: &'a [String],
    /// The techniques that could not be judged, and why.
    unjudged: &'a BTreeMap<String, String>,
    by_technique: BTreeMap<&'static str, BTreeMap<&'static str, usize>>,
}

#[derive(Serialize)]
struct Case<'a> {
    id: &'a str,
    technique: &'a str,
    title: String,
    level: Level,
    clauses: Vec<&'a str>,
    selected: bool,
    verdict: Verdict,
    reason: Option<&'a str>,
    duration_ms: f64,
    findings: &'a [Finding],
    transcript: Vec<String>,
    /// What the case came to at first, where it did not pass and was run again.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_first: Option<First<'a>>,
}

#[derive(Serialize)]
struct First<'a> {
    verdict: Verdict,
    reason: Option<&'a str>,
    findings: &'a [Finding],
    transcript: Vec<String>,
}

#[derive(Serialize)]
struct Clause<'a> {
    id: &'a str,
    level: Level,
    text: &'a str,
    link: &'a str,
    cases: &'a [String],
    verdict: Verdict,
}

/// The report as JSON.
pub fn to_string(report: &Report<'_>) -> Result<String, serde_json::Error> {
    let outcome = report.outcome;
    let by_technique =
        outcome.by_technique().into_iter().map(|(name, counts)| (name, spelled(&counts))).collect();
    let clause = |id: &str| report.suite.catalogue.clause(id);
    serde_json::to_string_pretty(&Document {
        schema: SCHEMA,
        tool: Tool { name: "pushspec", version: env!("CARGO_PKG_VERSION") },
        target: Target { url: &outcome.target },
        conformant: outcome.is_conformant(report.strict),
        objections: outcome.objections(report.strict),
        interrupted: outcome.ending == Some(Ending::Stopped),
        gone: match &outcome.ending {
            Some(Ending::Gone { after, why, running }) => {
                Some(Gone { after_ms: milliseconds(*after), why, running })
            }
            _ => None,
        },
        strict: report.strict,
        started: rfc3339(outcome.started),
        arguments: report.arguments,
        duration_ms: milliseconds(outcome.duration),
        summary: Summary {
            total: spelled(&outcome.counts()),
            excluded: &outcome.excluded,
            unjudged: &outcome.unjudged,
            by_technique,
        },
        cases: outcome.cases.iter().map(case).collect(),
        clauses: outcome
            .clauses
            .iter()
            .map(|outcome| Clause {
                id: &outcome.id,
                level: outcome.level,
                text: clause(&outcome.id).map_or("", |clause| &clause.text),
                link: clause(&outcome.id).map_or("", |clause| &clause.link),
                cases: &outcome.cases,
                verdict: outcome.verdict,
            })
            .collect(),
    })
}

fn case(outcome: &CaseOutcome) -> Case<'_> {
    Case {
        id: &outcome.case.id,
        technique: &outcome.case.folder,
        title: outcome.case.title(),
        level: outcome.level,
        clauses: outcome.case.clauses(),
        selected: outcome.selected,
        verdict: outcome.verdict,
        reason: outcome.reason.as_deref(),
        duration_ms: milliseconds(outcome.duration),
        findings: &outcome.findings,
        transcript: crate::transcript::printed(&outcome.transcript),
        at_first: outcome.at_first.as_deref().map(|first| First {
            verdict: first.verdict,
            reason: first.reason.as_deref(),
            findings: &first.findings,
            transcript: crate::transcript::printed(&first.transcript),
        }),
    }
}

/// A time as in RFC 3339, in UTC, to the second.
fn rfc3339(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let timestamp =
        i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    timestamp.unwrap_or_default().to_string()
}

fn spelled(counts: &Counts) -> BTreeMap<&'static str, usize> {
    Verdict::ALL.into_iter().map(|verdict| (verdict.spelling(), counts.of(verdict))).collect()
}
