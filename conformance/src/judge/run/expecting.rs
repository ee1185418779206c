//! Steps that wait for what a case expects.

use std::time::Duration;

use pushspec_wire::http1::Head;

use crate::case::statement::{ConnectionName, ExpectItem, Expectation, Procedure};
use crate::judge::expect::body::{self, BodyState};
use crate::judge::expect::frame::EncodeError;
use crate::judge::expect::relation::Fit;
use crate::judge::expect::start_line::is_interim;
use crate::judge::receive::item::{Arrival, Item};
use crate::judge::verdict::inconclusive;
use crate::transcript::ConnectionId;

use super::machine::Machine;
use super::plan::{Step, StepKind};

/// What waiting for an item came to.
enum Search {
    /// The arrival at this index fits the step so many steps ahead.
    Found { index: usize, ahead: usize },
    /// The arrival at this index rules everything out.
    Ruled { index: usize },
    /// Nothing yet.
    Nothing,
}

impl Machine {
    /// Looks whether what is expected has come.
    pub(super) fn expect(&mut self, now: Duration) -> Option<Duration> {
        let candidates = self.script.candidates();
        let name = candidates[0].kind.expects_on().cloned().unwrap_or_default();
        let Some(id) = self.connections.id(&name) else {
            let why = format!("the case expects something{} before it connects", name.suffix());
            self.record.fail_to_run(why);
            return None;
        };
        if let StepKind::Expect(_, Expectation { items, .. }) = &candidates[0].kind
            && let Some(item @ (ExpectItem::Prelude(_) | ExpectItem::Bytes(_) | ExpectItem::Anything)) =
                items.first()
        {
            return self.expect_body(now, id, &candidates[0], item);
        }
        if self.has_ended_so(id, &candidates[0]) {
            self.script.done_at(now);
            return None;
        }
        if let Some(why) = self.coded(id, &candidates) {
            self.record.fail_to_run(why);
            return None;
        }
        match self.search(id, &candidates) {
            Err(error) => self.record.fail_to_run(error.to_string()),
            Ok(Search::Found { index, ahead }) => self.take(id, index, ahead, &candidates),
            Ok(Search::Ruled { index }) => self.ruled(id, index, &candidates),
            Ok(Search::Nothing) => return self.not_yet(now, id, &candidates),
        }
        None
    }

    /// Whether an end that an earlier step took is one of the alternatives of this one: what has ended stays so.
    fn has_ended_so(&self, id: ConnectionId, step: &Step) -> bool {
        let StepKind::Expect(_, Expectation { items, .. }) = &step.kind else { return false };
        let ended = self.connections.of(id).ended.as_ref();
        items.len() > 1 && ended.is_some_and(|ended| items.contains(ended))
    }

    /// Why messages cannot be told.
    fn coded(&self, id: ConnectionId, candidates: &[Step]) -> Option<String> {
        let coding = self.connections.of(id).coding.as_ref()?;
        let told = |item: &ExpectItem| {
            matches!(item, ExpectItem::Message(_) | ExpectItem::Comment | ExpectItem::NoMessages)
        };
        let decoded = |step: &Step| match &step.kind {
            StepKind::Expect(_, expectation) => expectation.items.iter().any(told),
            _ => false,
        };
        candidates.iter().any(decoded).then(|| inconclusive::coded(coding))
    }

    fn search(&mut self, id: ConnectionId, candidates: &[Step]) -> Result<Search, EncodeError> {
        let passed = self.script.looked_at(id);
        let all_optional = candidates.iter().all(|step| step.kind.is_optional());
        let arrivals = &self.connections.of(id).arrivals;
        for (index, arrival) in arrivals.iter().enumerate().skip(passed) {
            let mut best = Fit::Not;
            for (ahead, step) in candidates.iter().enumerate() {
                let fit = self.step_fit(id, step, arrival)?;
                if fit == Fit::Fits {
                    return Ok(Search::Found { index, ahead });
                }
                // What may pass is for the step that must be met to say, where there is one.
                let decides = !step.kind.is_optional() || all_optional;
                best = if decides { best.or(fit) } else { best };
            }
            if best == Fit::Not {
                return Ok(Search::Ruled { index });
            }
        }
        self.script.note_looked_at(id, arrivals.len());
        Ok(Search::Nothing)
    }

