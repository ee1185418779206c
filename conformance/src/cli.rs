//! The command line: arguments in, exit code out.

mod again;
mod baseline;
mod error;
mod explain;
mod init;
mod list;
mod load;
mod output;
mod paths;
mod progress;
mod proxy;
mod replay;
mod report;
mod requests;
mod run;
mod shell;
mod signals;
mod start;
mod tls;
mod unused;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use error::CliError;

use crate::escape::visible;
use crate::load::Technique;
use crate::secret::Secrets;
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
  1  the target does not conform, a baseline is stale, or the time of --max-time was over
  2  an argument, a profile or a fixture is wrong
  3  the target is not reachable, or it went away during the run
  4  no case was selected, or no selected case could be judged
  5  a report could not be written, there were no more open files, or the program itself failed
  129, 130, 143  SIGHUP, SIGINT (Ctrl-C) or SIGTERM ended the run; the report has what was judged before";

/// Where reports go by default.
const REPORT_DIR: &str = "reports/latest";

#[derive(Debug, Subcommand)]
enum Command {
    /// Judges a server; without a URL, the one in ./pushspec.toml, or else the built-in reference server
    Run(Box<RunArguments>),
    /// Looks for the techniques of a server, and writes a profile to begin with
    Init(Box<init::InitArguments>),
    /// Lists the cases, the clauses or the faults
    List(ListArguments),
    /// Explains a case, a clause or a fault, and shows how to run it
    Explain(ExplainArguments),
    /// Measures a server with many waiting clients; without a URL, the one in ./pushspec.toml, or else a reference server
    /// in its own process
    Load(LoadArguments),
    /// Writes a stored report.json in any format
    Report(report::ReportArguments),
    /// Tells what changed from one report.json to another: fixed, broken, new, still
    Diff(report::DiffArguments),
    /// Puts the reports of several servers side by side
    Matrix(report::MatrixArguments),
    /// Shows what a proxy breaks: judges the reference server, or one at --direct, directly and through the proxy at URL, and
    /// reports the difference alone
    Proxy(Box<proxy::ProxyArguments>),
    /// Puts the reports of all shards of a run together
    Merge(Box<report::MergeArguments>),
    /// Judges what a report.json has recorded again, without the server: by pages or a profile that have changed
    Replay(replay::ReplayArguments),
    /// Prints the completions of a shell
    Completions(shell::CompletionsArguments),
    /// Prints the manual page
    Man(shell::ManArguments),
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
    /// `ws://127.0.0.1:8080/path` gives the path of the WebSocket, or `/`; without a profile, only the WebSocket is judged
    url: Option<String>,
    /// Runs only the cases that match a pattern: the beginning of an id, such as websocket/5.2; * stands for any characters, and
    /// what stands behind an @ for the only endpoint
    #[arg(long, short, value_name = "PATTERN", num_args = 1..)]
    select: Vec<String>,
    /// Leaves out the cases that match a pattern, for example because their findings are known
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    exclude: Vec<String>,
    /// Reads the profile of the server from this file; the default is ./pushspec.toml if it exists
    #[arg(long, short, value_name = "FILE", conflicts_with_all = paths::FLAGS)]
    profile: Option<PathBuf>,
    /// Counts warnings as failures
    #[arg(long)]
    strict: bool,
    /// One part of the cases, as in 2/3 for the second of three; `pushspec merge` puts the reports together
    #[arg(long, value_name = "I/N", value_parser = shard)]
    shard: Option<(usize, usize)>,
    /// Adds this fault to the server by a relay, to show that the suite finds it; list --faults lists the names
    #[arg(long, value_name = "NAME")]
    fault: Option<String>,
    #[command(flatten)]
    requests: requests::RequestArguments,
    #[command(flatten)]
    paths: paths::PathArguments,
    #[command(flatten)]
    shape: paths::ShapeArguments,
    /// Lets at most this many cases open connections, write and read at the same time; a case that only waits is not
    /// counted
    #[arg(long, short, value_name = "NUMBER", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=4096), help_heading = TIMING)]
    jobs: u16,
    /// Has at most this many connections open at the same time, or fewer if the open files of this process or the server
    /// allow fewer [default: 512; 1024 if the server takes a second or more for each answer]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..), help_heading = TIMING)]
    connections: Option<u16>,
    /// Multiplies every deadline by this factor; lower bounds stay the same
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = patience, help_heading = TIMING)]
    patience: f64,
    /// Waits up to this time, such as 30s, for the server to accept connections
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = TIMING)]
    wait: Option<Duration>,
    /// How much memory this process may take, such as 512MB: a case for whose traffic too little is left of it ends with an
    /// error that says so
    #[arg(long, value_name = "SIZE", default_value = "512MB", value_parser = memory, help_heading = TIMING)]
    max_memory: usize,
    #[command(flatten)]
    again: again::AgainArguments,
    #[command(flatten)]
    output: output::OutputArguments,
    #[command(flatten)]
    baseline: baseline::BaselineArguments,
    #[command(flatten)]
    start: start::StartArguments,
    #[command(flatten)]
    tls: tls::TlsArguments,
    #[command(flatten, next_help_heading = "Your own pages")]
    fixtures: FixtureArguments,
}

const TIMING: &str = "Timing";

const REPORTS: &str = "Reports";

/// Which pages are judged by.
#[derive(Debug, Args)]
struct FixtureArguments {
    /// Adds the pages and clauses in this folder, laid out like fixtures/; a file with the name of a built-in one replaces it
    #[arg(long, value_name = "DIR")]
    fixtures: Option<PathBuf>,
    /// Leaves out the built-in pages
    #[arg(long, requires = "fixtures")]
    no_built_in: bool,
}

