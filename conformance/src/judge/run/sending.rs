//! Steps that send.

use std::time::Duration;

use pushspec_wire::websocket::{FactKind, Frame, FrameScanner, Opcode};

use crate::case::statement::{ConnectionName, Procedure, SendItem};
use crate::judge::receive::connection::{Connection, Left};
use crate::judge::receive::side::Side;
use crate::transcript::shown::{readable_line, shown_briefly, shown_client_frame, shown_frame_briefly};
use crate::transcript::{ConnectionId, EventKind};

use super::clock::{LEAVING, LEAVING_UNREAD, VISIT};
use super::encode::{Outgoing, Way, outgoing};
use super::machine::Machine;
use super::vocabulary::Action;

/// What leaves later than this is on record: a transcript that is judged again has its times from there.
const LATE: Duration = Duration::from_millis(10);

impl Machine {
    /// Sends items, in one write as far as they are bytes.
    pub(super) fn send(&mut self, now: Duration, name: &ConnectionName, items: &[(SendItem, usize)]) {
        let Some(id) = self.connections.id(name) else {
            return self.record.fail_to_run(format!("the case sends{} before it connects", name.suffix()));
        };
        let connection = self.connections.of(id);
        let side = connection.side();
        let agreed = connection.extension.agreed().map(|agreed| match side {
            Side::Client => agreed.client,
            Side::Server => agreed.server,
        });
        let way = Way { on: name, side, agreed };
        self.memory.scope.set_length(items.iter().map(|(item, _)| item));
        let mut batch: Vec<u8> = Vec::new();
        for (item, line) in items {
            let memory = &mut self.memory;
            let sent = match outgoing(item, way, &mut memory.scope, &mut memory.compression) {
                Ok(sent) => sent,
                Err(error) => return self.record.fail_to_run(error.to_string()),
            };
            let source = self.subject.line(*line).map_or("", |line| line.source.trim_end());
            self.record.trace.note(traced(name, side, item, &sent, source));
            match sent {
                Outgoing::Bytes(pieces) if matches!(item, SendItem::Chop(..)) => {
                    self.flush(id, &mut batch);
                    self.write(id, pieces);
                }
                Outgoing::Bytes(pieces) => batch.extend(pieces.concat()),
                Outgoing::Finish => {
                    self.flush(id, &mut batch);
                    self.act(Action::Finish(id));
                }
                Outgoing::Abort => {
                    self.flush(id, &mut batch);
                    self.act(Action::Abort(id));
                }
                Outgoing::Read(reads) => {
                    self.flush(id, &mut batch);
                    self.act(Action::Read(id, reads));
                }
            }
        }
        self.flush(id, &mut batch);
        self.script.wrote_at(now);
    }

    fn flush(&mut self, id: ConnectionId, batch: &mut Vec<u8>) {
        if !batch.is_empty() {
            self.write(id, vec![std::mem::take(batch)]);
        }
    }

    /// The bytes of a write, noted on the connection so that answers can be told apart.
    pub(super) fn write(&mut self, id: ConnectionId, pieces: Vec<Vec<u8>>) {
        let now = self.clock.now();
        let of_the_case = self.subject.case.technique == "websocket";
        let upgrading = self.connections.procedure(id).map_or(of_the_case, |procedure| {
            matches!(procedure, Procedure::OpenWebSocket | Procedure::SubscribeWebSocket)
        });
        let websocket = self.subject.target.profile.websocket.as_ref();
        for message in self.connections.of_mut(id).note_sent(now, &pieces.concat(), upgrading) {
            self.memory.note_sent(now, message, websocket);
        }
        self.connections.of_mut(id).writes.push_back(true);
        self.act(Action::Write(id, pieces));
    }

    /// A client answers pings (RFC 6455 section 5.5.2), whatever its case does: a server may end the connection of one that
    /// does not. It is no step of the case, and moves no time.
    pub(super) fn answer_ping(&mut self, id: ConnectionId) {
        let owed = self.connections.find_mut(id).and_then(Connection::take_owed_pong);
        let Some(payload) = owed.filter(|_| !self.record.is_done()) else { return };
        // The keys of the case are the same whether pings come or not.
        let pong = Frame::new(Opcode::PONG, &payload).masked(self.memory.scope.clone().mask());
        let now = self.clock.now();
        let connection = self.connections.of_mut(id);
        connection.note_sent(now, &pong.encode(), true);
        connection.writes.push_back(false);
        self.act(Action::Write(id, vec![pong.encode()]));
    }

    /// Some of what was to be written has left.
    pub(super) fn writing(&mut self, now: Duration, id: ConnectionId) {
        if let Some(connection) = self.connections.find_mut(id) {
            connection.is_unopened = false;
            if connection.writes.front() == Some(&false) {
                return;
            }
            self.script.left_at(Duration::ZERO, now);
        }
    }

