//! Runs the cases of a run: each in its turn, in a place of its own, and what did not pass again.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::attempt::{FIRST, is_again};
use super::budget::{AGAIN_AT_ONCE, Budget};
use super::capacity::{LATE, Probe};
use super::foundations::Foundations;
use super::heavy::Heavy;
use super::hidden;
use super::keeper::Keeper;
use super::kept::Kept;
use super::options::{Options, RunError, Running};
use super::places::{Coming, Places, Vain};
use super::precondition::rests_on;
use super::publications::Publications;
use super::results::{NOT_RUN, OUT_OF_FILES, OVERDUE, Ran, Results};
use super::session::Sessions;
use super::watch::{Terms, Watch, silence};
use super::{Publisher, Route, breaches, run};
use crate::case::Case;
use crate::catalogue::{Catalogue, Level};
use crate::judge::{
    Demand, Invariant, Machine, Quota, Settings, Verdict, demand, held_request, lacking, needed_techniques,
    publishes, question,
};
use crate::outcome::{CaseOutcome, INTERRUPTED};
use crate::profile::Target;
use crate::secret::Secrets;
use crate::suite::{Pattern, Suite};

/// What an answer takes at least, as far as that is guessed to put the cases in order.
const OPENING: Duration = Duration::from_millis(100);

/// What the cases of a run share.
pub(super) struct Runner {
    pub(super) target: Arc<Target>,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) watch: Arc<Watch>,
    pub(super) keeper: Keeper,
    /// The target is gone, and does not come back.
    pub(super) is_lost: AtomicBool,
    publisher: Publisher,
    sessions: Sessions,
    /// What nobody is to see.
    pub(super) secrets: Secrets,
    pub(super) patience: f64,
    tag: String,
    /// Cases that publish run one at a time where the target has no channels.
    turns: Option<Mutex<()>>,
    /// Cases that use the WebSocket run one at a time where it is one room for all.
    room: Option<Mutex<()>>,
    pub(super) places: Places,
    /// How much memory may hold what comes.
    quota: Quota,
    /// How much is kept of what went over the wire.
    kept: Kept,
    /// How long the target takes to answer, as far as it is known, to put the cases in order.
    answers_after: Duration,
    /// How many connections the target serves at once, where it is known to be few.
    pub(super) serves_at_once: Option<usize>,
    pub(super) publications: Publications,
    select: Vec<Pattern>,
    /// Cases that keep a server busy.
    pub(super) heavy: Heavy,
    pub(super) again: bool,
    pub(super) budget: Budget,
    running: Running,
}

impl Runner {
    /// What runs the cases that were selected, over a route to a target that is there.
    pub(super) async fn new(
        suite: &Suite,
        target: &Arc<Target>,
        selected: &[Case],
        options: &Options,
        secrets: &Secrets,
        keeper: Keeper,
        route: Route,
    ) -> Result<Runner, RunError> {
        let question = suite.cases.first().map(|case| question(case, target)).unwrap_or_default();
        let terms = terms_of(question, options, &keeper);
        let session_route = route.clone();
        let publisher = Publisher::new(target, route.clone()).await;
        let publisher = publisher.map_err(|error| RunError::Publisher(error.to_string()))?;
        let publisher = publisher.patient(options.patience);
        let held = suite.cases.iter().find_map(|case| held_request(case, target)).filter(|_| options.probe);
        let held = held.unwrap_or_default();
        let probe =
            Probe { route: &route, question: &terms.question, held: &held, patience: options.patience };
        let (answers_after, serves_at_once) = capacity(&probe, target, selected, options).await;
        let is_late = answers_after >= LATE;
        let most = options.most_connections(is_late);
        let connections = serves_at_once.unwrap_or(most).min(most);
        if serves_at_once.is_some() {
            publisher.keep_none();
        }
        let watch = Watch::new(route, options.stop.clone(), terms);
        Ok(Runner {
            target: Arc::clone(target),
            catalogue: Arc::clone(&suite.catalogue),
            heavy: Heavy::new(answers_after, Arc::clone(&watch)),
            watch,
            keeper,
            is_lost: AtomicBool::new(false),
            publisher,
            sessions: Sessions::new(session_route, secrets.clone()),
            secrets: secrets.clone(),
            patience: options.patience,
            tag: options.tag.clone().unwrap_or_else(tag),
            turns: (!target.has_channels()).then(Mutex::default),
            room: target.is_one_room().then(Mutex::default),
            places: Places::new(options.jobs, options.jobs.min(AGAIN_AT_ONCE), connections, is_late),
            quota: Quota::new(options.memory / 16 * 7, connections),
            kept: Kept::default(),
            answers_after: answers_after.max(OPENING),
            serves_at_once,
            publications: Publications::default(),
            select: options.select.clone(),
            again: options.again,
            budget: Budget::default(),
            running: options.running.clone(),
        })
    }

