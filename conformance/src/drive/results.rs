//! What came out so far of a run.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use crate::case::front_matter::Precondition;
use crate::case::statement::ConnectionName;
use crate::judge::{Breach, Invariant, Verdict};
use crate::outcome::{CaseOutcome, ServerEnd};
use crate::profile::Target;
use crate::transcript::{EventKind, Transcript};

/// Why a case says nothing, where the target went away in the meantime.
const RUNNING: &str = "it was running when the server went away, which may be the cause of its result";

/// Why a case was not run, where the target was gone by then.
pub(super) const NOT_RUN: &str = "the server had gone away";

/// Why a case was not judged, where the time of the run was over.
pub(super) const OVERDUE: &str = "the time of the run was over";

/// Why a case says nothing, or was not run, where this process had no more files.
pub(super) const OUT_OF_FILES: &str = "the suite had no more open files for connections";

/// How many connections have to end for a server to be one that lets none persist.
const SOME: usize = 3;

/// How many bytes of what broke invariants are kept as they are, in the whole run, and how many characters of each that
/// comes behind.
const SEEN: usize = 2 * 1024 * 1024;
const SEEN_BRIEFLY: usize = 40;

/// What a case came to.
pub(super) struct Ran {
    pub(super) outcome: CaseOutcome,
    pub(super) breaches: Vec<Breach>,
    pub(super) relevant: Vec<Invariant>,
    /// Whether a connection went on behind an answer that says so.
    pub(super) persists: bool,
    /// What broke an invariant in one of two runs, and not in the other.
    pub(super) flaky: Vec<Breach>,
    /// When it was through; `None` where it was not run.
    pub(super) through: Option<Instant>,
    /// Why the run ended before the case did.
    pub(super) cut: Option<&'static str>,
    /// Another case has kept the server busy meanwhile: what did not come says nothing.
    pub(super) is_disturbed: bool,
}

impl Ran {
    /// A case that was not run for a reason of its own.
    pub(super) fn skipped(outcome: CaseOutcome) -> Ran {
        Ran {
            outcome,
            breaches: Vec::new(),
            relevant: Vec::new(),
            persists: false,
            flaky: Vec::new(),
            through: None,
            cut: None,
            is_disturbed: false,
        }
    }

    /// A case that was not run because the run had ended.
    pub(super) fn not_run(outcome: CaseOutcome, why: &'static str) -> Ran {
        Ran { cut: Some(why), ..Ran::skipped(outcome) }
    }
}

/// What came out so far.
#[derive(Default)]
pub(super) struct Results {
    pub(super) outcomes: BTreeMap<String, CaseOutcome>,
    /// With the case in which each was seen.
    pub(super) breaches: Vec<(String, Breach)>,
    /// How many bytes of what was seen are kept of them.
    seen: usize,
    pub(super) relevant: BTreeSet<Invariant>,
    /// The target has let a connection persist.
    persists: bool,
    /// The invariants that were broken in one of two runs of a case, and not in the other.
    pub(super) flaky: BTreeSet<Invariant>,
    /// When each case that was run was through.
    through: BTreeMap<String, Instant>,
    /// The cases that the end of the run kept from being judged.
    cut: BTreeSet<String>,
    /// Those of them that had a connection to the target when it went away, or just before.
    pub(super) running: BTreeSet<String>,
    /// Each end of the target that it came back from.
    pub(super) ends: Vec<ServerEnd>,
}

impl Results {
    pub(super) fn add(&mut self, ran: Ran) {
        let Ran { mut outcome, breaches, relevant, persists, flaky, through, cut: why, .. } = ran;
        self.persists |= persists;
        let id = outcome.case.id.clone();
        for mut breach in breaches {
            self.cut_short(&mut breach.seen);
            self.breaches.push((id.clone(), breach));
        }
        self.relevant.extend(relevant);
        self.flaky.extend(flaky.into_iter().map(|breach| breach.invariant));
        self.through.extend(through.map(|through| (id.clone(), through)));
        if let Some(why) = why {
            if through.is_some() {
                cut(&mut outcome, why);
            }
            self.cut.insert(id.clone());
        }
        self.outcomes.insert(id, outcome);
    }

    /// Cuts what was seen short, once much of the kind is kept.
    fn cut_short(&mut self, seen: &mut String) {
        if self.seen + seen.len() > SEEN
            && let Some((end, _)) = seen.char_indices().nth(SEEN_BRIEFLY)
        {
            *seen = [&seen[..end], "…"].concat();
        }
        self.seen += seen.len();
    }

    /// Takes back what was judged of a target that went away while the cases ran: whatever they saw of its end is no
    /// fault of an answer, and a connection that ends is not what they asked for, even where they allow it.
    pub(super) fn distrust(&mut self, alive: Instant) {
        self.distrust_since(alive, |_| true);
    }

