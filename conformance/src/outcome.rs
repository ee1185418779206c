//! What a run came to: every reporter works from this alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::case::front_matter::Precondition;
use crate::catalogue::{Catalogue, Level};
use crate::judge::{Finding, Judgement, Verdict};
use crate::profile::TECHNIQUES;
use crate::secret::Secrets;
use crate::transcript::Transcript;

/// The outcome of a case.
#[derive(Debug, Clone)]
pub struct CaseOutcome {
    /// The case.
    pub case: Case,
    /// The name of the endpoint at which it was judged, where its technique has several.
    pub endpoint: Option<String>,
    /// The level of its first clause.
    pub level: Level,
    /// Whether it was asked for. Invariants are judged on whatever traffic there is, and a precondition that did not pass
    /// is shown wherever others rest on it.
    pub selected: bool,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it was skipped, or could not be run.
    pub reason: Option<String>,
    /// What was not as expected.
    pub findings: Vec<Finding>,
    /// How long it took.
    pub duration: Duration,
    /// What went over the wire.
    pub transcript: Transcript,
    /// What was sent and taken, without times.
    pub trace: Vec<String>,
    /// Whether the conversation came to its end.
    pub completed: bool,
    /// The channel that the case had for itself.
    pub channel: String,
    /// Why what it came to is accepted, where a baseline says so.
    pub accepted: Option<Acceptance>,
    /// The last lines that the server wrote before the case ended it.
    pub server_output: Vec<String>,
    /// What the case came to at first, if it did not pass and was run again: the outcome is that of the second run.
    pub at_first: Option<Box<CaseOutcome>>,
    /// Whether two runs of it differ. What only one of them found is no finding: it is in [`CaseOutcome::at_first`].
    pub is_flaky: bool,
}

impl CaseOutcome {
    pub(crate) fn judged(case: Case, level: Level, judgement: Judgement) -> CaseOutcome {
        CaseOutcome {
            case,
            endpoint: None,
            level,
            selected: true,
            verdict: judgement.verdict,
            reason: judgement.reason,
            findings: judgement.findings,
            duration: judgement.duration,
            transcript: judgement.transcript,
            trace: judgement.trace,
            completed: judgement.completed,
            channel: judgement.channel,
            accepted: None,
            server_output: Vec::new(),
            at_first: None,
            is_flaky: false,
        }
    }

    /// Whether it is a precondition and broken, whatever the level of what it missed.
    pub(crate) fn is_broken_precondition(&self) -> bool {
        self.case.is_precondition() && self.is_broken()
    }

    /// The id, and the endpoint behind it where the technique has several.
    pub fn name(&self) -> String {
        match &self.endpoint {
            Some(endpoint) => format!("{}@{endpoint}", self.case.id),
            None => self.case.id.clone(),
        }
    }

    /// Why it did not pass.
    pub(crate) fn why_broken(&self) -> String {
        let found = self.findings.first().map(|finding| format!("received {}", finding.received));
        let why = self.reason.clone().or(found).unwrap_or_else(|| "it did not reach its end".to_owned());
        format!("its precondition {} did not pass: {why}", self.case.id)
    }

    /// Whether the conversation did not come to its end, or says nothing of the server: what rests on it says nothing
    /// either.
    pub(crate) fn is_broken(&self) -> bool {
        match self.verdict {
            Verdict::Skip => false,
            Verdict::Error => true,
            _ => !self.completed,
        }
    }

    /// A case that the suite could not run.
    pub(crate) fn not_run(case: Case, level: Level, why: String) -> CaseOutcome {
        CaseOutcome { verdict: Verdict::Error, ..CaseOutcome::skipped(case, level, why) }
    }

    pub(crate) fn skipped(case: Case, level: Level, reason: String) -> CaseOutcome {
        CaseOutcome {
            case,
            endpoint: None,
            level,
            selected: true,
            verdict: Verdict::Skip,
            reason: Some(reason),
            findings: Vec::new(),
            duration: Duration::ZERO,
            transcript: Transcript::default(),
            trace: Vec::new(),
            completed: false,
            channel: String::new(),
            accepted: None,
            server_output: Vec::new(),
            at_first: None,
            is_flaky: false,
        }
    }
}

