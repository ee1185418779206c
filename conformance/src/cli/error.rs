//! What ends the program, each with its exit code.

use std::path::PathBuf;

use crate::drive::schedule::{RunError, Unmatched};
use crate::load::LoadError;
use crate::mistake::PageErrors;
use crate::profile::{ProfileError, UrlError};
use crate::report::ReportError;
use crate::suite::SuiteError;

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
    #[error(transparent)]
    Url(#[from] UrlError),
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
    #[error("failed to write to standard output: {0}")]
    Output(#[from] std::io::Error),
    #[error("the reference server did not start: {0}")]
    Reference(String),
    #[error(transparent)]
    Serve(#[from] pushspec_reference::cli::ServeError),
}

impl CliError {
    /// The exit code of the program.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            CliError::Suite(_)
            | CliError::Profile(_)
            | CliError::ReadProfile { .. }
            | CliError::Url(_)
            | CliError::Usage(_)
            | CliError::Run(RunError::NothingExcluded(_))
            | CliError::Load(
                LoadError::Lacks { .. }
                | LoadError::NotClear
                | LoadError::OpenFiles { .. }
                | LoadError::Process { .. },
            ) => 2,
            CliError::Run(RunError::Unreachable { .. } | RunError::Publisher(_))
            | CliError::Load(
                LoadError::Unreachable { .. } | LoadError::Refused { .. } | LoadError::Unpublished { .. },
            ) => UNREACHABLE,
            CliError::NothingListed(_)
            | CliError::Run(RunError::NothingSelected(_) | RunError::AllExcluded) => 4,
            CliError::Interrupted(code) => *code,
            CliError::Run(RunError::Stopped | RunError::Internal(_))
            | CliError::Load(LoadError::Internal(_))
            | CliError::Report(_)
            | CliError::Output(_)
            | CliError::Reference(_)
            | CliError::Serve(_) => 5,
        }
    }

    /// Tells it on standard error.
    pub(super) fn print(&self) {
        use std::io::Write as _;
        let mut out = anstream::stderr().lock();
        // Where standard error is gone there is nobody to tell.
        let _ = match self {
            // Each mistake has its own `error:`.
            CliError::Suite(SuiteError::Pages(PageErrors(errors)))
            | CliError::Profile(ProfileError(PageErrors(errors))) => {
                errors.iter().try_for_each(|error| writeln!(out, "error: {error}\n"))
            }
            error => writeln!(out, "error: {error}"),
        };
    }
}
