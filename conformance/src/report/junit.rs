//! `junit.xml`: for CI.

use std::time::Duration;

use quick_junit::{NonSuccessKind, SerializeError, TestCase, TestCaseStatus, TestSuite, XmlString};

use super::readable::readable;
use super::stored::{Case, Finding, Report};
use crate::escape::visible;
use crate::judge::Verdict;
use crate::outcome::cases;
use crate::profile::TECHNIQUES;
use crate::transcript::Line;

/// How many lines of a transcript stand in the body of a test that failed.
const LINES: usize = 200;

/// What every report has: whether the run as a whole was one.
const RUN: &str = "the run comes to its end and judges what it is to judge";

/// The report as JUnit: a suite for each technique, a test for each case. A warning is a failure with `--strict`, and
/// otherwise a success with the finding in its output. What keeps a target from being called conformant and is no
/// verdict of a case is an error of the suite `run`. Techniques that the target does not have are left out.
pub fn to_string(report: &Report) -> Result<String, SerializeError> {
    let mut document = quick_junit::Report::new("pushspec");
    document.set_time(duration(report.duration_ms));
    let mut suites = vec![run(report)];
    for technique in TECHNIQUES {
        let cases: Vec<&Case> = report.cases.iter().filter(|case| case.technique == technique).collect();
        let excluded = report.summary.excluded.iter().filter(|id| id.split('/').next() == Some(technique));
        let mut suite = TestSuite::new(technique);
        suite.add_test_cases(cases.iter().filter(|case| !is_left_out(case)).map(|case| test(report, case)));
        suite.add_test_cases(excluded.map(|id| excluded_case(id)));
        suite.set_time(cases.iter().map(|case| duration(case.duration_ms)).sum::<Duration>());
        suites.push(suite);
    }
    // Local time without a zone is what the schemas of those who read it ask for.
    let timestamp = XmlString::new(report.started.trim_end_matches('Z'));
    for suite in &mut suites {
        suite.extra.insert("timestamp".into(), timestamp.clone());
    }
    document.add_test_suites(suites.into_iter().filter(|suite| !suite.test_cases.is_empty()));
    document.to_string()
}

fn duration(milliseconds: f64) -> Duration {
    Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or_default()
}

/// Whether a case is skipped since the target does not have its technique: not a test that could be run some day.
fn is_left_out(case: &Case) -> bool {
    let lacks = |technique: &str| {
        case.reason
            .as_ref()
            .is_some_and(|reason| reason.starts_with(&format!("the profile has no `{technique}`")))
    };
    case.verdict == Verdict::Skip && TECHNIQUES.iter().any(|technique| lacks(technique))
}

/// What is to be said of the run as a whole.
fn run(report: &Report) -> TestSuite {
    let mut suite = TestSuite::new("run");
    let mut add = |status: TestCaseStatus, name: String| {
        let mut test = TestCase::new(name, status);
        test.set_classname("run");
        let left_out = report.cases.iter().filter(|case| is_left_out(case)).count();
        let mut said = vec![report.sentence()];
        if left_out > 0 {
            said.push(format!("left out: {} of techniques that the target does not have", cases(left_out)));
        }
        test.set_system_out(visible(&said.join("; ")));
        suite.add_test_case(test);
    };
    for (index, objection) in report.objections_to_run.iter().enumerate() {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(visible(objection));
        status.set_type("error");
        // Two tests of one name are one test to those who read it.
        let number = if index > 0 { format!(" ({})", index + 1) } else { String::new() };
        add(status, format!("{RUN}{number}"));
    }
    if report.objections_to_run.is_empty() {
        add(TestCaseStatus::success(), RUN.to_owned());
    }
    suite
}

fn excluded_case(id: &str) -> TestCase {
    let mut status = TestCaseStatus::skipped();
    status.set_message("excluded");
    let mut test = TestCase::new(visible(id), status);
    let page = id.match_indices('/').nth(1).map_or(id, |(end, _)| &id[..end]);
    test.set_classname(classname(page));
    test
}

