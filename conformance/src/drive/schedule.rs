//! A run: what is selected, and what becomes of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use tokio::time::Instant;

use super::endpoints;
use super::hidden;
use super::keeper::Keeper;
#[cfg(feature = "program")]
pub(crate) use super::options::{CONNECTIONS, CONNECTIONS_IF_LATE};
pub use super::options::{Options, RunError, Running};
#[cfg(feature = "program")]
pub use super::process::Launch;
#[cfg(feature = "program")]
pub(crate) use super::reach::reach;
use super::results::Results;
use super::runner::Runner;
#[cfg(feature = "program")]
pub(crate) use super::runner::tag;
pub use super::watch::Stop;
use crate::case::Case;
use crate::judge::{Invariant, question};
use crate::outcome::{CaseOutcome, ClauseOutcome, Ending, Outcome, Shard};
use crate::profile::{Profile, TECHNIQUES, Target};
use crate::secret::Secrets;
use crate::suite::{Suite, Unmatched};

impl Suite {
    /// Judges a target.
    pub async fn run(&self, target: &Target, options: &Options) -> Result<Outcome, RunError> {
        self.run_with(target, options, |_| {}).await
    }

    /// Judges a target; `progress` hears of every case that is done. What the profile keeps secret is in nothing that comes
    /// out.
    pub async fn run_with(
        &self,
        target: &Target,
        options: &Options,
        progress: impl FnMut(&CaseOutcome),
    ) -> Result<Outcome, RunError> {
        self.check_selection(&target.profile, options)?;
        let secrets = target.profile.secrets();
        check_profile(&target.profile).map_err(|error| hidden::error(error, &secrets))?;
        let judged = self.judge_endpoints(&Arc::new(target.clone()), options, &secrets, progress).await;
        judged.map_err(|error| hidden::error(error, &secrets))
    }

    /// Judges a target at one endpoint of each technique, and then at each further one with the cases that use it.
    async fn judge_endpoints(
        &self,
        target: &Arc<Target>,
        options: &Options,
        secrets: &Secrets,
        mut progress: impl FnMut(&CaseOutcome),
    ) -> Result<Outcome, RunError> {
        let start = Instant::now();
        let further: Vec<_> = target
            .profile
            .further
            .iter()
            .filter_map(|further| Some((further, endpoints::of(self, further, options)?)))
            .collect();
        // What is asked for may all be at further endpoints.
        let is_first = further.is_empty() || self.selected(&target.profile, options).next().is_some();
        let mut outcome = None;
        if is_first {
            let mut first = self.judge(target, options, secrets, &mut progress).await?;
            endpoints::name(&mut first, &target.profile);
            outcome = Some(first);
        }
        for (further, (technique, suite)) in further {
            if outcome.as_ref().is_some_and(|outcome: &Outcome| outcome.ending.is_some()) {
                break;
            }
            let target = Arc::new(Target { profile: further.clone(), ..Target::clone(target) });
            let max_time = options.max_time.map(|limit| limit.saturating_sub(start.elapsed()));
            let options = Options { max_time, ..options.clone() };
            let mut other = match suite.judge(&target, &options, secrets, &mut progress).await {
                // A shard of few cases has none of this endpoint.
                Err(RunError::EmptyShard(..)) => continue,
                other => other?,
            };
            endpoints::name(&mut other, further);
            endpoints::name_unjudged(&mut other, technique);
            match &mut outcome {
                Some(outcome) => endpoints::join(self, outcome, other),
                None => outcome = Some(other),
            }
        }
        let mut outcome = outcome.ok_or(RunError::AllExcluded)?;
        outcome.duration = start.elapsed();
        Ok(outcome)
    }

