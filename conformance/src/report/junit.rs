//! `junit.xml`: for CI.

use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::{Report, ReportError};
use crate::judge::{Finding, Verdict};
use crate::outcome::CaseOutcome;
use crate::profile::TECHNIQUES;

/// The report as JUnit: a suite for each technique, a test for each case. A warning is a failure with `--strict`, and
/// otherwise a success with the finding in its output. What keeps a target from being called conformant and is no
/// verdict of a case is an error of the suite `run`.
pub fn to_string(report: &Report<'_>) -> Result<String, ReportError> {
    let mut document = quick_junit::Report::new("pushspec");
    document.set_time(report.outcome.duration);
    let mut suites = vec![run(report)];
    for technique in TECHNIQUES {
        let cases: Vec<&CaseOutcome> =
            report.outcome.cases.iter().filter(|case| case.case.folder == technique).collect();
        let excluded = report.outcome.excluded.iter().filter(|id| id.split('/').next() == Some(technique));
        let mut suite = TestSuite::new(technique);
        suite.add_test_cases(cases.iter().map(|case| test_case(case, report.strict)));
        suite.add_test_cases(excluded.map(|id| excluded_case(id)));
        suite.set_time(cases.iter().map(|case| case.duration).sum::<Duration>());
        suites.push(suite);
    }
    document.add_test_suites(suites.into_iter().filter(|suite| !suite.test_cases.is_empty()));
    Ok(document.to_string()?)
}

/// What is to be said of the run as a whole.
fn run(report: &Report<'_>) -> TestSuite {
    let outcome = report.outcome;
    let mut suite = TestSuite::new("run");
    for objection in outcome.objections_to_the_run() {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(objection);
        let mut test = TestCase::new("the run comes to its end and judges what it is to judge", status);
        test.set_classname("run");
        suite.add_test_case(test);
    }
    suite
}

fn excluded_case(id: &str) -> TestCase {
    let mut status = TestCaseStatus::skipped();
    status.set_message("excluded");
    let mut test = TestCase::new(id, status);
    let page = id.match_indices('/').nth(1).map_or(id, |(end, _)| &id[..end]);
    test.set_classname(page.replace('/', "."));
    test
}

fn test_case(outcome: &CaseOutcome, strict: bool) -> TestCase {
    let description = outcome.findings.iter().map(describe).collect::<Vec<_>>().join("\n\n");
    let message = outcome.findings.first().map(|finding| format!("{} ({})", finding.clause, finding.level));
    let message = outcome.reason.clone().or(message).unwrap_or_default();
    let mut status = match outcome.verdict {
        Verdict::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Warn if strict => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
        Verdict::Skip => TestCaseStatus::skipped(),
        Verdict::Pass | Verdict::Info | Verdict::Warn => TestCaseStatus::success(),
    };
    let succeeded = matches!(status, TestCaseStatus::Success { .. });
    if !succeeded {
        status.set_message(message);
        status.set_description(description.clone());
        status.set_type(outcome.verdict.spelling());
    }
    let mut test = TestCase::new(outcome.case.id.clone(), status);
    test.set_classname(outcome.case.page.path.replace('/', "."));
    test.set_time(outcome.duration);
    if succeeded && !description.is_empty() {
        test.set_system_out(format!("{}: {description}", outcome.verdict.spelling()));
    }
    test
}

fn describe(finding: &Finding) -> String {
    let seen_in = finding.seen_in.as_ref().map(|id| format!(" (seen in {id})")).unwrap_or_default();
    format!(
        "{} {}\n{}:{}\nexpected: {}\nreceived: {}{seen_in}",
        finding.level,
        finding.clause,
        finding.place.file,
        finding.place.line,
        finding.expected,
        finding.received
    )
}
