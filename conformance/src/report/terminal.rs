//! What a person reads after a run: the verdict, a table, and what was found, clause by clause.

mod group;
mod style;
mod summary;

use std::fmt;
use std::io::{self, Write};

use self::style::{BOLD, DIM, Style};
use super::stored::Report;
use crate::escape::visible;
use crate::judge::Verdict;

/// How much is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Detail {
    /// Of what there is.
    pub extent: Extent,
    /// Which way the target goes where a specification leaves the choice open.
    pub info: bool,
    /// With the colours of a terminal.
    pub color: bool,
}

/// How much is printed of what there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Extent {
    /// Only the verdict and what was found: no table, no reasons of what was skipped.
    Brief,
    /// What a reader takes in.
    #[default]
    Usual,
    /// Everything: every finding of every case.
    All,
}

impl Detail {
    fn is_all(self) -> bool {
        self.extent == Extent::All
    }

    fn is_brief(self) -> bool {
        self.extent == Extent::Brief
    }
}

/// Prints a report.
pub fn print(out: &mut impl Write, report: &Report, detail: Detail) -> io::Result<()> {
    let paint = Paint(detail.color);
    for note in &report.notes {
        writeln!(out, "note: {}", visible(note))?;
    }
    summary::verdict(out, report, detail, paint)?;
    if !detail.is_brief() {
        writeln!(out)?;
        summary::table(out, report, paint)?;
        summary::skipped(out, report, detail, paint)?;
        summary::passed_when_run_again(out, report, detail, paint)?;
    }
    group::groups(out, report, detail, paint)?;
    if !detail.is_brief() && !report.conformant {
        // Where much was found the first line is out of sight.
        writeln!(out, "\n{}", paint.verdict(verdict_color(report), &report.verdict()))?;
    }
    Ok(())
}

/// A report as text.
pub fn to_string(report: &Report, detail: Detail) -> String {
    let mut bytes = Vec::new();
    // Nothing can go wrong when bytes are put behind others.
    let _ = print(&mut bytes, report, detail);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The verdict whose colour the whole has.
fn verdict_color(report: &Report) -> Verdict {
    match () {
        () if report.conformant => Verdict::Pass,
        () if report.is_empty() => Verdict::Warn,
        () => Verdict::Fail,
    }
}

/// Whether there are colours.
#[derive(Debug, Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, style: Style, text: &(impl fmt::Display + ?Sized)) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_string() }
    }

    fn dim(self, text: &(impl fmt::Display + ?Sized)) -> String {
        self.with(DIM, text)
    }

    fn bold(self, text: &(impl fmt::Display + ?Sized)) -> String {
        self.with(BOLD, text)
    }

    fn verdict(self, verdict: Verdict, text: &(impl fmt::Display + ?Sized)) -> String {
        self.with(Style::of(verdict), text)
    }
}
