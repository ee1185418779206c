//! What the judge found, and the verdict that follows.

use std::time::Duration;

use serde::Serialize;

use crate::catalogue::Level;
use crate::transcript::milliseconds;

/// The verdict on a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The target does not have what the case needs.
    Skip,
    /// All expectations are met.
    Pass,
    /// The specification leaves the choice open: the report says which way the server went.
    Info,
    /// A SHOULD, or an established practice, is not followed.
    Warn,
    /// A MUST, a MUST NOT or a rule that is mandatory in effect is broken.
    Fail,
    /// The suite could not run the case.
    Error,
}

impl Verdict {
    /// All verdicts, in the order in which a summary names them.
    pub const ALL: [Verdict; 6] =
        [Verdict::Pass, Verdict::Fail, Verdict::Warn, Verdict::Info, Verdict::Skip, Verdict::Error];

    /// The spelling in reports.
    pub fn spelling(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Skip => "skip",
            Verdict::Info => "info",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
            Verdict::Error => "error",
        }
    }
}

impl From<Level> for Verdict {
    /// What a miss of a clause of this level means.
    fn from(level: Level) -> Verdict {
        match level {
            Level::Must | Level::MustNot | Level::Grammar => Verdict::Fail,
            Level::Should | Level::ShouldNot | Level::Practice => Verdict::Warn,
            Level::May => Verdict::Info,
        }
    }
}

/// A line of a fixture, to point at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file as the reader knows it.
    pub file: String,
    /// The line, from 1; 0 where the finding belongs to no line.
    pub line: usize,
    /// The first column of the statement, in characters from 1.
    pub column: usize,
    /// How many characters it has.
    pub width: usize,
    /// The line as written.
    pub source: String,
}

/// An expectation that was not met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The clause that it rests on.
    pub clause: String,
    /// How binding that clause is.
    pub level: Level,
    /// What the finding means for the verdict of its case.
    pub verdict: Verdict,
    /// The expectation in its fixture.
    pub place: Place,
    /// What was expected, as a fragment.
    pub expected: String,
    /// What came instead, as a fragment; bytes of the target only in the notation.
    pub received: String,
    /// When, counted from the start of the case.
    #[serde(serialize_with = "as_milliseconds", rename = "at_ms")]
    pub at: Duration,
    /// For an invariant: the case in whose traffic it was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_in: Option<String>,
}

/// Times in reports are in milliseconds with a fraction.
fn as_milliseconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(milliseconds(*duration))
}
