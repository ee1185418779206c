//! A transcript for the reader: in the notation of the fixtures, with times.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pushspec_wire::http1::{Head, HeadScanner};
use pushspec_wire::websocket::FrameScanner;

use crate::extension::Extension;

use super::event::{ConnectionId, Event, EventKind, Transcript, milliseconds};
use super::inflating::Inflating;
use super::labels::Labels;
use super::line::{Direction, Line};

/// What is scanned of one direction of a connection.
struct Scan {
    /// Which way its bytes go, as the suite sees it.
    direction: Direction,
    /// What a client sends.
    of_client: bool,
    heads: HeadScanner,
    frames: Option<FrameScanner>,
    /// What was agreed on of permessage-deflate, and what the compressed messages say.
    extension: Extension,
    inflating: Option<Inflating>,
    /// Behind a head that is not followed by frames: bytes of a body.
    body: bool,
    /// How many bytes of the body of a request are yet to come.
    left: usize,
}

/// The lines of a transcript as text.
pub fn printed(transcript: &Transcript) -> Vec<String> {
    lines(transcript).iter().map(ToString::to_string).collect()
}

/// The lines of a transcript.
pub fn lines(transcript: &Transcript) -> Vec<Line> {
    first_lines(transcript, LINES)
}

/// So many lines of a transcript, or the most that are printed, and how many more there would be.
pub(crate) fn first_lines(transcript: &Transcript, most: usize) -> Vec<Line> {
    let out = Out { most: most.min(LINES), ..Out::default() };
    let mut printer = Printer { labels: transcript.labels.clone(), out, ..Printer::default() };
    let refused: BTreeSet<ConnectionId> = transcript.events.iter().filter_map(refused).collect();
    // What was to be sent on a connection that did not open was not sent.
    let is_sent = |event: &&Event| match &event.kind {
        EventKind::Sent(id, _) | EventKind::Written(id) | EventKind::Finish(id) | EventKind::Close(id) => {
            !refused.contains(id)
        }
        _ => true,
    };
    transcript.events.iter().filter(is_sent).for_each(|event| printer.event(event));
    let Out { mut lines, beyond: left, .. } = printer.out;
    if left > 0 {
        lines.push(Line { at_ms: None, ..Line::event(format!("… {left} lines were not recorded")) });
    }
    lines
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
    sent: BTreeMap<ConnectionId, Scan>,
    received: BTreeMap<ConnectionId, Scan>,
    labels: Labels,
    out: Out,
}

/// The lines that are printed.
#[derive(Default)]
struct Out {
    lines: Vec<Line>,
    most: usize,
    /// How many lines more there would be.
    beyond: usize,
    /// When what is printed happened, and on which connection.
    at: Duration,
    connection: String,
}

impl Out {
    /// Prints a line, if there is room for it. What is not printed is not made.
    fn push(&mut self, line: impl FnOnce() -> Line) {
        if self.lines.len() >= self.most {
            self.beyond += 1;
            return;
        }
        let connection = self.connection.clone();
        self.lines.push(Line { at_ms: Some(milliseconds(self.at)), connection, ..line() });
    }
}

