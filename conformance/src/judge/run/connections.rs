//! The connections of a case.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::case::statement::{ConnectionName, Procedure};
use crate::judge::receive::connection::{Connection, Left};
use crate::judge::receive::content::Reading;
use crate::judge::receive::quota::Quota;
use crate::judge::receive::side::Side;
use crate::profile::Target;
use crate::transcript::ConnectionId;

use super::request::technique;
use super::vocabulary::Intake;

/// All connections, in the order in which they were opened.
#[derive(Debug, Default)]
pub(super) struct Connections {
    all: Vec<Connection>,
    /// The one that a name stands for by now.
    names: BTreeMap<ConnectionName, ConnectionId>,
    /// What was asked for on those that a procedure opened.
    procedures: BTreeMap<ConnectionId, Procedure>,
    /// The extensions that were offered on those, where the case rests on one of them.
    offers: BTreeMap<ConnectionId, String>,
    /// When a client opened those on which the suite is the server.
    accepted: BTreeMap<ConnectionId, Duration>,
    /// How much memory may hold what comes on them, together with those of other cases.
    pub(super) quota: Quota,
}

impl Connections {
    /// Adds a connection under a name; gives the one that had the name before.
    pub(super) fn add(
        &mut self,
        name: &ConnectionName,
        side: Side,
        reading: Reading,
    ) -> (ConnectionId, Option<ConnectionId>) {
        let id = ConnectionId(self.all.len());
        self.all.push(Connection::new(name.clone(), side, reading, self.quota.part()));
        (id, self.names.insert(name.clone(), id))
    }

    /// The connection for which a name stands.
    pub(super) fn id(&self, name: &ConnectionName) -> Option<ConnectionId> {
        self.names.get(name).copied()
    }

    /// A connection. Ids are those that [`Connections::add`] gave.
    pub(super) fn of(&self, id: ConnectionId) -> &Connection {
        &self.all[id.0]
    }

    /// The same, to be changed.
    pub(super) fn of_mut(&mut self, id: ConnectionId) -> &mut Connection {
        &mut self.all[id.0]
    }

    /// The connection of an id that comes from outside.
    pub(super) fn find_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.all.get_mut(id.0)
    }

    /// The same, to be looked at.
    pub(super) fn find(&self, id: ConnectionId) -> Option<&Connection> {
        self.all.get(id.0)
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Connection> {
        self.all.iter()
    }

    pub(super) fn iter_mut(&mut self) -> std::slice::IterMut<'_, Connection> {
        self.all.iter_mut()
    }

    /// The case reads otherwise from now on. One that pauses publishes more than sockets hold, to the others of its
    /// connections as well.
    pub(super) fn reads(&mut self, id: ConnectionId, intake: Intake) {
        let pauses = matches!(intake, Intake::Nothing);
        for (index, connection) in self.all.iter_mut().enumerate() {
            connection.left = match connection.left {
                _ if pauses && index == id.0 => Left::Now,
                Left::Nothing if pauses => Left::Earlier,
                Left::Now if index == id.0 => Left::Earlier,
                left => left,
            };
        }
    }

    /// The connection that was opened last.
    pub(super) fn last(&self) -> Option<&Connection> {
        self.all.last()
    }

    /// A client has opened a connection.
    pub(super) fn accept(&mut self, id: ConnectionId, at: Duration) {
        if self.all.get(id.0).is_some_and(|connection| connection.side() == Side::Server) {
            self.accepted.entry(id).or_insert(at);
        }
    }

    /// When a client opened a connection.
    pub(super) fn accepted_at(&self, id: ConnectionId) -> Option<Duration> {
        self.accepted.get(&id).copied()
    }

    /// These extensions are offered on a connection.
    pub(super) fn note_offer(&mut self, id: ConnectionId, offer: String) {
        self.offers.insert(id, offer);
    }

    /// The extensions that were offered on a connection, where the case rests on one of them.
    pub(super) fn offer(&self, id: ConnectionId) -> Option<&str> {
        self.offers.get(&id).map(String::as_str)
    }

    /// A procedure opened this connection.
    pub(super) fn note_procedure(&mut self, id: ConnectionId, procedure: Procedure) {
        self.procedures.insert(id, procedure);
    }

    /// The procedure that opened a connection.
    pub(super) fn procedure(&self, id: ConnectionId) -> Option<Procedure> {
        self.procedures.get(&id).copied()
    }

    /// The long polls on which nothing has come.
    pub(super) fn held_polls(&self) -> Vec<ConnectionId> {
        let is_held = |id: &ConnectionId| {
            let connection = self.of(*id);
            self.procedure(*id) == Some(Procedure::LongPoll)
                && connection.is_untouched()
                && connection.arrivals.is_empty()
        };
        self.names.values().copied().filter(is_held).collect()
    }

    /// The technique of a connection: that of its procedure, or else that of the case.
    pub(super) fn technique<'a>(&self, id: ConnectionId, of_the_case: &'a str) -> &'a str {
        self.procedure(id).map_or(of_the_case, |procedure| technique(procedure))
    }
}

/// How the answers of a technique are read.
pub(super) fn reading(target: &Target, technique: &str) -> Reading {
    let profile = &target.profile;
    let reading = match technique {
        "polling" => profile.polling.as_ref().map(|poll| Reading::Poll(poll.answer.clone())),
        "long-polling" => profile.long_polling.as_ref().map(|poll| Reading::Poll(poll.answer.clone())),
        "iframe" => profile.iframe.as_ref().map(|iframe| Reading::Iframe(iframe.clone())),
        "sse" => profile.sse.as_ref().map(|stream| Reading::EventStream(stream.clone())),
        "websocket" => profile.websocket.as_ref().map(|socket| Reading::WebSocket(socket.parts.clone())),
        _ => None,
    };
    reading.unwrap_or(Reading::Opaque)
}