/// What ended a run before all of its cases were judged. What was found until then holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Somebody asked for it.
    Stopped,
    /// So many cases have failed that no more are asked for.
    Enough {
        /// How many are enough.
        failures: usize,
    },
    /// The time that it was given is over.
    Overdue {
        /// That time.
        limit: Duration,
    },
    /// This process or this machine can open no more files for connections.
    OutOfFiles,
    /// Nothing listens at the target any more, or nothing is answered.
    Gone {
        /// When the first connection was refused, counted from the beginning of the run.
        after: Duration,
        /// Why it was not opened.
        why: String,
        /// The cases that had a connection then, in the order of the pages: one of them may be the reason.
        running: Vec<String>,
    },
}

/// Why a deviation is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Acceptance {
    /// The reason, as a person has written it down.
    pub reason: String,
    /// Where it is followed up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The baseline that says so: a file, or the name of a platform.
    pub baseline: String,
}

/// The server ended in mid-run, and came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ServerEnd {
    /// The case that ends it whenever it is run alone; `None` where none does so.
    pub case: Option<String>,
    /// How it looked from outside, or how its process ended.
    pub how: String,
    /// The last lines of its output, where the suite has started it.
    pub output: Vec<String>,
}

/// A part of a run, whose parts together select what the whole selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Shard {
    /// Which one, from 1.
    pub index: usize,
    /// How many there are.
    pub count: usize,
    /// How many cases with a conversation all of them select together.
    pub selected: usize,
}

/// A clause, and what its cases say of it.
#[derive(Debug, Clone)]
pub struct ClauseOutcome {
    /// The clause's id.
    pub id: String,
    /// How binding it is.
    pub level: Level,
    /// The selected cases that judge it, each with its endpoint behind an `@` where its technique has several.
    pub cases: Vec<String>,
    /// The worst that was found against it; `pass` if a case passed and nothing was found, `skip` if none ran.
    pub verdict: Verdict,
}

impl ClauseOutcome {
    /// What the cases say of each clause that they judge.
    pub(crate) fn of(cases: &[CaseOutcome], catalogue: &Catalogue) -> Vec<ClauseOutcome> {
        let mut outcomes: BTreeMap<&str, ClauseOutcome> = BTreeMap::new();
        for outcome in cases {
            for id in outcome.case.clauses() {
                let level = catalogue.clause(id).map_or(Level::Must, |clause| clause.level);
                let entry = outcomes.entry(id).or_insert_with(|| ClauseOutcome {
                    id: id.to_owned(),
                    level,
                    cases: Vec::new(),
                    verdict: Verdict::Skip,
                });
                if entry.cases.last() != Some(&outcome.name()) {
                    entry.cases.push(outcome.name());
                }
                let found = outcome
                    .findings
                    .iter()
                    .filter(|finding| finding.clause == id)
                    .map(|finding| finding.verdict)
                    .max();
                let verdict = match (found, outcome.verdict) {
                    (Some(found), _) => found,
                    (None, Verdict::Error) => Verdict::Error,
                    (None, Verdict::Skip) => Verdict::Skip,
                    // A case that fails on one clause says nothing good of the others that it would have come to.
                    (None, Verdict::Fail) => continue,
                    (None, _) => Verdict::Pass,
                };
                // A pass counts more than a skip; otherwise the worse of the two holds.
                entry.verdict = entry.verdict.max(verdict);
            }
            // A case that ends the server is no case of the clause that says that nothing does.
            let of_others = |finding: &&Finding| !outcome.case.clauses().contains(&finding.clause.as_str());
            for finding in outcome.findings.iter().filter(of_others) {
                let entry = outcomes.entry(&finding.clause).or_insert_with(|| ClauseOutcome {
                    id: finding.clause.clone(),
                    level: finding.level,
                    cases: Vec::new(),
                    verdict: Verdict::Skip,
                });
                entry.cases.push(outcome.name());
                entry.verdict = entry.verdict.max(finding.verdict);
            }
        }
        outcomes.into_values().collect()
    }
}

