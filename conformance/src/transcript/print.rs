//! A transcript for the reader: in the notation of the fixtures, with times.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pushspec_wire::http1::HeadScanner;
use pushspec_wire::websocket::FrameScanner;

use super::event::{ConnectionId, Event, EventKind, Transcript, milliseconds};
use super::shown::{readable_line, shown, shown_client_frame, shown_frame};

/// One direction of a connection.
#[derive(Default)]
struct Direction {
    /// What a client sends.
    of_client: bool,
    heads: HeadScanner,
    frames: Option<FrameScanner>,
    /// Behind a head that is not followed by frames: bytes of a body.
    body: bool,
}

/// The lines of a transcript.
pub fn printed(transcript: &Transcript) -> Vec<String> {
    let mut printer = Printer::default();
    let refused: BTreeSet<ConnectionId> = transcript.events.iter().filter_map(refused).collect();
    // What was to be sent on a connection that did not open was not sent.
    let is_sent = |event: &&Event| match &event.kind {
        EventKind::Sent(id, _) | EventKind::Finish(id) | EventKind::Close(id) => !refused.contains(id),
        _ => true,
    };
    transcript.events.iter().filter(is_sent).for_each(|event| printer.event(event));
    let left = printer.lines.len().saturating_sub(LINES);
    if left > 0 {
        printer.lines.truncate(LINES);
        printer.lines.push(format!("… {left} lines were not recorded"));
    }
    printer.lines
}

/// The connection that could not be opened.
fn refused(event: &Event) -> Option<ConnectionId> {
    match event.kind {
        EventKind::Refused(id, _) => Some(id),
        _ => None,
    }
}

/// How many lines of a case are printed: a server that floods makes a long transcript, not a useful one.
const LINES: usize = 1000;

#[derive(Default)]
struct Printer {
    names: BTreeMap<ConnectionId, String>,
    /// The connections on which the suite is the server.
    accepted: BTreeSet<ConnectionId>,
    sent: BTreeMap<ConnectionId, Direction>,
    received: BTreeMap<ConnectionId, Direction>,
    lines: Vec<String>,
}

impl Printer {
    fn line(&mut self, at: Duration, text: &str) {
        let line = format!("{:>8.1} ms  {text}", milliseconds(at));
        self.lines.push(line.trim_end().to_owned());
    }

    fn event(&mut self, Event { at, kind }: &Event) {
        match kind {
            EventKind::Listen(id, name) => {
                self.names.insert(*id, name.0.clone());
                self.accepted.insert(*id);
            }
            EventKind::Connect(id, name) => drop(self.names.insert(*id, name.0.clone())),
            _ => {}
        }
        let name = |id: &ConnectionId| self.names.get(id).cloned().unwrap_or_default();
        let text = match kind {
            EventKind::Sent(id, bytes) => return self.bytes(*at, *id, Way::Sent, bytes),
            EventKind::Received(id, bytes) => return self.bytes(*at, *id, Way::Received, bytes),
            EventKind::Connect(_, name) => format!("connect {}", name.0),
            EventKind::Listen(_, name) => format!("accept {}", name.0),
            EventKind::Accepted(id) => format!("accepted {}", name(id)),
            EventKind::Finish(id) => format!("{}> eof", name(id)),
            EventKind::Close(id) => format!("{}> close", name(id)),
            EventKind::Eof(id) => format!("{}< eof", name(id)),
            EventKind::Reset(id) => format!("{}< reset", name(id)),
            EventKind::Refused(id, why) => format!("{}< refused: {why}", name(id)),
            EventKind::LeftOut(_, bytes) => format!("… {bytes} bytes are left out here"),
            EventKind::Publish(request) => format!("publish  # {request}"),
            EventKind::Published(Ok(())) => "published".to_owned(),
            EventKind::Published(Err(error)) => format!("publish failed: {}", error.why),
        };
        self.line(*at, &text);
    }

