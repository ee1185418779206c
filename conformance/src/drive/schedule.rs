//! Runs many cases at once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::sanity::{broken_below, is_at_large, rests_on};
use super::{Publisher, breaches, resolve, run};
use crate::case::Case;
use crate::case::facts::Sanity;
use crate::catalogue::{Catalogue, Level};
use crate::judge::{
    Breach, Invariant, Judgement, Machine, Settings, Verdict, lacking, needed_techniques, publishes,
};
use crate::outcome::{CaseOutcome, ClauseOutcome, Outcome};
use crate::suite::{Pattern, Suite};
use crate::target::Target;

/// How a run is carried out.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many cases run at once.
    pub jobs: usize,
    /// Factor for all upper bounds; lower bounds are exact.
    pub patience: f64,
    /// Which cases; all of them if empty.
    pub select: Vec<Pattern>,
    /// Which of them are left out: what is known already.
    pub exclude: Vec<Pattern>,
    /// Whether cases that do not pass are run again, a few at a time, before they are reported: a server that was
    /// overwhelmed for a moment is not accused.
    pub again: bool,
    /// A word in the names of the channels, so that two runs do not hear each other. Random if `None`.
    pub tag: Option<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options { jobs: 32, patience: 1.0, select: Vec::new(), exclude: Vec::new(), again: true, tag: None }
    }
}

/// Why a run did not take place.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// One of the patterns matches no case.
    #[error("no case matches {0}; `pushspec list` shows what there is")]
    NothingSelected(String),
    /// Every case that is selected is excluded, too.
    #[error("--exclude leaves nothing of what is selected")]
    AllExcluded,
    /// Nothing listens there.
    #[error("{target} is not reachable: {why}")]
    Unreachable {
        /// The URL of the target.
        target: String,
        /// Why.
        why: String,
    },
    /// Something in the suite itself.
    #[error("{0}")]
    Internal(String),
}

/// How many cases are run again at a time.
const AGAIN_AT_ONCE: usize = 16;

/// What took so long is not run again: it waited for something far longer than a busy machine needs.
const TOO_LONG_FOR_AGAIN: Duration = Duration::from_secs(10);

