//! What ends the program, each with its exit code.

use std::path::PathBuf;

use pushspec_reference::cli::ServeError;

use super::hidden;
use crate::baseline::BaselineError;
use crate::drive::schedule::RunError;
use crate::escape::visible;
use crate::load::LoadError;
use crate::mistake::PageErrors;
use crate::profile::{ProfileError, UrlError};
use crate::report::ReportError;
use crate::report::json::StoredError;
use crate::report::stored::MergeError;
use crate::suite::{SuiteError, Unmatched};

/// The exit code where nothing listens at the target.
pub(super) const UNREACHABLE: u8 = 3;

/// What ends the program.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    #[error(transparent)]
    Suite(#[from] SuiteError),
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error("failed to read the profile `{path}`: {error}")]
    ReadProfile { path: PathBuf, error: std::io::Error },
    #[error("failed to write the profile `{path}`: {error}")]
    WriteProfile { path: PathBuf, error: std::io::Error },
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(transparent)]
    Baseline(#[from] BaselineError),
    #[error("failed to write the baseline `{file}`: {error}")]
    WriteBaseline { file: String, error: std::io::Error },
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error("{0}")]
    NothingListed(Unmatched),
    #[error("interrupted before anything was judged")]
    Interrupted(u8),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error("failed to read the report `{path}`: {error}")]
    ReadReport { path: PathBuf, error: std::io::Error },
    #[error("failed to read the report `{path}`: {error}")]
    Stored { path: PathBuf, error: StoredError },
    #[error(transparent)]
    Merge(#[from] MergeError),
    #[error("failed to write to standard output: {0}")]
    Output(#[from] std::io::Error),
    #[error("the program cannot begin: {0}; raise the limit of open files (`ulimit -n`)")]
    Runtime(String),
    #[error("the reference server did not start: {0}")]
    Reference(String),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

impl CliError {
    /// The exit code of the program.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            CliError::Suite(_)
            | CliError::Profile(_)
            | CliError::ReadProfile { .. }
            | CliError::Url(_)
            | CliError::Baseline(_)
            | CliError::Usage(_)
            | CliError::ReadReport { .. }
            | CliError::Stored { .. }
            | CliError::Merge(_)
            | CliError::Run(
                RunError::NothingExcluded(_)
                | RunError::Profile { .. }
                | RunError::NoTechnique
                | RunError::Occupied { .. }
                | RunError::EmptyShard(..),
            )
            | CliError::Load(
                LoadError::Lacks { .. } | LoadError::OpenFiles { .. } | LoadError::Process { .. },
            ) => 2,
            CliError::Run(
                RunError::Unreachable { .. } | RunError::NotStarted { .. } | RunError::Publisher(_),
            )
            | CliError::Load(
                LoadError::Unreachable { .. } | LoadError::Refused { .. } | LoadError::Unpublished { .. },
            ) => UNREACHABLE,
            CliError::NothingListed(_)
            | CliError::Run(RunError::NothingSelected(_) | RunError::AllExcluded) => 4,
            CliError::Interrupted(code) => *code,
            CliError::Run(RunError::Stopped | RunError::Internal(_) | RunError::OpenFiles)
            | CliError::Runtime(_)
            | CliError::Load(LoadError::Internal(_))
            | CliError::WriteBaseline { .. }
            | CliError::WriteProfile { .. }
            | CliError::Report(_)
            | CliError::Output(_)
            | CliError::Reference(_) => 5,
            CliError::Serve(error) => error.exit_code(),
        }
    }

    /// Tells it on standard error.
    pub(super) fn print(&self) {
        use std::io::Write as _;
        let mut out = anstream::stderr().lock();
        // The names of one's own files may have anything in them.
        let shown = |error: &dyn std::fmt::Display| {
            let text = error.to_string();
            text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
        };
        // Where standard error is gone there is nobody to tell.
        let _ = match self {
            // Each mistake has its own `error:`.
            CliError::Suite(SuiteError::Pages(PageErrors(errors)))
            | CliError::Profile(ProfileError(PageErrors(errors)))
            | CliError::Baseline(BaselineError(PageErrors(errors))) => {
                errors.iter().try_for_each(|error| writeln!(out, "error: {}\n", hidden(&shown(error))))
            }
            error => writeln!(out, "error: {}", hidden(&shown(error))),
        };
    }
}
