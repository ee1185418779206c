//! Annotations of GitHub Actions: commands on standard output that the runner shows beside a change.

use super::readable::readable;
use super::stored::{Group, Report};
use crate::escape::visible;
use crate::judge::Verdict;
use crate::outcome::cases;

/// How many annotations there are of each kind: the runner takes as many of a step.
const MOST: usize = 10;

/// One annotation for each clause that is broken, the worst first, and one for what kept the run from being one.
pub fn to_string(report: &Report) -> String {
    let mut errors: Vec<String> =
        report.objections_to_run.iter().map(|what| command("error", "pushspec", &visible(what))).collect();
    let mut warnings = Vec::new();
    for group in report.groups().iter().filter(|group| !group.accepted) {
        let (kind, list) = match group.verdict {
            Verdict::Fail => ("error", &mut errors),
            Verdict::Warn if report.strict => ("error", &mut errors),
            Verdict::Warn => ("warning", &mut warnings),
            _ => continue,
        };
        list.push(command(kind, &visible(group.clause), &message(group)));
    }
    for (reason, cases) in report.errors() {
        let first = cases.first().map(|case| case.name()).unwrap_or_default();
        errors.push(command("error", &visible(&first), &visible(reason)));
    }
    let notice = command("notice", "pushspec", &visible(&report.sentence()));
    let lines = bounded(errors).chain(bounded(warnings)).chain([notice]);
    lines.map(|line| line + "\n").collect()
}

fn bounded(lines: Vec<String>) -> impl Iterator<Item = String> {
    lines.into_iter().take(MOST)
}

/// What is said of a clause. The page of the case is no file of the repository that is judged, so that it is part of the
/// text and not of the place.
fn message(group: &Group<'_>) -> String {
    let Some(example) = group.examples.first() else { return String::new() };
    let finding = example.finding;
    let mut lines = vec![format!(
        "{} ({}, found by {})",
        visible(group.text()),
        group.level,
        cases(group.examples.len())
    )];
    lines.extend(group.also_broken(visible));
    lines.extend([
        format!("expected: {}", readable(&finding.expected)),
        format!("received: {}", readable(&finding.received)),
        format!("case: {}", visible(&example.case.name())),
        visible(group.link()),
    ]);
    lines.extend(example.case.rerun.iter().map(|rerun| format!("run it again: {}", visible(rerun))));
    let output = &example.case.server_output;
    if !output.is_empty() {
        lines.push("the last lines of the server's output:".to_owned());
        lines.extend(output.iter().map(|line| visible(line)));
    }
    lines.join("\n")
}

/// A command of the runner, in which what would end it is escaped.
fn command(kind: &str, title: &str, message: &str) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let title = data(title).replace(':', "%3A").replace(',', "%2C");
    format!("::{kind} title={title}::{}", data(message))
}