impl Printer {
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
        let (name, line) = match kind {
            EventKind::Sent(id, bytes) => return self.bytes(*at, *id, Direction::Sent, bytes),
            EventKind::Received(id, bytes) => return self.bytes(*at, *id, Direction::Received, bytes),
            EventKind::Connect(id, _) => (name(id), Line::event("connect".to_owned())),
            EventKind::Listen(id, _) => (name(id), Line::event("accept".to_owned())),
            EventKind::Accepted(id) => (name(id), Line::event("accepted".to_owned())),
            EventKind::Written(id) => (name(id), Line::event("written".to_owned())),
            EventKind::Finish(id) => (name(id), Line::of(Direction::Sent, "eof".to_owned())),
            EventKind::Close(id) => (name(id), Line::of(Direction::Sent, "close".to_owned())),
            EventKind::Eof(id) => (name(id), Line::of(Direction::Received, "eof".to_owned())),
            EventKind::Cut(id) => (
                name(id),
                Line::of(Direction::Received, "eof".to_owned()).noted("without a closure alert of TLS"),
            ),
            EventKind::Reset(id) => (name(id), Line::of(Direction::Received, "reset".to_owned())),
            EventKind::Refused(id, why) => {
                (name(id), Line::of(Direction::Received, format!("refused: {why}")))
            }
            EventKind::LeftOut(id, bytes) => {
                (name(id), Line::event(format!("… {bytes} bytes are left out here")))
            }
            EventKind::Publish(request) => {
                (String::new(), Line { note: Some(request.clone()), ..Line::event("publish".to_owned()) })
            }
            EventKind::Published(Ok(id)) => {
                let note = id.as_ref().map(|id| format!("id {id}"));
                (String::new(), Line { note, ..Line::event("published".to_owned()) })
            }
            EventKind::Published(Err(error)) => {
                (String::new(), Line::event(format!("publish failed: {}", error.why)))
            }
        };
        (self.out.at, self.out.connection) = (*at, name);
        self.out.push(|| line);
    }

    /// Prints what went one way on a connection. The 101 of the server makes both ways carry frames.
    fn bytes(&mut self, at: Duration, id: ConnectionId, direction: Direction, bytes: &[u8]) {
        let is_sent = direction == Direction::Sent;
        let of_client = is_sent != self.accepted.contains(&id);
        let (here, there) =
            if is_sent { (&mut self.sent, &mut self.received) } else { (&mut self.received, &mut self.sent) };
        let scan = here.entry(id).or_insert_with(|| Scan::new(direction, of_client));
        self.out.at = at;
        self.out.connection = self.names.get(&id).cloned().unwrap_or_default();
        scan.print(bytes, &self.labels, &mut self.out);
        if scan.frames.is_some() && !of_client {
            let back = if is_sent { Direction::Received } else { Direction::Sent };
            let extension = scan.extension;
            there.entry(id).or_insert_with(|| Scan::new(back, true)).upgrade(extension);
        }
    }
}

impl Scan {
    fn new(direction: Direction, of_client: bool) -> Scan {
        Scan {
            direction,
            of_client,
            heads: HeadScanner::new(),
            frames: None,
            extension: Extension::None,
            inflating: None,
            body: false,
            left: 0,
        }
    }

    fn upgrade(&mut self, extension: Extension) {
        if self.frames.is_none() {
            let mut frames = FrameScanner::new();
            frames.push(&self.heads.rest());
            self.frames = Some(frames);
            self.agree(extension);
        }
    }

    fn agree(&mut self, extension: Extension) {
        self.extension = extension;
        self.inflating = extension.agreed().map(|agreed| Inflating::new(agreed, self.of_client));
    }

    /// What these bytes are. Heads that follow each other are taken in a loop: a server may send very many.
    fn print(&mut self, bytes: &[u8], labels: &Labels, out: &mut Out) {
        let mut rest = Some(bytes.to_vec());
        while let Some(bytes) = rest.take() {
            let mut print = |line: &dyn Fn() -> Line| {
                out.push(|| {
                    let line = line();
                    Line { text: labels.show(&line.text), ..line }
                });
            };
            rest = self.step(&bytes, &mut print);
        }
    }

    /// Takes heads, or all that is no head; gives back what follows heads and is none.
    fn step(&mut self, bytes: &[u8], print: &mut dyn FnMut(&dyn Fn() -> Line)) -> Option<Vec<u8>> {
        let (direction, of_client) = (self.direction, self.of_client);
        if let Some(frames) = &mut self.frames {
            frames.push(bytes);
            let mut is_part = true;
            while let Some(frame) = frames.next_frame() {
                is_part = false;
                let note = self.inflating.as_mut().and_then(|inflating| inflating.note(&frame));
                print(&|| Line { note: note.clone(), ..Line::of_frame(direction, of_client, &frame) });
            }
            if is_part {
                print(&|| Line::of_bytes(direction, bytes).noted("part of a frame"));
            }
            return None;
        }
        if self.body {
            print(&|| Line::of_bytes(direction, bytes));
            return None;
        }
        if self.left > 0 {
            let (body, rest) = bytes.split_at(self.left.min(bytes.len()));
            self.left -= body.len();
            print(&|| Line::of_bytes(direction, body).noted("body of a request"));
            return Some(rest.to_vec()).filter(|rest| !rest.is_empty());
        }
        self.heads.push(bytes);
        let mut is_begun = true;
        while let Some(head) = self.heads.next_head() {
            is_begun = false;
            head.lines.iter().for_each(|line| print(&|| Line::of_head(direction, line)));
            if self.ends_heads(&head) {
                let rest = self.heads.rest();
                self.heads = HeadScanner::new();
                return Some(rest).filter(|rest| !rest.is_empty());
            }
        }
        // What came of the next head, together with what came of it before this.
        if is_begun {
            print(&|| Line::of_bytes(direction, bytes).noted("part of a head"));
        } else if self.heads.buffered() > 0 {
            let rest = self.heads.rest();
            print(&|| Line::of_bytes(direction, &rest).noted("part of a head"));
            self.heads.push(&rest);
        }
        None
    }

