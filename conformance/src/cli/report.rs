//! `pushspec report`, `diff`, `matrix` and `merge`: what is made of stored reports.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::CliError;
use super::output::{OutputArguments, exit_code};
use crate::report::diff::Diff;
use crate::report::matrix::{self, Column};
use crate::report::terminal::{self, Detail, Extent};
use crate::report::{self, Format, Report, ReportError, json};

/// Arguments of `report`.
#[derive(Debug, Args)]
pub(super) struct ReportArguments {
    /// A report.json; - is standard input
    file: PathBuf,
    /// In which format
    #[arg(long, short, value_enum, default_value = "text")]
    to: Format,
    /// Where to, instead of standard output
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Every finding of every case, and every reason (text)
    #[arg(long, short)]
    verbose: bool,
    /// Also which way the server goes where a specification leaves the choice open (text)
    #[arg(long)]
    info: bool,
}

/// Arguments of `diff`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes:
  0  nothing broke
  1  something broke, or the newer run did not judge what it was to judge
  2  a file is no report")]
pub(super) struct DiffArguments {
    /// The older report.json
    old: PathBuf,
    /// The newer report.json
    new: PathBuf,
    /// In which format
    #[arg(long, short, value_enum, default_value = "text")]
    to: DiffFormat,
}

/// How to write what changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DiffFormat {
    /// For people
    Text,
    /// For a comment on a merge request
    Markdown,
    /// One JSON object, for programs
    Json,
}

/// Arguments of `matrix`.
#[derive(Debug, Args)]
pub(super) struct MatrixArguments {
    /// The report.json of each server, with a name for its column before it, as in nginx=nginx/report.json
    #[arg(required = true, value_name = "[NAME=]FILE")]
    files: Vec<String>,
    /// In which format
    #[arg(long, short, value_enum, default_value = "markdown")]
    to: MatrixFormat,
    /// Where to, instead of standard output
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
}

/// How to write the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MatrixFormat {
    /// A table in Markdown
    Markdown,
    /// A page
    Html,
}

/// Arguments of `merge`.
#[derive(Debug, Args)]
pub(super) struct MergeArguments {
    /// The report.json of each shard
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    output: OutputArguments,
}

pub(super) fn report(arguments: &ReportArguments) -> Result<u8, CliError> {
    let report = read(&arguments.file)?;
    if arguments.to == Format::Text {
        let extent = if arguments.verbose { Extent::All } else { Extent::Usual };
        let detail = Detail { extent, info: arguments.info, color: arguments.output.is_none() };
        return deliver(arguments.output.as_deref(), &terminal::to_string(&report, detail));
    }
    deliver(arguments.output.as_deref(), &arguments.to.render(&report)?)
}

pub(super) fn diff(arguments: &DiffArguments) -> Result<u8, CliError> {
    let (old, new) = (read(&arguments.old)?, read(&arguments.new)?);
    let diff = Diff::of(&old, &new);
    let text = match arguments.to {
        DiffFormat::Text => diff.text(),
        DiffFormat::Markdown => diff.markdown(),
        DiffFormat::Json => serde_json::to_string_pretty(&diff).map_err(ReportError::from)? + "\n",
    };
    deliver(None, &text)?;
    Ok(u8::from(diff.broke))
}

pub(super) fn matrix(arguments: &MatrixArguments) -> Result<u8, CliError> {
    let columns = arguments.files.iter().map(|file| column(file)).collect::<Result<Vec<_>, _>>()?;
    let text = match arguments.to {
        MatrixFormat::Markdown => matrix::markdown(&columns),
        MatrixFormat::Html => matrix::html(&columns),
    };
    deliver(arguments.output.as_deref(), &text)
}

pub(super) fn merge(arguments: &MergeArguments) -> Result<u8, CliError> {
    arguments.output.check()?;
    let shards = arguments.files.iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>()?;
    let merged = Report::merge(shards)?;
    arguments.output.deliver(&merged)?;
    Ok(exit_code(&merged))
}

/// A column of the matrix: by the name before the file, or else by the folder or the file.
fn column(argument: &str) -> Result<Column, CliError> {
    // A file may have a `=` in its name, too.
    let (name, file) = match argument.split_once('=') {
        Some((name, file)) if !name.is_empty() && !Path::new(argument).exists() => {
            (Some(name), Path::new(file))
        }
        _ => (None, Path::new(argument)),
    };
    let report = read(file)?;
    let stem = file.file_stem().filter(|stem| *stem != "report");
    let folder = file.parent().and_then(Path::file_name);
    let name = match (name, stem.or(folder)) {
        (Some(name), _) => name.to_owned(),
        (None, Some(name)) => name.to_string_lossy().into_owned(),
        (None, None) => report.name().to_owned(),
    };
    Ok(Column { name, report })
}

/// Reads a stored report.
pub(super) fn read(path: &Path) -> Result<Report, CliError> {
    let error = |error| CliError::ReadReport { path: path.to_owned(), error };
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(error)?;
        text
    } else {
        fs::read_to_string(path).map_err(error)?
    };
    json::parse(&text).map_err(|error| CliError::Stored { path: path.to_owned(), error })
}

/// Writes to a file or to standard output.
fn deliver(output: Option<&Path>, text: &str) -> Result<u8, CliError> {
    match output {
        Some(path) if path != Path::new("-") => report::write_file(path, text)?,
        _ => anstream::stdout().lock().write_all(text.as_bytes())?,
    }
    Ok(0)
}