    /// Runs the preconditions and what does not rest on one that fails, and then again what did not pass.
    pub(super) async fn conversations(
        self: &Arc<Self>,
        suite: &Suite,
        cases: Vec<Case>,
        results: &mut Results,
        progress: &mut impl FnMut(&CaseOutcome),
    ) -> Result<(), RunError> {
        let selected: BTreeSet<String> = cases.iter().map(|case| case.id.clone()).collect();
        // A precondition runs also where it was not selected: what rests on it is judged either way.
        let preconditions = suite.cases.iter().filter(|precondition| {
            precondition.is_precondition()
                && !selected.contains(&precondition.id)
                && cases.iter().any(|case| rests_on(case, precondition))
        });
        let all = preconditions.cloned().chain(cases.iter().cloned()).collect();
        let mut progress = |outcome: &CaseOutcome| {
            if selected.contains(&outcome.case.id) {
                progress(outcome);
            }
        };
        self.batch(all, FIRST, results, &mut progress).await?;
        self.publish_after_all(results, &mut progress).await
    }

    /// Runs cases, until all are through or the target is gone.
    pub(super) async fn volley(
        self: &Arc<Self>,
        mut cases: Vec<Case>,
        attempt: usize,
        results: &mut Results,
        progress: &mut impl FnMut(&CaseOutcome),
    ) -> Result<(), RunError> {
        let mut tasks = JoinSet::new();
        let (done, mut finished) = mpsc::unbounded_channel();
        let foundations = Arc::new(Foundations::new(&cases, results));
        // All wait for the preconditions; of the rest what takes long begins first: most open their connections one after the
        // other. Those that run in turn, to see what the server bears, begin with what is least: with those that publish, which
        // only wait for small messages.
        cases.sort_by_cached_key(|case| {
            let Demand { time, answers, .. } = demand(case, &self.target);
            let waits = self.answers_after.saturating_mul(u32::try_from(answers).unwrap_or(u32::MAX));
            let waits = if is_heavy(case) { Duration::ZERO } else { time + waits };
            (!case.is_precondition(), is_heavy(case) && !publishes(case), Reverse(waits))
        });
        let heavy = cases.iter().filter(|case| is_heavy(case)).count();
        self.places.counts.light.expect(cases.len() - heavy);
        self.places.counts.heavy.expect(heavy);
        for (number, case) in cases.into_iter().enumerate() {
            let runner = Arc::clone(self);
            let done = done.clone();
            let foundations = Arc::clone(&foundations);
            tasks.spawn(async move {
                let judged = runner.founded(case, number, attempt, &foundations).await;
                let _ = done.send(judged);
            });
        }
        drop(done);
        let mut any_ran = false;
        while let Some(mut ran) = finished.recv().await {
            hidden::ran(&mut ran, &self.secrets);
            any_ran |= ran.through.is_some();
            if ran.cut.is_none() {
                progress(&ran.outcome);
            }
            results.add(ran);
        }
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(|error| RunError::Internal(format!("a case ended unexpectedly: {error}")))?;
        }
        if any_ran && !self.watch.has_ended() {
            self.watch.check().await;
        }
        if let Some(gone) = self.watch.gone() {
            results.distrust(self.watch.alive());
            if gone.is_silent {
                results.distrust_silence(self.watch.silent_since());
            }
            results.forget_times();
        }
        Ok(())
    }

    pub(super) fn level(&self, case: &Case) -> Level {
        self.catalogue.clause(case.clause()).map_or(Level::Must, |clause| clause.level)
    }

    /// Why a case is not run: the target lacks what it needs, or nobody asked for what it costs.
    pub(super) fn why_not(&self, case: &Case) -> Option<String> {
        lacking(case, &self.target).or_else(|| self.left_out(case))
    }

    fn left_out(&self, case: &Case) -> Option<String> {
        let asked_for = || self.select.iter().any(|pattern| pattern.asks_for(&case.id));
        let front_matter = &case.section().front_matter;
        let what = match (front_matter.large, front_matter.slow) {
            (true, _) => "it transfers megabytes",
            (_, true) => "it is quiet for a long time",
            _ => return None,
        };
        (!asked_for()).then(|| format!("{what}; --select {} runs it", case.page.path))
    }

    /// Runs a case. `coming` is dropped when it begins. `vain` hears of it where the case waits for long.
    pub(super) async fn case(
        &self,
        case: Case,
        attempt: usize,
        coming: Option<Coming<'_>>,
        vain: Option<&Vain>,
    ) -> Ran {
        let level = self.level(&case);
        let skipped = |case, why| Ran::skipped(CaseOutcome::skipped(case, level, why));
        let connections = self.connections(&case);
        if let Some(why) = self.why_not(&case).or_else(|| self.too_many(connections)) {
            return skipped(case, why);
        }
        let is_again = is_again(attempt);
        // A server with few workers is asked nothing beside what runs.
        let may_look = self.serves_at_once.is_none();
        let mut turn_of_heavy = None;
        if is_heavy(&case) {
            turn_of_heavy = Some(self.heavy.turn(is_again, may_look, &self.places.counts).await);
        }
        let turn = match &self.turns {
            Some(turns) if publishes(&case) => Some(turns.lock().await),
            _ => None,
        };
        // What one case says in a room is heard by the others that are there, and many say the same.
        let in_room = match &self.room {
            Some(room) if talks(&case) => Some(room.lock().await),
            _ => None,
        };
        // What is run again, and what is run alone, is none of those that are to begin.
        let number = coming.as_ref().map_or(usize::MAX, |coming| coming.number);
        let mut place = self.places.enter(number, connections, is_again, is_heavy(&case)).await;
        place.turn = turn_of_heavy;
        place.vain = vain;
        drop(coming);
        self.watch.settled().await;
        if self.watch.has_ended() {
            let why = self.why_cut();
            return Ran::not_run(CaseOutcome::skipped(case, level, why.to_owned()), why);
        }
        // What is run again shows whether the target publishes by now.
        let broken = self.publications.why_broken().filter(|_| attempt == FIRST && publishes(&case));
        if let Some(why) = broken {
            return skipped(case, why);
        }
        let settings = Settings { patience: self.patience, channel: channel(&self.tag, &case.id, attempt) };
        // Held until the case is over, and with it what the server ends together with its streams.
        let session = match self.sessions.open(&self.target, &settings.channel).await {
            Ok(session) => session,
            Err(why) => return self.without_session(case, why).await,
        };
        let target = Arc::clone(&session.target);
        let machine = Machine::new(case.clone(), target, Arc::clone(&self.catalogue), settings);
        let machine = machine.within(&self.quota);
        let is_running = self.running.begins(&case.id);
        let begun = Instant::now();
        let (mut judgement, is_cut) = run(machine, &self.watch, &self.publisher, &mut place).await;
        drop(is_running);
        if let Some(turn) = &place.turn {
            let has_passed = judgement.verdict == Verdict::Pass;
            turn.note(has_passed, &judgement.transcript, judgement.duration);
        }
        drop((place, in_room, turn));
        self.kept.shorten(&mut judgement.transcript);
        // Of what was not as it should be, anything may be for want of files: the server may have none either.
        let in_doubt = self.watch.has_run_out() && judgement.verdict != Verdict::Pass;
        let cut = (is_cut || in_doubt).then(|| self.why_cut());
        let published = judgement.published.take().filter(|_| cut.is_none());
        let broken = published.and_then(|published| self.publications.note(&published));
        if let Some(why) = broken.filter(|_| attempt == FIRST) {
            return skipped(case, why);
        }
        let breaches = std::mem::take(&mut judgement.breaches);
        let relevant = std::mem::take(&mut judgement.relevant);
        let persists = judgement.persists;
        let is_right = judgement.verdict <= Verdict::Pass && breaches.is_empty();
        let is_disturbed = !is_right && !is_heavy(&case) && self.is_disturbed_since(begun).await;
        let outcome = CaseOutcome::judged(case, level, judgement);
        let through = Some(Instant::now());
        Ran { outcome, breaches, relevant, persists, flaky: Vec::new(), through, cut, is_disturbed }
    }

    /// Whether a heavy case has kept the server busy since then.
    async fn is_disturbed_since(&self, begun: Instant) -> bool {
        tokio::select! {
            is_disturbed = self.heavy.has_kept_busy_since(begun) => is_disturbed,
            () = self.watch.ended() => false,
        }
    }

    /// What becomes of a case whose session did not open. Where the target is gone, that says nothing of it.
    async fn without_session(&self, case: Case, why: String) -> Ran {
        let level = self.level(&case);
        self.watch.check().await;
        if self.watch.has_ended() {
            let why = self.why_cut();
            return Ran::not_run(CaseOutcome::skipped(case, level, why.to_owned()), why);
        }
        Ran::skipped(CaseOutcome::not_run(case, level, why))
    }

    /// How many connections a case has open. Where the server is not known to have limits, what is published has
    /// connections of its own.
    fn connections(&self, case: &Case) -> usize {
        let Demand { connections, .. } = demand(case, &self.target);
        let of_the_publisher = usize::from(publishes(case) && self.serves_at_once.is_none());
        connections - of_the_publisher
    }

    /// Why a case cannot be run that has so many connections.
    fn too_many(&self, connections: usize) -> Option<String> {
        let most = self.places.most_open();
        let serves = |most: usize| {
            let why = match self.serves_at_once {
                Some(_) => format!("the server serves {most}"),
                None => format!("--connections allows {most}"),
            };
            format!("it needs {connections} connections at once, and {why}")
        };
        (connections > most).then(|| serves(most))
    }

    /// Whether a case waits for others of its kind.
    pub(super) fn runs_in_turn(&self, case: &Case) -> bool {
        is_heavy(case) || (self.turns.is_some() && publishes(case)) || (self.room.is_some() && talks(case))
    }

    /// Why the run ends before its cases do.
    pub(super) fn why_cut(&self) -> &'static str {
        if self.watch.has_run_out() {
            OUT_OF_FILES
        } else if self.watch.gone().is_some() {
            NOT_RUN
        } else if self.watch.is_overdue() {
            OVERDUE
        } else {
            INTERRUPTED
        }
    }

    /// The verdict on an invariant, from the traffic of all cases.
    pub(super) fn invariant(&self, case: Case, results: &Results) -> CaseOutcome {
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
        outcome.is_flaky = verdict == Verdict::Pass && results.flaky.contains(&invariant);
        outcome
    }
}