    /// Whether something other than a head follows this one.
    fn ends_heads(&mut self, head: &Head) -> bool {
        let status = head.status_line().map(|status| status.code);
        if status == Some(101) {
            self.frames = Some(FrameScanner::new());
            self.agree(Extension::of(head));
        } else if status.is_some() || head.values("Transfer-Encoding").next().is_some() {
            // Where the last chunk is, only those who judge it look.
            self.body = true;
        } else {
            let length =
                head.value("Content-Length").and_then(|value| String::from_utf8(value.into_owned()).ok());
            self.left = length.and_then(|length| length.trim().parse().ok()).unwrap_or_default();
        }
        self.frames.is_some() || self.body || self.left > 0
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
    fn compressed_messages_are_shown_with_what_they_say() {
        let answer = "HTTP/1.1 101 Switching Protocols\\r\\nSec-WebSocket-Extensions: permessage-deflate; \
                      server_no_context_takeover\\r\\n\\r\\n";
        let text = format!(
            "0.000 #0 connect\n0.100 #0 > \"GET / HTTP/1.1\\r\\n\\r\\n\"\n0.200 #0 < \"{answer}\"\n\
             0.300 #0 > x\"c1 87 00 00 00 00 f2 48 cd c9 c9 07 00\"\n0.400 #0 > x\"c1 85 00 00 00 00 f2 00 11 00 00\"\n\
             0.500 #0 < x\"41 03 f2 48 cd\"\n0.600 #0 < x\"80 04 c9 c9 07 00\"\n0.700 #0 < x\"c1 05 f2 00 11 00 00\"\n\
             0.800 #0 < x\"c1 01 00\"\n"
        );
        let lines = parse(&text).map(|transcript| lines(&transcript)).unwrap_or_default();
        let notes: Vec<Option<&str>> =
            lines.iter().filter(|line| line.frame.is_some()).map(|line| line.note.as_deref()).collect();
        assert_eq!(
            notes,
            [
                Some("inflates to \"Hello\""),
                Some("inflates to \"Hello\""),
                None,
                Some("inflates to \"Hello\""),
                Some("does not inflate: a reference goes 5 bytes back, where there are 1"),
                None,
            ]
        );
    }

    #[test]
    fn very_many_heads_in_one_event_are_printed_as_far_as_there_is_room() {
        let printed = |heads: usize| {
            let mut transcript = Transcript::default();
            transcript.push(Duration::ZERO, EventKind::Sent(ConnectionId(0), b"x\n\n".repeat(heads)));
            lines(&transcript)
        };
        let lines = printed(80_000);
        assert_eq!(lines.len(), LINES + 1);
        assert_eq!(lines[LINES].text, format!("… {} lines were not recorded", 2 * 80_000 - LINES));
        // The scanner takes each byte once, and copies none of what waits.
        let work = |heads: usize| {
            let mut scan = Scan::new(Direction::Sent, true);
            let mut printed = 0;
            assert_eq!(scan.step(&b"x\n\n".repeat(heads), &mut |_| printed += 1), None);
            assert_eq!(printed, 2 * heads);
            scan.heads.work()
        };
        let (once, twice) = (work(10_000), work(20_000));
        assert!(once <= 4 * 30_000 && twice <= 2 * once + 16, "{once}, then {twice}");
    }

    #[test]
    fn the_body_of_a_request_is_no_head() {
        let text = "0.000 #0 connect\n0.100 #0 > \"POST / HTTP/1.1\\r\\nContent-Length: 6\\r\\n\\r\\n{\\\"a\\\"\"\n\
                    0.200 #0 > \":1GET / HTTP/1.1\\r\\n\\r\\n\"\n0.300 #0 > \"POST / HTTP/1.1\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\n\"\n";
        let printed = parse(text).map(|transcript| printed(&transcript)).unwrap_or_default();
        let bodies: Vec<&str> =
            printed.iter().map(String::as_str).filter(|line| line.contains('"')).collect();
        assert_eq!(
            bodies,
            [
                "     0.1 ms  > \"\\{\\\"a\\\"\"  # body of a request",
                "     0.2 ms  > \":1\"  # body of a request",
                "     0.3 ms  > \"0\\r\\n\\r\\n\"",
            ]
        );
        assert!(!printed.iter().any(|line| line.contains("part of a head")), "{printed:?}");
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
