//! What goes on when a target goes away in mid-run and is back: the cases that were running then are run one by one,
//! until the one is found that ends it. The others are judged by that, and the run goes on.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::attempt::alone;
use super::hidden;
use super::keeper::Death;
use super::options::RunError;
use super::results::Results;
use super::runner::Runner;
use crate::case::Case;
use crate::catalogue::Level;
use crate::judge::{Finding, Place, Verdict};
use crate::outcome::{CaseOutcome, ServerEnd};
use crate::transcript::{Event, EventKind};

/// How long after a case a server may end because of it.
const AFTERWARDS: Duration = Duration::from_millis(100);

/// After how many cases that ended the target in one way a case that does so once, alone, is believed.
const KNOWN: usize = 3;

impl Runner {
    /// Runs cases. Where the target goes away meanwhile and comes back, the one that ends it is looked for, and the others
    /// are run again.
    pub(super) async fn batch(
        self: &Arc<Self>,
        mut cases: Vec<Case>,
        attempt: usize,
        results: &mut Results,
        progress: &mut impl FnMut(&CaseOutcome),
    ) -> Result<(), RunError> {
        loop {
            self.volley(cases, attempt, results, progress).await?;
            let Some(death) = self.revive().await? else {
                results.cut_outcomes().for_each(&mut *progress);
                return Ok(());
            };
            let (suspects, rest) = results.take_cut();
            let (found, others) = self.hunt(suspects, attempt, results, progress).await?;
            let mut waiting: Vec<CaseOutcome> = others.into_iter().chain(rest).collect();
            match found {
                Some(id) if is_known(results, &death) => spare(&id, &mut waiting, results, progress),
                Some(_) => {}
                None => results.ends.push(ServerEnd { case: None, how: death.how, output: death.output }),
            }
            cases = waiting.into_iter().map(|outcome| outcome.case).collect();
            if cases.is_empty() {
                return Ok(());
            }
        }
    }

    /// Brings a target back that has gone. `None` where it is there, or stays away.
    async fn revive(&self) -> Result<Option<Death>, RunError> {
        if self.watch.gone().is_none() || self.watch.is_over() || self.is_lost.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let death = self.keeper.revive(&self.target, &self.watch).await?;
        // Somebody may have ended the run instead of waiting for it.
        self.is_lost.store(death.is_none() && !self.watch.is_over(), Ordering::Relaxed);
        Ok(death.map(|death| hidden::death(death, &self.secrets)))
    }

    /// Runs cases one by one until one ends the target, which then fails. Which one that is, and the cases that were not run
    /// any more.
    async fn hunt(
        self: &Arc<Self>,
        mut suspects: Vec<CaseOutcome>,
        attempt: usize,
        results: &mut Results,
        progress: &mut impl FnMut(&CaseOutcome),
    ) -> Result<(Option<String>, Vec<CaseOutcome>), RunError> {
        suspects.sort_by_key(since_last_word);
        let mut suspects = suspects.into_iter();
        while let Some(suspect) = suspects.next() {
            let id = suspect.case.id.clone();
            let mut is_found = false;
            if let Some((outcome, death)) = self.alone(&suspect.case, alone(attempt, 1), results).await? {
                let is_known = is_known(results, &death);
                // The case before this one may be to blame, if the server takes its time: once more.
                let again = if is_known {
                    Some((outcome.clone(), death.clone()))
                } else {
                    self.alone(&suspect.case, alone(attempt, 2), results).await?
                };
                let (outcome, death, is_certain) = match again {
                    Some((outcome, death)) => (outcome, death, true),
                    None => (outcome, death, false),
                };
                if is_certain {
                    results.outcomes.insert(id.clone(), self.convicted(outcome, &death, is_known));
                    is_found = true;
                }
                let case = is_certain.then(|| id.clone());
                results.ends.push(ServerEnd { case, how: death.how, output: death.output });
            }
            results.outcomes.get(&id).into_iter().for_each(&mut *progress);
            if is_found {
                return Ok((Some(id), suspects.collect()));
            }
        }
        Ok((None, Vec::new()))
    }

