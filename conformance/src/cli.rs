//! The command line: arguments in, exit code out.

mod error;
mod explain;
mod list;
mod load;
mod run;
mod signals;
mod tls;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use error::CliError;

use crate::load::Technique;
use crate::report::escape::visible;
use crate::suite::{Suite, SuiteError};

/// Says, clause by clause, whether a server does server push right
#[derive(Debug, Parser)]
#[command(name = "pushspec", version, propagate_version = true, after_help = EXIT_CODES)]
pub struct Program {
    #[command(subcommand)]
    command: Command,
    /// Colours: auto is on for a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN", display_order = LAST)]
    color: Color,
}

/// Behind the arguments of each command.
const LAST: usize = 900;

const EXIT_CODES: &str = "Exit codes:
  0  the target conforms
  1  it does not
  2  an argument, a profile or a fixture is wrong
  3  the target is not reachable, or went away while it was judged
  4  nothing was selected, or nothing that was selected could be judged
  5  a report could not be written, or the suite itself failed
  130, 143  SIGINT (Ctrl-C) or SIGTERM ended the run; what was judged until then is reported";

/// Where reports go if nothing else is said.
const REPORT_DIR: &str = "reports/latest";

#[derive(Debug, Subcommand)]
enum Command {
    /// Judges a server; without a URL, that of ./pushspec.toml, or else the built-in reference server
    Run(Box<RunArguments>),
    /// Lists the cases
    List(ListArguments),
    /// Explains a case, a clause or a fault: what it asks, why, where it is written, and how to run it
    Explain(ExplainArguments),
    /// Measures a server with many waiting clients; without a URL, that of ./pushspec.toml, or else the reference server in
    /// a process of its own
    Load(LoadArguments),
    /// Starts the reference server
    Serve(Box<pushspec_reference::cli::ServeArguments>),
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
struct RunArguments {
    /// The server, as in `http://127.0.0.1:8080`, `https://127.0.0.1:8443` or `unix:/run/server.sock`, or
    /// `ws://127.0.0.1:8080/path` for a WebSocket alone, at `/` where there is no path
    url: Option<String>,
    /// Only cases that match: the beginning of an id as in websocket/5.2, or with * for any characters
    #[arg(long, short, value_name = "PATTERN", num_args = 1..)]
    select: Vec<String>,
    /// Leaves out cases that match, as for --select: findings that are known already
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    exclude: Vec<String>,
    /// Where the server keeps each technique; ./pushspec.toml if it exists
    #[arg(long, short, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Warnings are failures
    #[arg(long)]
    strict: bool,
    /// Puts a relay before the server that breaks one thing: shows that the suite can fail (see list --faults)
    #[arg(long, value_name = "NAME")]
    fault: Option<String>,
    #[command(flatten)]
    paths: PathArguments,
    /// How many cases run at once
    #[arg(long, short, value_name = "NUMBER", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=4096), help_heading = TIMING)]
    jobs: u16,
    /// Factor for all deadlines; lower bounds are exact
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = patience, help_heading = TIMING)]
    patience: f64,
    /// How long to wait for a server that is not up yet, as in 30s
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = TIMING)]
    wait: Option<Duration>,
    /// Where report.json and junit.xml go
    #[arg(long, value_name = "DIR", default_value = REPORT_DIR, help_heading = REPORTS)]
    report_dir: PathBuf,
    /// What goes to standard output
    #[arg(long, short, value_enum, default_value = "text", help_heading = REPORTS)]
    format: Format,
    /// Only findings and the verdict; twice: nothing
    #[arg(long, short, action = clap::ArgAction::Count, help_heading = REPORTS)]
    quiet: u8,
    #[command(flatten)]
    tls: tls::TlsArguments,
    #[command(flatten, next_help_heading = "Own pages")]
    fixtures: FixtureArguments,
}

const TIMING: &str = "Timing";

const REPORTS: &str = "Reports";

/// A server without a profile: where it keeps what.
#[derive(Debug, Args)]
#[command(next_help_heading = "Instead of a profile")]
struct PathArguments {
    /// Path of a polling endpoint
    #[arg(long, value_name = "PATH", conflicts_with = "profile")]
    polling: Option<String>,
    /// Path of a long-polling endpoint
    #[arg(long, value_name = "PATH", conflicts_with = "profile")]
    long_polling: Option<String>,
    /// Path of an iframe-streaming endpoint, with {callback} if the callback can be named
    #[arg(long, value_name = "PATH", conflicts_with = "profile")]
    iframe: Option<String>,
    /// Path of an event stream
    #[arg(long, value_name = "PATH", conflicts_with = "profile")]
    sse: Option<String>,
    /// Path of a WebSocket
    #[arg(long, value_name = "PATH", conflicts_with = "profile")]
    websocket: Option<String>,
    /// The WebSocket answers every message with the same message
    #[arg(long, conflicts_with = "profile")]
    echo: bool,
}

/// Which pages are judged by.
#[derive(Debug, Args)]
struct FixtureArguments {
    /// Pages from a folder laid out like fixtures/, instead of the built-in ones
    #[arg(long, value_name = "DIR")]
    fixtures: Option<PathBuf>,
}