/// How many cases that do not pass are run again: where there are more, it is not for want of a moment's rest.
const MAX_AGAIN: usize = 48;

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
        let (started, start) = (SystemTime::now(), Instant::now());
        let addresses = reach(target).await?;
        let publisher = Publisher::new(target).map_err(RunError::Internal)?;
        let runner = Arc::new(Runner {
            target: Arc::clone(target),
            catalogue: Arc::clone(&self.catalogue),
            addresses,
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
        let reported: BTreeSet<&str> = selected.iter().map(|case| case.id.as_str()).collect();
        let only_invariants = named.len() == selected.len();
        results.outcomes.retain(|id, outcome| {
            // A sanity case that did not pass is the reason for what was skipped: it is shown also where it was not
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
        let excluded = excluded.into_iter().map(|case| case.id).collect();
        let target = target.url();
        Ok(Outcome { target, started, cases, excluded, clauses, unjudged, duration: start.elapsed() })
    }

    /// A pattern that matches nothing is a slip.
    fn check_selection(&self, options: &Options) -> Result<(), RunError> {
        let unmatched = |pattern: &&Pattern| !self.cases.iter().any(|case| pattern.matches(&case.id));
        let patterns = options.select.iter().chain(&options.exclude);
        let unmatched: Vec<String> =
            patterns.filter(unmatched).map(|pattern| format!("`{pattern}`")).collect();
        if unmatched.is_empty() { Ok(()) } else { Err(RunError::NothingSelected(unmatched.join(" or "))) }
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

/// What came out so far.
#[derive(Default)]
struct Results {
    outcomes: BTreeMap<String, CaseOutcome>,
    /// With the case in which each was seen.
    breaches: Vec<(String, Breach)>,
    relevant: BTreeSet<Invariant>,
}

impl Results {
    /// The sanity cases that did not pass.
    fn broken(&self) -> Vec<Case> {
        let sanity = self.outcomes.values().filter(|outcome| outcome.case.is_sanity());
        sanity.filter(|outcome| outcome.is_broken()).map(|outcome| outcome.case.clone()).collect()
    }

    /// Whether techniques were looked for, and none was found.
    fn nothing_is_there(&self) -> bool {
        let mut ran = self.outcomes.values().filter(|outcome| outcome.verdict != Verdict::Skip).peekable();
        ran.peek().is_some() && ran.all(CaseOutcome::is_broken)
    }

    /// The techniques of the target whose sanity case was skipped, although other cases of theirs were run.
    fn unjudged(&self, target: &Target) -> BTreeMap<String, String> {
        let ran = |technique: &str| {
            let mut outcomes = self.outcomes.values();
            outcomes.any(|outcome| outcome.case.technique == technique && outcome.verdict != Verdict::Skip)
        };
        let of_technique =
            |outcome: &&CaseOutcome| outcome.case.section().facts.sanity == Some(Sanity::Technique);
        let sanity = self.outcomes.values().filter(of_technique);
        let skipped = sanity.filter(|outcome| outcome.verdict == Verdict::Skip);
        let unjudged =
            skipped.filter(|outcome| target.can(&outcome.case.folder) && ran(&outcome.case.folder));
        unjudged
            .map(|outcome| (outcome.case.folder.clone(), outcome.reason.clone().unwrap_or_default()))
            .collect()
    }
}

struct Runner {
    target: Arc<Target>,
    catalogue: Arc<Catalogue>,
    addresses: Vec<SocketAddr>,
    publisher: Publisher,
    patience: f64,
    tag: String,
    /// Cases that publish take turns where the target has no channels.
    turns: Option<Mutex<()>>,
    /// Cases that use the WebSocket take turns where it is one room for all.
    room: Option<Mutex<()>>,
    slots: Semaphore,
    /// The same for cases that are run again.
    few: Semaphore,
    select: Vec<Pattern>,
    /// Cases that move megabytes take turns: a server that needs a second for each is not to be late with all.
    large: Mutex<()>,
    again: bool,
}

/// The addresses of a target on which something listens.
pub(crate) async fn reach(target: &Target) -> Result<Vec<SocketAddr>, RunError> {
    let unreachable =
        |error: std::io::Error| RunError::Unreachable { target: target.url(), why: error.to_string() };
    let addresses = resolve(target.connect_host(), target.port).await.map_err(unreachable)?;
    super::connection::connect(&addresses).await.map_err(unreachable)?;
    Ok(addresses)
}

/// A word that differs between runs.
pub(crate) fn tag() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}", now.as_nanos() & 0xffff_ffff_ffff)
}

impl Runner {
    /// Runs the sanity cases, then what does not rest on one that failed.
    async fn conversations(
        self: &Arc<Self>,
        suite: &Suite,
        cases: Vec<Case>,
        results: &mut Results,
        progress: &mut impl FnMut(&CaseOutcome),
    ) -> Result<(), RunError> {
        let selected: BTreeSet<String> = cases.iter().map(|case| case.id.clone()).collect();
        // A sanity case runs also where it was not selected: what rests on it is judged either way.
        let sanity = suite.cases.iter().filter(|sanity| {
            sanity.is_sanity() && cases.iter().any(|case| case.id == sanity.id || rests_on(case, sanity))
        });
        let of_technique = |case: &&Case| case.section().facts.sanity == Some(Sanity::Technique);
        let (techniques, capabilities): (Vec<&Case>, Vec<&Case>) = sanity.partition(of_technique);
        // What the profile says that a technique can do is looked at where the technique is there.
        for sanity in [techniques, capabilities] {
            let broken = results.broken();
            let stands = |case: &&Case| broken_below(case, &broken).is_none();
            let sanity = sanity.into_iter().filter(stands).cloned().collect();
            self.batch(sanity, 1, results, &mut |_| {}).await?;
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
                Some(sanity) => {
                    let outcome = CaseOutcome::skipped(
                        case.clone(),
                        self.level(&case),
                        format!("the sanity case {} did not pass", sanity.id),
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
        if !self.again || failed.len() > MAX_AGAIN {
            return Ok(());
        }
        // What broke an invariant stays on record: no load of a moment makes a server send it.
        let cases = failed.iter().map(|outcome| outcome.case.clone()).collect();
        self.batch(cases, 2, results, &mut |_| {}).await?;
        for first in failed {
            if let Some(outcome) = results.outcomes.get_mut(&first.case.id) {
                outcome.at_first = Some(Box::new(first));
            }
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
        while let Some((outcome, breaches, relevant)) = finished.recv().await {
            results.breaches.extend(breaches.into_iter().map(|breach| (outcome.case.id.clone(), breach)));
            results.relevant.extend(relevant);
            progress(&outcome);
            results.outcomes.insert(outcome.case.id.clone(), outcome);
        }
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(|error| RunError::Internal(format!("a case ended unexpectedly: {error}")))?;
        }
        Ok(())
    }

    fn level(&self, case: &Case) -> Level {
        self.catalogue.clause(case.clause()).map_or(Level::Must, |clause| clause.level)
    }

    /// Why a case that the target could be judged by is not run.
    fn left_out(&self, case: &Case) -> Option<String> {
        let asked_for = || self.select.iter().any(|pattern| pattern.asks_for(&case.id));
        let left_out = case.section().facts.large && !asked_for();
        left_out.then(|| format!("it moves megabytes; --select {} runs it", case.page.path))
    }

    async fn case(&self, case: Case, attempt: usize) -> (CaseOutcome, Vec<Breach>, Vec<Invariant>) {
        let level = self.level(&case);
        if let Some(reason) = lacking(&case, &self.target).or_else(|| self.left_out(&case)) {
            return (CaseOutcome::skipped(case, level, reason), Vec::new(), Vec::new());
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
        let large = if case.section().facts.large { Some(self.large.lock().await) } else { None };
        let slots = if attempt > 1 { &self.few } else { &self.slots };
        let Ok(slot) = slots.acquire().await else {
            return (CaseOutcome::skipped(case, level, "the run was ended".into()), Vec::new(), Vec::new());
        };
        let settings = Settings { patience: self.patience, channel: channel(&self.tag, &case.id, attempt) };
        let machine =
            Machine::new(case.clone(), Arc::clone(&self.target), Arc::clone(&self.catalogue), settings);
        let mut judgement: Judgement = run(machine, &self.addresses, &self.publisher).await;
        drop((slot, large, in_room, turn));
        let breaches = std::mem::take(&mut judgement.breaches);
        let relevant = std::mem::take(&mut judgement.relevant);
        (CaseOutcome::judged(case, level, judgement), breaches, relevant)
    }

    /// The verdict on an invariant, from the traffic of all cases.
    fn invariant(&self, case: Case, results: &Results) -> CaseOutcome {
        let level = self.level(&case);
        let Some(invariant) = case.invariant().and_then(Invariant::from_name) else {
            return CaseOutcome::skipped(case, level, "the invariant is not known".into());
        };
        if !results.relevant.contains(&invariant) {
            let reason = "no case that ran had traffic for it".to_owned();
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