    /// Takes back what was judged wrong of a target that fell silent: those who waited for it before that was known. It may
    /// have gone on to refuse what it cannot read.
    pub(super) fn distrust_silence(&mut self, since: Instant) {
        self.distrust_since(since, |outcome| {
            matches!(outcome.verdict, Verdict::Fail | Verdict::Warn | Verdict::Error)
        });
    }

    fn distrust_since(&mut self, since: Instant, is_doubtful: impl Fn(&CaseOutcome) -> bool) {
        let through = std::mem::take(&mut self.through);
        let late = through
            .iter()
            .filter(|(id, through)| **through >= since && self.outcomes.get(*id).is_some_and(&is_doubtful));
        let late: Vec<String> = late.map(|(id, _)| id.clone()).collect();
        self.distrust_all(late.iter().map(String::as_str));
        self.through = through;
    }

    /// When a case was through says nothing of the next end of the target.
    pub(super) fn forget_times(&mut self) {
        self.through.clear();
    }

    /// Takes back what these cases came to.
    pub(super) fn distrust_all<'a>(&mut self, ids: impl IntoIterator<Item = &'a str>) {
        for id in ids {
            let Some(outcome) = self.outcomes.get_mut(id) else { continue };
            if is_connected(&outcome.transcript) {
                self.running.insert(id.to_owned());
                cut(outcome, RUNNING);
            } else {
                cut(outcome, NOT_RUN);
            }
            self.breaches.retain(|(seen_in, _)| seen_in != id);
            self.cut.insert(id.to_owned());
        }
    }

    /// Of ends that nobody has announced, one clause is broken: that of a server that lets no connection persist, or else
    /// that of one that lets some. Which of the two it is takes all connections of a run.
    pub(super) fn settle_ends(&mut self) {
        let unannounced = |(_, breach): &&(String, Breach)| breach.invariant == Invariant::CloseInEveryAnswer;
        let ended = self.breaches.iter().filter(unannounced);
        let ended: BTreeSet<(&str, &ConnectionName)> =
            ended.map(|(seen_in, breach)| (seen_in.as_str(), &breach.connection)).collect();
        let never = !self.persists && ended.len() >= SOME;
        let other = if never { Invariant::CloseAnnounced } else { Invariant::CloseInEveryAnswer };
        self.breaches.retain(|(_, breach)| breach.invariant != other);
        if self.relevant.contains(&Invariant::CloseAnnounced) {
            self.relevant.insert(Invariant::CloseInEveryAnswer);
        }
    }

    /// Whether cases were kept from being judged.
    pub(super) fn is_cut(&self) -> bool {
        !self.cut.is_empty()
    }

    /// Whether a case was judged.
    pub(super) fn is_any_judged(&self) -> bool {
        self.outcomes.values().any(|outcome| outcome.verdict != Verdict::Skip)
    }

    /// What the end of the target kept from being judged.
    pub(super) fn cut_outcomes(&self) -> impl Iterator<Item = &CaseOutcome> {
        self.cut.iter().filter_map(|id| self.outcomes.get(id))
    }

    /// Takes out what the end of the target kept from being judged: the cases that had a connection to it then, in the
    /// order of the pages, and the others.
    pub(super) fn take_cut(&mut self) -> (Vec<CaseOutcome>, Vec<CaseOutcome>) {
        let running = std::mem::take(&mut self.running);
        let cut = std::mem::take(&mut self.cut);
        let taken = cut.iter().filter_map(|id| self.outcomes.remove(id));
        taken.partition(|outcome| running.contains(&outcome.case.id))
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::catalogue::Level;
    use crate::suite::Suite;

    #[test]
    fn what_broke_invariants_in_every_case_takes_no_more_than_so_much() {
        let case = Suite::embedded().expect("the pages are in order").cases.remove(0);
        let breach = |number: usize| Breach {
            invariant: Invariant::ALL[number % 20],
            at: Duration::ZERO,
            connection: ConnectionName::default(),
            seen: format!("{number} {}", "é".repeat(5000)),
        };
        let mut results = Results::default();
        for number in 0..2000 {
            let outcome = CaseOutcome::skipped(case.clone(), Level::Must, String::new());
            let breaches = (0..16).map(breach).collect();
            results.add(Ran { breaches, ..Ran::skipped(outcome) });
            assert_eq!(results.breaches.len(), 16 * (number + 1));
        }
        let kept: usize = results.breaches.iter().map(|(_, breach)| breach.seen.capacity()).sum();
        assert!(kept < 6 << 20, "{kept}");
        assert_eq!(results.breaches[0].1.seen, breach(0).seen);
    }
}
