//! What is reported where an invariant was broken.

use std::collections::BTreeMap;

use crate::case::Case;
use crate::catalogue::Level;
use crate::judge::{Breach, Finding, Invariant, Place, Verdict, finding as judged};

/// How many kinds of breaches of an invariant are reported; the rest are counted.
const SHOWN: usize = 5;

/// What broke an invariant, each kind once: with the first case, by its id, in which it was seen. Which case ends first
/// differs from run to run; what is reported does not.
pub(super) fn findings(
    case: &Case,
    level: Level,
    invariant: Invariant,
    breaches: &[(String, Breach)],
) -> Vec<Finding> {
    // A case that was run again is counted once.
    let mut kinds: BTreeMap<String, BTreeMap<&str, &Breach>> = BTreeMap::new();
    for (seen_in, breach) in breaches.iter().filter(|(_, breach)| breach.invariant == invariant) {
        let first = kinds.entry(judged::alike(&breach.seen)).or_default().entry(seen_in).or_insert(breach);
        if breach.at < first.at {
            *first = breach;
        }
    }
    let left_out = kinds.len().saturating_sub(SHOWN);
    let mut findings: Vec<Finding> = kinds
        .values()
        .take(SHOWN)
        .filter_map(|found| {
            let (seen_in, breach) = found.first_key_value()?;
            let mut finding = finding(case, level, seen_in, breach);
            if let more @ 1.. = found.len().saturating_sub(1) {
                finding.received.push_str(&format!(" ({more} more like it)"));
            }
            Some(finding)
        })
        .collect();
    if let (Some(last), 1..) = (findings.last_mut(), left_out) {
        last.received.push_str(&format!(" (and {left_out} other)"));
    }
    findings
}

fn finding(case: &Case, level: Level, seen_in: &str, breach: &Breach) -> Finding {
    let section = case.section();
    let source = format!("## {}", section.name);
    Finding {
        clause: case.clause().to_owned(),
        level,
        verdict: Verdict::from(level),
        place: Place {
            file: case.page.file(),
            line: section.line,
            column: 4,
            width: section.name.len(),
            source,
        },
        expected: case.title(),
        received: format!("{}{}", breach.seen, breach.connection.suffix()),
        at: breach.at,
        seen_in: Some(seen_in.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::case::statement::ConnectionName;
    use crate::suite::{Pattern, Suite};

    fn found(seen_in: &str, at: u64, seen: &str) -> (String, Breach) {
        let invariant = Invariant::from_name("allow-with-405").expect("an invariant of that name");
        let connection = ConnectionName::default();
        let breach = Breach { invariant, at: Duration::from_millis(at), connection, seen: seen.into() };
        (seen_in.into(), breach)
    }

    fn reported(breaches: &[(String, Breach)]) -> Vec<(String, String)> {
        let suite = Suite::embedded().expect("the pages are in order");
        let case = suite.select(&[Pattern::new("http/invariants/allow-with-405")]).expect("a case").remove(0);
        let invariant = Invariant::from_name("allow-with-405").expect("an invariant of that name");
        let findings = findings(&case, Level::Must, invariant, breaches);
        findings.into_iter().map(|finding| (finding.seen_in.unwrap_or_default(), finding.received)).collect()
    }

    #[test]
    fn each_kind_is_reported_once_whatever_came_first() {
        let mut breaches =
            vec![found("b", 1, "one"), found("c", 2, "other"), found("a", 9, "one"), found("a", 3, "one")];
        let expected =
            vec![("a".to_owned(), "one (1 more like it)".to_owned()), ("c".to_owned(), "other".to_owned())];
        assert_eq!(reported(&breaches), expected);
        breaches.reverse();
        assert_eq!(reported(&breaches), expected);
    }

    #[test]
    fn kinds_that_are_not_shown_are_counted() {
        let breaches: Vec<_> = (0..SHOWN + 3).map(|kind| found("a", 1, &format!("kind {kind}"))).collect();
        let reported = reported(&breaches);
        assert_eq!(reported.len(), SHOWN);
        assert_eq!(reported[SHOWN - 1].1, "kind 4 (and 3 other)");
    }
}
