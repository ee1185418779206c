//! The styles of a terminal (ECMA-48 section 8.3.117).

use std::fmt;

use crate::judge::Verdict;

/// How text is shown: written as it is, it begins; with `{:#}`, it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style(&'static str);

pub(super) const BOLD: Style = Style("1");
pub(super) const DIM: Style = Style("2");

impl Style {
    /// The style of a verdict.
    pub(super) fn of(verdict: Verdict) -> Style {
        match verdict {
            Verdict::Pass => Style("1;32"),
            Verdict::Fail | Verdict::Error => Style("1;31"),
            Verdict::Warn => Style("1;33"),
            Verdict::Info => Style("1;36"),
            Verdict::Skip => DIM,
        }
    }
}

impl fmt::Display for Style {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes = if out.alternate() { "0" } else { self.0 };
        write!(out, "\u{1b}[{codes}m")
    }
}
