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

use crate::escape::visible;
use crate::load::Technique;
use crate::suite::{Suite, SuiteError};

/// Judges, clause by clause, whether a server implements server push as the specifications require
#[derive(Debug, Parser)]
#[command(name = "pushspec", version, propagate_version = true, after_help = EXIT_CODES)]
pub struct Program {
    #[command(subcommand)]
    command: Command,
    /// Prints in colour; auto does so on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN", display_order = LAST)]
    color: Color,
}

/// Behind the arguments of each command.
const LAST: usize = 900;

const EXIT_CODES: &str = "Exit codes:
  0  the target conforms
  1  the target does not conform
  2  an argument, a profile or a fixture is wrong
  3  the target is not reachable, or it went away during the run
  4  no case was selected, or no selected case could be judged
  5  a report could not be written, or the program itself failed
  130, 143  SIGINT (Ctrl-C) or SIGTERM ended the run; the report has what was judged before";

/// Where reports go by default.
const REPORT_DIR: &str = "reports/latest";

#[derive(Debug, Subcommand)]
enum Command {
    /// Judges a server; without a URL, the one in ./pushspec.toml, or else the built-in reference server
    Run(Box<RunArguments>),
    /// Lists the cases, the clauses or the faults
    List(ListArguments),
    /// Explains a case, a clause or a fault, and shows how to run it
    Explain(ExplainArguments),
    /// Measures a server with many waiting clients; without a URL, the one in ./pushspec.toml, or else a reference server
    /// in its own process
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
    /// The server: `http://127.0.0.1:8080`, `https://127.0.0.1:8443` or `unix:/run/server.sock`;
    /// `ws://127.0.0.1:8080/path` judges only the WebSocket at that path, or at `/` if there is no path
    url: Option<String>,
    /// Runs only the cases that match a pattern: the beginning of an id, such as websocket/5.2; * stands for any characters
    #[arg(long, short, value_name = "PATTERN", num_args = 1..)]
    select: Vec<String>,
    /// Leaves out the cases that match a pattern, for example because their findings are known
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    exclude: Vec<String>,
    /// Reads the profile of the server from this file; the default is ./pushspec.toml if it exists
    #[arg(long, short, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Counts warnings as failures
    #[arg(long)]
    strict: bool,
    /// Adds this fault to the server by a relay, to show that the suite finds it; list --faults lists the names
    #[arg(long, value_name = "NAME")]
    fault: Option<String>,
    #[command(flatten)]
    paths: PathArguments,
    /// Runs at most this many cases at the same time
    #[arg(long, short, value_name = "NUMBER", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=4096), help_heading = TIMING)]
    jobs: u16,
    /// Multiplies every deadline by this factor; lower bounds stay the same
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = patience, help_heading = TIMING)]
    patience: f64,
    /// Waits up to this time, such as 30s, for the server to accept connections
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = TIMING)]
    wait: Option<Duration>,
    /// Writes report.json and junit.xml to this folder
    #[arg(long, value_name = "DIR", default_value = REPORT_DIR, help_heading = REPORTS)]
    report_dir: PathBuf,
    /// Prints to standard output in this format
    #[arg(long, short, value_enum, default_value = "text", help_heading = REPORTS)]
    format: Format,
    /// Prints only the findings and the verdict; -qq prints nothing
    #[arg(long, short, action = clap::ArgAction::Count, help_heading = REPORTS)]
    quiet: u8,
    #[command(flatten)]
    tls: tls::TlsArguments,
    #[command(flatten, next_help_heading = "Your own pages")]
    fixtures: FixtureArguments,
}

const TIMING: &str = "Timing";

const REPORTS: &str = "Reports";

/// A server without a profile: where it keeps what.
#[derive(Debug, Args)]
#[command(next_help_heading = "Instead of a profile")]
struct PathArguments {
    /// The path of the polling endpoint
    #[arg(long, value_name = "PATH", conflicts_with = "profile")]
    polling: Option<String>,
    /// The path of the long-polling endpoint
    #[arg(long, value_name = "PATH", conflicts_with = "profile")]
    long_polling: Option<String>,
    /// The path of the iframe stream, with {callback} if the client can choose the callback
    #[arg(long, value_name = "PATH", conflicts_with = "profile")]
    iframe: Option<String>,
    /// The path of the event stream
    #[arg(long, value_name = "PATH", conflicts_with = "profile")]
    sse: Option<String>,
    /// The path of the WebSocket endpoint
    #[arg(long, value_name = "PATH", conflicts_with = "profile")]
    websocket: Option<String>,
    /// States that the WebSocket endpoint sends every message back
    #[arg(long, conflicts_with = "profile")]
    echo: bool,
}

/// Which pages are judged by.
#[derive(Debug, Args)]
struct FixtureArguments {
    /// Reads the pages from this folder, laid out like fixtures/, and not the built-in ones
    #[arg(long, value_name = "DIR")]
    fixtures: Option<PathBuf>,
}

/// Arguments of `list`.
#[derive(Debug, Args)]
struct ListArguments {
    /// Lists only what matches a pattern, as in run --select
    patterns: Vec<String>,
    /// Prints the list in this format
    #[arg(long, short, value_enum, default_value = "text")]
    format: Format,
    /// Lists the clauses and not the cases
    #[arg(long, conflicts_with = "faults")]
    clauses: bool,
    /// Lists the faults that run --fault accepts
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
    /// The URL of the server, such as `http://127.0.0.1:8080`
    url: Option<String>,
    /// The technique by which the clients wait for messages
    #[arg(long, short, value_enum)]
    technique: Technique,
    /// Connects this many clients
    #[arg(long, value_name = "NUMBER", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    clients: u32,
    /// Publishes this many messages
    #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    messages: u32,
    /// Publishes at most this many messages a second; each waits for the response to the one before
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = rate)]
    rate: f64,
    /// The time from one poll of a client to its next poll, for polling
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration)]
    interval: Duration,
    /// Waits this long for more messages after the last one
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    wait: Duration,
    /// Reads the profile of the server from this file; the default is ./pushspec.toml if it exists
    #[arg(long, short, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Measures the memory of this process, which is the server (Linux)
    #[arg(long, value_name = "PID", requires = "url")]
    pid: Option<u32>,
    /// Prints to standard output in this format
    #[arg(long, short, value_enum, default_value = "text")]
    format: LoadFormat,
}

const LOAD_EXIT_CODES: &str =
    "This is a measurement and not a verdict. Ctrl-C ends it and prints the measurement so far.

Exit codes:
  0  the server was measured, whether or not messages were lost
  2  an argument or a profile is wrong, or this process may not open enough files
  3  the target is not reachable, or it refuses the first client or all messages
  5  the program itself failed";

/// How to write a measurement to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LoadFormat {
    /// Text for people
    Text,
    /// One JSON object (pushspec-load/1)
    Json,
}

/// How to write to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text for people
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
                    note(&format!("{} is not read: the path of a page is TECHNIQUE/NAME.md", visible(&path)));
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
    let rate: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
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
        None => Err(format!("`{text}` is not a time; write `300ms` or `5s`")),
    }
}

fn patience(text: &str) -> Result<f64, String> {
    let factor: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
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
