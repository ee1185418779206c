//! Cases that are judged by what is recorded of a server: no socket, no sleep.

use std::sync::Arc;

use pushspec::case::Case;
use pushspec::judge::replay::replay;
use pushspec::judge::{Judgement, Settings};
use pushspec::profile::{Profile, Target};
use pushspec::suite::Suite;
use pushspec::transcript;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Judges a case of a target with a profile.
pub(crate) fn judge_case(profile: Profile, suite: &Suite, case: &Case, recorded: &str) -> Result<Judgement> {
    let target = Target::new("http://127.0.0.1:8080", profile)?;
    let settings = Settings { patience: 1.0, channel: "recorded".into() };
    let transcript = transcript::parse(recorded)?;
    Ok(replay(case.clone(), Arc::new(target), Arc::clone(&suite.catalogue), settings, &transcript))
}

/// Judges the built-in case of a name.
pub(crate) fn judge_with(profile: Profile, id: &str, recorded: &str) -> Result<Judgement> {
    let suite = Suite::embedded()?;
    let case = suite.cases.iter().find(|case| case.id == id).ok_or_else(|| format!("no case {id}"))?;
    judge_case(profile, &suite, case, recorded)
}

/// Judges the built-in case of a name, with the profile of the reference server.
pub(crate) fn judge(id: &str, recorded: &str) -> Result<Judgement> {
    judge_with(Profile::reference()?, id, recorded)
}
