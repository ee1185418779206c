//! Reporters: one file each, all from the same [`Outcome`].

pub mod json;
pub mod junit;
pub mod terminal;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use crate::escape;
use crate::outcome::Outcome;
use crate::suite::Suite;

/// A report that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file or the folder.
    #[error("failed to write the report `{path}`: {error}; choose another place with --report-dir")]
    Write {
        /// Which one.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// JSON that cannot be made.
    #[error("failed to make the JSON report: {0}")]
    Json(#[from] serde_json::Error),
    /// JUnit that cannot be made.
    #[error("failed to make the JUnit report: {0}")]
    JUnit(#[from] quick_junit::SerializeError),
}

/// The names of the files, JSON first.
const FILES: [&str; 2] = ["report.json", "junit.xml"];

/// What the reporters that write files work from.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The clauses and pages.
    pub suite: &'a Suite,
    /// What the run came to.
    pub outcome: &'a Outcome,
    /// Whether warnings are failures.
    pub strict: bool,
    /// The arguments of the command line, where there was one; nothing of a profile but its name.
    pub arguments: &'a [String],
}

impl<'a> Report<'a> {
    /// A report of an outcome.
    pub fn new(suite: &'a Suite, outcome: &'a Outcome, strict: bool) -> Report<'a> {
        Report { suite, outcome, strict, arguments: &[] }
    }

    /// Writes `report.json` and `junit.xml` into a folder.
    pub fn write(&self, folder: &Path) -> Result<(), ReportError> {
        let [json, junit] = FILES.map(|name| folder.join(name));
        write_file(&json, &(json::to_string(self)? + "\n"))?;
        write_file(&junit, &junit::to_string(self)?)
    }
}

/// Makes the folder, makes sure that a file can be written to it, and removes the report of the run before: a run that
/// does not take place must not leave the verdict of another.
pub fn prepare(folder: &Path) -> Result<(), ReportError> {
    let error = |error| ReportError::Write { path: folder.to_owned(), error };
    fs::create_dir_all(folder).map_err(error)?;
    let probe = folder.join(".pushspec");
    fs::write(&probe, b"").map_err(error)?;
    fs::remove_file(&probe).map_err(error)?;
    remove(folder)
}

/// Removes the report of the run before.
pub fn remove(folder: &Path) -> Result<(), ReportError> {
    for path in FILES.map(|name| folder.join(name)) {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(ReportError::Write { path, error });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes a file whole or not at all: nobody reads half a report.
fn write_file(path: &Path, text: &str) -> Result<(), ReportError> {
    let draft = path.with_extension("draft");
    let written = fs::write(&draft, text).and_then(|()| fs::rename(&draft, path));
    written.map_err(|error| {
        // The draft of a report that failed is of no use to anybody.
        let _ = fs::remove_file(&draft);
        ReportError::Write { path: path.to_owned(), error }
    })
}
