//! The arguments of `run` that say after how many failures it ends, and that it runs what failed the last time.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Args;

use super::CliError;
use super::report::read;
use crate::drive::schedule::Stop;
use crate::judge::Verdict;
use crate::outcome::{CaseOutcome, Ending, Outcome};

/// When a run ends early, and what it begins with.
#[derive(Debug, Args)]
#[command(next_help_heading = "Ending early, and running again")]
pub(super) struct AgainArguments {
    /// Ends the run at the first failure
    #[arg(long, conflicts_with = "max_failures")]
    fail_fast: bool,
    /// Ends the run after this many failures
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    max_failures: Option<u32>,
    /// Runs only the cases that failed or could not be run the last time, as the report.json in the folder of the reports says
    #[arg(long, conflicts_with = "select")]
    rerun_failed: bool,
}

/// The ids of the cases that failed the last time.
pub(super) type Failed = Vec<String>;

impl AgainArguments {
    /// What failed the last time, where that is what is run. `None` is all that is selected.
    pub(super) fn failed(&self, folder: Option<&Path>) -> Result<Option<Failed>, CliError> {
        if !self.rerun_failed {
            return Ok(None);
        }
        let why = "--rerun-failed reads the last report.json: name its folder by --report-dir";
        let folder = folder.ok_or_else(|| CliError::Usage(why.into()))?;
        let report = read(&folder.join("report.json"))?;
        let broken = report.cases.iter().filter(|case| case.selected && report.is_broken(case));
        Ok(Some(broken.map(|case| case.name().into_owned()).collect()))
    }

    /// Whether a run may end at a failure.
    pub(super) fn ends_early(&self) -> bool {
        self.fail_fast || self.max_failures.is_some()
    }

    /// Ends the run when enough has failed.
    pub(super) fn limit(&self, stop: Stop, strict: bool) -> Limit {
        let most = self.max_failures.or(self.fail_fast.then_some(1));
        let most = most.map(|most| usize::try_from(most).unwrap_or(usize::MAX));
        Limit { most, strict, failures: AtomicUsize::new(0), stop }
    }
}

/// How many failures are enough.
pub(super) struct Limit {
    most: Option<usize>,
    strict: bool,
    failures: AtomicUsize,
    stop: Stop,
}

impl Limit {
    /// A case is done.
    pub(super) fn done(&self, outcome: &CaseOutcome) {
        let Some(most) = self.most else { return };
        let counts = match outcome.verdict {
            Verdict::Fail | Verdict::Error => true,
            Verdict::Warn => self.strict,
            _ => false,
        };
        if counts && self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= most {
            self.stop.stop();
        }
    }

    /// Says of a run that ended for it, and not for a signal, why it did.
    pub(super) fn explain(&self, outcome: &mut Outcome) {
        let is_reached = self.most.is_some_and(|most| self.failures.load(Ordering::Relaxed) >= most);
        if let (true, Some(most), Some(Ending::Stopped)) = (is_reached, self.most, &outcome.ending) {
            outcome.ending = Some(Ending::Enough { failures: most });
        }
    }
}