    /// All of a write has left, its last piece not before so long ago.
    pub(super) fn written(&mut self, now: Duration, id: ConnectionId, took: Duration) {
        let Some(connection) = self.connections.find_mut(id) else { return };
        connection.is_unopened = false;
        if connection.writes.pop_front() == Some(false) {
            return;
        }
        let is_all = connection.unwritten() == 0;
        let is_late = self.script.is_behind_write() && now > self.script.wrote + LATE;
        self.script.left_at(now.saturating_sub(took), now);
        if let Some((awaited, until)) = &mut self.script.awaited
            && *awaited == id
        {
            *until = now + self.clock.patient(VISIT);
        }
        if is_all && is_late {
            self.record.transcript.push(now, EventKind::Written(id));
        }
    }

    /// How many writes on a connection are under way.
    pub(super) fn unwritten(&self, id: ConnectionId) -> usize {
        self.connections.find(id).map_or(0, Connection::unwritten)
    }

    /// Whether something that the case writes has not left yet.
    pub(crate) fn is_writing(&self) -> bool {
        self.connections.iter().any(|connection| connection.unwritten() > 0)
    }

    /// Until when what the last step wrote may take to leave, where it has not: a time begins when it has. Where the case
    /// reads nothing, both sides may wait for each other; what has not left then leaves when the case reads again.
    pub(super) fn leaving(&self) -> Option<Duration> {
        let mut unwritten =
            self.connections.iter().filter(|connection| connection.unwritten() > 0).peekable();
        let is_leaving = self.script.is_behind_write() && unwritten.peek().is_some();
        let longest =
            if unwritten.all(|connection| connection.left == Left::Now) { LEAVING_UNREAD } else { LEAVING };
        is_leaving.then(|| self.script.base + self.clock.patient(longest))
    }
}

/// What is sent, as a trace has it.
fn traced(name: &ConnectionName, side: Side, item: &SendItem, sent: &Outgoing, source: &str) -> String {
    let Outgoing::Bytes(pieces) = sent else { return source.to_owned() };
    let bytes = pieces.concat();
    let text = match item {
        SendItem::HttpLine(_) => readable_line(bytes.strip_suffix(b"\r\n").unwrap_or(&bytes)),
        SendItem::Bytes(_) => shown_briefly(&bytes),
        SendItem::Frame(_) => shown_frames(side, &bytes),
        SendItem::Fragments(..) => format!("fragments {}", shown_briefly(&bytes)),
        SendItem::Chop(length, _) => format!("chop {length} {}", shown_briefly(&bytes)),
        _ => return source.to_owned(),
    };
    let line = format!("{}> {text}", name.0);
    if matches!(item, SendItem::HttpLine(_)) { line.trim_end().to_owned() } else { line }
}

/// The frames in bytes that the suite sent.
fn shown_frames(side: Side, bytes: &[u8]) -> String {
    let mut scanner = FrameScanner::new();
    scanner.push(bytes);
    match scanner.next_frame() {
        Some(frame) if scanner.buffered() == 0 => {
            let lying = frame.facts().iter().any(|fact| matches!(fact, FactKind::NotMinimalLength));
            let form = if lying {
                format!("  # {}", shown_briefly(&bytes[..bytes.len().min(14)]))
            } else {
                String::new()
            };
            let shown = if side == Side::Client { shown_client_frame } else { shown_frame_briefly };
            format!("{}{form}", shown(&frame))
        }
        _ => shown_briefly(bytes),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::judge::run::vocabulary::{Input, Intake};
    use crate::judge::verdict::subject::Settings;
    use crate::profile::{Profile, Target};
    use crate::suite::Suite;

    #[test]
    fn a_write_that_waits_for_a_case_that_reads_nothing_is_not_waited_for() {
        let suite = Suite::embedded().expect("the pages are in order");
        let case = suite.cases.iter().find(|case| case.id == "websocket/6-messages/full-buffers");
        let case = case.expect("a case of that name").clone();
        let profile = Profile::reference().expect("a profile");
        let target = Arc::new(Target::new("http://127.0.0.1:1", profile).expect("a target"));
        let settings = Settings { patience: 1.0, channel: "a".into() };
        let mut machine = Machine::new(case, target, Arc::clone(&suite.catalogue), settings);
        let mut now = Duration::ZERO;
        let mut writes = 0;
        loop {
            match machine.next(now) {
                Action::Connect(id) => machine.handle(now, Input::Writing(id)),
                Action::Write(id, _) => {
                    writes += 1;
                    // Of what comes behind the handshake the server reads nothing: it waits to be read itself.
                    if writes == 1 {
                        machine.handle(now, Input::Written(id, Duration::ZERO));
                        let head = b"HTTP/1.1 101 Switching Protocols\r\n\r\n".to_vec();
                        machine.handle(now, Input::Received(id, head));
                    }
                }
                Action::Read(_, Intake::All) => break,
                Action::Wait(until) => now = until,
                Action::Done => panic!("it reads on before it is over"),
                _ => {}
            }
        }
        assert!(writes > 1 && now < Duration::from_secs(3), "{writes} writes, {now:?}");
    }
}
