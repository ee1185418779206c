//! What a second run of a case says of the first. Only what both have found is told of a target; what differs is flaky.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use super::attempt::{AFTER_ALL, AGAIN, FIRST, IN_PEACE};
use super::foundations::Foundations;
use super::options::RunError;
use super::places::{Coming, Vain};
use super::publications::SKIPPED;
use super::results::{OUT_OF_FILES, Ran, Results};
use super::runner::{Runner, is_heavy};
use crate::case::Case;
use crate::judge::{Breach, Finding, Verdict, finding, publishes};
use crate::outcome::CaseOutcome;

/// What took so long is not run again: it waited for something far longer than a busy machine needs. What waits for the end
/// of a WebSocket takes less.
const TOO_LONG_FOR_AGAIN: Duration = Duration::from_secs(14);

/// Whether a case took so little time that it is worth another run. A patient run waits longer, and so does each of its
/// cases.
fn is_short(took: Duration, patience: f64) -> bool {
    took < TOO_LONG_FOR_AGAIN.mul_f64(patience)
}

impl Runner {
    /// Runs a case, and once more where it does not pass or breaks an invariant: when all that is to run has begun, or at
    /// once where others wait for it. Where the first run waits for long, the second one begins meanwhile.
    pub(super) async fn twice(&self, case: Case, coming: Coming<'_>, foundations: &Foundations) -> Ran {
        let (first, early) = self.first_run(&case, coming, foundations).await;
        let is_again = || early.is_some() || first.is_disturbed || self.has_time(&first);
        if !self.differs(&first) || !is_again() {
            return first;
        }
        let stands = first.outcome.verdict == Verdict::Pass;
        if stands {
            foundations.note(&first.outcome, false);
        }
        let second = match early {
            Some(second) => second,
            None => {
                foundations.doubt(&case);
                if stands || !case.is_precondition() {
                    tokio::select! {
                        () = self.all_begun(&case) => {}
                        () = self.watch.ended() => return first,
                    }
                }
                self.case(case.clone(), AGAIN, None, None).await
            }
        };
        let second = self.in_peace(case, second).await;
        // Whether a connection was refused because the target is gone takes a second to tell.
        self.watch.settled().await;
        if second.cut.is_none() && self.watch.gone().is_none() {
            let is_excused = first.is_disturbed && !self.differs(&second);
            return if is_excused { second } else { merged(first, second) };
        }
        if self.watch.has_run_out() && !stands {
            return Ran { cut: Some(OUT_OF_FILES), ..first };
        }
        // If the target went away by then, the first run may have been too late as well.
        Ran { through: second.through.or(first.through), ..first }
    }

    /// Runs a case for the first time. Where it waits for long, another run begins meanwhile; what that came to is the second
    /// value, where the first one is to be looked at again.
    async fn first_run(
        &self,
        case: &Case,
        coming: Coming<'_>,
        foundations: &Foundations,
    ) -> (Ran, Option<Ran>) {
        let vain = Vain::default();
        let has_begun = AtomicBool::new(false);
        let mut early = Box::pin(async {
            let took = vain.told().await;
            foundations.doubt(case);
            if !case.is_precondition() {
                self.places.counts.light.none().await;
            }
            if is_heavy(case) || !self.again || !self.has_time_for(case, took) {
                std::future::pending::<()>().await;
            }
            has_begun.store(true, Relaxed);
            self.case(case.clone(), AGAIN, None, None).await
        });
        let mut first = Box::pin(self.case(case.clone(), FIRST, Some(coming), Some(&vain)));
        tokio::select! {
            biased;
            first = &mut first => {
                let is_needed = has_begun.load(Relaxed) && self.differs(&first);
                let second = if is_needed { Some(early.await) } else { None };
                (first, second)
            }
            second = &mut early => (first.await, Some(second)),
        }
    }

    /// A run of a case that was not beside one that kept the server busy, where what it found depends on that.
    async fn in_peace(&self, case: Case, mut ran: Ran) -> Ran {
        for attempt in IN_PEACE {
            if !ran.is_disturbed || !self.differs(&ran) {
                break;
            }
            tokio::select! {
                () = self.heavy.over(&self.places.counts) => {}
                () = self.watch.ended() => return Ran { cut: Some(self.why_cut()), ..ran },
            }
            ran = self.case(case.clone(), attempt, None, None).await;
        }
        ran
    }

    /// Waits until all that are to run with a case have begun.
    async fn all_begun(&self, case: &Case) {
        self.places.counts.light.none().await;
        if is_heavy(case) {
            self.places.counts.heavy.none().await;
        }
    }

