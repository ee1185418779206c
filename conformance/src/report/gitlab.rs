//! Code Quality of GitLab: a list of issues that a merge request shows.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::readable::readable;
use super::stored::{Case, Finding, Report};
use crate::escape::visible;
use crate::judge::Verdict;

/// One issue for each clause that a case found broken; what a specification leaves open is none, nor what is accepted.
pub fn to_string(report: &Report) -> Result<String, serde_json::Error> {
    let mut issues = Vec::new();
    for case in report.cases.iter().filter(|case| case.accepted.is_none()) {
        let mut clauses = BTreeSet::new();
        for finding in case.findings.iter().filter(|finding| finding.verdict > Verdict::Info) {
            if clauses.insert(&finding.clause) {
                issues.push(issue(report, case, finding));
            }
        }
        if case.verdict == Verdict::Error {
            issues.push(error(case));
        }
    }
    serde_json::to_string_pretty(&issues)
}

fn issue(report: &Report, case: &Case, finding: &Finding) -> Value {
    let text = report.clause(&finding.clause).map_or("", |clause| &clause.text);
    let severity = match finding.verdict {
        Verdict::Fail => "critical",
        _ => "minor",
    };
    json!({
        "description": format!(
            "{} {}: {} Expected {}; received {}.",
            finding.level,
            visible(&case.name()),
            visible(text),
            readable(&finding.expected),
            readable(&finding.received)
        ),
        "check_name": visible(&finding.clause),
        "fingerprint": fingerprint(&case.name(), &finding.clause),
        "severity": severity,
        "location": { "path": visible(&finding.place.file), "lines": { "begin": finding.place.line.max(1) } },
    })
}

fn error(case: &Case) -> Value {
    json!({
        "description": format!(
            "{} could not be run: {}", visible(&case.name()), visible(case.reason.as_deref().unwrap_or_default())
        ),
        "check_name": "pushspec/error",
        "fingerprint": fingerprint(&case.name(), "error"),
        "severity": "blocker",
        "location": { "path": visible(&case.place.file), "lines": { "begin": case.place.line.max(1) } },
    })
}

/// What stays the same from run to run, so that an issue is known again.
pub(super) fn fingerprint(case: &str, clause: &str) -> String {
    let digest = Sha1::digest(format!("{case}\0{clause}").as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
