//! The case machine: no sockets, no clock. It is told what comes and when, and answers what is to be done.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::case::Case;
use crate::catalogue::Catalogue;
use crate::judge::expect::fit::Context;
use crate::judge::receive::end::End;
use crate::judge::receive::quota::Quota;
use crate::judge::receive::side::Side;
use crate::judge::verdict::subject::{Settings, Subject};
use crate::profile::{Scheme, Target};
use crate::transcript::{ConnectionId, EventKind};

use super::clock::Clock;
use super::connections::Connections;
use super::memory::Memory;
use super::outbox::Outbox;
use super::plan::StepKind;
use super::publication::Publication;
use super::record::Record;
use super::scope::CaseScope;
use super::script::Script;
use super::vocabulary::{Action, Input, Intake, Judgement};

/// Runs one case.
#[derive(Debug)]
pub struct Machine {
    pub(super) subject: Subject,
    pub(super) clock: Clock,
    pub(super) script: Script,
    pub(super) connections: Connections,
    pub(super) memory: Memory,
    pub(super) publication: Publication,
    pub(super) record: Record,
    outbox: Outbox,
}

impl Machine {
    /// A machine for a case against a target.
    pub fn new(case: Case, target: Arc<Target>, catalogue: Arc<Catalogue>, settings: Settings) -> Machine {
        let scope = CaseScope::new(&case, &target, &settings.channel);
        let script = Script::new(&case);
        let subject = Subject { case, target, catalogue, settings };
        Machine {
            clock: Clock::new(&subject),
            subject,
            script,
            connections: Connections::default(),
            memory: Memory::new(scope),
            publication: Publication::Idle,
            record: Record::default(),
            outbox: Outbox::default(),
        }
    }

    /// The same, for a case that shares its memory with others.
    #[must_use]
    pub fn within(mut self, quota: &Quota) -> Machine {
        self.connections.quota = quota.clone();
        self
    }

    /// Takes note of something that happened at a time counted from the start of the case.
    pub fn handle(&mut self, now: Duration, input: Input) {
        let now = self.clock.pass(now);
        match input {
            Input::Accepted(id) => {
                self.connections.accept(id, now);
                self.record.transcript.push(now, EventKind::Accepted(id));
            }
            Input::Writing(id) => self.writing(now, id),
            Input::Written(id, took) => self.written(now, id, took),
            Input::Received(id, bytes) => {
                self.receive(now, id, &bytes);
                self.record.transcript.push(now, EventKind::Received(id, bytes));
                self.answer_ping(id);
            }
            Input::Eof(id) => self.end(now, id, End::InOrder, EventKind::Eof(id)),
            Input::Cut(id) => self.end(now, id, End::Cut, EventKind::Cut(id)),
            Input::Reset(id) => self.end(now, id, End::Reset, EventKind::Reset(id)),
            Input::Refused(id, why) => {
                self.record.transcript.push(now, EventKind::Refused(id, why.clone()));
                let is_server = self.connections.find_mut(id).is_some_and(|it| it.side() == Side::Server);
                let what =
                    if is_server { "no client can connect" } else { "the connection could not be opened" };
                self.record.fail_to_run(format!("{what}: {why}"));
            }
            Input::Published(result) => {
                self.record.transcript.push(now, EventKind::Published(result.clone()));
                self.publication.answer(result);
            }
        }
    }

    fn receive(&mut self, now: Duration, id: ConnectionId, bytes: &[u8]) {
        let Some(connection) = self.connections.find_mut(id) else { return };
        let was_flooded = connection.is_flooded();
        connection.push(now, bytes);
        if connection.is_flooded() && !was_flooded {
            self.outbox.put(Action::Read(id, Intake::Nothing));
        }
        if let Some(why) = connection.shortage() {
            self.record.fail_to_run(why);
        }
    }

    fn end(&mut self, now: Duration, id: ConnectionId, end: End, event: EventKind) {
        let is_tls = self.subject.target.scheme == Scheme::Https;
        if let Some(connection) = self.connections.find_mut(id) {
            if is_tls {
                connection.judge_closure(now, end);
            }
            connection.end(now, end);
        }
        self.record.transcript.push(now, event);
    }

    /// What is to be done now.
    pub fn next(&mut self, now: Duration) -> Action {
        let now = self.clock.pass(now);
        loop {
            if let Some(action) = self.outbox.take() {
                return action;
            }
            if self.record.is_done() {
                return Action::Done;
            }
            match self.advance(now) {
                Some(until) if self.outbox.is_empty() => return Action::Wait(until),
                _ => {}
            }
        }
    }

    /// Whether the case lets time pass now, whatever comes: it expects nothing.
    pub(crate) fn pauses(&self) -> bool {
        match self.script.step().map(|step| step.kind) {
            Some(StepKind::Wait(_) | StepKind::Silent(..)) => true,
            Some(StepKind::Publish(..)) => self.publication == Publication::Idle,
            _ => false,
        }
    }

    /// The judgement, when [`Action::Done`] was answered.
    pub fn finish(mut self) -> Judgement {
        let mut breaches = Vec::new();
        let mut relevant = BTreeSet::new();
        let now = self.clock.now();
        let persists = self.connections.iter().any(|connection| connection.persists(now));
        for connection in self.connections.iter_mut() {
            connection.settle(now);
            breaches.append(&mut connection.watch.breaches);
            relevant.append(&mut connection.watch.seen);
        }
        let (verdict, reason) = self.record.verdict();
        Judgement {
            verdict,
            reason,
            findings: self.record.findings,
            breaches,
            relevant: relevant.into_iter().collect(),
            persists,
            trace: self.record.trace.into_lines(),
            transcript: self.record.transcript,
            duration: self.clock.now(),
            published: self.record.published,
            completed: self.script.is_over(),
            channel: self.subject.settings.channel.clone(),
        }
    }

    /// Puts an action into the outbox, and on record.
    pub(super) fn act(&mut self, action: Action) {
        if let Action::Finish(id) = &action {
            self.connections.of_mut(*id).half_closed = true;
        }
        if let Action::Read(id, intake) = &action {
            self.connections.reads(*id, *intake);
        }
        if let Action::Abort(id) | Action::Close(id) = &action {
            self.connections.of_mut(*id).writes.clear();
        }
        let connections = &self.connections;
        self.record.action(self.clock.now(), &action, |id| connections.of(id).name.clone());
        self.outbox.put(action);
    }

    /// What is needed to compare with what comes on a connection.
    pub(super) fn context(&self, id: ConnectionId) -> Context<'_> {
        let alone = self.connections.of(id).side() == Side::Server;
        self.memory.context(self.subject.target.profile.websocket.as_ref(), alone)
    }
}
