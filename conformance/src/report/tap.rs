//! The Test Anything Protocol, version 14.

use serde_json::Value;

use super::readable::readable;
use super::stored::{Case, Report};
use crate::escape::visible;
use crate::judge::Verdict;

/// The report as TAP: a test point for the run, and one for each case. A finding that is accepted is `# TODO`, which is no
/// failure.
pub fn to_string(report: &Report) -> String {
    let mut lines = vec!["TAP version 14".to_owned(), format!("1..{}", report.cases.len() + 1)];
    lines.push(format!("# {}", visible(&report.sentence())));
    let ok = if report.objections_to_run.is_empty() { "ok" } else { "not ok" };
    lines.push(format!("{ok} 1 - the run comes to its end and judges what it is to judge"));
    if !report.objections_to_run.is_empty() {
        let why = report.objections_to_run.join("; ");
        lines.extend(block(&[("message", visible(&why))]));
    }
    for (index, case) in report.cases.iter().enumerate() {
        let ok = if report.is_broken(case) || case.accepted.is_some() { "not ok" } else { "ok" };
        lines.push(format!("{ok} {} - {}{}", index + 2, description(&case.name()), directive(case)));
        lines.extend(diagnostics(report, case));
    }
    lines.join("\n") + "\n"
}

/// A description has no `#`, with which a directive begins, and no backslash that is not escaped.
fn description(text: &str) -> String {
    visible(text).replace('\\', "\\\\").replace('#', "\\#")
}

fn directive(case: &Case) -> String {
    match (&case.accepted, case.verdict) {
        (Some(reason), _) => format!(" # TODO {}", description(reason)),
        (None, Verdict::Skip) => {
            format!(" # SKIP {}", description(case.reason.as_deref().unwrap_or_default()))
        }
        _ => String::new(),
    }
}

fn diagnostics(report: &Report, case: &Case) -> Vec<String> {
    let Some(finding) = case.findings.first() else {
        let reason = case.reason.as_ref().filter(|_| case.verdict == Verdict::Error);
        return reason.map(|reason| block(&[("message", visible(reason))])).unwrap_or_default();
    };
    let clause = report.clause(&finding.clause);
    block(&[
        ("verdict", case.verdict.spelling().to_owned()),
        ("level", finding.level.to_string()),
        ("clause", visible(&finding.clause)),
        ("text", clause.map(|clause| visible(&clause.text)).unwrap_or_default()),
        ("link", clause.map(|clause| visible(&clause.link)).unwrap_or_default()),
        ("at", format!("{}:{}", visible(&finding.place.file), finding.place.line)),
        ("expected", readable(&finding.expected)),
        ("received", readable(&finding.received)),
        ("rerun", case.rerun.as_deref().map(visible).unwrap_or_default()),
        ("output", case.server_output.iter().map(|line| visible(line)).collect::<Vec<_>>().join("\n")),
    ])
}

/// A block of YAML, with values as JSON writes strings, which YAML takes.
fn block(entries: &[(&str, String)]) -> Vec<String> {
    let mut lines = vec!["  ---".to_owned()];
    lines.extend(entries.iter().map(|(key, value)| format!("  {key}: {}", Value::from(value.as_str()))));
    lines.push("  ...".to_owned());
    lines
}
