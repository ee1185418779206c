//! What the formats ask of a stored report.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{Case, Clause, Finding, Report};
use crate::catalogue::Level;
use crate::judge::Verdict;
use crate::outcome::{INTERRUPTED, NOTHING_JUDGED, cases, not_judged};
use crate::profile::TECHNIQUES;

/// What was found against one clause.
#[derive(Debug, Clone)]
pub struct Group<'a> {
    /// The clause.
    pub clause: &'a str,
    /// How binding it is.
    pub level: Level,
    /// What the report says of it, where it does.
    pub written: Option<&'a Clause>,
    /// The worst of the findings.
    pub verdict: Verdict,
    /// Whether all that was found is accepted.
    pub accepted: bool,
    /// Other clauses that say the same of one habit: what was found against them is told here.
    pub also: Vec<&'a str>,
    /// The cases that found it, each with what it found, the smallest first.
    pub examples: Vec<Example<'a>>,
}

/// A case with what it found against a clause.
#[derive(Debug, Clone)]
pub struct Example<'a> {
    /// The case.
    pub case: &'a Case,
    /// The first finding.
    pub finding: &'a Finding,
}

impl Report {
    /// The case of an id.
    pub fn case(&self, id: &str) -> Option<&Case> {
        self.cases.iter().find(|case| case.id == id)
    }

    /// The case in whose traffic a finding of another one was seen: at the same endpoint.
    pub fn seen_in(&self, case: &Case, finding: &Finding) -> Option<&Case> {
        let id = finding.seen_in.as_deref()?;
        let is_there = |other: &&Case| other.id == id && other.endpoint == case.endpoint;
        self.cases.iter().find(is_there).or_else(|| self.case(id))
    }

    /// The clause of an id.
    pub fn clause(&self, id: &str) -> Option<&Clause> {
        self.clauses.iter().find(|clause| clause.id == id)
    }