    /// Runs a case alone. What it came to, and how the target ended, where it did so and is back.
    async fn alone(
        self: &Arc<Self>,
        case: &Case,
        attempt: usize,
        results: &mut Results,
    ) -> Result<Option<(CaseOutcome, Death)>, RunError> {
        self.volley(vec![case.clone()], attempt, results, &mut |_| {}).await?;
        if self.watch.gone().is_none() && !self.watch.has_ended() {
            tokio::time::sleep(AFTERWARDS).await;
            self.watch.examine().await;
            if self.watch.gone().is_some() {
                results.distrust_all([case.id.as_str()]);
            }
        }
        let Some(death) = self.revive().await? else { return Ok(None) };
        let (running, rest) = results.take_cut();
        let outcome = running.into_iter().chain(rest).find(|outcome| outcome.case.id == case.id);
        Ok(outcome.map(|outcome| (outcome, death)))
    }

    /// What a case comes to that ends the target. `is_known` says that it was run alone once, as others had ended it so.
    fn convicted(&self, outcome: CaseOutcome, death: &Death, is_known: bool) -> CaseOutcome {
        let section = outcome.case.section();
        let source = format!("## {}", section.name);
        let clause = match outcome.case.technique.as_str() {
            "websocket" => "rfc6455/10.7/goes-on",
            _ => "rfc9112/2.2/goes-on",
        };
        let level = self.catalogue.clause(clause).map_or(Level::Must, |clause| clause.level);
        let finding = Finding {
            clause: clause.to_owned(),
            level,
            verdict: Verdict::from(level),
            place: Place {
                file: outcome.case.page.file(),
                line: section.line,
                column: 4,
                width: section.name.len(),
                source,
            },
            expected: "a server that goes on, whatever a client sends".to_owned(),
            received: format!(
                "the server ended{} when this case was run alone: {}",
                if is_known { "" } else { ", twice," },
                death.how
            ),
            at: outcome.duration,
            seen_in: None,
        };
        CaseOutcome {
            verdict: finding.verdict,
            reason: None,
            findings: vec![finding],
            server_output: death.output.clone(),
            completed: false,
            ..outcome
        }
    }
}

/// How long before its connections ended a case has last said something: who did so last has most likely said what the
/// target did not bear.
fn since_last_word(suspect: &CaseOutcome) -> Duration {
    let events = suspect.transcript.events.iter();
    let is_end = |event: &&Event| matches!(event.kind, EventKind::Eof(_) | EventKind::Reset(_));
    let end = events.clone().rfind(is_end).map_or(suspect.duration, |event| event.at);
    let is_word = |event: &&Event| matches!(event.kind, EventKind::Sent(..) | EventKind::Finish(_));
    let word = events.filter(is_word).map(|event| event.at).filter(|at| *at <= end).max();
    end.saturating_sub(word.unwrap_or_default())
}

/// Whether several cases have ended the target in this way, each alone.
fn is_known(results: &Results, death: &Death) -> bool {
    let alike = results.ends.iter().filter(|end| end.case.is_some() && end.how == death.how);
    alike.count() >= KNOWN
}

/// Takes out the cases of the heading under which one has ended the target: each of them would end it once more, and it
/// has ended often enough for all to know.
fn spare(
    id: &str,
    waiting: &mut Vec<CaseOutcome>,
    results: &mut Results,
    progress: &mut impl FnMut(&CaseOutcome),
) {
    let heading = |id: &str| id.split('[').next().unwrap_or_default().to_owned();
    let (spared, others) = std::mem::take(waiting)
        .into_iter()
        .partition(|outcome: &CaseOutcome| heading(&outcome.case.id) == heading(id));
    *waiting = others;
    for outcome in spared {
        let reason = format!("{id} under the same heading ends the server, as other cases do");
        let outcome = CaseOutcome { verdict: Verdict::Skip, reason: Some(reason), ..outcome };
        progress(&outcome);
        results.outcomes.insert(outcome.case.id.clone(), outcome);
    }
}