/// When a run takes its target for lost.
fn terms_of(question: Vec<u8>, options: &Options, keeper: &Keeper) -> Terms {
    Terms {
        deadline: options.max_time.map(|limit| Instant::now() + limit),
        silence: silence(options.patience),
        question,
        is_supervised: keeper.is_supervised(),
        has_exited: keeper.has_exited(),
    }
}

/// How long the target takes to answer, and how many connections it serves at once, where it is fewer than the run would have
/// open. Nothing where that is not to be probed, or where no answer tells it.
async fn capacity(
    probe: &Probe<'_>,
    target: &Target,
    selected: &[Case],
    options: &Options,
) -> (Duration, Option<usize>) {
    if probe.held.is_empty() {
        return (Duration::ZERO, None);
    }
    let wanted: usize = selected.iter().map(|case| demand(case, target).connections).sum();
    let probed = async {
        let Some(alone) = probe.alone().await else { return (Duration::ZERO, None) };
        (alone, probe.limit(alone, wanted.min(options.most_connections(alone >= LATE))).await)
    };
    tokio::select! {
        probed = probed => probed,
        () = options.stop.stopped() => (Duration::ZERO, None),
    }
}

/// Whether a case keeps a server busy.
pub(super) fn is_heavy(case: &Case) -> bool {
    case.section().front_matter.heavy
}

/// Whether a case uses the WebSocket.
fn talks(case: &Case) -> bool {
    needed_techniques(case).iter().any(|technique| technique == "websocket")
}

/// The channel of a case: short, and made of characters that need no encoding in a path.
fn channel(tag: &str, id: &str, attempt: usize) -> String {
    use sha1::{Digest, Sha1};
    let digest = Sha1::digest(id.as_bytes());
    let hash: String = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    // What a case published the first time is not to be heard the second time.
    let again = if attempt > FIRST { format!("-{attempt}") } else { String::new() };
    format!("pushspec-{tag}-{hash}{again}")
}

/// A word that differs between runs.
pub(crate) fn tag() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}", now.as_nanos() & 0xffff_ffff_ffff)
}