/// How often each verdict was given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<Verdict, usize>);

impl Counts {
    /// How often a verdict was given.
    pub fn of(&self, verdict: Verdict) -> usize {
        self.0.get(&verdict).copied().unwrap_or_default()
    }

    /// How many cases there are.
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }

    fn add(&mut self, verdict: Verdict) {
        *self.0.entry(verdict).or_default() += 1;
    }
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The URL of the target.
    pub target: String,
    /// When the run began.
    pub started: SystemTime,
    /// Every selected case, in the order of the pages.
    pub cases: Vec<CaseOutcome>,
    /// The cases that were selected and are excluded by name: they were not run.
    pub excluded: Vec<String>,
    /// Every clause that a selected case judges.
    pub clauses: Vec<ClauseOutcome>,
    /// The techniques whose precondition was skipped or did not pass, and why. What else was judged of them says little:
    /// an address at which there is nothing refuses much of what is to be refused.
    pub unjudged: BTreeMap<String, String>,
    /// How many connections the server serves at once, where that is less than the run would have had open.
    pub serves_at_once: Option<usize>,
    /// What baselines accept, and what is not so any more: a lower-case fragment each.
    pub stale: Vec<String>,
    /// Each end of the server that it came back from.
    pub ends: Vec<ServerEnd>,
    /// What ended the run before its time.
    pub ending: Option<Ending>,
    /// Which part of a run it was.
    pub shard: Option<Shard>,
    /// The wall time.
    pub duration: Duration,
    /// The clauses of the suite that ran.
    pub catalogue: Arc<Catalogue>,
    /// What nobody is to see: it is in none of this, and a report that says more keeps it out as well.
    pub secrets: Secrets,
}

impl Outcome {
    /// The counts in total.
    pub fn counts(&self) -> Counts {
        self.counts_where(|_| true)
    }

    /// The counts of each technique that has a case, in the order of the techniques.
    pub fn by_technique(&self) -> Vec<(&'static str, Counts)> {
        let counts =
            TECHNIQUES.iter().map(|name| (*name, self.counts_where(|case| case.case.folder == *name)));
        counts.filter(|(_, counts)| counts.total() > 0).collect()
    }

    fn counts_where(&self, belongs: impl Fn(&CaseOutcome) -> bool) -> Counts {
        let mut counts = Counts::default();
        self.cases.iter().filter(|case| belongs(case)).for_each(|case| counts.add(case.verdict));
        counts
    }

    /// How many cases came to a verdict that no baseline accepts.
    fn open(&self, verdict: Verdict) -> usize {
        self.cases.iter().filter(|case| case.verdict == verdict && case.accepted.is_none()).count()
    }

    /// How many cases came to something that a baseline accepts.
    pub fn accepted(&self) -> usize {
        self.cases.iter().filter(|case| case.accepted.is_some()).count()
    }

    /// Everything that was not as expected, with the id of the case.
    pub fn findings(&self) -> Vec<(&str, &Finding)> {
        let mut findings = Vec::new();
        for case in &self.cases {
            findings.extend(case.findings.iter().map(|finding| (case.case.id.as_str(), finding)));
        }
        findings
    }

    /// How many of the selected cases were judged, of techniques of which it is known that they are there.
    pub fn judged(&self) -> usize {
        // What is no technique's own is judged on the traffic of all.
        let known = |case: &&CaseOutcome| {
            let common = case.case.technique == "http" || case.case.invariant().is_some();
            let known = if common {
                self.unjudged.is_empty()
            } else {
                !self.unjudged.contains_key(&case.case.technique)
            };
            known || case.is_broken_precondition()
        };
        let judged =
            |case: &CaseOutcome| case.selected && !matches!(case.verdict, Verdict::Skip | Verdict::Error);
        self.cases.iter().filter(known).filter(|case| judged(case)).count()
    }

