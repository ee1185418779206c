//! What a report has beyond another one: what a proxy breaks, where one is of the server behind it and one is of both.

use super::{Case, Clause, Finding, Place, Report};
use crate::judge::{SILENCE, Verdict};
use crate::outcome::cases;

impl Report {
    /// What is found here and not in the report of the same server reached directly. What both have is left out; what only the
    /// other one could judge stays, as skipped.
    #[must_use]
    pub fn beyond(self, direct: &Report) -> Report {
        let before = self.cases.len();
        let mut left_out = 0;
        let mut lost = 0;
        let mut kept = Vec::with_capacity(before);
        let mut held: Vec<String> = Vec::new();
        for case in self.cases {
            let former = direct.cases.iter().find(|former| former.name() == case.name());
            let was_judged = former.is_some_and(is_judged);
            lost += usize::from(was_judged && !is_judged(&case));
            let held_back = held_back(&case).filter(|_| was_judged);
            let held_back = held_back.and_then(|id| self.clauses.iter().find(|clause| clause.id == id));
            held.extend(held_back.map(|_| case.technique.clone()));
            match beyond(case, former, held_back) {
                Some(case) => kept.push(case),
                None => left_out += 1,
            }
        }
        let mut notes = self.notes;
        if left_out > 0 {
            notes.push(format!("{} left out: they come to the same without the proxy", cases(left_out)));
        }
        if !held.is_empty() {
            held.dedup();
            notes.push(format!(
                "the proxy holds streams back while they are short: nothing of {} comes through it until it has a buffer of it",
                held.join(" and ")
            ));
        }
        if lost > 0 {
            notes.push(format!("{} judged without the proxy, and not through it", cases(lost)));
        }
        let clauses = self.clauses.into_iter().map(|clause| judged_by(clause, &kept)).collect();
        let mut report = Report { cases: kept, clauses, notes, ..self };
        report.count_again();
        report.judge();
        report
    }
}

fn is_judged(case: &Case) -> bool {
    !matches!(case.verdict, Verdict::Skip | Verdict::Error)
}

/// The clause that a proxy breaks that holds a stream back: where a stream is opened and nothing of it comes, the head has not
/// come before the first message.
fn held_back(case: &Case) -> Option<&'static str> {
    let is_silent = case.reason.as_ref().is_some_and(|reason| reason.starts_with(SILENCE));
    match case.technique.as_str() {
        _ if !is_silent => None,
        "sse" => Some("html-sse/9.2.3/head-before-first-event"),
        "iframe" => Some("iframe/1/head-at-once"),
        _ => None,
    }
}

/// What a case has beyond the same case of the other report; `None` where that is nothing, and it did not pass. What shows
/// that a stream is held back is charged to the clause that says so.
fn beyond(mut case: Case, former: Option<&Case>, held_back: Option<&Clause>) -> Option<Case> {
    match case.verdict {
        Verdict::Pass => return Some(case),
        // What the server answers directly and not through the proxy is what the proxy breaks.
        Verdict::Error if former.is_some_and(is_judged) => {
            let broken = broken(case);
            return Some(match held_back {
                Some(clause) => charged_to(broken, clause),
                None => broken,
            });
        }
        Verdict::Skip | Verdict::Error => {
            return former.is_none_or(|former| former.verdict != case.verdict).then_some(case);
        }
        _ => {}
    }
    let found_before = |clause: &str| {
        former.is_some_and(|former| former.findings.iter().any(|found| found.clause == clause))
    };
    case.findings.retain(|finding| !found_before(&finding.clause));
    case.verdict = case.findings.iter().map(|finding| finding.verdict).max()?;
    Some(case)
}

/// A case that says nothing of a clause through the proxy: that is the finding, since it says something without it.
fn broken(mut case: Case) -> Case {
    let verdict = Verdict::from(case.level).max(Verdict::Warn);
    let received = case.reason.take().unwrap_or_default();
    let place = Place {
        file: case.place.file.clone(),
        line: case.place.line,
        column: 1,
        width: 0,
        source: case.title.clone(),
    };
    let finding = case.clauses.first().map(|clause| Finding {
        clause: clause.clone(),
        level: case.level,
        verdict,
        place,
        expected: "what the server answers without the proxy".to_owned(),
        received,
        at_ms: case.duration_ms,
        seen_in: None,
        line: None,
    });
    case.findings = finding.into_iter().collect();
    case.verdict = verdict;
    case
}

/// A case whose finding is against another clause than its own.
fn charged_to(mut case: Case, clause: &Clause) -> Case {
    case.verdict = Verdict::from(clause.level);
    for finding in &mut case.findings {
        finding.clause.clone_from(&clause.id);
        (finding.level, finding.verdict) = (clause.level, case.verdict);
        finding.expected = "the head of the stream at once, as it comes without the proxy".into();
    }
    case
}

/// A clause with what is left against it.
fn judged_by(clause: Clause, cases: &[Case]) -> Clause {
    let of_it = |case: &&Case| clause.cases.iter().any(|name| *name == case.name());
    let found = cases.iter().flat_map(|case| &case.findings).filter(|finding| finding.clause == clause.id);
    let worst = found.map(|finding| finding.verdict).max();
    let is_known = cases.iter().filter(of_it).any(is_judged);
    let verdict = worst.unwrap_or(if is_known { Verdict::Pass } else { Verdict::Skip });
    Clause { verdict, ..clause }
}