    /// How many cases have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.summary.total.get(verdict.spelling()).copied().unwrap_or_default()
    }

    /// How many cases came to a verdict of the target: all but those that were skipped or could not be run.
    pub fn judged(&self) -> usize {
        self.summary.total.values().sum::<usize>() - self.count(Verdict::Skip) - self.count(Verdict::Error)
    }

    /// The techniques that have a case, in their order.
    pub fn techniques(&self) -> impl Iterator<Item = &'static str> {
        TECHNIQUES.into_iter().filter(|technique| self.summary.by_technique.contains_key(*technique))
    }

    /// Whether a case counts against the target.
    pub fn is_broken(&self, case: &Case) -> bool {
        case.accepted.is_none()
            && match case.verdict {
                Verdict::Fail | Verdict::Error => true,
                Verdict::Warn => self.strict,
                Verdict::Pass | Verdict::Info | Verdict::Skip => false,
            }
    }

    /// Whether nothing that was selected could be judged.
    pub fn is_empty(&self) -> bool {
        self.objections_to_run.iter().any(|objection| objection == NOTHING_JUDGED)
    }

    /// Whether something other than a person ended the run before its time.
    pub(crate) fn is_cut_short(&self) -> bool {
        self.gone.is_some() || self.overdue_ms.is_some() || self.out_of_files
    }

    /// The verdict in a few words.
    pub fn verdict(&self) -> String {
        if self.interrupted {
            return "interrupted".to_owned();
        }
        match self.count(Verdict::Warn) {
            _ if self.is_cut_short() => "cut short".to_owned(),
            _ if self.is_empty() => NOTHING_JUDGED.to_owned(),
            _ if !self.conformant => "not conformant".to_owned(),
            0 => "conformant".to_owned(),
            1 => "conformant, with 1 warning".to_owned(),
            warnings => format!("conformant, with {warnings} warnings"),
        }
    }

    /// The verdict in one sentence: what was judged, where, how long it took.
    pub fn sentence(&self) -> String {
        let judged = self.judged();
        let is_empty = self.is_empty() && !self.interrupted && !self.is_cut_short();
        let judged = if is_empty { String::new() } else { format!(": {} judged", cases(judged)) };
        let seconds = self.duration_ms / 1000.0;
        format!("{}{judged} at {} in {seconds:.2} s", self.verdict(), self.name())
    }

    /// What the target is called.
    pub fn name(&self) -> &str {
        if self.target.built_in { "the built-in reference server" } else { &self.target.url }
    }

    /// Why the target is not called conformant, and what could not be judged of one that is. What the verdict says is left
    /// out.
    pub fn remarks(&self) -> Vec<String> {
        let mut lines = self.objections.clone();
        lines.retain(|line| line != NOTHING_JUDGED && line != INTERRUPTED);
        let unjudged = self.summary.unjudged.iter().map(|(technique, why)| not_judged(technique, why));
        lines.extend(unjudged.filter(|line| !lines.contains(line)).collect::<Vec<_>>());
        lines
    }

    /// What was found, by clause: the worst first, then what most cases found.
    pub fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: BTreeMap<&str, Group<'_>> = BTreeMap::new();
        let mut written: BTreeMap<&str, &Clause> = BTreeMap::new();
        written.extend(self.clauses.iter().map(|clause| (clause.id.as_str(), clause)));
        for case in &self.cases {
            for finding in &case.findings {
                let group = groups.entry(&finding.clause).or_insert_with(|| Group {
                    clause: &finding.clause,
                    level: finding.level,
                    written: written.get(finding.clause.as_str()).copied(),
                    verdict: finding.verdict,
                    accepted: true,
                    also: Vec::new(),
                    examples: Vec::new(),
                });
                group.verdict = group.verdict.max(finding.verdict);
                group.accepted &= case.accepted.is_some();
                if group.examples.last().is_none_or(|last| last.case.name() != case.name()) {
                    group.examples.push(Example { case, finding });
                }
            }
        }
        merge(&mut groups);
        let mut groups: Vec<Group<'_>> = groups.into_values().collect();
        groups.iter_mut().for_each(Group::sort);
        // What an invariant says holds of all traffic.
        let weight = |group: &Group<'_>| (group.verdict, group.is_at_large(), group.examples.len());
        groups.sort_by_key(|group| (group.accepted, Reverse(weight(group))));
        groups
    }

    /// The cases that could not be run, and why, each reason once with the cases that have it. Reasons that differ only in
    /// the bytes that they show are one.
    pub fn errors(&self) -> Vec<(&str, Vec<&Case>)> {
        let mut kinds: Vec<(&str, Vec<&Case>)> = Vec::new();
        let kind = |reason: &str| {
            reason
                .split_once('"')
                .map_or(reason.to_owned(), |(kind, _)| kind.trim_end_matches('x').to_owned())
        };
        for (reason, cases) in self.by_reason(|case| case.verdict == Verdict::Error) {
            match kinds.iter_mut().find(|(known, _)| kind(known) == kind(reason)) {
                Some((_, known)) => known.extend(cases),
                None => kinds.push((reason, cases)),
            }
        }
        kinds
    }

    /// The reasons for which cases were skipped, with the cases.
    pub fn skipped(&self) -> Vec<(&str, Vec<&Case>)> {
        self.by_reason(|case| case.verdict == Verdict::Skip)
    }

    fn by_reason(&self, belongs: impl Fn(&Case) -> bool) -> Vec<(&str, Vec<&Case>)> {
        let mut reasons: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
        for case in self.cases.iter().filter(|case| belongs(case)) {
            reasons.entry(case.reason.as_deref().unwrap_or_default()).or_default().push(case);
        }
        let mut reasons: Vec<_> = reasons.into_iter().collect();
        reasons.sort_by_key(|(_, cases)| Reverse(cases.len()));
        reasons
    }

    /// The cases that passed only when they were run again.
    pub fn unsteady(&self) -> Vec<&Case> {
        let again = |case: &&Case| case.verdict == Verdict::Pass && case.at_first.is_some();
        self.cases.iter().filter(again).collect()
    }
}

impl Group<'_> {
    /// The smallest first: of the verdict of the group, with a transcript, and that a short one. Only the lines that
    /// were sent or received count: what else a transcript notes depends on the time, and the example should not.
    fn sort(&mut self) {
        let verdict = self.verdict;
        self.examples.sort_by_key(|Example { case, finding }| {
            let said = case.transcript.iter().filter(|line| line.direction.is_some()).count();
            (finding.verdict != verdict, case.transcript.is_empty(), said)
        });
    }

    /// Whether it was seen on the traffic of all cases.
    pub fn is_at_large(&self) -> bool {
        self.examples.iter().any(|example| example.case.invariant)
    }

    /// The techniques of the cases, each once.
    pub fn techniques(&self) -> Vec<&str> {
        let mut techniques: Vec<&str> = Vec::new();
        for example in &self.examples {
            if !techniques.contains(&example.case.technique.as_str()) {
                techniques.push(&example.case.technique);
            }
        }
        techniques
    }

    /// Which other clauses the same habit breaks, in a sentence.
    pub fn also_broken(&self, shown: impl Fn(&str) -> String) -> Option<String> {
        let also: Vec<String> = self.also.iter().map(|clause| shown(clause)).collect();
        (!also.is_empty()).then(|| format!("the same habit breaks {}", also.join(", ")))
    }

    /// What the clause says, and where it is written.
    pub fn text(&self) -> &str {
        self.written.map_or("", |clause| &clause.text)
    }

    /// Where the clause is written.
    pub fn link(&self) -> &str {
        self.written.map_or("", |clause| &clause.link)
    }
}

