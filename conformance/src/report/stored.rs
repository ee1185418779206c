//! What a run came to, as it is stored in `report.json`: every format is made of this alone, so that a report can be made
//! again at any time.

mod beyond;
#[cfg(test)]
mod habits;
mod line_of;
mod merge;
mod of;
mod reading;
mod recorded;
mod spelling;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalogue::Level;
use crate::judge::Verdict;
use crate::transcript::Line;

pub use merge::MergeError;
pub use reading::{Example, Group};
pub use recorded::Recorded;

pub use crate::outcome::{ServerEnd, Shard};

/// The version of the format: it changes when a reader of the last one would be misled.
pub const SCHEMA: &str = "pushspec-report/2";

/// A run, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the format")]
pub struct Report {
    /// `pushspec-report/2`.
    pub schema: String,
    /// What made it.
    pub tool: Tool,
    /// What was judged.
    pub target: Target,
    /// Whether the target conforms.
    pub conformant: bool,
    /// Why it is not called conformant, a sentence each.
    pub objections: Vec<String>,
    /// Those of the objections that are no verdict of a case: what was to be judged was not.
    pub objections_to_run: Vec<String>,
    /// What has to be known before the verdict is believed.
    pub notes: Vec<String>,
    /// Whether somebody ended the run before its time.
    pub interrupted: bool,
    /// The server went away in mid-run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<Gone>,
    /// The time that `--max-time` gave, in milliseconds, where the run was not complete after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overdue_ms: Option<f64>,
    /// Whether the suite could open no more files for connections.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub out_of_files: bool,
    /// Each end of the server that it came back from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ends: Vec<ServerEnd>,
    /// Whether warnings are failures.
    pub strict: bool,
    /// The fault that stood before the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Which part of a run this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// When the run began, as in RFC 3339, in UTC.
    pub started: String,
    /// What stood behind `pushspec run`, as far as it says what was judged and how.
    pub arguments: Vec<String>,
    /// The wall time.
    pub duration_ms: f64,
    /// How many cases came to what.
    pub summary: Summary,
    /// The cases, in the order of the pages.
    pub cases: Vec<Case>,
    /// Every clause that a case of the report judges.
    pub clauses: Vec<Clause>,
}

/// The program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tool {
    /// `pushspec`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Target {
    /// Its URL, without a path.
    pub url: String,
    /// Whether it is the reference server that is built in.
    pub built_in: bool,
}

/// The server went away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Gone {
    /// When the first connection was refused, counted from the beginning of the run.
    pub after_ms: f64,
    /// Why it was not opened.
    pub why: String,
    /// The cases that had a connection then, or just before.
    pub running: Vec<String>,
}

/// The counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Summary {
    /// How many cases have each verdict.
    pub total: BTreeMap<String, usize>,
    /// The cases that were kept from being run.
    pub excluded: Vec<String>,
    /// The patterns that kept them.
    pub exclude: Vec<String>,
    /// The techniques that could not be judged, and why.
    pub unjudged: BTreeMap<String, String>,
    /// The same for each technique that has a case.
    pub by_technique: BTreeMap<String, BTreeMap<String, usize>>,
}

/// A case and what it came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Case {
    /// The page, the heading, and in brackets which one of several.
    pub id: String,
    /// The name of the endpoint at which it was judged, where its technique has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// `http`, or the technique.
    pub technique: String,
    /// The heading in words.
    pub title: String,
    /// The section of the specification, as the page calls it.
    pub page: String,
    /// The page and the line of the heading.
    pub place: CasePlace,
    /// Why it matters, as the page says it (Markdown).
    pub prose: String,
    /// The level of the first clause.
    pub level: Level,
    /// The clauses that it judges.
    pub clauses: Vec<String>,
    /// Its place among all cases of the pages, from 0; only in a shard, whose cases are put between those of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<usize>,
    /// Whether it was asked for.
    pub selected: bool,
    /// Whether it is an invariant: judged on the traffic of all cases.
    pub invariant: bool,
    /// The verdict.
    #[cfg_attr(test, schemars(with = "spelling::VerdictSpelling"))]
    pub verdict: Verdict,
    /// Why what was found is accepted: the verdict stays, and does not count against the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
    /// The last lines that the server wrote before the case ended it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub server_output: Vec<String>,
    /// Why it was skipped, or could not be run.
    pub reason: Option<String>,
    /// How long it took.
    pub duration_ms: f64,
    /// The line that runs it again, where it did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun: Option<String>,
    /// What was not as expected.
    pub findings: Vec<Finding>,
    /// What went over the wire.
    pub transcript: Vec<Line>,
    /// What it came to at first, where it did not pass and was run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_first: Option<Attempt>,
    /// What came from the target, where it did not pass: `pushspec replay` judges it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Recorded>,
}

/// Where a case stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CasePlace {
    /// The page, with the folder in which it lies.
    pub file: String,
    /// The line of the heading, from 1.
    pub line: usize,
}

/// What a case came to the first time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Attempt {
    /// The verdict.
    #[cfg_attr(test, schemars(with = "spelling::VerdictSpelling"))]
    pub verdict: Verdict,
    /// Why it was skipped, or could not be run.
    pub reason: Option<String>,
    /// What was not as expected.
    pub findings: Vec<Finding>,
    /// What went over the wire.
    pub transcript: Vec<Line>,
}

/// An expectation that was not met.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    /// The clause that is broken.
    pub clause: String,
    /// How binding it is.
    pub level: Level,
    /// What the finding means for the verdict of its case.
    #[cfg_attr(test, schemars(with = "spelling::VerdictSpelling"))]
    pub verdict: Verdict,
    /// The expectation on its page.
    pub place: Place,
    /// What was expected, in the notation of the pages.
    pub expected: String,
    /// What came instead; bytes of the target only in the notation.
    pub received: String,
    /// When, counted from the start of the case.
    pub at_ms: f64,
    /// For an invariant: the case in whose traffic it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_in: Option<String>,
    /// Which line of the transcript it is about, from 0; of the transcript of `seen_in` where that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

/// A line of a page, to point at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Place {
    /// The page, with the folder in which it lies.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The first column of the expectation, in characters from 1.
    pub column: usize,
    /// How many characters it has.
    pub width: usize,
    /// The line as written.
    pub source: String,
}

/// A clause, and what its cases say of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Clause {
    /// As in `pushspec explain ID`.
    pub id: String,
    /// How binding it is.
    pub level: Level,
    /// What it says, in our words.
    pub text: String,
    /// What else the text of the specification says: a doubt, or a freedom that another sentence gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The specification's name.
    pub specification: String,
    /// Its section.
    pub section: String,
    /// Where it is written.
    pub link: String,
    /// The cases that judge it, each with its endpoint behind an `@` where its technique has several.
    pub cases: Vec<String>,
    /// The worst that was found against it; `pass` if a case passed and nothing was found, `skip` if none was run.
    #[cfg_attr(test, schemars(with = "spelling::VerdictSpelling"))]
    pub verdict: Verdict,
}
