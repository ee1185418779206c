//! Reports: one file a format, each a function of what is stored of a run ([`stored::Report`]).

mod assert;
mod files;
pub mod json;
#[cfg(feature = "program")]
pub mod junit;
pub mod readable;
pub mod stored;
pub mod terminal;

#[cfg(feature = "program")]
pub mod badge;
#[cfg(feature = "program")]
pub mod diff;
#[cfg(feature = "program")]
mod format;
#[cfg(feature = "program")]
pub mod github;
#[cfg(feature = "program")]
pub mod gitlab;
#[cfg(feature = "program")]
pub mod html;
#[cfg(feature = "program")]
pub mod markdown;
#[cfg(feature = "program")]
pub mod matrix;
#[cfg(feature = "program")]
pub mod replay;
#[cfg(feature = "program")]
pub mod sarif;
#[cfg(feature = "program")]
pub mod tap;

#[cfg(all(test, feature = "program"))]
mod junit_tests;
#[cfg(all(test, feature = "program"))]
pub(crate) mod testing;
#[cfg(all(test, feature = "program"))]
mod tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

#[cfg(feature = "program")]
pub use format::Format;
pub use stored::{Report, Shard};

use crate::secret::Secrets;

/// A report that could not be made or written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file or the folder.
    #[error(
        "failed to write the report `{path}`: {error}; choose another place with --report-dir or --report"
    )]
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
    #[cfg(feature = "program")]
    #[error("failed to make the JUnit report: {0}")]
    JUnit(#[from] quick_junit::SerializeError),
}

/// How the program was called, as far as a reader of the report needs it.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// What stood behind `pushspec run`, as far as it says what was judged and how.
    pub arguments: Vec<String>,
    /// What stands between the command and `--select` where a case is run again.
    pub rerun: Vec<String>,
    /// The command of the program that runs a case again; `None` is `run`.
    pub command: Option<&'static str>,
    /// The patterns of the cases that were left out.
    pub exclude: Vec<String>,
    /// The fault that stands before the server.
    pub fault: Option<String>,
    /// What has to be known before the verdict is believed.
    pub notes: Vec<String>,
    /// The target is the reference server that is built in.
    pub built_in: bool,
    /// Whether warnings are failures.
    pub strict: bool,
    /// A test ran the suite, and not the program.
    pub of_library: bool,
}

impl Invocation {
    /// The same without what nobody is to see.
    fn without(&self, secrets: &Secrets) -> Invocation {
        let hidden = |texts: &[String]| texts.iter().map(|text| secrets.hide(text)).collect();
        let Invocation { arguments, rerun, command, exclude, fault, notes, built_in, strict, of_library } =
            self;
        Invocation {
            arguments: hidden(arguments),
            rerun: hidden(rerun),
            command: *command,
            exclude: exclude.clone(),
            fault: fault.clone(),
            notes: hidden(notes),
            built_in: *built_in,
            strict: *strict,
            of_library: *of_library,
        }
    }
}

/// The names of the files in the folder of a run.
const FILES: [&str; 3] = ["report.json", "junit.xml", "report.html"];

impl Report {
    /// Writes `report.json` into a folder; with the feature `program`, `junit.xml` and `report.html` too.
    pub fn write(&self, folder: &Path) -> Result<(), ReportError> {
        let [json, junit, html] = FILES.map(|name| folder.join(name));
        files::make_folder(&json)?;
        files::write(&json, &(json::to_string(self)? + "\n"))?;
        #[cfg(feature = "program")]
        {
            files::write(&junit, &junit::to_string(self)?)?;
            files::write(&html, &html::to_string(self))?;
        }
        #[cfg(not(feature = "program"))]
        drop((junit, html));
        Ok(())
    }
}

/// Makes the folder, makes sure that a file can be written to it, and removes the report of the run before: a run that
/// does not take place must not leave the verdict of another.
pub fn prepare(folder: &Path) -> Result<(), ReportError> {
    files::check(&folder.join(FILES[0]))?;
    remove(folder)
}

/// Makes sure that a file can be written.
pub fn check_file(path: &Path) -> Result<(), ReportError> {
    files::check(path)
}

/// Writes a file whole or not at all, and makes the folder that it is to lie in.
pub fn write_file(path: &Path, text: &str) -> Result<(), ReportError> {
    files::make_folder(path)?;
    files::write(path, text)
}

/// Removes the report of the run before.
pub fn remove(folder: &Path) -> Result<(), ReportError> {
    for path in FILES.map(|name| folder.join(name)) {
        match fs::remove_file(&path) {
            Err(error)
                if error.kind() != io::ErrorKind::NotFound
                    && error.kind() != io::ErrorKind::NotADirectory =>
            {
                return Err(ReportError::Write { path, error });
            }
            _ => {}
        }
    }
    Ok(())
}