/// Arguments of `list`.
#[derive(Debug, Args)]
struct ListArguments {
    /// Lists only what matches a pattern, as in run --select; a part of a heading, or a capability such as sse.resume
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
    /// The id or the heading of a case, the id of a clause, the name of a fault, or a capability such as sse.resume
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
    /// How much memory this process may take, such as 512MB: a client for whose traffic too little is left of it ends
    #[arg(long, value_name = "SIZE", default_value = "512MB", value_parser = memory)]
    max_memory: usize,
    /// Exits with 1 if more messages than this are lost, over all clients, or one cannot be published
    #[arg(long, value_name = "NUMBER")]
    max_lost: Option<u64>,
    /// Exits with 1 if one of a hundred messages takes longer than this to arrive
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    max_p99: Option<Duration>,
    /// Prints to standard output in this format
    #[arg(long, short, value_enum, default_value = "text")]
    format: LoadFormat,
    #[command(flatten)]
    trust: tls::TrustArguments,
}

const LOAD_EXIT_CODES: &str =
    "This is a measurement, and a verdict only with --max-lost or --max-p99. Ctrl-C ends it and prints the measurement so far.

Exit codes:
  0  the server was measured, and keeps to the thresholds
  1  the server does not keep to --max-lost or --max-p99
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
    let program = Program::parse();
    program.color.apply();
    let result = match program.command {
        Command::Run(arguments) => Box::pin(run::run(&arguments)).await,
        Command::Init(arguments) => init::init(&arguments).await,
        Command::List(arguments) => list::list(&arguments),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Report(arguments) => report::report(&arguments),
        Command::Diff(arguments) => report::diff(&arguments),
        Command::Matrix(arguments) => report::matrix(&arguments),
        Command::Proxy(arguments) => Box::pin(proxy::proxy(&arguments)).await,
        Command::Merge(arguments) => report::merge(&arguments),
        Command::Replay(arguments) => replay::replay(&arguments),
        Command::Completions(arguments) => shell::completions(&arguments),
        Command::Man(arguments) => shell::man(&arguments),
        Command::Load(arguments) => Box::pin(load::load(&arguments)).await,
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

/// Says that the system does not give the program what it needs to begin, such as open files.
pub fn no_runtime(error: &std::io::Error) -> ExitCode {
    let error = CliError::Runtime(error.to_string());
    error.print();
    ExitCode::from(error.exit_code())
}

/// What nobody is to see, once the program knows of it: nothing that it prints beside a report has it.
static SECRETS: OnceLock<Secrets> = OnceLock::new();

/// Keeps secrets out of what is printed.
fn keep_secret(secrets: Secrets) {
    // A command has one target.
    let _ = SECRETS.set(secrets);
}

/// A text without what nobody is to see.
fn hidden(text: &str) -> String {
    SECRETS.get().map_or_else(|| text.to_owned(), |secrets| secrets.hide(text))
}

/// Says something on standard error that is no mistake.
fn note(what: &str) {
    use std::io::Write as _;
    let what = hidden(what);
    // Who has closed standard error does not want to know.
    let _ = writeln!(anstream::stderr(), "note: {}", visible(&what));
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
                let suite =
                    if self.no_built_in { Suite::from_folder(folder)? } else { Suite::with_folder(folder)? };
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
        let flag = self.no_built_in.then(|| "--no-built-in".to_owned());
        folder.flat_map(|folder| ["--fixtures".to_owned(), folder]).chain(flag).collect()
    }
}

fn shard(text: &str) -> Result<(usize, usize), String> {
    let numbers =
        text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
    match numbers {
        Some((index, count)) if (1..=count).contains(&index) => Ok((index, count)),
        Some((_, count)) => Err(format!("the shards are 1/{count} to {count}/{count}")),
        None => Err(format!("`{text}` is no part; write `2/3` for the second of three")),
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
    let number = |digits: &str| digits.parse::<u64>().ok().filter(|_| !digits.starts_with('+'));
    // A number alone is one of seconds, and a run may take minutes.
    let duration = match (number(text), text.strip_suffix('m').and_then(number)) {
        (Some(seconds), _) => Some(Duration::from_secs(seconds)),
        (None, Some(minutes)) => Some(Duration::from_secs(minutes.saturating_mul(60))),
        (None, None) => crate::case::parse_duration(text),
    };
    match duration {
        Some(duration) if !duration.is_zero() && duration <= LONGEST => Ok(duration),
        Some(_) => Err("the time is longer than 0 and at most 3600s".into()),
        None => Err(format!("`{text}` is not a time; write `300ms`, `5s` or `2m`")),
    }
}

/// A number of bytes.
fn memory(text: &str) -> Result<usize, String> {
    /// What the program needs in any case.
    const LEAST: usize = 64 * 1024 * 1024;
    let units = [("GB", 1024 * 1024 * 1024), ("MB", 1024 * 1024)];
    let number =
        units.iter().find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?.parse().ok()?, *bytes)));
    let bytes = number.and_then(|(number, unit): (usize, usize)| number.checked_mul(unit));
    match bytes {
        Some(bytes) if bytes >= LEAST => Ok(bytes),
        Some(_) => Err("the least is 64MB".into()),
        None => Err(format!("`{text}` is not a size; write `512MB` or `2GB`")),
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
    fn a_time_is_written_as_one_says_it() {
        let milliseconds = |text: &str| duration(text).map(|duration| duration.as_millis()).ok();
        for (text, expected) in
            [("300ms", 300), ("5s", 5000), ("2", 2000), ("2m", 120_000), ("3600", 3_600_000)]
        {
            assert_eq!(milliseconds(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "0",
            "0s",
            "+5",
            "m",
            "soon",
            "1h",
            "61m",
            "3601",
            "99999999999999999999",
            "18446744073709551615m",
        ] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Program::command().debug_assert();
    }
}
