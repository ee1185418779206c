//! `pushspec init`: looks at a server, and writes a profile to begin with.

mod found;
mod preset;
mod written;

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::paths::PathArguments;
use super::requests::RequestArguments;
use super::run::{PROFILE, flag_of};
use super::tls::TrustArguments;
use super::{CliError, keep_secret, note, signals};
use crate::drive::Keeper;
use crate::drive::schedule::{Launch, Options, RunError};
use crate::drive::survey::{self, Sight};
use crate::escape::{quoted, visible};
use crate::profile::{Profile, Target, websocket_path};
use found::Findings;
use preset::Preset;

/// A path at which no server has anything.
const NOWHERE: &str = "/pushspec-asks-for-what-is-nowhere";

/// Arguments of `init`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(super) struct InitArguments {
    /// The server: `http://127.0.0.1:8080`, `https://127.0.0.1:8443` or `unix:/run/server.sock`; the path of a
    /// `ws://127.0.0.1:8080/path` is that of its WebSocket
    url: Option<String>,
    /// Begins with what is known of this kind of server
    #[arg(long, value_name = "NAME", value_parser = preset::parser())]
    preset: Option<String>,
    /// Writes the profile to this file; - is standard output
    #[arg(long, short, value_name = "FILE", default_value = PROFILE)]
    output: PathBuf,
    /// Replaces the file if there is one
    #[arg(long)]
    force: bool,
    /// Waits up to this time, such as 30s, for the server to accept connections
    #[arg(long, value_name = "DURATION", value_parser = super::duration)]
    wait: Option<Duration>,
    /// Starts the server with this line of the shell before it is looked at, and ends it with all its children afterwards;
    /// --wait says how long it may take to listen, 30s if nothing else is said
    #[arg(long, value_name = "COMMAND", requires = "url")]
    start: Option<String>,
    #[command(flatten)]
    requests: RequestArguments,
    #[command(flatten)]
    paths: PathArguments,
    #[command(flatten)]
    trust: TrustArguments,
}

const EXIT_CODES: &str = "Only GET requests and opening handshakes are sent, one of each to each path.

Exit codes:
  0  the profile is written
  2  an argument is wrong, or the file exists
  3  the target is not reachable
  4  no technique was found, and nothing is written
  5  the profile could not be written";

pub(super) async fn init(arguments: &InitArguments) -> Result<u8, CliError> {
    let preset = arguments.preset.as_deref().and_then(Preset::named);
    let to_file = arguments.output != Path::new("-");
    if to_file && !arguments.force && arguments.output.exists() {
        let file = visible(&arguments.output.display().to_string());
        return Err(CliError::Usage(format!(
            "`{file}` exists: write to another file with --output FILE, or replace it with --force"
        )));
    }
    let told = found::Told::of(&arguments.paths, arguments.url.as_deref().and_then(websocket_path));
    let mut profile = told.profile().clone();
    arguments.requests.add_to(&mut profile)?;
    let secrets = profile.secrets();
    arguments.url.iter().for_each(|url| profile.add_parameters(&secrets, url));
    keep_secret(secrets);
    if let Some((table, key, wrong)) = profile.mistake() {
        return Err(CliError::Usage(format!(
            "--{}: {}; {}",
            flag_of(table, &key),
            wrong.message,
            wrong.hint
        )));
    }
    let seen = match &arguments.url {
        Some(url) => Some(look(arguments, url, preset.as_ref(), &told).await?),
        None if preset.is_some() => None,
        None => {
            let why = "there is nothing to begin with: name the URL of the server, or a kind of server with --preset";
            return Err(CliError::Usage(why.into()));
        }
    };
    let url = arguments.url.as_deref().map(without_path);
    let text = match (&preset, &seen) {
        (Some(preset), seen) => written::of_preset(preset, url.as_deref(), seen.as_ref()),
        (None, Some(findings)) if !findings.tables.is_empty() => {
            written::of_findings(findings, url.as_deref().unwrap_or_default())
        }
        _ => return Ok(nothing_found(arguments.url.as_deref().unwrap_or_default(), seen.as_ref())),
    };
    // What is written can be read.
    Profile::parse(PROFILE, &text)?;
    let (text, variables) = written::with_requests(&text, &arguments.requests);
    deliver(arguments, &text)?;
    if to_file {
        let file = visible(&arguments.output.display().to_string());
        let flag = if arguments.output == Path::new(PROFILE) {
            String::new()
        } else {
            format!(" --profile {}", quoted(&file))
        };
        let set = match variables.as_slice() {
            [] => String::new(),
            names => format!(", set {} in the environment", names.join(" and ")),
        };
        note(&format!("{file} is written: read it{set}, then judge the server with `pushspec run{flag}`"));
    }
    Ok(0)
}

