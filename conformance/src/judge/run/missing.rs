//! What follows where something does not come, or something else does.

use std::time::Duration;

use pushspec_wire::websocket::Opcode;

use crate::case::front_matter::Precondition;
use crate::case::statement::{Expectation, Statement};
use crate::judge::expect::reply::{by_the_profile, made_reply};
use crate::judge::receive::connection::Connection;
use crate::judge::receive::item::{Arrival, Item};
use crate::judge::verdict::inconclusive;
use crate::transcript::ConnectionId;

use super::clock::DEADLINE;
use super::finite;
use super::machine::Machine;
use super::needs::publishes;
use super::plan::{Step, StepKind};

/// How long an optional item that nothing follows is waited for.
const OPTIONAL: Duration = Duration::from_millis(1200);

/// How long the end of a WebSocket's connection is waited for, where nothing else will do: no clause sets it a time, and
/// how soon it comes has cases of its own. Libraries wait 5 or 10 s for the other side to close.
pub(crate) const ENDING: Duration = Duration::from_secs(12);

/// How long it waits for the end of a stream that has one: models take their time.
const COMPLETE: Duration = Duration::from_secs(66);

/// How long the precondition of event streams waits for the first bytes: many a stream ticks once a second.
const FIRST_BYTES: Duration = Duration::from_secs(2);

impl Machine {
    /// Notes an expectation that was not met.
    pub(super) fn find(&mut self, line: usize, at: Duration, expected: String, received: String) {
        self.find_of(None, line, at, expected, received);
    }

    /// Notes an expectation that was not met and rests on another clause than its line, where the catalogue has it.
    pub(super) fn find_against(
        &mut self,
        clause: &str,
        line: usize,
        at: Duration,
        expected: String,
        received: String,
    ) {
        self.find_of(Some(clause), line, at, expected, received);
    }

    fn find_of(
        &mut self,
        clause: Option<&str>,
        line: usize,
        at: Duration,
        expected: String,
        received: String,
    ) {
        let by_the_profile = self.reply_by_the_profile(line).unwrap_or_else(|| expected.clone());
        if let Some(why) = inconclusive::untrue_profile(&self.subject, &by_the_profile, &received) {
            return self.record.fail_to_run(why);
        }
        let expected = self.memory.with_values(expected);
        self.record.findings.push(self.subject.finding(clause, line, at, expected, received));
    }

    /// The reply that a line expects, as the profile has it.
    fn reply_by_the_profile(&self, line: usize) -> Option<String> {
        let Some(Statement::Expect(_, Expectation { items, .. })) = &self.subject.line(line)?.statement
        else {
            return None;
        };
        by_the_profile(self.subject.target.profile.websocket.as_ref(), items, &self.memory.scope)
    }

    /// An optional step was not met: a finding only where a clause stands behind it.
    pub(super) fn miss_optional(&mut self, step: &Step, received: &str) {
        if self.subject.names_a_clause(step.line) {
            self.find(step.line, self.script.base, step.kind.expected(), received.to_owned());
        }
    }

    /// An arrival that none of the steps can stand.
    pub(super) fn ruled(&mut self, id: ConnectionId, index: usize, candidates: &[Step]) {
        let Arrival { at, item, .. } = self.connections.of(id).arrivals[index].clone();
        let received = item.to_string();
        let unreadable = candidates.last().and_then(|step| self.unreadable(id, step));
        let without = candidates.last().and_then(|step| self.without_a_part(id, step));
        if let Some(why) = unreadable.or(without).or_else(|| self.says_nothing(id, &item)) {
            return self.record.fail_to_run(why);
        }
        let close = matches!(&item, Item::Frame(frame) if frame.opcode == Opcode::CLOSE);
        // A close frame other than the one that may come is still a close frame: the conversation goes on.
        let other_close =
            candidates.iter().position(|step| step.kind.is_optional() && step.kind.expects_close());
        if let Some(ahead) = other_close.filter(|_| close) {
            for step in &candidates[..=ahead] {
                self.miss_optional(step, &received);
            }
            let connection = self.connections.of_mut(id);
            self.record.trace.note(format!("{}< {received}", connection.name.0));
            connection.arrivals.drain(..=index);
            return self.script.pass(ahead + 1, at.max(self.script.base));
        }
        let Some(last) = candidates.last() else { return };
        if last.kind.is_optional() {
            // Nothing must come here: what came is for the steps behind.
            for step in candidates {
                self.miss_optional(step, &received);
            }
            return self.script.skip(candidates.len());
        }
        // What may have come before something that did not come is not worth a finding of its own.
        self.ruled_out(id, last, at, &item, received);
    }

