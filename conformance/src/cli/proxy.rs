//! `pushspec proxy`: what a proxy breaks.

use std::net::SocketAddr;

use clap::Args;
use pushspec_reference::{Config, Server};

use super::output::exit_code;
use super::run::{
    ChosenProfile, judge, options, prepared, profile, reported_arguments, rerun_arguments, target,
};
use super::{CliError, RunArguments, note};
use crate::drive::schedule::Options;
use crate::outcome::Outcome;
use crate::profile::Target;
use crate::report::{Invocation, Report};
use crate::suite::Suite;

/// Arguments of `proxy`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes:
  0  the proxy breaks no MUST, and with --strict no SHOULD either
  1  the proxy breaks one
  2  an argument, a profile or a page is wrong
  3  the server or the proxy is not reachable, or went away
  4  nothing could be judged through the proxy
  5  a report could not be written, or the program itself failed")]
pub(super) struct ProxyArguments {
    /// The server behind the proxy, if it runs already; otherwise the reference server is started at --listen
    #[arg(long, value_name = "URL", conflicts_with = "listen")]
    direct: Option<String>,
    /// Where the reference server listens, to which the proxy passes its requests
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    #[command(flatten)]
    run: RunArguments,
}

pub(super) async fn proxy(arguments: &ProxyArguments) -> Result<u8, CliError> {
    let run = &arguments.run;
    let Some(url) = &run.url else {
        let why = "name the URL of the proxy, as in `pushspec proxy http://127.0.0.1:8081`";
        return Err(CliError::Usage(why.into()));
    };
    check_flags(run)?;
    run.output.check()?;
    let failed = run.again.failed(run.output.folder().as_deref())?;
    if failed.as_ref().is_some_and(Vec::is_empty) {
        note("nothing failed the last time");
        return Ok(0);
    }
    let suite = run.fixtures.suite()?;
    let baselines = run.baseline.read()?;
    let has_flags = run.paths.profile(None).is_some() || run.shape.given().next().is_some();
    let is_reference = arguments.direct.is_none() && run.profile.is_none() && !has_flags;
    // The reference server behind the proxy has the paths that it always has.
    let chosen = if is_reference { ChosenProfile::of_the_reference()? } else { profile(run)? };
    let chosen = prepared(chosen, run, run.url.iter().chain(&arguments.direct))?;
    // Held to the end: dropping the server ends it.
    let reference = match arguments.direct {
        Some(_) => None,
        None => Some(reference(arguments.listen).await?),
    };
    let direct_url = match (&arguments.direct, &reference) {
        (Some(url), _) => url.clone(),
        (None, server) => format!("http://{}", server.as_ref().map_or(arguments.listen, Server::address)),
    };
    let is_told = run.output.is_told();
    run.output.forget();
    run.output.announce_trouble();
    let tell = |what: &str| {
        if is_told {
            note(what);
        }
    };
    tell(&format!("judging the server directly, at {direct_url}"));
    let plain = Options { start: None, ..options(run, failed.as_ref())? };
    let (direct, signal) = whole(run, plain, &suite, &direct_url, &chosen).await?;
    let (mut through, signal) = match signal {
        Some(_) => (direct.clone(), signal),
        None => {
            tell(&format!("judging it through the proxy, at {url}"));
            whole(run, options(run, failed.as_ref())?, &suite, url, &chosen).await?
        }
    };
    baselines.apply(&suite, &mut through, run.strict)?;
    let report = report(arguments, &suite, &direct, &through);
    run.output.deliver(&report)?;
    if let Some(server) = reference {
        server.shutdown().await;
    }
    Ok(signal.unwrap_or_else(|| exit_code(&report)))
}

/// What is about a run of another kind says nothing of a proxy.
fn check_flags(run: &RunArguments) -> Result<(), CliError> {
    let flags = [
        ("--fault", run.fault.is_some()),
        ("--shard", run.shard.is_some()),
        ("--tls", run.tls.tls),
        ("--update-baseline", run.baseline.is_updated()),
        ("--fail-fast and --max-failures", run.again.ends_early()),
    ];
    match flags.into_iter().find(|(_, is_set)| *is_set) {
        Some((flag, _)) => {
            let be = if flag.contains(" and ") { "are" } else { "is" };
            Err(CliError::Usage(format!("{flag} {be} for `pushspec run`: a proxy is judged whole, as it is")))
        }
        None => Ok(()),
    }
}

async fn reference(address: SocketAddr) -> Result<Server, CliError> {
    let config = Config { address, ..Config::default() };
    Server::start(config).await.map_err(|error| CliError::Reference(error.to_string()))
}

/// One of the two runs, and the exit code where a signal ended it.
async fn whole(
    run: &RunArguments,
    options: Options,
    suite: &Suite,
    url: &str,
    chosen: &ChosenProfile,
) -> Result<(Outcome, Option<u8>), CliError> {
    let target: Target = Target { tls: run.tls.tls(None)?, ..target(run, url, chosen.clone())? };
    judge(run, options, suite, target).await
}

/// What is found through the proxy and not directly.
fn report(arguments: &ProxyArguments, suite: &Suite, direct: &Outcome, through: &Outcome) -> Report {
    let run = &arguments.run;
    let behind = match &arguments.direct {
        Some(url) => ["--direct".to_owned(), url.clone()],
        None => ["--listen".to_owned(), arguments.listen.to_string()],
    };
    // The URL of the proxy comes first.
    let mut rerun = rerun_arguments(run);
    rerun.splice(rerun.len().min(1)..rerun.len().min(1), behind);
    let invocation = Invocation {
        arguments: reported_arguments(run),
        rerun,
        command: Some("proxy"),
        exclude: run.exclude.clone(),
        strict: run.strict,
        ..Invocation::default()
    };
    let [direct, through] = [direct, through].map(|outcome| Report::of(suite, outcome, &invocation));
    through.beyond(&direct)
}
