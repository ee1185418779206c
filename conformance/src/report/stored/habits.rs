//! Habits that show under several clauses are told once.

use crate::report::stored::{Case, Finding, Report};
use crate::report::{Format, testing};

const ENDS: &str = "eof or reset";

/// A report of a server in which each of these cases found this against the clause.
fn found(findings: &[(&str, &str, &str)]) -> Report {
    let mut report = testing::report();
    let sample = report.cases.iter().find(|case| !case.findings.is_empty());
    let sample = sample.expect("a sample with a finding").clone();
    let case = |(at, (clause, expected, received)): (usize, &(&str, &str, &str))| {
        let finding = Finding {
            clause: (*clause).to_owned(),
            expected: (*expected).to_owned(),
            received: (*received).to_owned(),
            ..sample.findings[0].clone()
        };
        Case {
            id: format!("websocket/page/case-{at}"),
            findings: vec![finding],
            accepted: None,
            ..sample.clone()
        }
    };
    report.cases = findings.iter().enumerate().map(case).collect();
    report
}

/// Each group with its clause, how many cases it has, and how many other clauses.
fn groups(report: &Report) -> Vec<(String, usize, usize)> {
    let mut groups: Vec<_> = report
        .groups()
        .iter()
        .map(|group| (group.clause.to_owned(), group.examples.len(), group.also.len()))
        .collect();
    groups.sort();
    groups
}

#[test]
fn close_frames_that_are_left_out_are_one_habit() {
    let left_out = ("[close 1002]", "it did not come");
    let report = found(&[
        ("rfc6455/7.1.7/close-frame-before-failing", left_out.0, left_out.1),
        ("rfc6455/10.7/close-frame-on-invalid-data", left_out.0, left_out.1),
        ("rfc6455/10.7/close-frame-on-invalid-data", left_out.0, left_out.1),
    ]);
    assert_eq!(groups(&report), [("rfc6455/7.1.7/close-frame-before-failing".to_owned(), 3, 1)]);
}

#[test]
fn each_format_that_tells_a_habit_once_names_all_clauses_that_it_breaks() {
    let clauses = ["rfc6455/7.1.7/close-frame-before-failing", "rfc6455/10.7/close-frame-on-invalid-data"];
    let report = found(&clauses.map(|clause| (clause, "[close 1002]", "it did not come")));
    for format in [Format::Text, Format::Html, Format::Markdown, Format::Github] {
        let text = format.render(&report).expect("a report that can be made");
        assert!(clauses.iter().all(|clause| text.contains(clause)), "{format:?}: {text}");
    }
}

#[test]
fn a_server_that_never_ends_a_connection_is_told_so_once() {
    let nothing = "nothing within 10s";
    let mut findings = vec![
        ("rfc6455/7.1.7/server-closes", ENDS, nothing),
        ("rfc6455/5.1/close-on-unmasked", ENDS, nothing),
        ("rfc6455/5.2/reserved-bits", ENDS, nothing),
        ("rfc6455/5.2/reserved-bits", ENDS, "message \"Hello\""),
        ("rfc6455/5.2/unknown-opcode", ENDS, nothing),
        ("rfc6455/5.4/continuation-needs-start", ENDS, nothing),
        ("rfc6455/6.2/message-delivered", "reply \"Hello\"", nothing),
        ("html-sse/9.2.6/verbatim", ENDS, nothing),
    ];
    let told = |findings: &[_]| groups(&found(findings));
    assert_eq!(told(&findings).len(), 7, "what shows in few clauses may be something of its own");
    findings.push(("rfc6455/8.1/invalid-utf8", ENDS, nothing));
    assert_eq!(
        told(&findings),
        [
            ("html-sse/9.2.6/verbatim".to_owned(), 1, 0),
            ("rfc6455/5.2/reserved-bits".to_owned(), 1, 0),
            ("rfc6455/6.2/message-delivered".to_owned(), 1, 0),
            ("rfc6455/7.1.7/server-closes".to_owned(), 6, 5),
        ]
    );
}

#[test]
fn a_habit_without_the_clause_that_names_it_is_left_as_it_is() {
    let report = found(&[("rfc6455/8.1/fail-fast", ENDS, "nothing within 200ms")]);
    assert_eq!(groups(&report), [("rfc6455/8.1/fail-fast".to_owned(), 1, 0)]);
}