/// The page as a class in a package. Other dots would split it, too: `websocket.4.2` would be a class of the name `2`.
fn classname(page: &str) -> String {
    page.replace('.', "_").replace('/', ".")
}

fn test(report: &Report, case: &Case) -> TestCase {
    let mut status = status(report, case);
    let succeeded = matches!(status, TestCaseStatus::Success { .. });
    let description = describe(report, case);
    if !succeeded {
        status.set_message(visible(&message(case)));
        status.set_type(case.verdict.spelling());
        if case.verdict != Verdict::Skip {
            status.set_description(description.clone());
        }
    }
    let mut test = TestCase::new(visible(&case.name()), status);
    test.set_classname(classname(case.page_path()));
    test.set_time(duration(case.duration_ms));
    test.extra.insert("file".into(), XmlString::new(visible(&case.place.file)));
    test.extra.insert("line".into(), XmlString::new(case.place.line.to_string()));
    if succeeded && !case.findings.is_empty() {
        test.set_system_out(format!("{}: {description}", case.verdict.spelling()));
    }
    test
}

fn status(report: &Report, case: &Case) -> TestCaseStatus {
    match case.verdict {
        _ if case.accepted.is_some() && case.verdict != Verdict::Pass => TestCaseStatus::skipped(),
        Verdict::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
        Verdict::Skip => TestCaseStatus::skipped(),
        _ if report.is_broken(case) => TestCaseStatus::non_success(NonSuccessKind::Failure),
        _ => TestCaseStatus::success(),
    }
}

/// What is shown in a list of failures.
fn message(case: &Case) -> String {
    if let Some(accepted) = &case.accepted {
        return format!("accepted: {accepted}");
    }
    let found = case.findings.first().map(|finding| {
        format!("{} {}: received {}", finding.level, finding.clause, readable(&finding.received))
    });
    case.reason.clone().or(found).unwrap_or_default()
}

/// All that a reader of a failure wants: the clause, what was expected and what came, how to run it again, the wire.
fn describe(report: &Report, case: &Case) -> String {
    let mut parts: Vec<String> = case.findings.iter().map(|finding| finding_text(report, finding)).collect();
    parts.extend(case.reason.iter().map(|reason| visible(reason)));
    parts.extend(case.rerun.iter().map(|rerun| format!("run it again: {}", visible(rerun))));
    if !case.server_output.is_empty() {
        let lines: Vec<String> = case.server_output.iter().map(|line| visible(line)).collect();
        parts.push(format!("the last lines of the server's output:\n{}", lines.join("\n")));
    }
    let seen_in = case.findings.first().and_then(|finding| report.seen_in(case, finding));
    let transcript = seen_in.map_or(&case.transcript, |seen_in| &seen_in.transcript);
    if !transcript.is_empty() {
        parts.push(format!("what went over the wire:\n{}", wire(transcript)));
    }
    parts.join("\n\n")
}

fn finding_text(report: &Report, finding: &Finding) -> String {
    let clause = report.clause(&finding.clause);
    let clause = clause
        .map(|clause| {
            let note = clause.note.iter().map(|note| format!("\nNote: {note}")).collect::<String>();
            format!("\n{}{note}\n{}", clause.text, clause.link)
        })
        .unwrap_or_default();
    let seen_in =
        finding.seen_in.as_ref().map(|id| format!(" (seen in {})", visible(id))).unwrap_or_default();
    format!(
        "{} {}{clause}\n{}:{}\nexpected: {}\nreceived: {}{seen_in} (at {:.1} ms)",
        finding.level,
        visible(&finding.clause),
        visible(&finding.place.file),
        finding.place.line,
        readable(&finding.expected),
        readable(&finding.received),
        finding.at_ms
    )
}

fn wire(transcript: &[Line]) -> String {
    let mut lines: Vec<String> =
        transcript.iter().take(LINES).map(|line| readable(&line.to_string())).collect();
    if transcript.len() > LINES {
        lines.push(format!("… {} more lines are in report.json", transcript.len() - LINES));
    }
    lines.join("\n")
}
