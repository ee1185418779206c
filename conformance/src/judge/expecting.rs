//! Waiting for what a case expects, and judging what comes.

use std::time::Duration;

use pushspec_wire::http1::Head;
use pushspec_wire::websocket::Opcode;

use crate::case::statement::{
    ConnectionName, ExpectItem, Expectation, FieldPattern, FrameWord, OpcodeWord, Procedure, Statement,
};
use crate::case::text::Scope as _;
use crate::profile::decode::Message;
use crate::transcript::ConnectionId;

use super::body_state::{self, BodyState};
use super::connection::Connection;
use super::encode::EncodeError;
use super::fit::{Fit, field_miss, is_interim};
use super::inconclusive::busy;
use super::item::{Arrival, Item, readable_line, shown};
use super::machine::{DEADLINE, Machine};
use super::plan::{Bound, Step, StepKind};
use super::request::technique;

/// How long an optional item that nothing follows is waited for.
const OPTIONAL: Duration = Duration::from_secs(1);

/// How long the end of a WebSocket's connection is waited for, where nothing else will do: no clause sets it a time, and
/// how soon it comes has cases of its own.
const ENDING: Duration = Duration::from_secs(10);

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
    /// The steps that one arrival can fit: optional ones, and the one that is not.
    fn candidates(&self) -> Vec<Step> {
        let mut candidates: Vec<Step> = Vec::new();
        let name = self.steps[self.position].kind.expects_on().cloned();
        for step in &self.steps[self.position..] {
            if step.kind.expects_on() != name.as_ref() || name.is_none() {
                break;
            }
            candidates.push(step.clone());
            if !step.kind.is_optional() {
                break;
            }
        }
        candidates
    }

    pub(super) fn expect(&mut self, now: Duration) -> Option<Duration> {
        let candidates = self.candidates();
        let name = candidates[0].kind.expects_on().cloned().unwrap_or_default();
        let Some(id) = self.id(&name) else {
            self.fail_to_run(format!("the case expects something{} before it connects", name.suffix()));
            return None;
        };
        if let StepKind::Expect(_, Expectation { items, .. }) = &candidates[0].kind
            && let Some(item @ (ExpectItem::Prelude(_) | ExpectItem::Bytes(_) | ExpectItem::Anything)) =
                items.first()
        {
            return self.expect_body(now, id, &candidates[0], item);
        }
        if self.has_ended_so(id, &candidates[0]) {
            self.done_at(now);
            return None;
        }
        if let Some(why) = self.coded(id, &candidates) {
            self.fail_to_run(why);
            return None;
        }
        match self.search(id, &candidates) {
            Err(why) => self.fail_to_run(why),
            Ok(Search::Found { index, ahead }) => self.take(id, index, ahead, &candidates),
            Ok(Search::Ruled { index }) => self.ruled(id, index, &candidates),
            Ok(Search::Nothing) => return self.not_yet(now, id, &candidates),
        }
        None
    }

    /// Whether an end that an earlier step took is one of the alternatives of this one: what has ended stays so.
    fn has_ended_so(&self, id: ConnectionId, step: &Step) -> bool {
        let StepKind::Expect(_, Expectation { items, .. }) = &step.kind else { return false };
        let ended = self.connections[id.0].ended.as_ref();
        items.len() > 1 && ended.is_some_and(|ended| items.contains(ended))
    }

    fn search(&mut self, id: ConnectionId, candidates: &[Step]) -> Result<Search, String> {
        // What was passed over once for these steps is passed over again: a server that floods costs no more than it
        // sends.
        let passed = match self.looked_at {
            (position, connection, passed) if position == self.position && connection == id => passed,
            _ => 0,
        };
        let all_optional = candidates.iter().all(|step| step.kind.is_optional());
        let arrivals = &self.connections[id.0].arrivals;
        for (index, arrival) in arrivals.iter().enumerate().skip(passed) {
            let mut best = Fit::Not;
            for (ahead, step) in candidates.iter().enumerate() {
                let fit = self.step_fit(step, arrival).map_err(|error| error.to_string())?;
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
        self.looked_at = (self.position, id, arrivals.len());
        Ok(Search::Nothing)
    }

    fn step_fit(&self, step: &Step, arrival: &Arrival) -> Result<Fit, EncodeError> {
        match &step.kind {
            StepKind::Head(_, expectation, _) | StepKind::Expect(_, expectation) => {
                self.context().fit(&expectation.items, arrival)
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
        let connection = &mut self.connections[id.0];
        let Some(arrival) = connection.arrivals.remove(index) else { return };
        // Control frames stay for a step that asks for them; what else came before is passed.
        let mut at = 0;
        connection.arrivals.retain(|arrival| {
            at += 1;
            at > index || matches!(&arrival.item, Item::Frame(frame) if frame.opcode.is_control())
        });
        if let Some(cursor) = connection.cursor.take() {
            let technique = self
                .procedures
                .get(&id)
                .map_or(self.case.technique.as_str(), |procedure| technique(*procedure));
            let key = if technique == "long-polling" { "long-polling.cursor" } else { "polling.cursor" };
            self.scope.remember(key, cursor.clone().into_bytes());
            if technique == self.case.technique
                || !matches!(self.case.technique.as_str(), "polling" | "long-polling")
            {
                self.scope.remember_first("first-cursor", cursor.clone().into_bytes());
                self.scope.remember("cursor", cursor.into_bytes());
            }
        }
        if let Item::Message(Message { id: Some(id), .. }) = &arrival.item {
            self.scope.remember("last-event-id", id.clone().into_bytes());
        }
        connection_ended(&mut self.connections[id.0], &arrival.item);
        self.trace_taken(step, &arrival);
        if let Some(bound) = step.bound {
            self.check_bound(step, bound, &arrival);
        }
        if let Item::Head(head) = &arrival.item {
            if let StepKind::Head(_, _, fields) = &step.kind {
                self.check_fields(fields, &arrival);
            }
            self.scope.remember_head(head);
            self.last_head = Some(head.clone());
        }
        self.position += ahead + 1;
        // A poll's answer that the case does not look at does not move the clock of what it does look at.
        if !matches!(step.kind, StepKind::Opened(Procedure::Poll | Procedure::LongPoll, _)) {
            self.base = arrival.at.max(self.base);
            self.since = self.base;
        }
        if matches!(step.kind, StepKind::Opened(..)) {
            self.opened_at = arrival.at;
        }
    }

    fn trace_taken(&mut self, step: &Step, arrival: &Arrival) {
        if step.kind.expects_on().is_some_and(ConnectionName::is_follower) {
            return;
        }
        let name = step.kind.expects_on().map(|name| name.0.clone()).unwrap_or_default();
        match &arrival.item {
            Item::Head(head) => {
                for line in head.lines.iter().filter(|line| !line.content.is_empty()) {
                    self.trace.push(format!("{name}< {}", readable_line(&line.content)));
                }
            }
            item => self.trace.push(format!("{name}< {item}")),
        }
    }

    fn check_bound(&mut self, step: &Step, bound: Bound, arrival: &Arrival) {
        let took = arrival.at.saturating_sub(self.base);
        let lower = bound.lower.map(|span| self.time(span));
        let upper = self.patient(self.time(bound.upper));
        let what = arrival.item.to_string();
        if let Some(lower) = lower.filter(|lower| took < *lower) {
            self.find(
                step.line,
                arrival.at,
                format!("not before {lower:?}"),
                format!("{what} after {took:.1?}"),
            );
        }
        if took > upper {
            self.find(step.line, arrival.at, format!("within {upper:?}"), format!("{what} after {took:.1?}"));
        }
    }

    fn check_fields(&mut self, fields: &[usize], arrival: &Arrival) {
        let Item::Head(head) = &arrival.item else { return };
        for line in fields {
            let Some((optional, pattern)) = self.field(*line) else { continue };
            match field_miss(&pattern, optional, head, self.last_head.as_ref(), &self.scope) {
                Ok(None) => {}
                Ok(Some(received)) => self.find(*line, arrival.at, pattern.to_string(), received),
                Err(error) => self.fail_to_run(error.to_string()),
            }
        }
    }

    fn field(&self, line: usize) -> Option<(bool, FieldPattern)> {
        match &self.line(line)?.statement {
            Some(Statement::Expect(_, Expectation { optional, items })) => match items.first() {
                Some(ExpectItem::Field(pattern)) => Some((*optional, pattern.clone())),
                _ => None,
            },
            _ => None,
        }
    }

    /// An arrival that none of the steps can stand.
    fn ruled(&mut self, id: ConnectionId, index: usize, candidates: &[Step]) {
        let arrival = &self.connections[id.0].arrivals[index];
        let (at, received) = (arrival.at, arrival.item.to_string());
        let why = busy(&arrival.item).or_else(|| self.undecoded(&arrival.item, id));
        if let Some(why) = why {
            return self.fail_to_run(why);
        }
        let close = matches!(&arrival.item, Item::Frame(frame) if frame.opcode == Opcode::CLOSE);
        // A close frame other than the one that may come is still a close frame: the conversation goes on.
        let other_close = candidates.iter().position(|step| step.kind.is_optional() && expects_close(step));
        if let Some(ahead) = other_close.filter(|_| close) {
            for step in &candidates[..=ahead] {
                self.miss_optional(step, &received);
            }
            self.trace.push(format!("{}< {received}", self.connections[id.0].name.0));
            self.connections[id.0].arrivals.drain(..=index);
            self.position += ahead + 1;
            self.base = at.max(self.base);
            return;
        }
        let Some(last) = candidates.last() else { return };
        if last.kind.is_optional() {
            // Nothing must come here: what came is for the steps behind.
            for step in candidates {
                self.miss_optional(step, &received);
            }
            self.position += candidates.len();
            return;
        }
        // What may have come before something that did not come is not worth a finding of its own.
        let last = last.clone();
        if let Some(why) = self.refusal(&last, id, index).or_else(|| self.garbled(id, index)) {
            return self.fail_to_run(why);
        }
        if self.misses_the_headers(id, index) {
            return self
                .skip("the case writes out a request without the [headers] of the profile".to_owned());
        }
        if let Some(why) = self.shut(&last, &received) {
            return self.fail_to_run(why);
        }
        let surplus = matches!(self.connections[id.0].arrivals[index].item, Item::Surplus(_));
        let missed = self.end_before().filter(|_| surplus).unwrap_or(last);
        self.find(missed.line, at, self.told(&missed), received);
        self.stop();
    }

    /// The end of the body that was taken last on the connection of the present step: more content shows that it was
    /// none.
    fn end_before(&self) -> Option<Step> {
        let name = self.steps[self.position].kind.expects_on();
        let is_end = |step: &&Step| match &step.kind {
            StepKind::Expect(_, Expectation { items, .. }) => items.contains(&ExpectItem::End),
            _ => false,
        };
        let before = self.steps[..self.position].iter().rev();
        before.filter(|step| step.kind.expects_on() == name).find(is_end).cloned()
    }

    /// An optional step was not met: a finding only where a clause stands behind it.
    fn miss_optional(&mut self, step: &Step, received: &str) {
        if self.line(step.line).is_some_and(|line| line.clause.is_some()) {
            self.find(step.line, self.base, expected(step), received.to_owned());
        }
    }

    /// An expectation, with the values that the names in its braces have.
    pub(super) fn with_values(&self, mut expected: String) -> String {
        let opened = expected.match_indices('{').filter(|(at, _)| !expected[..*at].ends_with('\\'));
        let names = opened.filter_map(|(at, _)| expected[at + 1..].split_once('}').map(|(name, _)| name));
        let mut values: Vec<String> = Vec::new();
        for (name, value) in names.filter_map(|name| Some((name, self.scope.value(name)?))) {
            let value = format!("{{{name}}} is {}", shown(&value));
            if !values.contains(&value) {
                values.push(value);
            }
        }
        if !values.is_empty() {
            expected.push_str(" where ");
            expected.push_str(&values.join(" and "));
        }
        expected
    }

    /// What a step expects, with the text that the profile makes of a reply.
    fn told(&self, step: &Step) -> String {
        let expected = expected(step);
        let (StepKind::Head(_, expectation, _) | StepKind::Expect(_, expectation)) = &step.kind else {
            return expected;
        };
        match self.context().made_reply(&expectation.items) {
            Some(made) => format!("{expected}, by the profile {made}"),
            None => expected,
        }
    }

    /// Nothing that fits has come so far.
    fn not_yet(&mut self, now: Duration, id: ConnectionId, candidates: &[Step]) -> Option<Duration> {
        let last = candidates.last().cloned()?;
        let optional = last.kind.is_optional();
        let wanted = candidates.iter().any(|step| {
            step.bound.is_some() || self.line(step.line).is_some_and(|line| line.clause.is_some())
        });
        let window = match last.bound {
            Some(bound) => self.patient(self.time(bound.upper)),
            None if optional && !wanted => Duration::ZERO,
            None if optional => self.patient(OPTIONAL),
            None if expects_end_alone(&last) && self.connections[id.0].is_websocket() => self.patient(ENDING),
            None => self.patient(DEADLINE),
        };
        let deadline = self.base + window;
        if now < deadline {
            return Some(deadline);
        }
        if takes_nothing(&last) && self.connections[id.0].arrivals.is_empty() {
            self.trace.push(format!("< nothing within {window:?}"));
            self.position += candidates.len();
            self.base = now;
            return None;
        }
        if let Some(why) = self.nobody_answers(window) {
            self.fail_to_run(why);
            return None;
        }
        let received = self.nothing(id, window);
        if optional {
            for step in candidates {
                self.miss_optional(step, &received);
            }
            self.position += candidates.len();
            self.base = now;
        } else if let Some(why) = self.shut(&last, &received) {
            self.fail_to_run(why);
        } else {
            self.find(last.line, now, self.told(&last), received);
            self.stop();
        }
        None
    }

    /// Says that nothing came, and what came in its stead.
    fn nothing(&self, id: ConnectionId, window: Duration) -> String {
        // A frame that is a whole message is told as that.
        let is_told = |arrival: &&Arrival| {
            !matches!(&arrival.item, Item::Frame(frame)
                if frame.fin && matches!(frame.opcode, Opcode::TEXT | Opcode::BINARY))
        };
        let passed: Vec<String> = self.connections[id.0]
            .arrivals
            .iter()
            .rev()
            .filter(is_told)
            .take(3)
            .map(|arrival| arrival.item.to_string())
            .collect();
        if passed.is_empty() {
            return format!("nothing within {window:?}");
        }
        let passed: Vec<String> = passed.into_iter().rev().collect();
        format!("nothing of the kind within {window:?}; the last that came: {}", passed.join(", "))
    }

    /// Expectations that look at the bytes of the body rather than at items.
    fn expect_body(
        &mut self,
        now: Duration,
        id: ConnectionId,
        step: &Step,
        item: &ExpectItem,
    ) -> Option<Duration> {
        let state = match item {
            ExpectItem::Prelude(size) => Ok(body_state::prelude(&self.connections[id.0], *size)),
            ExpectItem::Anything => Ok(body_state::anything(&self.connections[id.0], self.since)),
            ExpectItem::Bytes(text) => text
                .bytes(&self.scope)
                .map(|wanted| body_state::next_bytes(&mut self.connections[id.0], &wanted)),
            _ => return None,
        };
        match state {
            Ok(BodyState::Met) => {
                self.trace.push(format!("< {}", expected(step)));
                self.done_at(now);
            }
            Ok(BodyState::Missed(received)) => {
                self.find(step.line, now, expected(step), received);
                self.stop();
            }
            Ok(BodyState::NotYet) => return self.not_yet(now, id, std::slice::from_ref(step)),
            Err(error) => self.fail_to_run(error.to_string()),
        }
        None
    }
}

/// Notes whether what was taken is an end.
fn connection_ended(connection: &mut Connection, taken: &Item) {
    connection.ended = match taken {
        Item::End => Some(ExpectItem::End),
        Item::Eof => Some(ExpectItem::Eof),
        Item::Reset => Some(ExpectItem::Reset),
        _ => None,
    };
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

fn expects_close(step: &Step) -> bool {
    let StepKind::Expect(_, expectation) = &step.kind else { return false };
    expectation.items.iter().any(|item| {
        matches!(item, ExpectItem::Frame(frame)
        if matches!(frame.0.first(), Some(FrameWord::Opcode(OpcodeWord::Named(0x8)))))
    })
}

/// Whether nothing but the end of the connection is expected.
fn expects_end_alone(step: &Step) -> bool {
    let StepKind::Expect(_, expectation) = &step.kind else { return false };
    expectation.items.iter().all(|item| matches!(item, ExpectItem::Eof | ExpectItem::Reset))
}

/// Whether a step is met where nothing comes.
fn takes_nothing(step: &Step) -> bool {
    match &step.kind {
        StepKind::Head(_, expectation, _) | StepKind::Expect(_, expectation) => {
            expectation.items.contains(&ExpectItem::Nothing)
        }
        _ => false,
    }
}

/// What a step expects, in the notation.
fn expected(step: &Step) -> String {
    match &step.kind {
        StepKind::Head(_, expectation, _) | StepKind::Expect(_, expectation) => {
            expectation.items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
        }
        StepKind::Opened(procedure, _) => match procedure {
            Procedure::OpenWebSocket | Procedure::SubscribeWebSocket => "HTTP/1.1 101 *".to_owned(),
            Procedure::OpenSse | Procedure::OpenIframe => "HTTP/1.x 200 *".to_owned(),
            Procedure::Poll | Procedure::LongPoll => "HTTP/1.x 2xx *".to_owned(),
        },
        _ => String::new(),
    }
}
