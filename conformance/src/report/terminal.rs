//! What a person reads after a run: findings, then a summary.

mod block;
mod summary;

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::Report;
use crate::escape::visible;
use crate::judge::Verdict;

/// How much is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Findings, reasons of skipped cases, the summary.
    Full,
    /// Findings and the verdict.
    Findings,
}

/// How the program was called, as far as a reader needs it.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// What stands between `pushspec run` and `--select` where a case is run again.
    pub arguments: Vec<String>,
    /// The patterns of the cases that were left out.
    pub exclude: Vec<String>,
    /// The fault that stands before the server.
    pub fault: Option<String>,
    /// What has to be known before the verdict is believed.
    pub note: Option<String>,
    /// The target is the reference server that is built in.
    pub built_in: bool,
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Prints an outcome.
pub fn print(
    out: &mut impl Write,
    report: &Report<'_>,
    detail: Detail,
    invocation: &Invocation,
) -> io::Result<()> {
    let Report { suite, outcome, strict, .. } = *report;
    block::blocks(out, suite, outcome, invocation)?;
    if detail == Detail::Full {
        summary::summary(out, suite, outcome, invocation)?;
    }
    if let Some(note) = &invocation.note {
        writeln!(out, "note: {}", visible(note))?;
    }
    summary::verdict(out, outcome, strict, invocation)
}

fn style(verdict: Verdict) -> Style {
    let color = match verdict {
        Verdict::Pass => AnsiColor::Green,
        Verdict::Fail | Verdict::Error => AnsiColor::Red,
        Verdict::Warn => AnsiColor::Yellow,
        Verdict::Info => AnsiColor::Cyan,
        Verdict::Skip => return DIM,
    };
    color.on_default().bold()
}
