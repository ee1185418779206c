//! What rests on a precondition starts when that one is done, whatever the others do.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::watch;

use super::precondition::{is_at_large, rests_on};
use super::results::Results;
use crate::case::Case;
use crate::case::front_matter::Precondition;
use crate::judge::{DECLINED, Verdict};
use crate::outcome::CaseOutcome;

/// What is known of a precondition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It is being run, or will be.
    Unknown,
    /// What rests on it can be run.
    Stands,
    /// It was not run, or the run ended before it did.
    Open,
    Broken,
    /// The server does not have what rests on it, and need not.
    Declined,
}

/// The preconditions of the cases that run.
#[derive(Debug, Default)]
pub(super) struct Foundations {
    all: BTreeMap<String, (Case, watch::Sender<State>)>,
    /// The names of those that are in doubt.
    doubted: watch::Sender<BTreeSet<String>>,
}

impl Foundations {
    /// Those among the cases, and those of which it is known what they came to.
    pub(super) fn new(cases: &[Case], results: &Results) -> Foundations {
        let done = results.outcomes.values().map(|outcome| (&outcome.case, state(outcome)));
        let to_run = cases.iter().map(|case| (case, State::Unknown));
        let all = done.chain(to_run).filter(|(case, _)| case.is_precondition());
        let all = all.map(|(case, state)| (case.id.clone(), (case.clone(), watch::Sender::new(state))));
        Foundations { all: all.collect(), doubted: watch::Sender::default() }
    }

    /// What is not noted of a case until the guard is dropped is open: nobody waits for what does not come.
    pub(super) fn guard<'a>(&'a self, case: &Case) -> Guard<'a> {
        Guard(self.all.get(&case.id).map(|(_, sender)| sender))
    }

    /// A precondition is done, where this is one. `is_cut` says that the run ended before it did.
    pub(super) fn note(&self, outcome: &CaseOutcome, is_cut: bool) {
        if let Some((_, sender)) = self.all.get(&outcome.case.id) {
            sender.send_replace(if is_cut { State::Open } else { state(outcome) });
        }
    }

    /// A case waits for long, or is run again. Where it is a precondition, it is in doubt.
    pub(super) fn doubt(&self, case: &Case) {
        if self.all.contains_key(&case.id) {
            self.doubted.send_modify(|doubted| _ = doubted.insert(case.id.clone()));
        }
    }

    /// Waits until a precondition of a case is in doubt.
    pub(super) async fn in_doubt(&self, case: &Case) {
        let below: BTreeSet<_> = self.below(case).map(|(other, _)| other.id.clone()).collect();
        // This holds the sender.
        let _ = self.doubted.subscribe().wait_for(|doubted| !doubted.is_disjoint(&below)).await;
    }

    /// Waits for the preconditions of a case. Why it is not run, where one of them did not pass.
    pub(super) async fn broken_below(&self, case: &Case) -> Option<String> {
        let broken = |precondition: &Case| format!("the precondition {} did not pass", precondition.id);
        if is_at_large(case) {
            return self.nothing_is_there().await.map(broken);
        }
        for (precondition, sender) in self.below(case) {
            match known(sender).await {
                State::Broken => return Some(broken(precondition)),
                State::Declined => return Some(format!("{DECLINED} what {} asks for", precondition.id)),
                State::Unknown | State::Open | State::Stands => {}
            }
        }
        None
    }

    /// What a case rests on. A capability rests on its technique: two that rest on each other would wait for ever.
    fn below(&self, case: &Case) -> impl Iterator<Item = &(Case, watch::Sender<State>)> {
        self.all.values().filter(|(other, _)| rests_on(case, other) && depth(other) < depth(case))
    }

    /// What is asked of no technique in particular is asked of a server that answers: waits until one technique is there.
    /// The first precondition, if none is.
    async fn nothing_is_there(&self) -> Option<&Case> {
        let mut broken = None;
        for (precondition, sender) in self.all.values().filter(|(other, _)| is_of_technique(other)) {
            match known(sender).await {
                State::Stands => return None,
                State::Broken => broken = broken.or(Some(precondition)),
                State::Unknown | State::Open | State::Declined => {}
            }
        }
        broken
    }
}

/// Runs while a precondition does.
pub(super) struct Guard<'a>(Option<&'a watch::Sender<State>>);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if let Some(sender) = self.0 {
            sender.send_if_modified(|state| {
                let is_unknown = *state == State::Unknown;
                if is_unknown {
                    *state = State::Open;
                }
                is_unknown
            });
        }
    }
}

/// How far above the ground a case stands: it rests on what stands below it.
fn depth(case: &Case) -> u8 {
    match case.section().front_matter.precondition {
        Some(Precondition::Technique) => 0,
        Some(Precondition::Capability(..)) => 1,
        Some(Precondition::Fragments) => 2,
        None => 3,
    }
}

fn is_of_technique(case: &Case) -> bool {
    case.section().front_matter.precondition == Some(Precondition::Technique)
}

fn state(outcome: &CaseOutcome) -> State {
    match outcome.verdict {
        _ if outcome.is_broken() => State::Broken,
        Verdict::Skip if outcome.reason.as_ref().is_some_and(|why| why.starts_with(DECLINED)) => {
            State::Declined
        }
        Verdict::Skip => State::Open,
        _ => State::Stands,
    }
}

/// What a precondition comes to. The sender outlives the one who waits.
async fn known(sender: &watch::Sender<State>) -> State {
    let mut receiver = sender.subscribe();
    let known = receiver.wait_for(|state| *state != State::Unknown).await;
    known.map_or(State::Open, |state| *state)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::suite::Suite;

    fn is_ready(future: impl Future<Output = ()>) -> bool {
        matches!(pin!(future).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(()))
    }

    #[test]
    fn what_rests_on_a_precondition_in_doubt_is_not_waited_for() {
        let cases = Suite::embedded().expect("the pages are in order").cases;
        let named = |id: &str| cases.iter().find(|case| case.id == id).expect("a case of that name");
        let opens = named("websocket/4.2.1-opening-handshake/well-formed-request-opens");
        let rests = named("websocket/7-closing/tcp-connection-ends-in-order");
        let other = named("sse/9.2.4-last-event-id/publishing-at-the-seam");
        let at_large = named("http/9110-9-methods/options-of-the-server");
        let foundations = Foundations::new(&cases, &Results::default());
        foundations.doubt(other);
        let is_in_doubt = |case| is_ready(foundations.in_doubt(case));
        assert!(!is_in_doubt(rests), "nothing rests on a case that is no precondition");
        foundations.doubt(opens);
        assert!(is_in_doubt(rests) && is_in_doubt(at_large));
        assert!(!is_in_doubt(other), "it rests on another technique");
    }
}
