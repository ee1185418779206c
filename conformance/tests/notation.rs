//! The notation: pages are printed back byte for byte, and mistakes are shown where they are.

use proptest::prelude::*;
use pushspec::case::Page;
use pushspec::catalogue::Catalogue;
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
fn every_technique_has_one_sanity_case() -> Result<(), Box<dyn std::error::Error>> {
    let suite = Suite::embedded()?;
    for technique in ["polling", "long-polling", "iframe", "sse", "websocket"] {
        let sanity =
            suite.cases.iter().filter(|case| case.folder == technique && case.section().facts.sanity);
        assert_eq!(sanity.count(), 1, "{technique}");
    }
    Ok(())
}

/// A page with one case, of which the conversation is given.
fn page(conversation: &str) -> String {
    format!(
        "# A section\n\n## a-case\n\nWhy it matters.\n\n```toml\ncovers = [\"spec/1/clause\"]\neach.size = [1, 2]\n```\n\n```wire\n{conversation}\n```\n"
    )
}

fn mistakes(text: &str) -> Result<String, Box<dyn std::error::Error>> {
    let catalogue = Catalogue::parse([(
        "requirements/spec",
        "title = \"A spec\"\nlink = \"l\"\n[[clause]]\nid = \"1/clause\"\nlevel = \"must\"\ntext = \"t\"\n",
    )])?;
    match Suite::new([("sse/1-page", text)], catalogue) {
        Ok(_) => Ok("no mistake".into()),
        Err(errors) => Ok(errors.to_string()),
    }
}

const CONVERSATIONS: &[(&str, &str)] = &[
    ("item", "< cloze"),
    ("frame word", "open websocket\n> [text \"a\" nofim]"),
    ("statement", "connct"),
    ("procedure", "open websockt"),
    ("attribute", "open sse metod=HEAD"),
    ("attribute without value", "poll method"),
    ("open string", "> \"abc"),
    ("escape", "> \"a\\q\""),
    ("hex", "> x\"8\""),
    ("substitution", "> GET {pth} HTTP/1.1"),
    ("field without status", "connect\n< Upgrade is websocket"),
    ("field test", "connect\n< HTTP/1.1 101 *\n< Upgrade iss websocket"),
    ("status", "connect\n< HTTP/1.1 20x *"),
    ("version", "connect\n< HTTP/2 200 *"),
    ("bound without expectation", "connect\nwithin 1s\nwait 1s"),
    ("time", "wait 5"),
    ("order of bounds", "after 5s..1s"),
    ("unknown clause", "connect\n< eof  @spec/1/claus"),
    ("single blank before a comment", "connect # here"),
    ("masked expectation", "open websocket\n< [text mask=37fa213d \"a\"]"),
    ("line that is no item", "connect\n> hello"),
    ("name", "connect B"),
    ("grammar", "connect\n< HTTP/1.1 200 *\n< ETag fits entitytag"),
    ("chop", "connect\n> chop 0 \"a\""),
    ("two at once", "connct\n> [tex]"),
];

#[test]
fn a_mistake_in_a_conversation_is_shown_with_a_caret() -> Result<(), Box<dyn std::error::Error>> {
    let mut all = String::new();
    for (what, text) in CONVERSATIONS {
        all.push_str(&format!("# {what}\n\n{}\n\n", mistakes(&page(text))?));
    }
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("mistakes-in-conversations", all) });
    Ok(())
}

const PAGES: &[(&str, &str)] = &[
    ("no title", "## a-case\n"),
    ("no case", "# Title\n"),
    ("name of a case", "# Title\n\n## A Case\n"),
    ("no facts", "# Title\n\n## a-case\n\n```wire\nconnect\n```\n"),
    ("no conversation", "# Title\n\n## a-case\n\n```toml\ncovers = [\"spec/1/clause\"]\n```\n"),
    (
        "unknown key",
        "# Title\n\n## a-case\n\n```toml\ncover = [\"spec/1/clause\"]\n```\n\n```wire\nconnect\n```\n",
    ),
    ("not toml", "# Title\n\n## a-case\n\n```toml\ncovers = [spec]\n```\n\n```wire\nconnect\n```\n"),
    (
        "unknown covers",
        "# Title\n\n## a-case\n\n```toml\ncovers = [\"spec/1/clauze\"]\n```\n\n```wire\nconnect\n```\n",
    ),
    (
        "unknown need",
        "# Title\n\n## a-case\n\n```toml\ncovers = [\"spec/1/clause\"]\nneeds = [\"sse.resum\"]\n```\n\n```wire\nconnect\n```\n",
    ),
    (
        "unknown invariant",
        "# Title\n\n## a-case\n\n```toml\ncovers = [\"spec/1/clause\"]\ninvariant = \"websocket-unmasked\"\n```\n",
    ),
    ("open fence", "# Title\n\n## a-case\n\n```toml\ncovers = [\"spec/1/clause\"]\n"),
    (
        "unknown fence",
        "# Title\n\n## a-case\n\n```toml\ncovers = [\"spec/1/clause\"]\n```\n\n```wir\nconnect\n```\n",
    ),
    (
        "the same case twice",
        "# Title\n\n## a-case\n\n```toml\ncovers = [\"spec/1/clause\"]\n```\n\n```wire\nconnect\n```\n\n## a-case\n\n```toml\ncovers = [\"spec/1/clause\"]\n```\n\n```wire\nconnect\n```\n",
    ),
    (
        "value without label",
        "# Title\n\n## a-case\n\n```toml\ncovers = [\"spec/1/clause\"]\neach.x = [\"a b\"]\n```\n\n```wire\nconnect\n```\n",
    ),
];

#[test]
fn a_mistake_in_a_page_is_shown_with_a_caret() -> Result<(), Box<dyn std::error::Error>> {
    let mut all = String::new();
    for (what, text) in PAGES {
        all.push_str(&format!("# {what}\n\n{}\n\n", mistakes(text)?));
    }
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("mistakes-in-pages", all) });
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
