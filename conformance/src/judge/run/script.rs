//! The steps of a case, and where they stand.

use std::time::Duration;

use crate::case::Case;
use crate::case::statement::{Attribute, ConnectionName, ExpectItem, Expectation, Procedure, SendItem};
use crate::transcript::ConnectionId;

use super::plan::{self, Step, StepKind};

/// The step that is to be taken next, and the connection on which it expects something.
pub(super) type Mark = (usize, ConnectionId);

/// The script of a case.
#[derive(Debug)]
pub(super) struct Script {
    steps: Vec<Step>,
    /// The step that is to be taken next.
    position: usize,
    /// How many arrivals were looked at for it already, and on which connection.
    looked_at: (usize, ConnectionId, usize),
    /// When the step before it was done: upper bounds count from here.
    pub(super) base: Duration,
    /// The same for lower bounds. It is no later: what was written may have been read before it is known to be written.
    pub(super) earliest: Duration,
    /// The step that stands behind the one that wrote last: its times count from when the bytes have left.
    behind_write: Option<usize>,
    /// When that one wrote.
    pub(super) wrote: Duration,
    /// When the step before it was done, publications aside: what they bring may come before they are answered.
    pub(super) since: Duration,
    /// The connection that the present step waits for, and until when: that of a client that does not stay, or one that
    /// a client is to open.
    pub(super) awaited: Option<(ConnectionId, Duration)>,
    /// When a connection last opened or a poll was last sent: what is published waits a moment after it.
    pub(super) opened_at: Duration,
}

impl Script {
    pub(super) fn new(case: &Case) -> Script {
        Script {
            steps: plan::steps(case),
            position: 0,
            looked_at: (0, ConnectionId(0), 0),
            base: Duration::ZERO,
            earliest: Duration::ZERO,
            behind_write: None,
            wrote: Duration::ZERO,
            since: Duration::ZERO,
            awaited: None,
            opened_at: Duration::ZERO,
        }
    }

    /// The step that is to be taken next.
    pub(super) fn step(&self) -> Option<Step> {
        self.steps.get(self.position).cloned()
    }

    /// Whether every step was taken.
    pub(super) fn is_over(&self) -> bool {
        self.position >= self.steps.len()
    }

    /// The step is done; the times of the next one count from here.
    pub(super) fn done_at(&mut self, at: Duration) {
        self.position += 1;
        self.count_from(at);
        self.since = at;
    }

    /// A step that writes is done; the times of the next one count from when the bytes have left.
    pub(super) fn wrote_at(&mut self, at: Duration) {
        self.done_at(at);
        self.opened_at = at;
        self.wrote = at;
        self.behind_write = Some(self.position);
    }

    /// Whether the step before the present one wrote.
    pub(super) fn is_behind_write(&self) -> bool {
        self.behind_write == Some(self.position)
    }

    /// Bytes have left: the last of them not before the first time, and all by the second.
    pub(super) fn left_at(&mut self, earliest: Duration, at: Duration) {
        if self.is_behind_write() {
            self.earliest = earliest.max(self.earliest);
            self.base = at.max(self.base);
            self.opened_at = at.max(self.opened_at);
        }
    }

    /// The times of the present step count from here.
    pub(super) fn count_from(&mut self, at: Duration) {
        self.base = at;
        self.earliest = at;
    }

    /// So many steps are done; upper bounds count from here.
    pub(super) fn pass(&mut self, steps: usize, at: Duration) {
        self.position += steps;
        self.count_from(at);
    }

    /// So many steps are done, and took no time.
    pub(super) fn skip(&mut self, steps: usize) {
        self.position += steps;
    }

    /// What stays the same as long as the same arrivals are looked at for the same step.
    pub(super) fn mark(&self, id: ConnectionId) -> Mark {
        (self.position, id)
    }

    /// How many arrivals on a connection were looked at for the present step. What was passed over once is passed over
    /// again: a server that floods costs no more than it sends.
    pub(super) fn looked_at(&self, id: ConnectionId) -> usize {
        match self.looked_at {
            (position, connection, passed) if position == self.position && connection == id => passed,
            _ => 0,
        }
    }

    /// So many arrivals on a connection were looked at for the present step.
    pub(super) fn note_looked_at(&mut self, id: ConnectionId, arrivals: usize) {
        self.looked_at = (self.position, id, arrivals);
    }

    /// The steps that one arrival can fit: optional ones, and the one that is not.
    pub(super) fn candidates(&self) -> Vec<Step> {
        let mut candidates: Vec<Step> = Vec::new();
        let name = self.name();
        for step in &self.steps[self.position..] {
            if step.kind.expects_on() != name || name.is_none() {
                break;
            }
            candidates.push(step.clone());
            if !step.kind.is_optional() {
                break;
            }
        }
        candidates
    }

    /// The end of the body that was taken last on the connection of the present step: more content shows that it was
    /// none.
    pub(super) fn end_before(&self) -> Option<Step> {
        let name = self.name();
        let is_end = |step: &&Step| match &step.kind {
            StepKind::Expect(_, Expectation { items, .. }) => items.contains(&ExpectItem::End),
            _ => false,
        };
        let before = self.steps[..self.position].iter().rev();
        before.filter(|step| step.kind.expects_on() == name).find(is_end).cloned()
    }

    /// What was asked of a procedure on a connection.
    pub(super) fn asked(&self, procedure: Procedure, name: &ConnectionName) -> Option<&[Attribute]> {
        self.steps.iter().find_map(|step| match &step.kind {
            StepKind::Procedure(asked, on, attributes) if *asked == procedure && on == name => {
                Some(attributes.as_slice())
            }
            _ => None,
        })
    }

    /// The line on which a client stops reading.
    pub(super) fn pause(&self) -> Option<usize> {
        self.steps.iter().find_map(|step| match &step.kind {
            StepKind::Send(_, items) => {
                items.iter().find(|(item, _)| *item == SendItem::Pause).map(|(_, line)| *line)
            }
            _ => None,
        })
    }

    /// The connection on which the present step expects something.
    fn name(&self) -> Option<&ConnectionName> {
        self.steps.get(self.position).and_then(|step| step.kind.expects_on())
    }
}
