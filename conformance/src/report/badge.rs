//! An endpoint of shields.io: what a badge shows.

use serde_json::json;

use super::stored::Report;
use crate::judge::Verdict;

/// The verdict as a badge.
pub fn to_string(report: &Report) -> Result<String, serde_json::Error> {
    let (failed, errors) = (report.count(Verdict::Fail), report.count(Verdict::Error));
    let (message, color) = match () {
        () if report.is_empty() => ("nothing judged".to_owned(), "lightgrey"),
        () if report.interrupted || report.gone.is_some() || report.out_of_files => {
            (report.verdict(), "lightgrey")
        }
        () if report.conformant && report.count(Verdict::Warn) > 0 => (report.verdict(), "green"),
        () if report.conformant => (report.verdict(), "brightgreen"),
        () if failed > 0 => (format!("{failed} of {} failed", report.judged()), "red"),
        () if errors > 0 => (format!("{errors} could not be run"), "red"),
        () => (report.verdict(), "red"),
    };
    serde_json::to_string(&json!({
        "schemaVersion": 1,
        "label": "pushspec",
        "message": message,
        "color": color,
        "isError": !report.conformant,
    }))
}
