//! Steps that send.

use std::time::Duration;

use pushspec_wire::websocket::{FactKind, FrameScanner};

use crate::case::statement::{ConnectionName, Procedure, SendItem};
use crate::judge::receive::side::Side;
use crate::transcript::ConnectionId;
use crate::transcript::shown::{readable_line, shown, shown_client_frame, shown_frame};

use super::encode::{Outgoing, outgoing};
use super::machine::Machine;
use super::vocabulary::Action;

impl Machine {
    /// Sends items, in one write as far as they are bytes.
    pub(super) fn send(&mut self, now: Duration, name: &ConnectionName, items: &[(SendItem, usize)]) {
        let Some(id) = self.connections.id(name) else {
            return self.record.fail_to_run(format!("the case sends{} before it connects", name.suffix()));
        };
        let side = self.connections.of(id).side();
        let mut batch: Vec<u8> = Vec::new();
        for (item, line) in items {
            let sent = match outgoing(item, side, &mut self.memory.scope) {
                Ok(sent) => sent,
                Err(error) => return self.record.fail_to_run(error.to_string()),
            };
            let source = self.subject.line(*line).map_or("", |line| line.source.trim_end());
            self.record.trace.push(traced(name, side, item, &sent, source));
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
        self.script.opened_at = now;
        self.script.done_at(now);
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
        self.act(Action::Write(id, pieces));
    }
}

/// What is sent, as a trace has it.
fn traced(name: &ConnectionName, side: Side, item: &SendItem, sent: &Outgoing, source: &str) -> String {
    let Outgoing::Bytes(pieces) = sent else { return source.to_owned() };
    let bytes = pieces.concat();
    let text = match item {
        SendItem::HttpLine(_) => readable_line(bytes.strip_suffix(b"\r\n").unwrap_or(&bytes)),
        SendItem::Bytes(_) => shown(&bytes),
        SendItem::Frame(_) => shown_frames(side, &bytes),
        SendItem::Chop(length, _) => format!("chop {length} {}", shown(&bytes)),
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
            let form =
                if lying { format!("  # {}", shown(&bytes[..bytes.len().min(14)])) } else { String::new() };
            let shown = if side == Side::Client { shown_client_frame } else { shown_frame };
            format!("{}{form}", shown(&frame))
        }
        _ => shown(bytes),
    }
}
