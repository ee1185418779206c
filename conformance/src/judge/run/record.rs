//! What is on record of a case: trace, transcript, findings, and whether it is over.

use std::time::Duration;

use crate::judge::verdict::finding::{Finding, Verdict};
use crate::transcript::{ConnectionId, EventKind, Transcript};

use super::vocabulary::Action;

/// The record of a case.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) trace: Vec<String>,
    pub(super) transcript: Transcript,
    pub(super) findings: Vec<Finding>,
    error: Option<String>,
    skip: Option<String>,
    done: bool,
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
