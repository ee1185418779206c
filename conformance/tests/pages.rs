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

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reference_server_passes(
    #[files("../fixtures/*/*.md")]
    #[exclude("/(event-stream|requirements)/")]
    #[base_dir = "${CARGO_MANIFEST_DIR}"]
    path: PathBuf,
) -> Result<(), Box<dyn std::error::Error>> {
    let page = page_of(&path);
    let outcome = judge(&page).await?;
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
            insta::assert_snapshot!(page.replace('/', "--"), conversations(&cases, &outcome.target));
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

/// What each case sent and took, without times, dates and ports.
fn conversations(cases: &[&CaseOutcome], target: &str) -> String {
    let authority = target.trim_start_matches("http://");
    let mut text = String::new();
    for case in cases.iter().filter(|case| case.case.invariant().is_none()) {
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