    /// Whether the target conforms: something was judged, nothing failed, every technique that the profile names is
    /// there, nothing could not be run, and the run came to its end. With `strict`, warnings are failures.
    pub fn is_conformant(&self, strict: bool) -> bool {
        self.objections(strict).is_empty()
    }

    /// Why the target is not called conformant, a lower-case fragment each; nothing where it is.
    pub fn objections(&self, strict: bool) -> Vec<String> {
        let mut objections = self.objections_to_the_run();
        objections.extend(objections_of_counts(|verdict| self.open(verdict), strict));
        objections
    }

    /// Those of the objections that are no verdict of a case: what was to be judged was not.
    pub fn objections_to_the_run(&self) -> Vec<String> {
        let mut objections = Vec::new();
        match &self.ending {
            Some(Ending::Stopped) => objections.push(INTERRUPTED.to_owned()),
            Some(Ending::Enough { failures: 1 }) => {
                objections.push("the run ended at the first failure, as --fail-fast asks for".to_owned());
            }
            Some(Ending::Enough { failures }) => {
                objections
                    .push(format!("the run ended after {failures} failures, as --max-failures asks for"));
            }
            Some(Ending::Gone { after, why, .. }) => {
                let seconds = after.as_secs_f64();
                objections.push(format!("the server went away {seconds:.1} s after the start: {why}"));
            }
            Some(Ending::OutOfFiles) => objections.push(OPEN_FILES.to_owned()),
            Some(Ending::Overdue { limit }) => {
                objections
                    .push(format!("the run was not through after {limit:?}, which --max-time allows it"));
            }
            None => {}
        }
        let mut unexplained: Vec<&ServerEnd> = self.ends.iter().filter(|end| end.case.is_none()).collect();
        if let Some(end) = unexplained.pop() {
            let times = unexplained.len() + 1;
            let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
            objections.push(format!(
                "the server ended {times}, and no case that was running does that alone: {}",
                end.how
            ));
        }
        for case in self.cases.iter().filter(|case| case.is_broken_precondition()) {
            let what = match &case.case.section().front_matter.precondition {
                Some(Precondition::Capability(name, _)) => name,
                Some(Precondition::Fragments) => "messages in fragments",
                _ => &case.case.folder,
            };
            objections.push(not_judged(what, &case.why_broken()));
        }
        objections.extend(self.stale.iter().cloned());
        let counts = self.counts();
        if self.judged() == 0 && counts.of(Verdict::Fail) + counts.of(Verdict::Error) == 0 {
            objections.push(NOTHING_JUDGED.to_owned());
        }
        objections
    }
}

/// What the verdicts of cases have against a target.
pub(crate) fn objections_of_counts(count: impl Fn(Verdict) -> usize, strict: bool) -> Vec<String> {
    let counted = [
        (count(Verdict::Fail), "failed", true),
        (count(Verdict::Error), "could not be run", true),
        (count(Verdict::Warn), "had a warning, which counts as a failure in this run", strict),
    ];
    let counted = counted.into_iter().filter(|(count, _, counts)| *count > 0 && *counts);
    counted.map(|(count, what, _)| format!("{} {what}", cases(count))).collect()
}

/// What is said of a run that had no more files for its connections, and what to do.
pub(crate) const OPEN_FILES: &str = "this process or this machine has no more open files for its connections: raise the limit (`ulimit -n`), or use fewer --connections";

/// What is said of a run that somebody ended.
pub(crate) const INTERRUPTED: &str = "the run was interrupted";

/// What is said of a run in which every case was skipped.
pub(crate) const NOTHING_JUDGED: &str = "no selected case could be judged";

/// That nothing is known of a technique.
pub(crate) fn not_judged(technique: &str, why: &str) -> String {
    format!("{technique} could not be judged: {why}")
}

/// A number of cases.
pub(crate) fn cases(count: usize) -> String {
    if count == 1 { "1 case".to_owned() } else { format!("{count} cases") }
}
