//! permessage-deflate: in every case, in its own cases, or not at all.

use pushspec::drive::Options;
use pushspec::judge::Verdict;
use pushspec::outcome::Outcome;
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
    let select = pages.iter().map(|page| page.parse::<Pattern>()).collect::<std::result::Result<_, _>>()?;
    let options = Options { select, patience: 3.0, ..Options::default() };
    let outcome = Suite::embedded()?.run(&target, &options).await?;
    server.shutdown().await;
    Ok(outcome)
}

/// How many messages that the server sent were compressed.
fn compressed(outcome: &Outcome) -> usize {
    let lines = outcome.cases.iter().flat_map(|case| pushspec::transcript::printed(&case.transcript));
    lines.filter(|line| line.contains("< [") && line.contains("# inflates to")).count()
}

#[tokio::test]
async fn a_server_is_judged_with_permessage_deflate_in_every_case() -> Result {
    let pages = ["websocket/5.4-fragmentation", "websocket/6-messages", "websocket/8.1-utf-8"];
    let everywhere = run(Some(true), true, &pages).await?;
    assert!(everywhere.findings().is_empty(), "{:#?}", everywhere.findings());
    let errors = everywhere.cases.iter().filter(|case| case.verdict == Verdict::Error);
    assert_eq!(errors.count(), 0);
    assert!(compressed(&everywhere) > 100, "{}", compressed(&everywhere));
    let nowhere = run(None, true, &pages).await?;
    assert!(nowhere.findings().is_empty());
    assert_eq!(compressed(&nowhere), 0);
    Ok(())
}

#[tokio::test]
async fn a_server_that_declines_is_not_judged_with_permessage_deflate() -> Result {
    let pages = ["websocket/7692-7.2.1-compression"];
    let outcome = run(None, false, &pages).await?;
    assert!(
        outcome.cases.iter().all(|case| case.verdict == Verdict::Skip),
        "a server may decline any extension"
    );
    let declined =
        |reason: &Option<String>| reason.as_ref().is_some_and(|why| why.starts_with("the server declines"));
    assert!(outcome.cases.iter().all(|case| declined(&case.reason)));
    let outcome = run(Some(true), false, &["websocket/6-messages"]).await?;
    let errors = outcome.cases.iter().filter(|case| case.verdict == Verdict::Error);
    assert!(errors.clone().count() > 0 && outcome.findings().is_empty());
    let told = |reason: &Option<String>| reason.as_ref().is_some_and(|why| why.contains("`deflate = true`"));
    assert!(errors.into_iter().any(|case| told(&case.reason)));
    Ok(())
}

#[tokio::test]
async fn a_profile_leaves_permessage_deflate_out() -> Result {
    let outcome = run(Some(false), true, &["websocket/7692-7.2.1-compression"]).await?;
    let without =
        |reason: &Option<String>| reason.as_ref().is_some_and(|why| why.contains("`websocket.deflate`"));
    assert!(outcome.cases.iter().all(|case| without(&case.reason)));
    Ok(())
}
