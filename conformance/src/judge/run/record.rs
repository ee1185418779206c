//! What is on record of a case: trace, transcript, findings, and whether it is over.

use std::time::Duration;

use crate::judge::verdict::finding::{Finding, Verdict};
use crate::transcript::{ConnectionId, EventKind, Transcript};

use super::vocabulary::Action;

/// How many lines of a trace are kept, and how many bytes: it is kept to the end of the run, beside all budgets.
const TRACED_LINES: usize = 200;
const TRACED: usize = 16 * 1024;

/// The record of a case.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) trace: Trace,
    pub(super) transcript: Transcript,
    pub(super) findings: Vec<Finding>,
    /// How the last publication went.
    pub(super) published: Option<Result<(), String>>,
    error: Option<String>,
    skip: Option<String>,
    done: bool,
}

/// What was sent and taken, without times.
#[derive(Debug, Default)]
pub(super) struct Trace {
    lines: Vec<String>,
    size: usize,
}

impl Trace {
    /// Notes a line, as long as there is room; behind the last one stands that there were more.
    pub(super) fn note(&mut self, line: impl Into<String>) {
        if self.lines.len() > TRACED_LINES || self.size > TRACED {
            return;
        }
        let line = line.into();
        self.size += line.len();
        let has_room = self.lines.len() < TRACED_LINES && self.size <= TRACED;
        self.lines.push(if has_room { line } else { "…".to_owned() });
        self.size += if has_room { 0 } else { TRACED };
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines
    }
}

impl Record {
    /// The case is over, with what was found so far.
    pub(super) fn stop(&mut self) {
        self.done = true;
    }

    /// Whether the case is over.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Whether nothing was found that speaks against the target.
    pub(super) fn is_without_findings(&self) -> bool {
        self.findings.is_empty() && self.error.is_none() && self.skip.is_none()
    }

    /// The suite cannot run the case: neither pass nor fail.
    pub(super) fn fail_to_run(&mut self, why: impl Into<String>) {
        self.error.get_or_insert(why.into());
        self.done = true;
    }

    /// The target does not have what the case needs, which shows only now.
    pub(super) fn skip(&mut self, why: impl Into<String>) {
        self.skip.get_or_insert(why.into());
        self.done = true;
    }

    /// The verdict that follows, and why it is `skip` or `error`.
    pub(super) fn verdict(&self) -> (Verdict, Option<String>) {
        let worst = self.findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Pass);
        match (&self.error, &self.skip) {
            (Some(why), _) => (Verdict::Error, Some(why.clone())),
            (None, Some(why)) => (Verdict::Skip, Some(why.clone())),
            (None, None) => (worst, None),
        }
    }

    /// Notes what the suite does. `name` gives the name of a connection.
    pub(super) fn action(
        &mut self,
        now: Duration,
        action: &Action,
        name: impl Fn(ConnectionId) -> crate::case::statement::ConnectionName,
    ) {
        let event = match action {
            Action::Connect(id) => EventKind::Connect(*id, name(*id)),
            Action::Listen(id) => EventKind::Listen(*id, name(*id)),
            Action::Write(id, pieces) => EventKind::Sent(*id, pieces.concat()),
            Action::Finish(id) => EventKind::Finish(*id),
            Action::Abort(id) | Action::Close(id) => EventKind::Close(*id),
            Action::Publish(request) => EventKind::Publish(format!("{} {}", request.method, request.path)),
            Action::Read(..) | Action::Wait(_) | Action::Done => return,
        };
        self.transcript.push(now, event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_ends_where_there_is_no_more_room() {
        let traced = |line: &str| {
            let mut trace = Trace::default();
            (0..10_000).for_each(|_| trace.note(line));
            trace.into_lines()
        };
        let short = traced("a");
        assert_eq!(short.len(), TRACED_LINES + 1);
        assert_eq!(short.last().map(String::as_str), Some("…"));
        let long = traced(&"a".repeat(1000));
        assert!(long.concat().len() <= TRACED + 3);
        assert_eq!(long.iter().filter(|line| *line == "…").count(), 1);
    }
}
