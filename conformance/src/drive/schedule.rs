//! Runs many cases at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

pub use super::options::{Options, RunError, Unmatched};
use super::precondition::{broken_below, is_at_large, rests_on};
use super::results::{NOT_RUN, Ran, Results};
pub use super::watch::Stop;
use super::watch::Watch;
use super::{Publisher, Route, breaches, run};
use crate::case::Case;
use crate::case::front_matter::Precondition;
use crate::catalogue::{Catalogue, Level};
use crate::judge::{Invariant, Machine, Settings, Verdict, lacking, needed_techniques, publishes};
use crate::outcome::{CaseOutcome, ClauseOutcome, Ending, INTERRUPTED, Outcome};
use crate::profile::Target;
use crate::suite::{Pattern, Suite};

/// How many cases are run again at a time.
const AGAIN_AT_ONCE: usize = 16;

/// What took so long is not run again: it waited for something far longer than a busy machine needs.
const TOO_LONG_FOR_AGAIN: Duration = Duration::from_secs(10);

/// How many cases that do not pass are run again: where there are more, it is not for want of a moment's rest.
const MAX_AGAIN: usize = 48;

/// The pause before the next look whether a target has come to listen.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

impl Suite {
    /// Judges a target.
    pub async fn run(&self, target: &Arc<Target>, options: &Options) -> Result<Outcome, RunError> {
        self.run_with(target, options, |_| {}).await
    }

    /// Judges a target; `progress` hears of every case that is done.
    pub async fn run_with(
        &self,
        target: &Arc<Target>,
        options: &Options,
        mut progress: impl FnMut(&CaseOutcome),
    ) -> Result<Outcome, RunError> {
        let is_excluded = |case: &Case| options.exclude.iter().any(|pattern| pattern.matches(&case.id));
        let (excluded, selected): (Vec<Case>, Vec<Case>) =
            self.select(&options.select).into_iter().partition(is_excluded);
        self.check_selection(options)?;
        if selected.is_empty() {
            return Err(RunError::AllExcluded);
        }
        let route = tokio::select! {
            route = reach(target, options.wait) => route?,
            () = options.stop.stopped() => return Err(RunError::Stopped),
        };
        let publisher = Publisher::new(target, route.clone()).await;
        let publisher = publisher.map_err(|error| RunError::Publisher(error.to_string()))?;
        let (started, start) = (SystemTime::now(), Instant::now());
        let runner = Arc::new(Runner {
            target: Arc::clone(target),
            catalogue: Arc::clone(&self.catalogue),
            watch: Watch::new(route, options.stop.clone()),
            publisher,
            patience: options.patience,
            tag: options.tag.clone().unwrap_or_else(tag),
            turns: (!target.has_channels()).then(Mutex::default),
            room: target.is_one_room().then(Mutex::default),
            slots: Semaphore::new(options.jobs.max(1)),
            few: Semaphore::new(options.jobs.clamp(1, AGAIN_AT_ONCE)),
            select: options.select.clone(),
            large: Mutex::default(),
            again: options.again,
        });
        let mut results = Results::default();
        let (named, conversations): (Vec<Case>, Vec<Case>) =
            selected.iter().cloned().partition(|case| case.invariant().is_some());
        let mut conversations =
            if conversations.is_empty() { self.traffic_for(&named) } else { conversations };
        conversations.retain(|case| !is_excluded(case));
        runner.conversations(self, conversations, &mut results, &mut progress).await?;
        let unjudged = results.unjudged(target);
        let ending = self.ending(&runner.watch, &results, start);
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
        let target = target.url();
        let duration = start.elapsed();
        Ok(Outcome { target, started, cases, excluded, clauses, unjudged, ending, duration })
    }

    fn ending(&self, watch: &Watch, results: &Results, start: Instant) -> Option<Ending> {
        let Some(refusal) = watch.gone() else { return watch.has_ended().then_some(Ending::Stopped) };
        let ran = self.cases.iter().filter(|case| results.running.contains(&case.id));
        let running = ran.map(|case| case.id.clone()).collect();
        let after = refusal.at.saturating_duration_since(start);
        Some(Ending::Gone { after, why: refusal.why, running })
    }

