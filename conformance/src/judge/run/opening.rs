//! Steps that open a connection, or wait until a client opens one.

use std::time::Duration;

use pushspec_wire::http1::Head;

use crate::case::statement::{Attribute, ConnectionName, Procedure};
use crate::case::text::NoValue;
use crate::extension::{self, Extension};
use crate::judge::expect::attribute::attribute_text;
use crate::judge::receive::connection::Connection;
use crate::judge::receive::content::Reading;
use crate::judge::receive::side::Side;
use crate::transcript::ConnectionId;
use crate::transcript::shown::{readable_line, shown};

use super::clock::{DEADLINE, LEAVING, VISIT, hold_of};
use super::connections::reading;
use super::machine::Machine;
use super::request::{RequestError, request, technique};
use super::vocabulary::Action;

/// How it is said that a server accepts none of the extensions that a case rests on.
pub(crate) const DECLINED: &str = "the server declines";

impl Machine {
    /// Opens a bare connection.
    pub(super) fn connect(&mut self, now: Duration, name: &ConnectionName) {
        let technique = self.subject.case.technique.clone();
        self.open(name, &technique);
        self.record.trace.note(format!("connect{}", name.suffix()));
        self.script.opened_at = now;
        self.script.done_at(now);
    }

    /// Waits until a client opens a connection.
    pub(super) fn accept(&mut self, now: Duration, name: &ConnectionName) -> Option<Duration> {
        let Some((id, until)) = self.script.awaited else {
            let id = self.add(name, Side::Server, Reading::Opaque);
            self.act(Action::Listen(id));
            self.script.awaited = Some((id, now + self.clock.patient(DEADLINE)));
            return None;
        };
        match self.connections.accepted_at(id) {
            Some(at) => {
                self.script.awaited = None;
                self.record.trace.note(format!("accept{}", name.suffix()));
                self.script.opened_at = at;
                self.script.done_at(at);
                None
            }
            None if now < until => Some(until),
            None => {
                self.record.fail_to_run(format!("no client connects within {DEADLINE:?}"));
                None
            }
        }
    }

    /// Opens a connection, and sends the request of a procedure on it.
    pub(super) fn procedure(
        &mut self,
        now: Duration,
        line: usize,
        procedure: Procedure,
        name: &ConnectionName,
        attributes: &[Attribute],
    ) {
        let moved = self.connections.last().and_then(Connection::resume_point).map(str::to_owned);
        if let Some(id) = moved {
            self.memory.scope.remember("last-event-id", id.into_bytes());
        }
        if let Some(hold) = self.asked_hold(procedure, attributes) {
            self.clock.note_hold(hold);
        }
        match request(procedure, attributes, &self.subject.target, &self.memory.scope) {
            Ok(bytes) => {
                let id = self.open(name, technique(procedure));
                self.connections.note_procedure(id, procedure);
                if let Some(offer) = self.offer(procedure, attributes) {
                    self.connections.note_offer(id, offer);
                }
                if !name.is_follower() {
                    self.record.trace.note(format!("{}{}", procedure.spelling(), name.suffix()));
                    for line in traced(name, &bytes) {
                        self.record.trace.note(line);
                    }
                }
                self.write(id, vec![bytes]);
                self.script.wrote_at(now);
            }
            Err(RequestError::NoValue(NoValue(value))) if value == "last-event-id" => {
                self.miss_identifier(now, line);
            }
            Err(error) => self.record.fail_to_run(error.to_string()),
        }
    }

    /// The extensions that a procedure offers and the case rests on.
    fn offer(&self, procedure: Procedure, attributes: &[Attribute]) -> Option<String> {
        let is_websocket = technique(procedure) == "websocket";
        let offered = attributes.iter().find(|attribute| attribute.key == "offer");
        let everywhere = || self.memory.scope.deflate.is_offered.then(|| extension::NAME.to_owned());
        let offer = offered.map_or_else(everywhere, |it| attribute_text(&it.value, &self.memory.scope).ok());
        offer.filter(|_| is_websocket)
    }

    /// A WebSocket is open on which the case rests on an extension: without it there is nothing to judge.
    pub(super) fn rests_on_extension(&mut self, id: ConnectionId, head: &Head) {
        let is_open = head.status_line().is_some_and(|status| status.code == 101);
        let Some(offer) = self.connections.offer(id).filter(|_| is_open) else { return };
        let why = match self.connections.of(id).extension {
            Extension::Deflate(_) => return,
            Extension::None => format!("{DECLINED} `{offer}`"),
            Extension::Unknown => {
                let answer = extension::lines(head).unwrap_or_default();
                format!(
                    "the server answers the offer `{offer}` with {}, which cannot be used",
                    shown(&answer)
                )
            }
        };
        if !self.record.is_without_findings() {
            return self.record.stop();
        }
        match self.connections.of(id).extension {
            Extension::None if !self.memory.scope.deflate.is_offered => self.record.skip(why),
            Extension::None => {
                self.record.fail_to_run(format!("{why}, and the profile has `deflate = true`"));
            }
            _ => self.record.fail_to_run(why),
        }
    }

    /// For how long a long poll asks to be held, where the target is told.
    fn asked_hold(&self, procedure: Procedure, attributes: &[Attribute]) -> Option<Duration> {
        let is_asked = |attribute: &&Attribute| procedure == Procedure::LongPoll && attribute.key == "hold";
        let asked = attribute_text(&attributes.iter().find(is_asked)?.value, &self.memory.scope).ok()?;
        hold_of(&self.subject.target, &asked)
    }

    /// Opens a connection, waits a little for whatever comes, and resets it. Leaves no trace in the conversation: how
    /// far an answer comes in so little time is chance.
    pub(super) fn visit(
        &mut self,
        now: Duration,
        procedure: Procedure,
        name: &ConnectionName,
        attributes: &[Attribute],
    ) -> Option<Duration> {
        let Some((id, until)) = self.script.awaited else {
            match request(procedure, attributes, &self.subject.target, &self.memory.scope) {
                Ok(bytes) => {
                    let id = self.open(name, technique(procedure));
                    self.write(id, vec![bytes]);
                    self.script.awaited = Some((id, now + self.clock.patient(VISIT)));
                }
                Err(error) => self.record.fail_to_run(error.to_string()),
            }
            return None;
        };
        let is_written = self.unwritten(id) == 0;
        let until = if is_written { until } else { until + self.clock.patient(LEAVING) };
        if self.connections.of(id).arrivals.is_empty() && now < until {
            return Some(until);
        }
        self.script.awaited = None;
        self.act(Action::Abort(id));
        self.script.done_at(now);
        None
    }

    /// Opens a connection under a name, for a technique.
    fn open(&mut self, name: &ConnectionName, technique: &str) -> ConnectionId {
        let reading = reading(&self.subject.target, technique);
        let id = self.add(name, Side::Client, reading);
        self.act(Action::Connect(id));
        id
    }

    /// Adds a connection under a name; one that had the name before is dropped.
    fn add(&mut self, name: &ConnectionName, side: Side, reading: Reading) -> ConnectionId {
        let (id, before) = self.connections.add(name, side, reading);
        if let Some(before) = before {
            self.act(Action::Close(before));
        }
        id
    }
}

/// The lines of a request, as a trace has them.
fn traced(name: &ConnectionName, bytes: &[u8]) -> Vec<String> {
    let line = |line: &[u8]| {
        let line = line.strip_suffix(b"\r\n").unwrap_or(line);
        format!("{}> {}", name.0, readable_line(line)).trim_end().to_owned()
    };
    bytes.split_inclusive(|byte| *byte == b'\n').map(line).collect()
}