    /// What came says nothing, whatever was expected.
    fn says_nothing(&self, id: ConnectionId, came: &Item) -> Option<String> {
        match came {
            Item::Frame(frame) => inconclusive::busy(frame),
            Item::Undecoded(why) => {
                let technique = self.connections.technique(id, &self.subject.case.technique);
                inconclusive::undecoded(&self.subject, why, technique)
            }
            _ => None,
        }
    }

    /// What came rules out what must come.
    fn ruled_out(&mut self, id: ConnectionId, last: &Step, at: Duration, came: &Item, received: String) {
        let connection = self.connections.of(id);
        let why = match came {
            Item::Head(head) => {
                let opens = matches!(last.kind, StepKind::Opened(..));
                let asked_for = connection.asked_for();
                let elsewhere = || inconclusive::not_there(&self.subject, head, asked_for);
                inconclusive::refusal(&self.subject, last.line, opens, head, asked_for)
                    .or_else(|| self.is_elsewhere(last).then(elsewhere).flatten())
            }
            Item::Unreadable(why) if connection.is_websocket() => Some(inconclusive::garbled(why)),
            _ => None,
        };
        if let Some(why) = why {
            return self.record.fail_to_run(why);
        }
        if let Item::Head(head) = came
            && connection.is_of_1_0()
            && let Some(why) = inconclusive::serves_no_1_0(head)
        {
            return self.record.skip(why);
        }
        if let Item::Head(head) = came
            && self.connections.procedure(id).is_none()
            && let Some(why) = inconclusive::misses_the_headers(&self.subject, head)
        {
            return self.record.skip(why);
        }
        if let Some(why) = self.shut(last, Some(came), &received) {
            return self.record.fail_to_run(why);
        }
        let surplus = matches!(came, Item::Surplus(_));
        let missed = self.script.end_before().filter(|_| surplus).unwrap_or_else(|| last.clone());
        match self.unasked(id, &missed, came) {
            Some(clause) => self.find_against(clause, missed.line, at, self.told(&missed), received),
            None => self.miss(&missed, at, received, Some(came)),
        }
        self.record.stop();
    }

    /// What a step expects, with the text that the profile makes of a reply.
    pub(super) fn told(&self, step: &Step) -> String {
        let expected = step.kind.expected();
        let Some(expectation) = step.kind.expectation() else { return expected };
        let websocket = self.subject.target.profile.websocket.as_ref();
        match made_reply(websocket, &expectation.items, &self.memory.scope) {
            Some(made) => format!("{expected}, by the profile {made}"),
            None => expected,
        }
    }

    /// Why nothing can be said of a technique that ends what it has just opened.
    pub(super) fn closed_at_once(&self, came: &Item) -> Option<String> {
        let how = match came {
            Item::Frame(frame) if frame.opcode == Opcode::CLOSE => format!("with the close frame {came}"),
            Item::Eof | Item::Reset => format!("with {came}"),
            _ => return None,
        };
        inconclusive::closed_at_once(&self.subject, &how)
    }

    /// Nothing that fits has come so far.
    pub(super) fn not_yet(
        &mut self,
        now: Duration,
        id: ConnectionId,
        candidates: &[Step],
    ) -> Option<Duration> {
        let last = candidates.last().cloned()?;
        let window = self.window(id, &last, candidates);
        let deadline = self.deadline(id, &last, window);
        if now < deadline {
            return Some(deadline);
        }
        if self.connections.of_mut(id).settle(now) {
            return None;
        }
        if let Some(why) = self.unreadable(id, &last).or_else(|| self.without_a_part(id, &last)) {
            self.record.fail_to_run(why);
            return None;
        }
        let connection = self.connections.of(id);
        let lingers = last.kind.takes_end_for_answer() && connection.is_to_end();
        if lingers || (last.kind.takes_nothing() && connection.arrivals.is_empty()) {
            self.record.trace.note(format!("< nothing within {window:?}"));
            self.script.pass(candidates.len(), now);
            return None;
        }
        if let Some(why) = self.nobody_answers(window) {
            self.record.fail_to_run(why);
            return None;
        }
        let received = nothing(self.connections.of(id), window);
        if last.kind.is_optional() {
            for step in candidates {
                self.miss_optional(step, &received);
            }
            self.script.pass(candidates.len(), now);
        } else if let Some(why) = self.shut(&last, None, &received) {
            self.record.fail_to_run(why);
        } else {
            self.miss(&last, now, received, None);
            self.record.stop();
        }
        None
    }

    /// Until when a step is waited for: as long as its time is, or until there is nothing more to wait for.
    fn deadline(&mut self, id: ConnectionId, step: &Step, window: Duration) -> Duration {
        let sooner = [self.wrapped_until(id, step), self.respelled_until(id, step)];
        let connection = self.connections.of(id);
        let leaving = self.leaving().filter(|_| connection.is_unopened);
        let deadline = leaving.unwrap_or(self.script.base) + window;
        let sooner = sooner.into_iter().chain([connection.settles_at()]);
        sooner.flatten().fold(deadline, Duration::min)
    }