/// Looks at the server, and tells what is there.
async fn look(
    arguments: &InitArguments,
    url: &str,
    preset: Option<&Preset>,
    told: &found::Told,
) -> Result<Findings, CliError> {
    let profile = preset.map(Preset::profile).transpose()?.unwrap_or_default();
    let mut target = Target::new(url, profile)?;
    target.tls = arguments.trust.tls(None)?;
    if arguments.start.is_some() {
        signals::serve(end_with, || {})
            .map_err(|error| RunError::Internal(format!("signals cannot be watched: {error}")))?;
    }
    let start = arguments.start.clone().map(|command| Launch { command });
    // Held to the end: dropping what was started ends it.
    let options = Options { start, wait: arguments.wait.unwrap_or_default(), ..Options::default() };
    let keeper = Keeper::new(&options, crate::judge::question_of_root(&target));
    let route = keeper.begin(&target).await?;
    let paths = match preset {
        Some(_) => found::paths_of(&target.profile, told),
        None => found::usual_paths(told),
    };
    // The fields of a preset are no secrets of anybody yet, and those of its requests say nothing here.
    target.profile = Profile::default();
    arguments.requests.add_to(&mut target.profile)?;
    let nowhere = survey::look(&target, &route, &[NOWHERE.to_owned()]).await;
    let sights: Vec<Sight> = survey::look(&target, &route, &paths).await;
    keeper.end().await;
    let findings = Findings::new(sights, nowhere.into_iter().next(), told);
    findings.lines(url).iter().for_each(|line| note(line));
    if preset.is_none() {
        for preset in findings.presets() {
            note(&format!(
                "this looks like {}: try `pushspec init {url} --preset {}`",
                preset.about, preset.name
            ));
        }
    }
    Ok(findings)
}

/// Ends what was started, and the program.
fn end_with(code: u8) {
    crate::drive::process::end_all();
    std::process::exit(i32::from(code));
}

/// A URL as a profile has it: where a WebSocket is stands in its table.
fn without_path(url: &str) -> String {
    match websocket_path(url).filter(|path| path != "/") {
        Some(path) => url.strip_suffix(&path).unwrap_or(url).to_owned(),
        None => url.trim_end_matches('/').to_owned(),
    }
}

fn nothing_found(url: &str, seen: Option<&Findings>) -> u8 {
    let count = seen.map_or(0, |findings| findings.sights.len());
    note(&format!(
        "no technique was found at {count} paths, and nothing is written: name a path with --sse PATH, --websocket PATH, \
        --long-polling PATH, --polling PATH or --iframe PATH, or begin with --preset NAME: `pushspec init {url} --sse /events`"
    ));
    4
}

/// Writes the profile, and replaces nothing unless it is told to.
fn deliver(arguments: &InitArguments, text: &str) -> Result<(), CliError> {
    if arguments.output == Path::new("-") {
        return Ok(io::stdout().lock().write_all(text.as_bytes())?);
    }
    let failed = |error| CliError::WriteProfile { path: arguments.output.clone(), error };
    let mut options = OpenOptions::new();
    options.write(true);
    // Something else may have written one since it was looked for.
    if arguments.force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let mut file = options.open(&arguments.output).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}