    /// Whether a case is run again if there is time.
    fn differs(&self, ran: &Ran) -> bool {
        let Ran { outcome, breaches, cut, .. } = ran;
        let differs =
            outcome.verdict > Verdict::Pass || (outcome.verdict == Verdict::Pass && !breaches.is_empty());
        self.again && differs && cut.is_none()
    }

    fn has_time(&self, ran: &Ran) -> bool {
        self.has_time_for(&ran.outcome.case, ran.outcome.duration)
    }

    /// Whether there is time for another run of a case that takes so long.
    fn has_time_for(&self, case: &Case, took: Duration) -> bool {
        let patience = self.patience.max(1.0);
        is_short(took, patience)
            && self.budget.takes(took, self.runs_in_turn(case), self.places.most_open(), patience)
    }

    /// Where the server publishes again, what was skipped meanwhile is run after all.
    pub(super) async fn publish_after_all(
        self: &Arc<Self>,
        results: &mut Results,
        progress: &mut impl FnMut(&CaseOutcome),
    ) -> Result<(), RunError> {
        if self.publications.why_broken().is_some() || self.watch.has_ended() {
            return Ok(());
        }
        let is_skipped = |outcome: &&CaseOutcome| {
            publishes(&outcome.case) && outcome.reason.as_deref().is_some_and(|why| why.starts_with(SKIPPED))
        };
        let cases: Vec<Case> =
            results.outcomes.values().filter(is_skipped).map(|outcome| outcome.case.clone()).collect();
        if cases.is_empty() { Ok(()) } else { self.batch(cases, AFTER_ALL, results, progress).await }
    }
}

/// What two runs of a case come to together.
fn merged(first: Ran, second: Ran) -> Ran {
    let (breaches, flaky_invariants) = common_breaches(first.breaches, &second.breaches);
    let relevant = first.relevant.into_iter().chain(second.relevant).collect();
    let persists = first.persists || second.persists;
    let flaky: Vec<_> = first.flaky.into_iter().chain(flaky_invariants).collect();
    let outcome = merged_outcome(first.outcome, second.outcome);
    let Ran { through, cut, is_disturbed, .. } = second;
    Ran { outcome, breaches, relevant, persists, flaky, through, cut, is_disturbed }
}

/// The breaches that both runs have seen, and those that only one has.
fn common_breaches(first: Vec<Breach>, second: &[Breach]) -> (Vec<Breach>, Vec<Breach>) {
    let kind = |breach: &Breach| (breach.invariant, finding::alike(&breach.seen));
    let seen: Vec<_> = second.iter().map(kind).collect();
    first.into_iter().partition(|breach| seen.contains(&kind(breach)))
}

fn merged_outcome(first: CaseOutcome, second: CaseOutcome) -> CaseOutcome {
    if first.verdict == Verdict::Pass {
        let is_flaky = second.verdict > Verdict::Pass;
        return CaseOutcome { is_flaky: first.is_flaky || is_flaky, ..first };
    }
    let at_first = Some(Box::new(first.clone()));
    let is_error = |outcome: &CaseOutcome| outcome.verdict == Verdict::Error;
    if second.verdict <= Verdict::Pass {
        return CaseOutcome { at_first, is_flaky: true, ..second };
    }
    // What cannot be run says nothing, and what it found the other time is only half known.
    match (is_error(&first), is_error(&second)) {
        (_, true) => return CaseOutcome { is_flaky: !is_error(&first), at_first, ..second },
        (true, false) => return CaseOutcome { is_flaky: true, at_first: Some(Box::new(second)), ..first },
        (false, false) => {}
    }
    // A race is lost in another round each time: it is the clause that is broken twice.
    let clauses =
        |findings: &[Finding]| findings.iter().map(|finding| finding.clause.clone()).collect::<BTreeSet<_>>();
    let (before, after) = (clauses(&first.findings), clauses(&second.findings));
    let is_flaky = before != after;
    let mut findings: Vec<Finding> =
        second.findings.into_iter().filter(|finding| before.contains(&finding.clause)).collect();
    let second = CaseOutcome { findings: Vec::new(), at_first, is_flaky, ..second };
    match findings.iter().map(|finding| finding.verdict).max() {
        Some(verdict) => CaseOutcome { verdict, findings: std::mem::take(&mut findings), ..second },
        None => CaseOutcome { verdict: Verdict::Error, reason: Some(OTHERWISE.to_owned()), ..second },
    }
}