    /// How long the last of some steps is waited for.
    fn window(&self, id: ConnectionId, last: &Step, candidates: &[Step]) -> Duration {
        let optional = last.kind.is_optional();
        let wanted =
            candidates.iter().any(|step| step.bound.is_some() || self.subject.names_a_clause(step.line));
        let is_websocket = self.connections.of(id).is_websocket();
        self.clock.patient(match last.bound {
            Some(bound) => self.clock.time(bound.upper),
            None if optional && !wanted => Duration::ZERO,
            None if optional => OPTIONAL,
            None if last.kind.expects_end_alone() && is_websocket => ENDING,
            None => DEADLINE,
        })
    }

    /// Why silence says nothing of the clause. A target that answers the recipe of the profile is there.
    fn nobody_answers(&self, window: Duration) -> Option<String> {
        let quiet = self.connections.iter().all(Connection::is_untouched);
        (self.subject.case.checks_the_profile() && quiet && !publishes(&self.subject.case))
            .then(|| inconclusive::nobody_answers(window))
    }

    /// At the end of the precondition of event streams: until when there is something to wait for. Bytes of which no client
    /// makes an event say nothing of all that is asked of events. A stream on which nothing comes is merely quiet.
    pub(super) fn reading_events(&mut self, now: Duration) -> Option<Duration> {
        let case = &self.subject.case;
        // What is published comes as an event, or a case says that it does not.
        let is_asked = case.technique == "sse"
            && !self.subject.target.can("publish")
            && case.section().front_matter.precondition == Some(Precondition::Technique)
            && self.record.is_without_findings();
        let connection = self.connections.last().filter(|_| is_asked)?;
        let ended = connection.has_ended();
        let finite = self.subject.target.profile.sse.as_ref().filter(|stream| stream.finite);
        if let Some(stream) = finite {
            let until = self.script.base + self.clock.patient(COMPLETE);
            if !ended && now < until {
                return Some(until);
            }
            if let Some(why) = finite::untrue(stream, connection, COMPLETE) {
                self.record.fail_to_run(why);
                return None;
            }
        }
        let Some((at, what)) = &connection.unmade else {
            let until = self.script.base + self.clock.patient(FIRST_BYTES);
            return (connection.body_at.is_none() && !ended && now < until).then_some(until);
        };
        let until = *at + self.clock.patient(DEADLINE);
        if !ended && now < until {
            return Some(until);
        }
        self.record.fail_to_run(inconclusive::no_event(what));
        None
    }
}

/// What is said where nothing can come any more.
const ENDED: &str = "nothing: the connection has ended";

/// Says that nothing came, and what came in its stead.
fn nothing(connection: &Connection, window: Duration) -> String {
    // A frame that is a whole message is told as that, and heartbeats come whatever else does.
    let is_told = |arrival: &&Arrival| {
        !matches!(&arrival.item, Item::Frame(frame)
            if frame.fin && matches!(frame.opcode, Opcode::TEXT | Opcode::BINARY))
    };
    let is_beat = |arrival: &&Arrival| matches!(&arrival.item, Item::Comment);
    let others = connection.arrivals.iter().rev().filter(is_told).filter(|arrival| !is_beat(arrival)).take(3);
    let beat = connection.arrivals.iter().rev().find(is_beat);
    let last: Vec<&Arrival> = others.collect();
    let last = if last.is_empty() { beat.into_iter().collect() } else { last };
    let mut passed: Vec<String> = last.iter().map(|arrival| arrival.item.to_string()).collect();
    if passed.is_empty() && connection.has_ended() {
        return ENDED.to_owned();
    }
    if passed.is_empty() {
        return format!("nothing within {window:?}");
    }
    passed.reverse();
    format!("nothing of the kind within {window:?}; the last that came: {}", passed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::run::clock::LEAVING;
    use crate::judge::run::publishing::{PUBLISH, RELEASE};

    /// What servers and proxies wait by default, in seconds: for a request, on an idle connection, for a close frame, for the
    /// answer to a ping.
    const OF_THE_FIELD: [u64; 7] = [1, 5, 10, 15, 30, 60, 75];

    #[test]
    fn no_deadline_meets_a_timer_of_the_field_by_chance() {
        for deadline in [DEADLINE, ENDING, COMPLETE, FIRST_BYTES, LEAVING, PUBLISH, RELEASE] {
            for timer in OF_THE_FIELD.map(Duration::from_secs) {
                let apart = deadline.abs_diff(timer);
                assert!(apart * 12 >= timer, "{deadline:?} and {timer:?}");
            }
        }
    }
}