    /// A pattern that matches nothing is a slip.
    fn check_selection(&self, options: &Options) -> Result<(), RunError> {
        let ids = self.cases.iter().map(|case| case.id.as_str());
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

struct Runner {
    target: Arc<Target>,
    catalogue: Arc<Catalogue>,
    watch: Arc<Watch>,
    publisher: Publisher,
    patience: f64,
    tag: String,
    /// Cases that publish run one at a time where the target has no channels.
    turns: Option<Mutex<()>>,
    /// Cases that use the WebSocket run one at a time where it is one room for all.
    room: Option<Mutex<()>>,
    slots: Semaphore,
    /// The same for cases that are run again.
    few: Semaphore,
    select: Vec<Pattern>,
    /// Cases that transfer megabytes run one at a time: a server that needs a second for each is not to be late with all.
    large: Mutex<()>,
    again: bool,
}

/// The way to a target on which something listens, or comes to listen in the time that is given.
pub(crate) async fn reach(target: &Target, wait: Duration) -> Result<Route, RunError> {
    let start = Instant::now();
    loop {
        let reached = async {
            let route = Route::to(target).await?;
            drop(route.open().await?);
            Ok::<_, std::io::Error>(route)
        };
        match reached.await {
            Ok(route) => return Ok(route),
            Err(error) if start.elapsed() >= wait || is_final(&error) => {
                let waited = if wait.is_zero() || is_final(&error) {
                    String::new()
                } else {
                    format!(" (waited {wait:?})")
                };
                let why = format!("{error}{waited}");
                return Err(RunError::Unreachable { target: target.url(), why });
            }
            Err(_) => tokio::time::sleep(LOOK_AGAIN.min(wait.saturating_sub(start.elapsed()))).await,
        }
    }
}

/// Whether waiting does not mend an error: what is wrong with the TLS of a target stays so.
fn is_final(error: &std::io::Error) -> bool {
    #[cfg(feature = "tls")]
    return super::tls::is_final(error);
    #[cfg(not(feature = "tls"))]
    return error.kind() == std::io::ErrorKind::Unsupported;
}

/// A word that differs between runs.
pub(crate) fn tag() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}", now.as_nanos() & 0xffff_ffff_ffff)
}

impl Runner {
    /// Runs the preconditions, then what does not rest on one that failed.
    async fn conversations(
        self: &Arc<Self>,
        suite: &Suite,
        cases: Vec<Case>,
        results: &mut Results,
        progress: &mut impl FnMut(&CaseOutcome),
    ) -> Result<(), RunError> {
        let selected: BTreeSet<String> = cases.iter().map(|case| case.id.clone()).collect();
        // A precondition runs also where it was not selected: what rests on it is judged either way.
        let precondition = suite.cases.iter().filter(|precondition| {
            precondition.is_precondition()
                && cases.iter().any(|case| case.id == precondition.id || rests_on(case, precondition))
        });
        let of_technique =
            |case: &&Case| case.section().front_matter.precondition == Some(Precondition::Technique);
        let (techniques, capabilities): (Vec<&Case>, Vec<&Case>) = precondition.partition(of_technique);
        // What the profile says that a technique can do is looked at where the technique is there.
        for precondition in [techniques, capabilities] {
            let broken = results.broken();
            let stands = |case: &&Case| broken_below(case, &broken).is_none();
            let precondition = precondition.into_iter().filter(stands).cloned().collect();
            self.batch(precondition, 1, results, &mut |_| {}).await?;
            self.again(results).await?;
        }
        let broken = results.broken();
        let nothing_is_there = results.nothing_is_there();
        results
            .outcomes
            .values()
            .filter(|outcome| selected.contains(&outcome.case.id))
            .for_each(&mut *progress);
        let mut rest = Vec::new();
        for case in cases {
            if results.outcomes.contains_key(&case.id) {
                continue;
            }
            let below = broken_below(&case, &broken);
            // What is asked of no technique in particular is asked of a server that answers.
            let below = below.or_else(|| broken.first().filter(|_| nothing_is_there && is_at_large(&case)));
            match below {
                Some(precondition) => {
                    let outcome = CaseOutcome::skipped(
                        case.clone(),
                        self.level(&case),
                        format!("the precondition {} did not pass", precondition.id),
                    );
                    progress(&outcome);
                    results.outcomes.insert(case.id.clone(), outcome);
                }
                None => rest.push(case),
            }
        }
        self.batch(rest, 1, results, progress).await?;
        self.again(results).await
    }

    /// Runs what did not pass again, a few cases at a time, and keeps what comes of that.
    async fn again(self: &Arc<Self>, results: &mut Results) -> Result<(), RunError> {
        let failed = |outcome: &&CaseOutcome| {
            outcome.verdict > Verdict::Pass
                && outcome.at_first.is_none()
                && outcome.duration < TOO_LONG_FOR_AGAIN
        };
        let failed: Vec<CaseOutcome> = results.outcomes.values().filter(failed).cloned().collect();
        if !self.again || failed.len() > MAX_AGAIN || self.watch.has_ended() {
            return Ok(());
        }
        // What broke an invariant stays on record: no load of a moment makes a server send it.
        let cases = failed.iter().map(|outcome| outcome.case.clone()).collect();
        self.batch(cases, 2, results, &mut |_| {}).await?;
        for first in &failed {
            results.keep_first(first);
        }
        Ok(())
    }

