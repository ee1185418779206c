//! Steps that wait for what a case expects.

use std::time::Duration;

use pushspec_wire::http1::Head;
use pushspec_wire::websocket::{Frame, Opcode};

use crate::case::statement::{ConnectionName, ExpectItem, Expectation, Procedure};
use crate::judge::expect::body::{self, BodyState};
use crate::judge::expect::frame::EncodeError;
use crate::judge::expect::ready::Ready;
use crate::judge::expect::relation::Fit;
use crate::judge::expect::start_line::is_interim;
use crate::judge::receive::connection::Connection;
use crate::judge::receive::end::Ended;
use crate::judge::receive::item::{Arrival, Item};
use crate::judge::verdict::inconclusive;
use crate::transcript::ConnectionId;

use crate::judge::receive::side::Side;

use super::machine::Machine;
use super::plan::{Step, StepKind};
use super::vocabulary::Action;

/// The masking key of what a client says first: any does (RFC 6455 section 5.3).
const MASKING_KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

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
        self.connections.of_mut(id).settle(now);
        let coded = self.coded(id, &candidates);
        if let StepKind::Expect(_, Expectation { items, .. }) = &candidates[0].kind
            && let Some(item @ (ExpectItem::Prelude(_) | ExpectItem::Bytes(_) | ExpectItem::Anything)) =
                items.first()
            && coded.is_none()
        {
            return self.expect_body(now, id, &candidates[0], item);
        }
        if let Some(ahead) = self.ended_so(id, &candidates) {
            for step in &candidates[..ahead] {
                self.miss_optional(step, "it did not come");
            }
            self.script.skip(ahead);
            self.script.done_at(now);
            return None;
        }
        if let Some(why) = coded {
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

    /// Which of some steps an end meets that an earlier step took: what has ended stays so. Behind the end of a connection
    /// nothing else can come, and what may have come did not.
    fn ended_so(&self, id: ConnectionId, candidates: &[Step]) -> Option<usize> {
        let connection = self.connections.of(id);
        let is_over = matches!(connection.ended, Ended::With(ExpectItem::Eof | ExpectItem::Reset));
        let within = if is_over && connection.arrivals.is_empty() { candidates.len() } else { 1 };
        candidates.iter().take(within).position(|step| has_ended_so(connection, step))
    }

    /// Why messages cannot be told, nor what stands before them or in their stead.
    fn coded(&self, id: ConnectionId, candidates: &[Step]) -> Option<String> {
        let coding = self.connections.of(id).coding.as_ref()?;
        let told = |item: &ExpectItem| {
            matches!(
                item,
                ExpectItem::Message(_)
                    | ExpectItem::Comment
                    | ExpectItem::NoMessages
                    | ExpectItem::Prelude(_)
                    | ExpectItem::Bytes(_)
            )
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
        let steps: Vec<(&Step, Ready<'_>)> = candidates.iter().map(|step| (step, ready(step))).collect();
        for (index, arrival) in arrivals.iter().enumerate().skip(passed) {
            let mut best = Fit::Not;
            for (ahead, (step, ready)) in steps.iter().enumerate() {
                let fit = self.step_fit(id, step, ready, arrival)?;
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

    fn step_fit(
        &self,
        id: ConnectionId,
        step: &Step,
        ready: &Ready<'_>,
        arrival: &Arrival,
    ) -> Result<Fit, EncodeError> {
        match &step.kind {
            StepKind::Head(_, expectation, _)
                if self.is_empty(id, arrival) && expectation.items.iter().any(is_any_success) =>
            {
                Ok(Fit::Fits)
            }
            StepKind::Head(..) | StepKind::Expect(..) => self.context(id).fit(ready, arrival),
            StepKind::Opened(..) if self.is_empty(id, arrival) => Ok(Fit::Fits),
            StepKind::Opened(procedure, _) => Ok(match &arrival.item {
                Item::Head(head) if is_open(*procedure, head) => Fit::Fits,
                came if is_interim(came) => Fit::Passes,
                _ => Fit::Not,
            }),
            _ => Ok(Fit::Not),
        }
    }

    /// Whether an arrival is the head of an answer to a poll that brings no news, by the profile.
    fn is_empty(&self, id: ConnectionId, arrival: &Arrival) -> bool {
        let Item::Head(head) = &arrival.item else { return false };
        let profile = &self.subject.target.profile;
        let answer = match self.connections.technique(id, &self.subject.case.technique) {
            "polling" => profile.polling.as_ref().map(|poll| &poll.answer),
            "long-polling" => profile.long_polling.as_ref().map(|poll| &poll.answer),
            _ => None,
        };
        let code = head.status_line().map_or(0, |status| status.code);
        answer.is_some_and(|answer| answer.empty.contains(&code))
    }

    /// Sends what a client of this server says first on a WebSocket that has opened. It is no message of the case.
    fn say_first(&mut self, id: ConnectionId, head: &Head) {
        let first = self.subject.target.profile.websocket.as_ref().map(|websocket| &websocket.first);
        let is_open = head.status_line().is_some_and(|status| status.code == 101);
        let is_client = self.connections.of(id).side() == Side::Client;
        let Some(first) = first.filter(|first| is_open && is_client && !first.is_empty()) else { return };
        let frame = |text: &String| Frame::new(Opcode::TEXT, text.as_bytes()).masked(MASKING_KEY).encode();
        let frames: Vec<u8> = first.iter().flat_map(frame).collect();
        self.connections.of_mut(id).writes.push_back(true);
        self.act(Action::Write(id, vec![frames]));
    }

    /// An arrival is what a step expects.
    fn take(&mut self, id: ConnectionId, index: usize, ahead: usize, candidates: &[Step]) {
        for step in &candidates[..ahead] {
            self.miss_optional(step, "it did not come");
        }
        let step = &candidates[ahead];
        if let Item::Head(head) = &self.connections.of(id).arrivals[index].item
            && let Some(why) = inconclusive::refuses_work(head)
        {
            return self.record.fail_to_run(why);
        }
        let Some(arrival) = self.connections.of_mut(id).take(index) else { return };
        if self.is_empty(id, &arrival) {
            self.memory.note_no_news();
        }
        if let Some(why) = self.called_otherwise(step, &arrival.item) {
            return self.record.fail_to_run(why);
        }
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
            self.rests_on_extension(id, head);
            self.say_first(id, head);
        }
        self.script.skip(ahead + 1);
        // A poll's answer that the case does not look at does not move the clock of what it does look at.
        if !matches!(step.kind, StepKind::Opened(Procedure::Poll | Procedure::LongPoll, _)) {
            self.script.count_from(arrival.at.max(self.script.base));
            self.script.since = self.script.base;
        }
        if matches!(step.kind, StepKind::Opened(..)) {
            self.script.opened_at = arrival.at;
        }
    }

    /// Remembers what later requests ask with.
    fn remember(&mut self, id: ConnectionId, taken: &Item) {
        let of_the_case = self.subject.case.technique.as_str();
        let technique = self.connections.technique(id, of_the_case);
        let cursor = self.connections.of_mut(id).cursor.take();
        let is_poll = matches!(technique, "polling" | "long-polling") && technique == of_the_case;
        if cursor.is_none() && is_poll && matches!(taken, Item::End) {
            self.memory.note_no_news();
        }
        if let Some(cursor) = cursor {
            let is_main = technique == of_the_case || !matches!(of_the_case, "polling" | "long-polling");
            if let Some(answer) = self.subject.target.profile.answer_of(technique) {
                self.memory.note_cursor(technique, answer, cursor, is_main);
            }
        }
        if let Item::Message(message) = taken
            && let Some(id) = &message.id
        {
            self.memory.scope.remember("last-event-id", id.as_bytes().to_vec());
        }
    }

    fn trace_taken(&mut self, step: &Step, taken: &Item) {
        if step.kind.expects_on().is_some_and(ConnectionName::is_follower) {
            return;
        }
        let name = step.kind.expects_on().map(|name| name.0.clone()).unwrap_or_default();
        taken.lines().into_iter().for_each(|line| self.record.trace.note(format!("{name}< {line}")));
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
                self.record.trace.note(format!("< {}", step.kind.expected()));
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

/// Whether an end that was taken is one of the alternatives of a step. A close frame is as good as the end in place of what
/// would be said.
fn has_ended_so(connection: &Connection, step: &Step) -> bool {
    let Some(Expectation { items, .. }) = step.kind.expectation() else { return false };
    match &connection.ended {
        Ended::Nothing => false,
        Ended::With(end) => items.len() > 1 && items.contains(end),
        Ended::Speech => step.kind.expects_words() && step.kind.expects_close(),
    }
}

/// What a step expects.
fn ready(step: &Step) -> Ready<'_> {
    Ready::of(step.kind.expectation().map_or(&[], |expectation| &expectation.items))
}

/// Whether any success is what is expected.
pub(super) fn is_any_success(item: &ExpectItem) -> bool {
    matches!(item, ExpectItem::Status(pattern) if pattern.codes.iter().any(|code| code == "2xx"))
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