    /// Prints what went one way on a connection. The 101 of the server makes both ways carry frames.
    fn bytes(&mut self, at: Duration, id: ConnectionId, way: Way, bytes: &[u8]) {
        let accepts = self.accepted.contains(&id);
        let of_client = (way == Way::Sent) != accepts;
        let (here, there, arrow) = match way {
            Way::Sent => (&mut self.sent, &mut self.received, '>'),
            Way::Received => (&mut self.received, &mut self.sent, '<'),
        };
        let direction = here.entry(id).or_insert_with(|| Direction { of_client, ..Direction::default() });
        let texts = direction.print(bytes);
        if direction.frames.is_some() && !of_client {
            let other = Direction { of_client: !of_client, ..Direction::default() };
            there.entry(id).or_insert(other).upgrade();
        }
        let name = self.names.get(&id).cloned().unwrap_or_default();
        for text in texts {
            self.line(at, &format!("{name}{arrow} {text}"));
        }
    }
}

/// Which way bytes went, as the suite sees it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Sent,
    Received,
}

impl Direction {
    fn upgrade(&mut self) {
        if self.frames.is_none() {
            let mut frames = FrameScanner::new();
            frames.push(&self.heads.rest());
            self.frames = Some(frames);
        }
    }

    fn print(&mut self, bytes: &[u8]) -> Vec<String> {
        let show = if self.of_client { shown_client_frame } else { shown_frame };
        if let Some(frames) = &mut self.frames {
            frames.push(bytes);
            let mut lines: Vec<String> =
                std::iter::from_fn(|| frames.next_frame()).map(|frame| show(&frame)).collect();
            if lines.is_empty() {
                lines.push(format!("{}  # part of a frame", shown(bytes)));
            }
            return lines;
        }
        if self.body {
            return vec![shown(bytes)];
        }
        self.heads.push(bytes);
        let Some(head) = self.heads.next_head() else {
            return vec![format!("{}  # part of a head", shown(bytes))];
        };
        let mut lines: Vec<String> = head.lines.iter().map(|line| readable_line(&line.content)).collect();
        let status = head.status_line().map(|status| status.code);
        let rest = self.heads.rest();
        if status == Some(101) {
            self.frames = Some(FrameScanner::new());
        } else if status.is_some() {
            self.body = true;
        }
        if !rest.is_empty() {
            lines.extend(self.print(&rest));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::statement::ConnectionName;
    use crate::transcript::parse;

    #[test]
    fn where_a_client_connects_its_frames_are_the_masked_ones() {
        let text = "0.000 #0 listen\n0.100 #0 accepted\n0.200 #0 < \"GET / HTTP/1.1\\r\\n\\r\\n\"\n\
                    0.300 #0 > \"HTTP/1.1 101 Switching Protocols\\r\\n\\r\\n\"\n\
                    0.400 #0 < x\"81 82 00 00 00 00 68 69 81 00\"\n0.500 #0 > x\"81 02 68 69\"\n";
        let printed = parse(text).map(|transcript| printed(&transcript)).unwrap_or_default();
        let lines: Vec<&str> =
            printed.iter().map(|line| line.split_once("ms  ").unwrap_or_default().1).collect();
        assert_eq!(
            lines,
            [
                "accept",
                "accepted",
                "< GET / HTTP/1.1",
                "<",
                "> HTTP/1.1 101 Switching Protocols",
                ">",
                "< [text mask=00000000 \"hi\"]",
                "< [text nomask]",
                "> [text \"hi\"]",
            ]
        );
    }

    #[test]
    fn nothing_is_sent_on_a_connection_that_was_refused() {
        let id = ConnectionId(0);
        let mut transcript = Transcript::default();
        for kind in [
            EventKind::Connect(id, ConnectionName::default()),
            EventKind::Sent(id, b"GET / HTTP/1.1\r\n\r\n".to_vec()),
            EventKind::Refused(id, "nobody listens".into()),
        ] {
            transcript.push(Duration::ZERO, kind);
        }
        assert_eq!(printed(&transcript), ["     0.0 ms  connect", "     0.0 ms  < refused: nobody listens"]);
    }
}