    async fn judge(
        &self,
        target: &Arc<Target>,
        options: &Options,
        secrets: &Secrets,
        mut progress: impl FnMut(&CaseOutcome),
    ) -> Result<Outcome, RunError> {
        let is_excluded = |case: &Case| endpoints::is_excluded(&target.profile, options, case);
        let (excluded, selected): (Vec<Case>, Vec<Case>) =
            self.matching(&target.profile, &options.select).cloned().partition(is_excluded);
        if selected.is_empty() {
            return Err(RunError::AllExcluded);
        }
        let (selected, shard) = shard_of(selected, options.shard)?;
        let question = self.cases.first().map(|case| question(case, target)).unwrap_or_default();
        let keeper = Keeper::new(options, question);
        let route = keeper.begin(target).await?;
        let (started, start) = (SystemTime::now(), Instant::now());
        let runner = Runner::new(self, target, &selected, options, secrets, keeper, route).await?;
        let runner = Arc::new(runner);
        let mut results = Results::default();
        let (named, conversations): (Vec<Case>, Vec<Case>) =
            selected.iter().cloned().partition(|case| case.invariant().is_some());
        let mut conversations =
            if conversations.is_empty() { self.traffic_for(&named) } else { conversations };
        conversations.retain(|case| !is_excluded(case));
        let noticing = AbortOnDrop(tokio::spawn(Arc::clone(&runner.watch).notice_silence()));
        let ran = runner.conversations(self, conversations, &mut results, &mut progress).await;
        drop(noticing);
        runner.keeper.end().await;
        ran?;
        if runner.watch.has_run_out() && !results.is_any_judged() {
            return Err(RunError::OpenFiles);
        }
        results.settle_ends();
        let unjudged = results.unjudged(target);
        let ending = self.ending(&runner, &results, start, options);
        let ending = ending.map(|ending| hidden::ending(ending, secrets));
        let reported: BTreeSet<&str> = selected.iter().map(|case| case.id.as_str()).collect();
        let only_invariants = named.len() == selected.len();
        results.outcomes.retain(|id, outcome| {
            // A precondition that did not pass is the reason for what was skipped: it is shown also where it was not
            // selected.
            reported.contains(id.as_str()) || (!only_invariants && outcome.is_broken())
        });
        let mut invariants = if only_invariants { named } else { self.invariants_of(&results, named) };
        invariants.retain(|case| !is_excluded(case));
        for case in invariants {
            let outcome = runner.invariant(case, &results);
            progress(&outcome);
            results.outcomes.insert(outcome.case.id.clone(), outcome);
        }
        let outcomes = self.cases.iter().filter_map(|case| {
            let outcome = results.outcomes.remove(&case.id)?;
            Some(CaseOutcome { selected: reported.contains(case.id.as_str()), ..outcome })
        });
        let cases: Vec<CaseOutcome> = outcomes.collect();
        let clauses = ClauseOutcome::of(&cases, &self.catalogue);
        // What would have been skipped anyway is no less known for it.
        let excluded = excluded.into_iter().filter(|case| runner.why_not(case).is_none());
        let excluded = excluded.map(|case| case.id).collect();
        Ok(Outcome {
            target: secrets.hide(&target.url()),
            started,
            cases,
            excluded,
            clauses,
            unjudged,
            serves_at_once: runner.serves_at_once,
            stale: Vec::new(),
            ends: std::mem::take(&mut results.ends),
            ending,
            shard,
            duration: start.elapsed(),
            catalogue: Arc::clone(&self.catalogue),
            secrets: secrets.clone(),
        })
    }

    fn ending(
        &self,
        runner: &Runner,
        results: &Results,
        start: Instant,
        options: &Options,
    ) -> Option<Ending> {
        if runner.watch.has_run_out() {
            return Some(Ending::OutOfFiles);
        }
        // One that is gone when the run ends may have come back.
        let Some(refusal) = runner.watch.gone().filter(|_| runner.is_lost.load(Ordering::Relaxed)) else {
            if options.stop.is_stopped() {
                return Some(Ending::Stopped);
            }
            let limit = options.max_time.filter(|_| results.is_cut())?;
            return Some(Ending::Overdue { limit });
        };
        let ran = self.cases.iter().filter(|case| results.running.contains(&case.id));
        let running = ran.map(|case| case.id.clone()).collect();
        let after = refusal.at.saturating_duration_since(start);
        Some(Ending::Gone { after, why: refusal.why, running })
    }

