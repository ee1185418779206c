//! The formats by name.

use super::stored::Report;
use super::{ReportError, badge, github, gitlab, html, json, junit, markdown, sarif, tap, terminal};

/// A format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Format {
    /// For people, on a terminal
    Text,
    /// report.json: everything, for programs
    Json,
    /// A page for people: one file that needs no network
    Html,
    /// JUnit XML, for CI
    Junit,
    /// Markdown, for a step summary or a comment on a merge request
    Markdown,
    /// Annotations of GitHub Actions
    Github,
    /// Code Quality of GitLab
    Gitlab,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Test Anything Protocol 14
    Tap,
    /// An endpoint of shields.io
    Badge,
}

impl Format {
    /// The names of the formats.
    pub const NAMES: [&str; 10] =
        ["text", "json", "html", "junit", "markdown", "github", "gitlab", "sarif", "tap", "badge"];

    /// The report in this format, with a line break at its end.
    pub fn render(self, report: &Report) -> Result<String, ReportError> {
        Ok(match self {
            Format::Text => terminal::to_string(report, terminal::Detail::default()),
            Format::Json => json::to_string(report)? + "\n",
            Format::Html => html::to_string(report),
            Format::Junit => junit::to_string(report)?,
            Format::Markdown => markdown::to_string(report),
            Format::Github => github::to_string(report),
            Format::Gitlab => gitlab::to_string(report)? + "\n",
            Format::Sarif => sarif::to_string(report)? + "\n",
            Format::Tap => tap::to_string(report),
            Format::Badge => badge::to_string(report)? + "\n",
        })
    }
}
