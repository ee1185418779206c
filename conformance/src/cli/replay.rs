//! `pushspec replay`: a stored report, judged again.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Parser, ValueEnum};

use super::report::read;
use super::run::{prepared, profile, target};
use super::{CliError, Command, FixtureArguments, Program, RunArguments, hidden};
use crate::report::replay::Replay;
use crate::report::{Report, ReportError};
use crate::suite::Pattern;

/// Arguments of `replay`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes:
  0  each case comes to what it came to in the run
  1  a case comes to something else
  2  the file is no report, or an argument, the profile or a page is wrong
  4  the report has nothing to judge again")]
pub(super) struct ReplayArguments {
    /// A report.json; - is standard input
    file: PathBuf,
    /// Judges only the cases that match a pattern, as in run --select
    #[arg(long, short, value_name = "PATTERN", num_args = 1..)]
    select: Vec<String>,
    /// Reads the profile of the server from this file; the default is what the run had
    #[arg(long, short, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// In which format
    #[arg(long, short, value_enum, default_value = "text")]
    format: ReplayFormat,
    #[command(flatten)]
    fixtures: FixtureArguments,
}

/// How to write what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReplayFormat {
    /// For people
    Text,
    /// One JSON object, for programs
    Json,
}

pub(super) fn replay(arguments: &ReplayArguments) -> Result<u8, CliError> {
    let report = read(&arguments.file)?;
    let suite = arguments.fixtures.suite()?;
    let run = arguments_of(&report, arguments)?;
    let chosen = prepared(profile(&run)?, &run, [&report.target.url])?;
    let target = Arc::new(target(&run, &report.target.url, chosen)?);
    let select: Vec<Pattern> = arguments.select.iter().map(|pattern| Pattern::new(pattern)).collect();
    let replayed = Replay::of(&report, &suite, &target, run.patience, &select);
    let text = match arguments.format {
        ReplayFormat::Text => replayed.text(),
        ReplayFormat::Json => serde_json::to_string_pretty(&replayed).map_err(ReportError::from)? + "\n",
    };
    anstream::stdout().lock().write_all(hidden(&text).as_bytes())?;
    Ok(if replayed.cases.is_empty() { 4 } else { u8::from(replayed.differs()) })
}

/// The arguments of the run, as its report tells them.
fn arguments_of(report: &Report, arguments: &ReplayArguments) -> Result<RunArguments, CliError> {
    let words = ["pushspec", "run"].into_iter().chain(report.arguments.iter().map(String::as_str));
    let program = Program::try_parse_from(words).map_err(|error| {
        let why = error.to_string();
        CliError::Usage(format!(
            "the report has arguments of another version: {}",
            why.lines().next().unwrap_or_default()
        ))
    })?;
    let Command::Run(mut run) = program.command else {
        return Err(CliError::Usage("the report is none of a run".into()));
    };
    // A report does not have the value of a field, and nothing is sent.
    run.requests.forget_values();
    if let Some(profile) = &arguments.profile {
        run.paths = super::paths::PathArguments::default();
        run.shape = super::paths::ShapeArguments::default();
        run.profile = Some(profile.clone());
    }
    Ok(*run)
}
