//! SARIF 2.1.0: for code scanning.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::gitlab::fingerprint;
use super::readable::readable;
use super::stored::{Case, Clause, Finding, Report};
use crate::catalogue::Level;
use crate::escape::visible;
use crate::judge::Verdict;

/// The report as a SARIF log of one run: a rule for each clause against which something was found, a result for each
/// finding.
pub fn to_string(report: &Report) -> Result<String, serde_json::Error> {
    let mut rules: BTreeMap<&str, Option<&Clause>> = BTreeMap::new();
    for finding in report.cases.iter().flat_map(|case| &case.findings) {
        rules.entry(&finding.clause).or_insert_with(|| report.clause(&finding.clause));
    }
    let indices: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(index, id)| (*id, index)).collect();
    let mut results = Vec::new();
    for case in &report.cases {
        results.extend(case.findings.iter().map(|finding| result(report, case, finding, &indices)));
    }
    serde_json::to_string_pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "pushspec",
                "semanticVersion": report.tool.version,
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules.iter().map(|(id, clause)| rule(id, *clause)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [invocation(report)],
            "results": results,
            "properties": { "target": visible(&report.target.url), "conformant": report.conformant },
        }],
    }))
}

fn rule(id: &str, clause: Option<&Clause>) -> Value {
    let Some(clause) = clause else { return json!({ "id": visible(id) }) };
    json!({
        "id": visible(id),
        "shortDescription": { "text": visible(&clause.text) },
        "fullDescription": { "text": visible(&format!("{} ({}, section {})", clause.text, clause.specification, clause.section)) },
        "helpUri": clause.link,
        "defaultConfiguration": { "level": level(Verdict::from(clause.level)) },
        "properties": { "level": clause.level.spelling(), "problem.severity": problem(clause.level) },
    })
}

fn level(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail | Verdict::Error => "error",
        Verdict::Warn => "warning",
        Verdict::Info => "note",
        Verdict::Pass | Verdict::Skip => "none",
    }
}

/// The word of GitHub's code scanning.
fn problem(level: Level) -> &'static str {
    match Verdict::from(level) {
        Verdict::Fail => "error",
        Verdict::Warn => "warning",
        _ => "recommendation",
    }
}

fn result(report: &Report, case: &Case, finding: &Finding, indices: &BTreeMap<&str, usize>) -> Value {
    let text = report.clause(&finding.clause).map_or("", |clause| &clause.text);
    let mut result = json!({
        "ruleId": visible(&finding.clause),
        "ruleIndex": indices.get(finding.clause.as_str()),
        "level": level(finding.verdict),
        "message": { "text": format!(
            "{}: {} Expected {}; received {}.",
            visible(&case.name()), visible(text), readable(&finding.expected), readable(&finding.received)
        ) },
        "locations": [{ "physicalLocation": physical(finding), "logicalLocations": [logical(case)] }],
        "partialFingerprints": { "pushspec/1": fingerprint(&case.name(), &finding.clause) },
        "properties": {
            "case": visible(&case.id),
            "expected": readable(&finding.expected),
            "received": readable(&finding.received),
            "rerun": case.rerun.as_deref().map(visible),
        },
    });
    if !case.server_output.is_empty() {
        let lines: Vec<String> = case.server_output.iter().map(|line| visible(line)).collect();
        result["properties"]["output"] = json!(lines);
    }
    if let Some(reason) = &case.accepted {
        result["suppressions"] = json!([{ "kind": "external", "justification": visible(reason) }]);
    }
    result
}

fn logical(case: &Case) -> Value {
    json!({ "fullyQualifiedName": visible(&case.name()), "kind": "module" })
}

fn physical(finding: &Finding) -> Value {
    let place = &finding.place;
    let mut location = json!({ "artifactLocation": { "uri": uri(&place.file) } });
    // An invariant that was broken belongs to no line.
    if place.line > 0 {
        let column = place.column.max(1);
        location["region"] =
            json!({ "startLine": place.line, "startColumn": column, "endColumn": column + place.width });
    }
    location
}

/// A path as a reference (RFC 3986).
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn invocation(report: &Report) -> Value {
    let errors = report.cases.iter().filter(|case| case.verdict == Verdict::Error);
    let errors = errors.map(|case| {
        let reason = case.reason.as_deref().unwrap_or_default();
        notification(&format!("{} could not be run: {reason}", case.name()))
    });
    let run = report.objections_to_run.iter().map(|objection| notification(objection));
    json!({
        "executionSuccessful": report.objections_to_run.is_empty(),
        "startTimeUtc": report.started,
        "arguments": report.arguments.iter().map(|word| visible(word)).collect::<Vec<_>>(),
        "toolExecutionNotifications": run.chain(errors).collect::<Vec<_>>(),
    })
}

fn notification(text: &str) -> Value {
    json!({ "level": "error", "message": { "text": visible(text) } })
}
