//! What came out so far of a run.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use crate::case::Case;
use crate::case::front_matter::Precondition;
use crate::judge::{Breach, Invariant, Verdict};
use crate::outcome::{CaseOutcome, INTERRUPTED};
use crate::profile::Target;
use crate::transcript::{EventKind, Transcript};

/// Why a case says nothing, where the target went away in the meantime.
const RUNNING: &str = "it was running when the server went away, which may be the cause of its result";

/// Why a case was not run, where the target was gone by then.
pub(super) const NOT_RUN: &str = "the server had gone away";

/// What a case came to.
pub(super) struct Ran {
    pub(super) outcome: CaseOutcome,
    pub(super) breaches: Vec<Breach>,
    pub(super) relevant: Vec<Invariant>,
    /// When it was through; `None` where it was not run.
    pub(super) through: Option<Instant>,
    /// The run ended before the case did.
    pub(super) is_cut: bool,
}

impl Ran {
    /// A case that was not run for a reason of its own.
    pub(super) fn skipped(outcome: CaseOutcome) -> Ran {
        Ran { outcome, breaches: Vec::new(), relevant: Vec::new(), through: None, is_cut: false }
    }

    /// A case that was not run because the run had ended.
    pub(super) fn not_run(outcome: CaseOutcome) -> Ran {
        Ran { is_cut: true, ..Ran::skipped(outcome) }
    }
}

/// What came out so far.
#[derive(Default)]
pub(super) struct Results {
    pub(super) outcomes: BTreeMap<String, CaseOutcome>,
    /// With the case in which each was seen.
    pub(super) breaches: Vec<(String, Breach)>,
    pub(super) relevant: BTreeSet<Invariant>,
    /// When each case that was run was through.
    through: BTreeMap<String, Instant>,
    /// The cases that the end of the run kept from being judged.
    cut: BTreeSet<String>,
    /// Those of them that had a connection to the target when it went away, or just before.
    pub(super) running: BTreeSet<String>,
}

impl Results {
    pub(super) fn add(&mut self, ran: Ran) {
        let Ran { mut outcome, breaches, relevant, through, is_cut } = ran;
        let id = outcome.case.id.clone();
        self.breaches.extend(breaches.into_iter().map(|breach| (id.clone(), breach)));
        self.relevant.extend(relevant);
        self.through.extend(through.map(|through| (id.clone(), through)));
        if is_cut {
            if through.is_some() {
                cut(&mut outcome, INTERRUPTED);
            }
            self.cut.insert(id.clone());
        }
        self.outcomes.insert(id, outcome);
    }

    /// Takes back what was judged of a target that went away while the cases ran: whatever they saw of its end is no
    /// fault of an answer, and a connection that ends is not what they asked for, even where they allow it.
    pub(super) fn distrust(&mut self, alive: Instant) {
        for (id, _) in std::mem::take(&mut self.through).iter().filter(|(_, through)| **through >= alive) {
            let Some(outcome) = self.outcomes.get_mut(id) else { continue };
            if is_connected(&outcome.transcript) {
                self.running.insert(id.clone());
                cut(outcome, RUNNING);
            } else {
                cut(outcome, NOT_RUN);
            }
            self.breaches.retain(|(seen_in, _)| seen_in != id);
            self.cut.insert(id.clone());
        }
    }

    /// Keeps what a case came to at first, beside what came of it when it was run again.
    pub(super) fn keep_first(&mut self, first: &CaseOutcome) {
        let Some(outcome) = self.outcomes.get_mut(&first.case.id) else { return };
        if self.cut.contains(&first.case.id) {
            *outcome = first.clone();
        } else {
            outcome.at_first = Some(Box::new(first.clone()));
        }
    }

    /// The preconditions that did not pass.
    pub(super) fn broken(&self) -> Vec<Case> {
        let broken = self.outcomes.values().filter(|outcome| outcome.is_broken_precondition());
        broken.map(|outcome| outcome.case.clone()).collect()
    }

    /// Whether techniques were looked for, and none was found.
    pub(super) fn nothing_is_there(&self) -> bool {
        let mut ran = self.outcomes.values().filter(|outcome| outcome.verdict != Verdict::Skip).peekable();
        ran.peek().is_some() && ran.all(CaseOutcome::is_broken)
    }

    /// The techniques of which nothing is known, and why: their precondition did not pass, or was skipped although other
    /// cases of theirs were run.
    pub(super) fn unjudged(&self, target: &Target) -> BTreeMap<String, String> {
        let ran = |technique: &str| {
            let mut outcomes = self.outcomes.values();
            outcomes.any(|outcome| outcome.case.technique == technique && outcome.verdict != Verdict::Skip)
        };
        let of_technique = |outcome: &&CaseOutcome| {
            outcome.case.section().front_matter.precondition == Some(Precondition::Technique)
        };
        let mut unjudged = BTreeMap::new();
        for outcome in self.outcomes.values().filter(of_technique) {
            let technique = &outcome.case.folder;
            if outcome.is_broken() {
                unjudged.insert(technique.clone(), outcome.why_broken());
            } else if outcome.verdict == Verdict::Skip && target.can(technique) && ran(technique) {
                unjudged.insert(technique.clone(), outcome.reason.clone().unwrap_or_default());
            }
        }
        unjudged
    }
}

/// What remains of a case that says nothing: what went over the wire.
fn cut(outcome: &mut CaseOutcome, why: &str) {
    outcome.verdict = Verdict::Skip;
    outcome.reason = Some(why.to_owned());
    outcome.findings.clear();
    outcome.completed = false;
}

/// Whether one of the connections of a case was opened.
fn is_connected(transcript: &Transcript) -> bool {
    let count = |counted: fn(&EventKind) -> bool| {
        transcript.events.iter().filter(|event| counted(&event.kind)).count()
    };
    count(|kind| matches!(kind, EventKind::Connect(..)))
        > count(|kind| matches!(kind, EventKind::Refused(..)))
}
