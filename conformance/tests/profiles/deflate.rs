//! permessage-deflate: in every case, in its own cases, or not at all.

use std::sync::Arc;

use pushspec::drive::schedule::Options;
use pushspec::judge::Verdict;
use pushspec::outcome::{CaseOutcome, Outcome};
use pushspec::profile::{Profile, Target};
use pushspec::suite::{Pattern, Suite};
use pushspec_reference::{Config, Server};

use super::Result;

/// Runs the WebSocket cases of a page against a reference server, with or without the extension.
async fn run(deflate: Option<bool>, server_has_it: bool, pages: &[&str]) -> Result<Outcome> {
    let server = Server::start(Config { deflate: server_has_it, ..Config::default() }).await?;
    let mut profile = Profile::reference()?;
    if let Some(websocket) = &mut profile.websocket {
        websocket.deflate = deflate;
    }
    let target = Target::new(&format!("http://{}", server.address()), profile)?;
    let select = pages.iter().map(|page| Pattern::new(page)).collect();
    let options = Options { select, patience: 3.0, ..Options::default() };
    let outcome = Suite::embedded()?.run(&Arc::new(target), &options).await?;
    server.shutdown().await;
    Ok(outcome)
}

/// How many messages that the server sent were compressed.
fn compressed(outcome: &Outcome) -> usize {
    let lines = outcome.cases.iter().flat_map(|case| pushspec::transcript::printed(&case.transcript));
    lines.filter(|line| line.contains("< [") && line.contains("# inflates to")).count()
}

/// The cases of a page.
fn of_page<'o>(outcome: &'o Outcome, page: &'o str) -> impl Iterator<Item = &'o CaseOutcome> {
    outcome.cases.iter().filter(move |case| case.case.id.starts_with(page))
}

fn says(case: &CaseOutcome, words: &str) -> bool {
    case.reason.as_ref().is_some_and(|reason| reason.contains(words))
}

/// Whether what is no UTF-8 fails before the message ends is a choice, which is told and no more.
#[track_caller]
fn assert_none_is_worse_than_info(outcome: &Outcome) {
    let right = [Verdict::Pass, Verdict::Skip, Verdict::Info];
    let wrong = outcome.cases.iter().filter(|case| !right.contains(&case.verdict));
    let wrong: Vec<_> = wrong.map(|case| (&case.case.id, &case.findings, &case.reason)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_server_is_judged_with_permessage_deflate_in_every_case() -> Result {
    let pages = ["websocket/5.4-fragmentation", "websocket/6-messages", "websocket/8.1-utf-8"];
    let everywhere = run(Some(true), true, &pages).await?;
    assert_none_is_worse_than_info(&everywhere);
    assert!(compressed(&everywhere) > 100, "{}", compressed(&everywhere));
    let nowhere = run(None, true, &pages).await?;
    assert_none_is_worse_than_info(&nowhere);
    assert_eq!(compressed(&nowhere), 0);
    Ok(())
}

#[tokio::test]
async fn a_server_that_declines_is_not_judged_with_permessage_deflate() -> Result {
    let page = "websocket/7692-7.2.1-compression";
    let outcome = run(None, false, &[page]).await?;
    assert!(of_page(&outcome, page).count() > 50);
    let is_left_out = |case: &CaseOutcome| case.verdict == Verdict::Skip && says(case, "the server declines");
    assert!(of_page(&outcome, page).all(is_left_out), "a server may decline any extension");
    let page = "websocket/6-messages";
    let outcome = run(Some(true), false, &[page]).await?;
    assert!(outcome.findings().is_empty(), "{:#?}", outcome.findings());
    let told = |case: &CaseOutcome| case.verdict == Verdict::Error && says(case, "`deflate = true`");
    assert!(outcome.cases.iter().any(told));
    Ok(())
}

#[tokio::test]
async fn a_profile_leaves_permessage_deflate_out() -> Result {
    let page = "websocket/7692-7.2.1-compression";
    let outcome = run(Some(false), true, &[page]).await?;
    assert!(of_page(&outcome, page).count() > 50);
    assert!(of_page(&outcome, page).all(|case| says(case, "`websocket.deflate`")));
    Ok(())
}

/// What the cases about a limit come to at a server with a limit of a mebibyte, where the profile says this one.
async fn beyond(limit: Option<usize>) -> Result<Vec<CaseOutcome>> {
    let server = Server::start(Config { websocket_message_size: 1 << 20, ..Config::default() }).await?;
    let mut profile = Profile::reference()?;
    if let Some(websocket) = &mut profile.websocket {
        websocket.message_limit = limit;
    }
    let target = Target::new(&format!("http://{}", server.address()), profile)?;
    let select =
        ["message", "fragments", "bomb"].map(|what| Pattern::new(&format!("*/{what}-beyond-the-limit")));
    let options = Options { select: select.to_vec(), patience: 3.0, ..Options::default() };
    let outcome = Suite::embedded()?.run(&Arc::new(target), &options).await?;
    server.shutdown().await;
    let is_selected = |case: &CaseOutcome| case.case.id.ends_with("-beyond-the-limit");
    Ok(outcome.cases.into_iter().filter(is_selected).collect())
}

#[tokio::test]
async fn what_is_beyond_the_limit_of_the_profile_is_refused() -> Result {
    let cases = beyond(Some(1 << 20)).await?;
    assert_eq!(cases.len(), 3);
    assert!(cases.iter().all(|case| case.verdict == Verdict::Pass), "{cases:#?}");
    // A message of a thousand bytes and one is none that this server refuses.
    let cases = beyond(Some(1000)).await?;
    for case in &cases {
        assert_eq!(case.verdict, Verdict::Fail, "{}", case.case.id);
        assert_eq!(case.findings[0].clause.as_str(), "rfc6455/10.4/limits");
    }
    let cases = beyond(None).await?;
    assert_eq!(cases.len(), 3);
    assert!(cases.iter().all(|case| says(case, "`websocket.message-limit`")), "{cases:#?}");
    Ok(())
}
