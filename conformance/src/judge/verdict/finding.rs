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

/// What a finding says, without what differs between equal ones: times that were measured, and the reason phrase of a
/// status line, which means nothing (RFC 9112 section 4).
pub fn alike(told: &str) -> String {
    let mut out = String::with_capacity(told.len());
    let mut rest = told;
    while let Some(start) = rest.find(|character: char| character.is_ascii_digit()) {
        let (before, number) = rest.split_at(start);
        out.push_str(before);
        let length = number.find(|character: char| !character.is_ascii_digit() && character != '.');
        let (digits, after) = number.split_at(length.unwrap_or(number.len()));
        let is_word = before.ends_with(|character: char| character.is_alphanumeric() || character == '_');
        let unit = ["ns", "µs", "ms", "s"].into_iter().find(|unit| is_unit(after, unit));
        match unit.filter(|_| !is_word) {
            Some(unit) => {
                out.push('…');
                rest = &after[unit.len()..];
            }
            None => {
                out.push_str(digits);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    without_reason(&out)
}

fn is_unit(text: &str, unit: &str) -> bool {
    text.strip_prefix(unit).is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric()))
}

/// A status line ends with its code.
fn without_reason(told: &str) -> String {
    let Some(start) = told.find("HTTP/1.") else { return told.to_owned() };
    let line = &told[start..];
    // The version, a space and three digits.
    let is_status = line.len() >= 12
        && line.is_char_boundary(12)
        && line.as_bytes()[8] == b' '
        && line.as_bytes()[9..12].iter().all(u8::is_ascii_digit);
    if !is_status {
        return told.to_owned();
    }
    let rest = &line[12..];
    let end = rest.find([';', ',', '(', '"', '\n']).unwrap_or(rest.len());
    format!("{}{}", &told[..start + 12], &rest[end..])
}

#[cfg(test)]
mod alike_tests {
    use super::alike;

    #[test]
    fn equal_findings_are_alike_whatever_the_clock_and_the_reason_say() {
        assert_eq!(alike("a frame after 2.449789ms"), alike("a frame after 113.2µs"));
        assert_eq!(alike("nothing within 8s; eof"), alike("nothing within 16s; eof"));
        assert_eq!(alike("HTTP/1.1 404 Not Found"), alike("HTTP/1.1 404 Nope"));
        assert_ne!(alike("HTTP/1.1 404 Not Found"), alike("HTTP/1.1 405 Not Found"));
        assert_ne!(alike("a close frame with 1002"), alike("a close frame with 1003"));
        assert_ne!(alike("2 bytes"), alike("3 bytes"));
        assert_eq!(alike("h2s and 5 sets"), "h2s and 5 sets");
        assert_eq!(alike("HTTP/1.1 20"), "HTTP/1.1 20");
    }
}