impl Case {
    /// The id, and the endpoint behind it where the technique has several.
    pub fn name(&self) -> Cow<'_, str> {
        match &self.endpoint {
            Some(endpoint) => Cow::Owned(format!("{}@{endpoint}", self.id)),
            None => Cow::Borrowed(&self.id),
        }
    }

    /// The id without what tells the cases of one heading apart.
    pub fn heading(&self) -> &str {
        self.id.split('[').next().unwrap_or(&self.id)
    }

    /// The page: the id without the heading.
    pub fn page_path(&self) -> &str {
        self.heading().rsplit_once('/').map_or(self.heading(), |(page, _)| page)
    }

    /// What tells the case apart from others of its heading, with its brackets.
    pub fn label(&self) -> &str {
        &self.id[self.heading().len()..]
    }
}

/// A habit that shows under more than one clause.
struct Habit {
    /// The clause under which it is told, where that one is broken.
    told_as: &'static str,
    /// Whether what was found against another clause is the same again.
    is_same: fn(&Example<'_>) -> bool,
    /// In how many other clauses it has to show: what shows in fewer may be something of their own.
    least: usize,
}

const HABITS: [Habit; 3] = [
    Habit {
        told_as: "rfc6455/7.1.7/close-frame-before-failing",
        is_same: |found| found.finding.clause == "rfc6455/10.7/close-frame-on-invalid-data",
        least: 1,
    },
    Habit {
        told_as: "rfc6455/8.1/invalid-utf8",
        is_same: |found| found.finding.clause == "rfc6455/8.1/fail-fast",
        least: 1,
    },
    Habit {
        told_as: "rfc6455/7.1.7/server-closes",
        is_same: |found| {
            let finding = found.finding;
            let ends = ["eof", "reset"].iter().any(|end| finding.expected.ends_with(end));
            finding.clause.starts_with("rfc6455/") && ends && finding.received.starts_with("nothing within ")
        },
        least: 5,
    },
];

/// Puts what is one habit into one group.
fn merge<'a>(groups: &mut BTreeMap<&'a str, Group<'a>>) {
    for habit in &HABITS {
        let is_other = |group: &Group<'_>| group.clause != habit.told_as;
        let shows = |group: &&Group<'a>| is_other(group) && group.examples.iter().any(habit.is_same);
        let others: Vec<&'a str> = groups.values().filter(shows).map(|group| group.clause).collect();
        if !groups.contains_key(habit.told_as) || others.len() < habit.least {
            continue;
        }
        for clause in others {
            let Some(mut other) = groups.remove(clause) else { continue };
            let (same, rest): (Vec<_>, Vec<_>) = other.examples.into_iter().partition(habit.is_same);
            if !rest.is_empty() {
                other.verdict = rest.iter().map(|found| found.finding.verdict).max().unwrap_or(other.verdict);
                other.accepted = rest.iter().all(|found| found.case.accepted.is_some());
                groups.insert(clause, Group { examples: rest, ..other });
            }
            if let Some(group) = groups.get_mut(habit.told_as) {
                take(group, clause, same);
            }
        }
    }
}

/// Adds what was found against another clause. A case that has found both counts once.
fn take<'a>(group: &mut Group<'a>, clause: &'a str, same: Vec<Example<'a>>) {
    let known: BTreeSet<Cow<'_, str>> = group.examples.iter().map(|found| found.case.name()).collect();
    let new: Vec<Example<'a>> =
        same.into_iter().filter(|found| !known.contains(&found.case.name())).collect();
    group.accepted &= new.iter().all(|found| found.case.accepted.is_some());
    group.also.push(clause);
    group.examples.extend(new);
}