    /// A pattern that matches nothing is a slip.
    fn check_selection(&self, profile: &Profile, options: &Options) -> Result<(), RunError> {
        let at = |profile: &Profile| -> Vec<String> {
            let names = self
                .cases
                .iter()
                .filter_map(|case| Some(format!("{}@{}", case.id, endpoints::of_case(profile, case)?)));
            names.collect()
        };
        // What a pattern without an endpoint can match is that of all.
        let patterns = options.select.iter().chain(&options.exclude);
        let names = if patterns.clone().any(|pattern| pattern.endpoint().is_some()) {
            [profile].into_iter().chain(&profile.further).flat_map(at).collect()
        } else {
            Vec::new()
        };
        let ids = self.cases.iter().map(|case| case.id.as_str());
        let ids = ids.chain(names.iter().map(String::as_str));
        let unmatched = |patterns| Unmatched::of("case", "pushspec list", patterns, ids.clone());
        match (unmatched(&options.select), unmatched(&options.exclude)) {
            (Some(unmatched), _) => Err(RunError::NothingSelected(unmatched)),
            (None, Some(unmatched)) => Err(RunError::NothingExcluded(unmatched)),
            (None, None) => Ok(()),
        }
    }

    /// The invariants that were named, and those for which the cases that ran had traffic.
    fn invariants_of(&self, results: &Results, named: Vec<Case>) -> Vec<Case> {
        let ids: BTreeSet<String> = named.into_iter().map(|case| case.id).collect();
        let relevant = |case: &&Case| {
            let invariant = case.invariant().and_then(Invariant::from_name);
            ids.contains(&case.id) || invariant.is_some_and(|invariant| results.relevant.contains(&invariant))
        };
        self.cases.iter().filter(relevant).cloned().collect()
    }

    /// The cases that make the traffic on which invariants alone are judged: those of the same folders.
    fn traffic_for(&self, invariants: &[Case]) -> Vec<Case> {
        let folders: BTreeSet<&str> = invariants.iter().map(|case| case.folder.as_str()).collect();
        let talks = |case: &&Case| case.invariant().is_none() && folders.contains(case.folder.as_str());
        self.cases.iter().filter(talks).cloned().collect()
    }
}

/// A profile that is written in code was not looked at yet, and one without a technique has nothing to be judged.
fn check_profile(profile: &Profile) -> Result<(), RunError> {
    if let Some((table, _, wrong)) = profile.mistake() {
        return Err(RunError::Profile { table, wrong });
    }
    let names = |profile: &Profile| TECHNIQUES.iter().any(|technique| profile.names_technique(technique));
    if names(profile) { Ok(()) } else { Err(RunError::NoTechnique) }
}

/// Ends a task together with what it serves.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The cases of a shard: of those with a conversation every so many-th, so that what is slow is spread over all shards; and
/// all invariants, which are judged on the traffic of each.
fn shard_of(
    selected: Vec<Case>,
    shard: Option<(usize, usize)>,
) -> Result<(Vec<Case>, Option<Shard>), RunError> {
    let Some((index, count)) = shard else { return Ok((selected, None)) };
    let all = selected.iter().filter(|case| case.invariant().is_none()).count();
    if all > 0 && index > all {
        return Err(RunError::EmptyShard(index, count, all));
    }
    let mut next = 0..;
    let belongs = |case: &Case| {
        case.invariant().is_some() || next.next().is_some_and(|number: usize| number % count == index - 1)
    };
    let cases = selected.into_iter().filter(belongs).collect();
    Ok((cases, Some(Shard { index, count, selected: all })))
}