    async fn batch(
        self: &Arc<Self>,
        cases: Vec<Case>,
        attempt: usize,
        results: &mut Results,
        progress: &mut impl FnMut(&CaseOutcome),
    ) -> Result<(), RunError> {
        let mut tasks = JoinSet::new();
        let (done, mut finished) = mpsc::unbounded_channel();
        for case in cases {
            let runner = Arc::clone(self);
            let done = done.clone();
            tasks.spawn(async move {
                let judged = runner.case(case, attempt).await;
                let _ = done.send(judged);
            });
        }
        drop(done);
        let mut any_ran = false;
        while let Some(ran) = finished.recv().await {
            any_ran |= ran.through.is_some();
            progress(&ran.outcome);
            results.add(ran);
        }
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(|error| RunError::Internal(format!("a case ended unexpectedly: {error}")))?;
        }
        if any_ran && !self.watch.has_ended() {
            self.watch.check().await;
        }
        if self.watch.gone().is_some() {
            results.distrust(self.watch.alive());
        }
        Ok(())
    }

    fn level(&self, case: &Case) -> Level {
        self.catalogue.clause(case.clause()).map_or(Level::Must, |clause| clause.level)
    }

    /// Why a case is not run: the target lacks what it needs, or nobody asked for what it costs.
    fn why_not(&self, case: &Case) -> Option<String> {
        lacking(case, &self.target).or_else(|| self.left_out(case))
    }

    fn left_out(&self, case: &Case) -> Option<String> {
        let asked_for = || self.select.iter().any(|pattern| pattern.asks_for(&case.id));
        let left_out = case.section().front_matter.large && !asked_for();
        left_out.then(|| format!("it transfers megabytes; --select {} runs it", case.page.path))
    }

    async fn case(&self, case: Case, attempt: usize) -> Ran {
        let level = self.level(&case);
        if let Some(reason) = self.why_not(&case) {
            return Ran::skipped(CaseOutcome::skipped(case, level, reason));
        }
        let turn = match &self.turns {
            Some(turns) if publishes(&case) => Some(turns.lock().await),
            _ => None,
        };
        // What one case says in a room is heard by the others that are there, and many say the same.
        let talks = || needed_techniques(&case).iter().any(|technique| technique == "websocket");
        let in_room = match &self.room {
            Some(room) if talks() => Some(room.lock().await),
            _ => None,
        };
        let large = if case.section().front_matter.large { Some(self.large.lock().await) } else { None };
        let slots = if attempt > 1 { &self.few } else { &self.slots };
        let slot = slots.acquire().await;
        self.watch.settled().await;
        if self.watch.has_ended() {
            let reason = if self.watch.gone().is_some() { NOT_RUN } else { INTERRUPTED };
            return Ran::not_run(CaseOutcome::skipped(case, level, reason.to_owned()));
        }
        let settings = Settings { patience: self.patience, channel: channel(&self.tag, &case.id, attempt) };
        let machine =
            Machine::new(case.clone(), Arc::clone(&self.target), Arc::clone(&self.catalogue), settings);
        let (mut judgement, is_cut) = run(machine, &self.watch, &self.publisher).await;
        drop((slot, large, in_room, turn));
        let breaches = std::mem::take(&mut judgement.breaches);
        let relevant = std::mem::take(&mut judgement.relevant);
        let outcome = CaseOutcome::judged(case, level, judgement);
        Ran { outcome, breaches, relevant, through: Some(Instant::now()), is_cut }
    }

    /// The verdict on an invariant, from the traffic of all cases.
    fn invariant(&self, case: Case, results: &Results) -> CaseOutcome {
        let level = self.level(&case);
        let Some(invariant) = case.invariant().and_then(Invariant::from_name) else {
            return CaseOutcome::skipped(case, level, "the invariant is not known".into());
        };
        if !results.relevant.contains(&invariant) {
            let reason = "no case that ran had traffic that it judges".to_owned();
            return CaseOutcome::skipped(case, level, reason);
        }
        let findings = breaches::findings(&case, level, invariant, &results.breaches);
        let verdict = if findings.is_empty() { Verdict::Pass } else { Verdict::from(level) };
        let mut outcome = CaseOutcome::skipped(case, level, String::new());
        outcome.reason = None;
        outcome.verdict = verdict;
        outcome.findings = findings;
        outcome
    }
}

/// The channel of a case: short, and made of characters that need no encoding in a path.
fn channel(tag: &str, id: &str, attempt: usize) -> String {
    use sha1::{Digest, Sha1};
    let digest = Sha1::digest(id.as_bytes());
    let hash: String = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    // What a case published the first time is not to be heard the second time.
    let again = if attempt > 1 { format!("-{attempt}") } else { String::new() };
    format!("pushspec-{tag}-{hash}{again}")
}
