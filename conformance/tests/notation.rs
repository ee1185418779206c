//! The notation: pages are printed back byte for byte, and what is no page has a mistake with a place.

use std::collections::BTreeSet;

use proptest::prelude::*;
use pushspec::case::Page;
use pushspec::case::front_matter::Precondition;
use pushspec::suite::Suite;

#[test]
fn printing_a_parsed_page_gives_the_page_back() {
    for (path, text) in pushspec_fixtures::PAGES {
        let page = Page::parse(path, text);
        assert_eq!(page.map(|page| page.to_string()).as_deref(), Ok(*text), "{path}");
    }
}

#[test]
fn every_clause_has_a_case_or_a_waiver() -> Result<(), Box<dyn std::error::Error>> {
    let suite = Suite::embedded()?;
    assert_eq!(suite.uncovered(), Vec::<&str>::new());
    Ok(())
}

/// A clause that cases only name beside another one is counted as covered and can never be what a report says is broken.
#[test]
fn every_clause_can_be_reported() -> Result<(), Box<dyn std::error::Error>> {
    let suite = Suite::embedded()?;
    let mut reported: BTreeSet<&str> = BTreeSet::new();
    for case in &suite.cases {
        reported.insert(case.clause());
        let lines = case.section().conversation.iter().flatten();
        reported.extend(lines.filter_map(|line| line.clause.as_ref()).map(|note| note.text.trim()));
    }
    let open = suite.catalogue.clauses().filter(|clause| clause.waived.is_none());
    let never: Vec<&str> =
        open.map(|clause| clause.id.as_str()).filter(|id| !reported.contains(id)).collect();
    assert_eq!(never, Vec::<&str>::new(), "put them first in `covers`, or name them with `@`");
    Ok(())
}

/// What breaks an invariant is told by its clause alone, so that it has one.
#[test]
fn every_invariant_covers_one_clause() -> Result<(), Box<dyn std::error::Error>> {
    let suite = Suite::embedded()?;
    for case in suite.cases.iter().filter(|case| case.invariant().is_some()) {
        assert_eq!(case.clauses().len(), 1, "{}", case.id);
    }
    Ok(())
}

#[test]
fn a_waiver_and_a_case_exclude_each_other() -> Result<(), Box<dyn std::error::Error>> {
    let suite = Suite::embedded()?;
    let waived = suite.catalogue.clauses().filter(|clause| clause.waived.is_some());
    for clause in waived {
        let case = suite.cases.iter().find(|case| case.clauses().contains(&clause.id.as_str()));
        assert!(
            case.is_none(),
            "{} is waived and covered by {}",
            clause.id,
            case.map_or("", |case| &case.id)
        );
    }
    Ok(())
}

#[test]
fn every_technique_has_one_precondition() -> Result<(), Box<dyn std::error::Error>> {
    let suite = Suite::embedded()?;
    for technique in ["polling", "long-polling", "iframe", "sse", "websocket"] {
        let precondition = suite
            .cases
            .iter()
            .filter(|case| case.section().front_matter.precondition == Some(Precondition::Technique));
        assert_eq!(precondition.filter(|case| case.folder == technique).count(), 1, "{technique}");
    }
    Ok(())
}

/// A place in all pages taken together, and what is done there.
fn damage() -> impl Strategy<Value = (usize, usize, String)> {
    let inserted = prop_oneof![
        Just(String::new()),
        "[ -~]{1,4}",
        "\\PC{1,3}",
        Just("```\n".to_owned()),
        Just("\"".to_owned()),
        Just("{".to_owned()),
        Just("## ".to_owned()),
    ];
    (any::<usize>(), 0..40usize, inserted)
}

#[test]
fn a_fence_line_that_is_missing_is_one_mistake_or_two() {
    for (path, text) in pushspec_fixtures::PAGES {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for missing in (0..lines.len()).filter(|index| lines[*index].starts_with("```")) {
            let damaged = [&lines[..missing], &lines[missing + 1..]].concat().concat();
            let mistakes = Page::parse(path, &damaged).map_or_else(|errors| errors.0, |_| Vec::new());
            let shown: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            assert!((1..=2).contains(&shown.len()), "{path}:{}: {}", missing + 1, shown.join("\n"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_page_is_a_page_or_a_mistake_with_a_place((at, removed, inserted) in damage(), which in any::<usize>()) {
        let (path, text) = pushspec_fixtures::PAGES[which % pushspec_fixtures::PAGES.len()];
        let characters: Vec<char> = text.chars().collect();
        let at = at % characters.len();
        let end = (at + removed).min(characters.len());
        let damaged: String = characters[..at].iter().copied().chain(inserted.chars()).chain(characters[end..].iter().copied()).collect();
        match Page::parse(path, &damaged) {
            Ok(page) => prop_assert_eq!(page.to_string(), damaged),
            Err(errors) => for error in errors.0 {
                let line = damaged.split('\n').nth(error.line - 1).unwrap_or_default();
                prop_assert_eq!(error.source.trim_end(), line.trim_end());
                prop_assert!(error.column <= line.chars().count() + 1, "{}", error);
            },
        }
    }
}