/// Arguments of `list`.
#[derive(Debug, Args)]
struct ListArguments {
    /// Only what matches; as for run --select
    patterns: Vec<String>,
    /// How to write the list
    #[arg(long, short, value_enum, default_value = "text")]
    format: Format,
    /// Lists the clauses instead of the cases
    #[arg(long, conflicts_with = "faults")]
    clauses: bool,
    /// Lists the faults that run --fault takes
    #[arg(long)]
    faults: bool,
    #[command(flatten)]
    fixtures: FixtureArguments,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
struct ExplainArguments {
    /// The id of a case or of a clause, or the name of a fault
    id: String,
    #[command(flatten)]
    fixtures: FixtureArguments,
}

/// Arguments of `load`.
#[derive(Debug, Args)]
#[command(after_help = LOAD_EXIT_CODES)]
struct LoadArguments {
    /// The server, as in `http://127.0.0.1:8080`
    url: Option<String>,
    /// By which technique the clients wait
    #[arg(long, short, value_enum)]
    technique: Technique,
    /// How many clients
    #[arg(long, value_name = "NUMBER", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    clients: u32,
    /// How many messages are published
    #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    messages: u32,
    /// How many messages are published a second, at most; each waits for the answer to the one before
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = rate)]
    rate: f64,
    /// The time from one poll of a client to the next, for polling
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration)]
    interval: Duration,
    /// How long messages are waited for after the last one that came
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    wait: Duration,
    /// Where the server keeps each technique, and how to publish; ./pushspec.toml if it exists
    #[arg(long, short, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// The server's process, whose memory is looked at (Linux)
    #[arg(long, value_name = "PID", requires = "url")]
    pid: Option<u32>,
    /// What goes to standard output
    #[arg(long, short, value_enum, default_value = "text")]
    format: LoadFormat,
}

const LOAD_EXIT_CODES: &str =
    "It is a measurement, not a verdict. Ctrl-C ends it with what was measured until then.

Exit codes:
  0  it was measured, whatever was lost
  2  an argument or a profile is wrong, or more files would be open than this process may
  3  the target is not reachable, or refuses the first client or all messages
  5  the program itself failed";

/// How to write a measurement to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LoadFormat {
    /// For people
    Text,
    /// One JSON object (pushspec-load/1)
    Json,
}

/// How to write to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// report.json, or a JSON list
    Json,
    /// junit.xml (run only)
    Junit,
}

/// Runs the program with the arguments of the process.
pub async fn main() -> ExitCode {
    let program = Program::try_parse().unwrap_or_else(|error| {
        if error.use_stderr() {
            let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
            forget_report(&words.collect::<Vec<_>>());
        }
        error.exit()
    });
    program.color.apply();
    let result = match program.command {
        Command::Run(arguments) => run::run(&arguments).await,
        Command::List(arguments) => list::list(&arguments),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Load(arguments) => load::load(&arguments).await,
        Command::Serve(arguments) => {
            pushspec_reference::cli::serve(*arguments).await.map(|()| 0).map_err(CliError::from)
        }
    };
    match result {
        Ok(code) => ExitCode::from(code),
        // Who reads the output has seen enough, as with `| head`.
        Err(CliError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            error.print();
            ExitCode::from(error.exit_code())
        }
    }
}

/// Says something on standard error that is no mistake.
fn note(what: &str) {
    use std::io::Write as _;
    // Who has closed standard error does not want to know.
    let _ = writeln!(anstream::stderr(), "note: {what}");
}

/// Removes the report of the run before where the arguments of `run` are so wrong that they were not read.
fn forget_report(words: &[String]) {
    let [_, command, words @ ..] = words else { return };
    let mut folder = Some(REPORT_DIR);
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word.strip_prefix("--report-dir") {
            Some("") => folder = words.next(),
            Some(rest) => folder = rest.strip_prefix('=').or(folder),
            None => {}
        }
    }
    if let Some(folder) = folder.filter(|_| command == "run") {
        // What cannot be removed is told by a run that takes place.
        let _ = crate::report::remove(Path::new(folder));
    }
}

impl Color {
    fn apply(self) {
        match self {
            Color::Auto => {}
            Color::Always => anstream::ColorChoice::Always.write_global(),
            Color::Never => anstream::ColorChoice::Never.write_global(),
        }
    }
}

impl FixtureArguments {
    fn suite(&self) -> Result<Suite, SuiteError> {
        match &self.fixtures {
            Some(folder) => {
                let suite = Suite::from_folder(folder)?;
                for path in &suite.unread {
                    let path = path.display().to_string();
                    note(&format!("not read: {}; a page is TECHNIQUE/NAME.md", visible(&path)));
                }
                Ok(suite)
            }
            None => Suite::embedded(),
        }
    }

    /// The arguments again.
    fn words(&self) -> Vec<String> {
        let folder = self.fixtures.iter().map(|folder| folder.display().to_string());
        folder.flat_map(|folder| ["--fixtures".to_owned(), folder]).collect()
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if (0.001..=100_000.0).contains(&rate) {
        Ok(rate)
    } else {
        Err("the rate is between 0.001 and 100000 messages a second".into())
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_secs(3600);
    match crate::case::parse_duration(text) {
        Some(duration) if !duration.is_zero() && duration <= LONGEST => Ok(duration),
        Some(_) => Err("the time is longer than 0 and at most 3600s".into()),
        None => Err(format!("`{text}` is no time; write `300ms` or `5s`")),
    }
}

fn patience(text: &str) -> Result<f64, String> {
    let factor: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if (0.01..=1000.0).contains(&factor) {
        Ok(factor)
    } else {
        Err("the factor is between 0.01 and 1000".into())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Program::command().debug_assert();
    }
}
