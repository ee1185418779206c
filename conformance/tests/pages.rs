//! Every page, over real sockets, against the reference server: no finding, and the same conversation every time.

use std::path::PathBuf;
use std::sync::Arc;

use pushspec::drive::schedule::Options;
use pushspec::judge::Verdict;
use pushspec::outcome::{CaseOutcome, Outcome};
use pushspec::profile::{Profile, Target};
use pushspec::suite::{Pattern, Suite};
use pushspec_reference::{Config, Server};
use rstest::rstest;

/// How often a page is judged again whose conversations differ from the committed ones. Whether a server has answered when it
/// sees that a client sends no more is a race: on a busy machine it is lost at every third time.
const AGAIN: usize = 5;

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reference_server_passes(
    #[files("../fixtures/*/*.md")]
    #[exclude("/((event-stream|requirements|proxies)/|slow.md)")]
    #[base_dir = "${CARGO_MANIFEST_DIR}"]
    path: PathBuf,
) -> Result<(), Box<dyn std::error::Error>> {
    let page = page_of(&path);
    let mut outcome = judge(&page).await?;
    // On a busy machine the suite may be late within a conversation, which then differs once, and not each time.
    for _ in 0..AGAIN {
        let is_as_committed =
            committed(&page)?.is_none_or(|text| text == conversations_of(&outcome, &page).trim_end());
        if is_as_committed {
            break;
        }
        outcome = judge(&page).await?;
    }
    let cases: Vec<&CaseOutcome> = outcome.cases.iter().filter(|case| case.case.page.path == page).collect();
    assert!(!cases.is_empty(), "the page has no case");
    for case in &cases {
        // An invariant about something that no case of this page makes the server send has nothing to judge here.
        let idle = case.case.invariant().is_some() && case.verdict == Verdict::Skip;
        assert!(
            case.verdict == Verdict::Pass || idle,
            "{}: {:?} {:#?}",
            case.case.id,
            case.reason,
            case.findings
        );
    }
    // Invariants are judged along with every page.
    let broken: Vec<&str> = outcome
        .cases
        .iter()
        .filter(|case| case.verdict > Verdict::Pass)
        .map(|case| case.case.id.as_str())
        .collect();
    assert_eq!(broken, Vec::<&str>::new());
    if cases.iter().any(|case| case.case.invariant().is_none()) {
        insta::with_settings!({ snapshot_path => "snapshots/pages", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(page.replace('/', "--"), conversations_of(&outcome, &page));
        });
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reference_server_conforms_to_everything_at_once() -> Result<(), Box<dyn std::error::Error>> {
    let outcome = judge("*").await?;
    let findings = outcome.findings();
    assert!(findings.is_empty(), "{findings:#?}");
    assert!(outcome.is_conformant(true));
    Ok(())
}

/// A finding names the clause of its line, or the first of its case. Any other is one that no finding can name, and would
/// stand in the report as judged.
#[test]
fn every_clause_of_a_case_can_be_named() -> Result<(), Box<dyn std::error::Error>> {
    let suite = Suite::embedded()?;
    for case in &suite.cases {
        let section = case.section();
        let lines = section.conversation.iter().flatten();
        let named: Vec<&str> =
            lines.filter_map(|line| line.clause.as_ref().map(|note| note.text.trim())).collect();
        for (clause, _) in section.front_matter.covers.iter().skip(1) {
            assert!(named.contains(&clause.as_str()), "{}: no line rests on {clause}", case.id);
        }
    }
    Ok(())
}

/// `websocket/5.1-masking` of a file below `fixtures/`.
fn page_of(path: &std::path::Path) -> String {
    let folder = path
        .parent()
        .and_then(|folder| folder.file_name())
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    format!("{folder}/{name}")
}

async fn judge(page: &str) -> Result<Outcome, Box<dyn std::error::Error>> {
    let suite = Suite::embedded()?;
    let server = Server::start(Config::default()).await?;
    let target = Target::new(&format!("http://{}", server.address()), Profile::reference()?)?;
    // Deadlines are generous: the machine may be busy with the tests of other pages.
    let options = Options {
        patience: 4.0,
        select: vec![Pattern::new(page)],
        tag: Some("run".into()),
        ..Options::default()
    };
    let outcome = suite.run(&Arc::new(target), &options).await?;
    server.shutdown().await;
    Ok(outcome)
}

/// The conversations of a page as they are committed.
fn committed(page: &str) -> Result<Option<String>, Box<dyn std::error::Error>> {
    let name = format!("{}.snap", page.replace('/', "--"));
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/pages").join(name);
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(path)?;
    Ok(text.splitn(3, "---\n").nth(2).map(|text| text.trim_end().to_owned()))
}

/// What each case of a page sent and took, without times, dates and ports.
fn conversations_of(outcome: &Outcome, page: &str) -> String {
    let authority = outcome.target.trim_start_matches("http://");
    let mut text = String::new();
    let of_page = |case: &&CaseOutcome| case.case.page.path == page && case.case.invariant().is_none();
    for case in outcome.cases.iter().filter(of_page) {
        text.push_str(&format!("## {}\n\n", case.case.id));
        for line in &case.trace {
            text.push_str(&redacted(&line.replace(authority, "[authority]")));
            text.push('\n');
        }
        text.push('\n');
    }
    text
}

fn redacted(line: &str) -> String {
    let (arrow, rest) = line.split_once("< ").unwrap_or(("", line));
    match rest.split_once(": ") {
        Some((name, _)) if line.contains("< ") && name.eq_ignore_ascii_case("date") => {
            format!("{arrow}< {name}: [date]")
        }
        _ => line.to_owned(),
    }
}