/// Why a case says nothing that failed twice, on different clauses.
const OTHERWISE: &str = "it was run twice, and what it found the second time is not what it found at first";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::case::statement::ConnectionName;
    use crate::catalogue::Level;
    use crate::judge::{ENDING, Invariant, Place};
    use crate::suite::Suite;

    fn finding(clause: &str, line: usize, verdict: Verdict) -> Finding {
        Finding {
            clause: clause.to_owned(),
            level: Level::Must,
            verdict,
            place: Place { file: "page".into(), line, column: 1, width: 1, source: String::new() },
            expected: "this".into(),
            received: "that".into(),
            at: Duration::ZERO,
            seen_in: None,
        }
    }

    fn ran(verdict: Verdict, findings: &[(&str, usize, Verdict)], seen: &[&str]) -> Ran {
        let case = Suite::embedded().expect("the pages are in order").cases.remove(0);
        let mut outcome = CaseOutcome::skipped(case, Level::Must, "why".into());
        outcome.verdict = verdict;
        outcome.findings =
            findings.iter().map(|(clause, line, verdict)| finding(clause, *line, *verdict)).collect();
        let invariant = Invariant::from_name("allow-with-405").expect("an invariant of that name");
        let breach = |seen: &&str| Breach {
            invariant,
            at: Duration::ZERO,
            connection: ConnectionName::default(),
            seen: (*seen).to_owned(),
        };
        Ran { breaches: seen.iter().map(breach).collect(), ..Ran::skipped(outcome) }
    }

    const FAILED: (&str, usize, Verdict) = ("a", 1, Verdict::Fail);
    const WARNED: (&str, usize, Verdict) = ("b", 2, Verdict::Warn);

    #[test]
    fn what_misses_the_end_of_a_websocket_is_run_again() {
        assert!(TOO_LONG_FOR_AGAIN > ENDING + Duration::from_secs(1), "the case does more than wait");
        assert!(TOO_LONG_FOR_AGAIN < Duration::from_secs(31), "what waits for a heartbeat is not");
    }

    #[test]
    fn what_is_too_long_for_another_run_grows_with_patience() {
        for patience in [1.0, 3.0, 10.0] {
            let missed_the_end = ENDING.mul_f64(patience) + Duration::from_secs(1);
            assert!(is_short(missed_the_end, patience), "{patience}");
            assert!(!is_short(TOO_LONG_FOR_AGAIN.mul_f64(patience), patience), "{patience}");
        }
        assert!(
            !is_short(ENDING * 3, 1.0),
            "what waited so long without patience is a wait for something else"
        );
    }

    #[test]
    fn what_both_runs_find_is_told_and_the_rest_is_flaky() {
        use Verdict::{Error, Fail, Pass, Warn};
        for (first, second, verdict, count, is_flaky) in [
            (ran(Fail, &[FAILED], &[]), ran(Fail, &[FAILED], &[]), Fail, 1, false),
            // Another round of the same race.
            (ran(Fail, &[FAILED], &[]), ran(Fail, &[("a", 7, Fail)], &[]), Fail, 1, false),
            (ran(Fail, &[FAILED], &[]), ran(Pass, &[], &[]), Pass, 0, true),
            (ran(Pass, &[], &[]), ran(Fail, &[FAILED], &[]), Pass, 0, true),
            (ran(Error, &[], &[]), ran(Pass, &[], &[]), Pass, 0, true),
            (ran(Fail, &[FAILED, WARNED], &[]), ran(Warn, &[WARNED], &[]), Warn, 1, true),
            (ran(Warn, &[WARNED], &[]), ran(Fail, &[FAILED, WARNED], &[]), Warn, 1, true),
            (ran(Fail, &[FAILED], &[]), ran(Warn, &[WARNED], &[]), Error, 0, true),
            (ran(Fail, &[FAILED], &[]), ran(Error, &[], &[]), Error, 0, true),
            (ran(Error, &[], &[]), ran(Fail, &[FAILED], &[]), Error, 0, true),
            (ran(Error, &[], &[]), ran(Error, &[], &[]), Error, 0, false),
        ] {
            let what = format!("{:?} and {:?}", first.outcome.verdict, second.outcome.verdict);
            let outcome = merged(first, second).outcome;
            let told = (outcome.verdict, outcome.findings.len(), outcome.is_flaky);
            assert_eq!(told, (verdict, count, is_flaky), "{what}");
        }
    }

    #[test]
    fn a_breach_that_the_second_run_does_not_see_is_flaky() {
        let (first, second) = (&["a frame after 2.4ms", "other"][..], &["a frame after 3.1ms"][..]);
        let both = merged(ran(Verdict::Pass, &[], first), ran(Verdict::Pass, &[], second));
        let seen =
            |breaches: &[Breach]| breaches.iter().map(|breach| breach.seen.clone()).collect::<Vec<_>>();
        assert_eq!(seen(&both.breaches), ["a frame after 2.4ms"]);
        assert_eq!(seen(&both.flaky), ["other"]);
    }
}
