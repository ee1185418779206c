//! Two reports held against each other: what a change brought.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::markdown::{code, mark};
use super::readable::readable;
use super::stored::{Case, Report};
use crate::escape::visible;
use crate::judge::Verdict;
use crate::outcome::cases;

/// How many cases of each kind are named, and how many of those that are as they were.
const NAMED: usize = 100;
const NAMED_STILL: usize = 20;

/// What became of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It is worse than it was.
    Broken,
    /// It was judged, and is not any more.
    Lost,
    /// It is not as it should be, and the older report does not have it.
    New,
    /// It is as bad as it was.
    Still,
    /// It is better than it was.
    Fixed,
}

/// A case that is not as it should be, or was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry<'a> {
    /// What became of it.
    pub change: Change,
    /// The case, and the endpoint where its technique has several.
    pub id: Cow<'a, str>,
    /// The verdict in the older report.
    pub old: Option<Verdict>,
    /// The verdict in the newer one.
    pub new: Option<Verdict>,
    /// What was received, or why it was not judged.
    pub why: String,
}

/// What changed from one report to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diff<'a> {
    /// Why the newer run is none that could be held against the older one.
    pub objections: Vec<&'a str>,
    /// The cases: what broke first.
    pub cases: Vec<Entry<'a>>,
    /// Whether something broke that makes a target not conformant.
    pub broke: bool,
}

/// How bad a verdict is.
fn badness(case: &Case) -> u8 {
    match case.verdict {
        _ if case.accepted.is_some() => 0,
        Verdict::Pass | Verdict::Info | Verdict::Skip => 0,
        Verdict::Warn => 1,
        Verdict::Fail | Verdict::Error => 2,
    }
}

impl<'a> Diff<'a> {
    /// What changed from the older report to the newer one.
    pub fn of(old: &'a Report, new: &'a Report) -> Diff<'a> {
        let before: BTreeMap<_, &Case> = old.cases.iter().map(|case| (case.name(), case)).collect();
        let after: BTreeMap<_, &Case> = new.cases.iter().map(|case| (case.name(), case)).collect();
        let mut broke = false;
        let mut entries = Vec::new();
        for case in &new.cases {
            let former = before.get(&case.name()).copied();
            let Some(change) = change(former, case) else { continue };
            broke |= change == Change::Broken && new.is_broken(case);
            entries.push(entry(change, former, Some(case)));
        }
        // What the newer run did not come to, was not selected or is no longer there.
        let lost = old.cases.iter().filter(|case| {
            case.verdict != Verdict::Skip && !case.invariant && !after.contains_key(&case.name())
        });
        entries.extend(lost.map(|case| entry(Change::Lost, Some(case), None)));
        entries.sort_by_key(|entry| entry.change);
        let objections =
            new.objections_to_run.iter().filter(|objection| !old.objections_to_run.contains(objection));
        let objections: Vec<&str> = objections.map(String::as_str).collect();
        Diff { broke: broke || !objections.is_empty(), objections, cases: entries }
    }

    /// How many cases changed in a way.
    pub fn count(&self, change: Change) -> usize {
        self.cases.iter().filter(|entry| entry.change == change).count()
    }

    /// The kinds of changes, with what is said of each.
    const KINDS: [(Change, &'static str); 5] = [
        (Change::Broken, "broken"),
        (Change::Lost, "not judged any more"),
        (Change::New, "new"),
        (Change::Fixed, "fixed"),
        (Change::Still, "still"),
    ];

    /// The counts in a line.
    pub fn sentence(&self) -> String {
        let counts = Diff::KINDS.iter().map(|(change, what)| format!("{} {what}", self.count(*change)));
        counts.collect::<Vec<_>>().join(", ")
    }

    /// The changes for a terminal.
    pub fn text(&self) -> String {
        let mut out = format!("{}\n", self.sentence());
        for objection in &self.objections {
            out.push_str(&format!("  {}\n", visible(objection)));
        }
        for (change, what) in Diff::KINDS {
            let (shown, left) = self.shown(change);
            if !shown.is_empty() {
                out.push_str(&format!("\n{what}:\n"));
            }
            for entry in shown {
                out.push_str(&format!("  {} {}\n", verdicts(entry), visible(&entry.id)));
                if change != Change::Fixed && change != Change::Still && !entry.why.is_empty() {
                    out.push_str(&format!("      {}\n", readable(&entry.why)));
                }
            }
            if left > 0 {
                out.push_str(&format!("  … and {} more\n", cases(left)));
            }
        }
        out
    }

    /// The changes for a comment on a merge request.
    pub fn markdown(&self) -> String {
        let sign = mark(if self.broke { Verdict::Fail } else { Verdict::Pass });
        let mut out = format!("## {sign} pushspec: {}\n", self.sentence());
        for objection in &self.objections {
            out.push_str(&format!("\n- {}", super::markdown::text(objection)));
        }
        for (change, what) in Diff::KINDS {
            let (shown, left) = self.shown(change);
            if shown.is_empty() {
                continue;
            }
            let open = if change == Change::Still { "" } else { " open" };
            out.push_str(&format!("\n<details{open}><summary>{what} ({})</summary>\n\n", self.count(change)));
            for entry in shown {
                let why = if entry.why.is_empty() {
                    String::new()
                } else {
                    format!(": {}", code(&readable(&entry.why)))
                };
                out.push_str(&format!("- {} {}{why}\n", verdicts(entry), code(&entry.id)));
            }
            if left > 0 {
                out.push_str(&format!("- … and {} more\n", cases(left)));
            }
            out.push_str("\n</details>\n");
        }
        out
    }

    /// The cases of a kind that are named, and how many are not.
    fn shown(&self, change: Change) -> (Vec<&Entry<'a>>, usize) {
        let most = if change == Change::Still { NAMED_STILL } else { NAMED };
        let all: Vec<&Entry<'_>> = self.cases.iter().filter(|entry| entry.change == change).collect();
        let left = all.len().saturating_sub(most);
        (all.into_iter().take(most).collect(), left)
    }
}

fn change(old: Option<&Case>, new: &Case) -> Option<Change> {
    let bad = badness(new);
    // What was skipped is as little known of as what was not there.
    let known = old.filter(|old| old.verdict != Verdict::Skip);
    let Some(old) = known else { return (bad > 0).then_some(Change::New) };
    let was_judged = old.verdict != Verdict::Error;
    match bad.cmp(&badness(old)) {
        _ if new.verdict == Verdict::Skip => was_judged.then_some(Change::Lost),
        std::cmp::Ordering::Greater => Some(Change::Broken),
        std::cmp::Ordering::Less => Some(Change::Fixed),
        std::cmp::Ordering::Equal => (bad > 0).then_some(Change::Still),
    }
}

fn entry<'a>(change: Change, old: Option<&'a Case>, new: Option<&'a Case>) -> Entry<'a> {
    let why = match new {
        None => "the newer report does not have it".to_owned(),
        Some(case) => {
            let found = case.findings.first();
            let found = found.map(|finding| {
                format!("{} {}: received {}", finding.level, finding.clause, finding.received)
            });
            case.reason.clone().or(found).unwrap_or_default()
        }
    };
    let id = new.or(old).map(Case::name).unwrap_or_default();
    Entry { change, id, old: old.map(|case| case.verdict), new: new.map(|case| case.verdict), why }
}

fn verdicts(entry: &Entry<'_>) -> String {
    let spelled = |verdict: Option<Verdict>| verdict.map_or("absent", Verdict::spelling);
    format!("{} → {}", spelled(entry.old), spelled(entry.new))
}