    fn step_fit(&self, id: ConnectionId, step: &Step, arrival: &Arrival) -> Result<Fit, EncodeError> {
        match &step.kind {
            StepKind::Head(_, expectation, _) | StepKind::Expect(_, expectation) => {
                self.context(id).fit(&expectation.items, arrival)
            }
            StepKind::Opened(procedure, _) => Ok(match &arrival.item {
                Item::Head(head) if is_open(*procedure, head) => Fit::Fits,
                came if is_interim(came) => Fit::Passes,
                _ => Fit::Not,
            }),
            _ => Ok(Fit::Not),
        }
    }

    /// An arrival is what a step expects.
    fn take(&mut self, id: ConnectionId, index: usize, ahead: usize, candidates: &[Step]) {
        for step in &candidates[..ahead] {
            self.miss_optional(step, "it did not come");
        }
        let step = &candidates[ahead];
        let Some(arrival) = self.connections.of_mut(id).take(index) else { return };
        self.remember(id, &arrival.item);
        self.trace_taken(step, &arrival.item);
        if let Some(bound) = step.bound {
            self.check_bound(step, bound, &arrival);
        }
        if let Item::Head(head) = &arrival.item {
            if let StepKind::Head(_, _, fields) = &step.kind {
                self.check_fields(fields, head, arrival.at);
            }
            self.memory.note_head(head);
        }
        self.script.skip(ahead + 1);
        // A poll's answer that the case does not look at does not move the clock of what it does look at.
        if !matches!(step.kind, StepKind::Opened(Procedure::Poll | Procedure::LongPoll, _)) {
            self.script.base = arrival.at.max(self.script.base);
            self.script.since = self.script.base;
        }
        if matches!(step.kind, StepKind::Opened(..)) {
            self.script.opened_at = arrival.at;
        }
    }

    /// Remembers what later requests ask with.
    fn remember(&mut self, id: ConnectionId, taken: &Item) {
        if let Some(cursor) = self.connections.of_mut(id).cursor.take() {
            let of_the_case = self.subject.case.technique.as_str();
            let technique = self.connections.technique(id, of_the_case);
            let is_main = technique == of_the_case || !matches!(of_the_case, "polling" | "long-polling");
            self.memory.note_cursor(technique, cursor, is_main);
        }
        if let Item::Message(message) = taken
            && let Some(id) = &message.id
        {
            self.memory.scope.remember("last-event-id", id.clone().into_bytes());
        }
    }

    fn trace_taken(&mut self, step: &Step, taken: &Item) {
        if step.kind.expects_on().is_some_and(ConnectionName::is_follower) {
            return;
        }
        let name = step.kind.expects_on().map(|name| name.0.clone()).unwrap_or_default();
        self.record.trace.extend(taken.lines().into_iter().map(|line| format!("{name}< {line}")));
    }

    /// Expectations that look at the bytes of the body rather than at items.
    fn expect_body(
        &mut self,
        now: Duration,
        id: ConnectionId,
        step: &Step,
        item: &ExpectItem,
    ) -> Option<Duration> {
        let connection = self.connections.of_mut(id);
        let state = match item {
            ExpectItem::Prelude(size) => Ok(body::prelude(connection, *size)),
            ExpectItem::Anything => Ok(body::anything(connection, self.script.since)),
            ExpectItem::Bytes(text) => {
                text.bytes(&self.memory.scope).map(|wanted| body::next_bytes(connection, &wanted))
            }
            _ => return None,
        };
        match state {
            Ok(BodyState::Met) => {
                self.record.trace.push(format!("< {}", step.kind.expected()));
                self.script.done_at(now);
            }
            Ok(BodyState::Missed(received)) => {
                self.find(step.line, now, step.kind.expected(), received);
                self.record.stop();
            }
            Ok(BodyState::NotYet) => return self.not_yet(now, id, std::slice::from_ref(step)),
            Err(error) => self.record.fail_to_run(error.to_string()),
        }
        None
    }
}

/// Whether an answer opens what a procedure asked for.
fn is_open(procedure: Procedure, head: &Head) -> bool {
    let code = head.status_line().map_or(0, |status| status.code);
    match procedure {
        Procedure::OpenWebSocket | Procedure::SubscribeWebSocket => code == 101,
        Procedure::OpenSse | Procedure::OpenIframe => code == 200,
        Procedure::Poll | Procedure::LongPoll => (200..300).contains(&code),
    }
}
