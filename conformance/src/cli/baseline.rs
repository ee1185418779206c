//! The arguments of `run` that are about deviations that are accepted.

use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use clap::Args;

use super::{CliError, note};
use crate::baseline::{Baseline, BaselineError};
use crate::judge::Verdict;
use crate::mistake::{PageError, PageErrors};
use crate::outcome::Outcome;
use crate::suite::Suite;

/// What is accepted.
#[derive(Debug, Args)]
#[command(next_help_heading = "Accepted deviations")]
pub(super) struct BaselineArguments {
    /// Accepts the deviations that this file lists, or that a platform is known for, as node; can be repeated
    #[arg(long, value_name = "FILE|PLATFORM")]
    baseline: Vec<String>,
    /// Writes the file of --baseline anew: adds what is found, takes out what is stale, and keeps the comments
    #[arg(long, requires = "baseline")]
    update_baseline: bool,
}

/// The baselines that were named.
pub(super) struct Baselines {
    all: Vec<Baseline>,
    /// The file that is written anew, and what is in it.
    updated: Option<(String, String)>,
}

impl BaselineArguments {
    /// Reads the baselines. One that cannot be used is known before the run.
    pub(super) fn read(&self) -> Result<Baselines, CliError> {
        let mut all = Vec::new();
        let mut files = Vec::new();
        for name in &self.baseline {
            let is_file = Path::new(name).exists() || name.contains(['/', '.']);
            if let Some(built_in) = Baseline::built_in(name).filter(|_| !is_file) {
                all.push(built_in?);
                continue;
            }
            let text = self.text(name)?;
            all.push(Baseline::parse(name, &text)?);
            files.push((name.clone(), text));
        }
        if !self.update_baseline {
            return Ok(Baselines { all, updated: None });
        }
        if files.len() != 1 {
            let why = "--update-baseline writes one file: name one by --baseline, beside the platforms";
            return Err(CliError::Usage(why.into()));
        }
        Ok(Baselines { all, updated: files.pop() })
    }

    fn text(&self, name: &str) -> Result<String, CliError> {
        match crate::mistake::read(Path::new(name)) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|error| {
                BaselineError(PageErrors(vec![PageError::not_utf8(name.to_owned(), &error)])).into()
            }),
            // It is about to be written for the first time.
            Err(error) if self.update_baseline && error.kind() == io::ErrorKind::NotFound => {
                Ok(String::new())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let hint = Baseline::platforms(name);
                Err(CliError::Usage(format!("there is no baseline `{name}`; {hint}")))
            }
            Err(error) => Err(CliError::Usage(format!("failed to read the baseline `{name}`: {error}"))),
        }
    }

    /// Whether a file is written anew.
    pub(super) fn is_updated(&self) -> bool {
        self.update_baseline
    }

    /// The arguments again.
    pub(super) fn words(&self) -> Vec<String> {
        self.baseline.iter().flat_map(|name| ["--baseline".to_owned(), name.clone()]).collect()
    }
}

impl Baselines {
    /// Marks what is accepted, after the file was written anew where that is what was asked for.
    pub(super) fn apply(
        mut self,
        suite: &Suite,
        outcome: &mut Outcome,
        strict: bool,
    ) -> Result<(), CliError> {
        let now = SystemTime::now();
        if let Some((name, text)) = self.updated.take() {
            self.update(&name, &text, suite, outcome, strict)?;
        }
        self.all.iter().for_each(|baseline| baseline.apply(suite, outcome, now));
        Ok(())
    }

    fn update(
        &mut self,
        name: &str,
        text: &str,
        suite: &Suite,
        outcome: &Outcome,
        strict: bool,
    ) -> Result<(), CliError> {
        if outcome.ending.is_some() {
            note(&format!("{name} is not written: the run did not come to its end"));
            return Ok(());
        }
        let is_named = |baseline: &&mut Baseline| baseline.name() == name;
        // What other baselines accept is not added to this one.
        let mut others = outcome.clone();
        for baseline in self.all.iter().filter(|baseline| baseline.name() != name) {
            baseline.apply(suite, &mut others, SystemTime::now());
        }
        others.cases.retain(|case| case.accepted.is_none());
        let verdicts: &[Verdict] = if strict { &[Verdict::Fail, Verdict::Warn] } else { &[Verdict::Fail] };
        let Some(baseline) = self.all.iter_mut().find(is_named) else { return Ok(()) };
        let updated = baseline
            .updated(text, &others, verdicts, SystemTime::now())
            .map_err(|error| CliError::Usage(format!("the baseline `{name}`: {error}")))?;
        if updated != text {
            fs::write(name, &updated)
                .map_err(|error| CliError::WriteBaseline { file: name.to_owned(), error })?;
            note(&format!("{name} is written"));
        }
        *baseline = Baseline::parse(name, &updated)?;
        Ok(())
    }
}
