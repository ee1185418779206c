//! Servers that are not like the reference server, with the profiles that say so: what is right is judged right, and
//! what the profile has wrong is said, with a way out, before anybody is accused.

mod deflate;
mod errors;
mod keys;
mod polls;
mod says;
mod server;
mod streams;
mod websockets;
mod wrapped;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pushspec::drive::schedule::Options;
use pushspec::judge::Verdict;
use pushspec::outcome::{CaseOutcome, Outcome};
use pushspec::profile::{Profile, Target};
use pushspec::suite::{Pattern, Suite};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Judges a server by a profile, on some pages.
async fn judge(address: SocketAddr, profile: &str, pages: &[&str]) -> Result<Outcome> {
    let profile = Profile::parse("pushspec.toml", profile)?;
    let target = Target::new(&format!("http://{address}"), profile)?;
    let options =
        Options { select: pages.iter().map(|page| Pattern::new(page)).collect(), ..Options::default() };
    Ok(Suite::embedded()?.run(&Arc::new(target), &options).await?)
}

fn case<'o>(outcome: &'o Outcome, id: &str) -> Result<&'o CaseOutcome> {
    let case = outcome.cases.iter().find(|case| case.case.id == id);
    Ok(case.ok_or_else(|| format!("{id} is not in the outcome"))?)
}

/// The verdict of a case is `error`, with this in its reason, and nobody is accused. What rests on it is not run.
#[track_caller]
fn assert_told(outcome: &Outcome, id: &str, told: &[&str]) -> Result {
    let case = case(outcome, id)?;
    let reason = case.reason.as_deref().unwrap_or_default();
    assert_eq!(case.verdict, Verdict::Error, "{reason} {:#?}", case.findings);
    for part in told {
        assert!(reason.contains(part), "{part}: {reason}");
    }
    // Generous: a case that waits for what does not come waits longer.
    assert!(outcome.duration < Duration::from_secs(7), "{:?}", outcome.duration);
    assert!(outcome.findings().is_empty(), "{:#?}", outcome.findings());
    Ok(())
}

/// So many cases pass, and none does not.
#[track_caller]
fn assert_passes(outcome: &Outcome, at_least: usize) {
    assert_at_most(outcome, Verdict::Pass, at_least);
}

/// So many cases pass, and none has a verdict that is worse than this one.
#[track_caller]
fn assert_at_most(outcome: &Outcome, worst: Verdict, at_least: usize) {
    let wrong: Vec<_> = outcome.cases.iter().filter(|case| case.verdict > worst).collect();
    let told = |case: &&CaseOutcome| (case.case.id.clone(), case.reason.clone(), case.findings.clone());
    assert!(wrong.is_empty(), "{:#?}", wrong.iter().map(told).collect::<Vec<_>>());
    let passed = outcome.cases.iter().filter(|case| case.verdict == Verdict::Pass).count();
    assert!(passed >= at_least, "{passed} cases pass");
}
