//! The relay without its sockets: bytes of either side go in, and what is to be written comes out.
//!
//! Everything is parsed, so that a fault can find what it is about. But what no edit of the fault concerns leaves as
//! it came, read by read.

mod client;
mod server;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use pushspec_wire::websocket::FrameScanner;
use tokio::time::Instant;

use super::frames::Conversation;
use super::outbox::{End, Outbox};
use super::request::{Memory, Request};
use super::{Edit, Fault};

/// The longest head that is waited for; what is longer passes unread.
const MAX_HEAD: usize = 256 * 1024;

/// The longest frame or body that is waited for; what is longer passes unread.
const MAX_MESSAGE: usize = 32 * 1024 * 1024;

/// How much is held back of what nobody can read yet.
const MAX_HELD: usize = 1024 * 1024;

/// How many requests of a connection may be without an answer before the client is no longer read.
const MAX_PENDING: usize = 1024;

/// How long the relay waits for the rest of a frame of the client. What has come may be wrong already: then no server waits
/// for the rest, and it must receive what there is.
const PATIENCE: Duration = Duration::from_millis(100);

/// One connection of the client and the one to the server that belongs to it.
#[derive(Debug)]
pub(super) struct Engine {
    fault: &'static Fault,
    memory: Arc<Memory>,
    /// What is to be written to the server.
    pub(super) up: Outbox,
    /// What is to be written to the client.
    pub(super) down: Outbox,
    asking: client::Asking,
    answering: server::Answering,
    /// The requests that are not answered yet, as the server got them.
    pending: VecDeque<Request>,
    /// How many requests have gone to the server.
    requests: usize,
    /// The WebSocket, once it is open.
    conversation: Option<Conversation>,
    /// The frames of the client as they came, for edits that look at single reads.
    reads: Option<FrameScanner>,
    /// Until when the rest of a frame of the client is waited for.
    patience: Option<Instant>,
    now: Instant,
    /// How many bytes of what the relay may hold are those of this connection.
    counted: usize,
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.memory.holds(self.counted, 0);
    }
}

impl Engine {
    pub(super) fn new(fault: &'static Fault, memory: Arc<Memory>) -> Self {
        Self {
            fault,
            memory,
            up: Outbox::default(),
            down: Outbox::default(),
            asking: client::Asking::default(),
            answering: server::Answering::default(),
            pending: VecDeque::new(),
            requests: 0,
            conversation: None,
            reads: None,
            patience: None,
            now: Instant::now(),
            counted: 0,
        }
    }

    /// Whether the relay has room for what this connection holds.
    pub(super) fn fits(&mut self) -> bool {
        let reads = self.reads.as_ref().map_or(0, FrameScanner::buffered);
        let kept = self.conversation.as_ref().map_or(0, Conversation::kept);
        let waiting = self.asking.waiting() + self.answering.waiting();
        let held = waiting + reads + kept + self.up.waiting() + self.down.waiting();
        let before = std::mem::replace(&mut self.counted, held);
        self.memory.holds(before, held)
    }

    /// Whether the client may ask for more.
    pub(super) fn hears_client(&self) -> bool {
        self.pending.len() < MAX_PENDING
    }

    /// When [`Engine::woken`] wants to be called.
    pub(super) fn wake(&self) -> Option<Instant> {
        match &self.answering {
            server::Answering::Streaming(streaming) => streaming.wake,
            _ => self.patience,
        }
    }

    /// The time of [`Engine::wake`] has come.
    pub(super) fn woken(&mut self, now: Instant) {
        self.now = now;
        if self.patience.take().is_some_and(|until| until <= now) {
            self.give_up_the_frame();
        }
        self.stream_woken();
    }

    /// Nothing of either side is passed on from here. The client gets the end of the connection behind what waits.
    fn hang_up(&mut self) {
        self.asking = client::Asking::Deaf;
        self.answering = server::Answering::Deaf;
        self.down.end(self.now, End::Fin);
        self.up.end(self.now, End::Fin);
    }

    fn edits(&self) -> impl Iterator<Item = &'static Edit> + use<> {
        self.fault.edits.iter()
    }

    /// The edits that apply to a request and to its answer.
    fn edits_of(&self, request: &Request) -> impl Iterator<Item = &'static Edit> + use<> {
        let edits: &[Edit] = if self.fault.concerns(request) { self.fault.edits } else { &[] };
        edits.iter()
    }

    /// Whether the fault changes what the client sends other than read by read.
    fn rewrites_client(&self) -> bool {
        self.edits().any(|edit| {
            matches!(
                edit,
                Edit::Request(_)
                    | Edit::RequestDelay(_)
                    | Edit::Refusal(_)
                    | Edit::ClientFrame(_)
                    | Edit::Deflate(_)
            )
        })
    }

    fn rewrites_client_frames(&self) -> bool {
        self.edits().any(|edit| matches!(edit, Edit::ClientFrame(_) | Edit::Deflate(_)))
    }

    fn rewrites_server_frames(&self) -> bool {
        self.edits().any(|edit| matches!(edit, Edit::ServerFrame(_) | Edit::FrameDelay(_) | Edit::Deflate(_)))
    }

    /// Whether the fault changes what the server sends.
    fn rewrites_server(&self) -> bool {
        self.edits().any(|edit| {
            matches!(
                edit,
                Edit::Answer(_)
                    | Edit::Event(_)
                    | Edit::Script(_)
                    | Edit::Stream(_)
                    | Edit::ServerFrame(_)
                    | Edit::FrameDelay(_)
                    | Edit::Deflate(_)
            )
        })
    }
}

/// Whether the frame that is coming in is one that nobody waits for to the end.
fn is_too_long(scanner: &FrameScanner) -> bool {
    scanner.pending().is_some_and(|header| header.length > MAX_MESSAGE as u64)
}

#[cfg(test)]
mod tests {
    use pushspec_wire::websocket::{Frame, Opcode};

    use super::*;
    use crate::outbox::Due;
    use crate::{Fault, IDENTITY, TRANSPARENT, by_name};

    /// Who sends, and what.
    type Turn = (char, Vec<u8>);

    /// All that leaves in one direction, and how it ends.
    fn drained(outbox: &mut Outbox) -> (Vec<u8>, Option<End>) {
        let mut bytes = Vec::new();
        while let Some(due) = outbox.due() {
            match outbox.front(due) {
                Some(Due::Bytes(more)) => bytes.extend(more),
                Some(Due::End(end)) => return (bytes, Some(end)),
                None => {}
            }
            outbox.pop();
        }
        (bytes, None)
    }

    /// What leaves when each turn comes in pieces of this size.
    fn relayed(fault: &'static Fault, turns: &[Turn], size: usize) -> (Vec<u8>, Vec<u8>) {
        let mut engine = Engine::new(fault, Arc::default());
        let now = Instant::now();
        for (who, bytes) in turns {
            for piece in bytes.chunks(size) {
                if *who == '>' { engine.client_sent(now, piece) } else { engine.server_sent(now, piece) }
            }
        }
        engine.client_ended(now, End::Fin);
        engine.server_ended(now, End::Fin);
        (drained(&mut engine.up).0, drained(&mut engine.down).0)
    }

    fn turn(who: char, text: &str) -> Turn {
        (who, text.replace('\n', "\r\n").into_bytes())
    }

    fn all(turns: &[Turn], who: char) -> Vec<u8> {
        turns.iter().filter(|turn| turn.0 == who).flat_map(|turn| turn.1.clone()).collect()
    }

    fn requests() -> Vec<Turn> {
        vec![
            turn('>', "POST /publish/a HTTP/1.1\nHost: h\nContent-Length: 9\n\n{\"a\": 1}\n"),
            turn('<', "HTTP/1.1 100 Continue\n\nHTTP/1.1 201 Created\nContent-Length: 2\n\n{}"),
            turn('>', "GET /polling/a?after=0 HTTP/1.1\nHost: h\n\nHEAD /sse/a HTTP/1.1\n\n"),
            turn('<', "HTTP/1.1 200 OK\nContent-Length: 28\n\n{\"cursor\":1,\"messages\":[{}]}"),
            turn('<', "HTTP/1.1 200 OK\nContent-Length: 70\n\n"),
            turn(
                '>',
                "GET /other HTTP/1.1\nTransfer-Encoding: chunked\n\n3;x=y\nabc\n0\nTrailer: 1\n\nGET / HT",
            ),
            turn('<', "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n03\nabc\n0\n\nHTTP/1.1 4"),
        ]
    }

    fn websocket() -> Vec<Turn> {
        let frames = |key: Option<[u8; 4]>| {
            let frames = [
                Frame::new(Opcode::TEXT, b"Hello"),
                Frame { rsv: 0b111, fin: false, ..Frame::new(Opcode(0x7), &[0; 200]) },
                Frame {
                    length_form: pushspec_wire::websocket::LengthForm::Extended64,
                    ..Frame::new(Opcode::CLOSE, b"")
                },
            ];
            let masked = frames.map(|frame| if let Some(key) = key { frame.masked(key) } else { frame });
            [masked.iter().flat_map(Frame::encode).collect(), b"\x81\x7f\0".to_vec()].concat()
        };
        vec![
            turn('>', "GET /websocket/echo HTTP/1.1\nUpgrade: websocket\n\n"),
            // The client may be ahead of the answer.
            ('>', frames(Some([1, 2, 3, 4]))),
            turn('<', "HTTP/1.1 101 Switching Protocols\n\n"),
            ('<', frames(None)),
        ]
    }

    #[test]
    fn what_no_edit_changes_leaves_as_it_came_however_it_is_cut() {
        for fault in [&TRANSPARENT, &IDENTITY] {
            for turns in [requests(), websocket()] {
                for size in [1, 2, 3, 5, 7, 11, 64, 1000] {
                    let (up, down) = relayed(fault, &turns, size);
                    assert_eq!(up, all(&turns, '>'), "{} in pieces of {size}", fault.name);
                    assert_eq!(down, all(&turns, '<'), "{} in pieces of {size}", fault.name);
                }
            }
        }
    }

    #[test]
    fn a_stream_is_chunked_anew_and_has_the_same_content() {
        let turns = [
            turn('>', "GET /sse/a HTTP/1.1\nHost: h\n\n"),
            turn('<', "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n"),
            ('<', b"8\r\n:\ndata: \r\n4\r\none\n\r\n5\r\n\ndata\r\n0\r\n\r\n".to_vec()),
        ];
        for size in 1..80 {
            let (_, down) = relayed(&IDENTITY, &turns, size);
            let down = String::from_utf8_lossy(&down).into_owned();
            assert!(
                down.ends_with("\r\n\r\n2\r\n:\n\r\nb\r\ndata: one\n\n\r\n4\r\ndata\r\n0\r\n\r\n"),
                "{down:?}"
            );
        }
    }

    #[test]
    fn an_answer_that_is_changed_has_the_right_length() {
        let fault = by_name("poll-brings-no-news").expect("a fault");
        let ask = || turn('>', "GET /polling/a?after=0 HTTP/1.1\nHost: h\n\n");
        let answer = || turn('<', "HTTP/1.1 200 OK\nContent-Length: 28\n\n{\"cursor\":1,\"messages\":[{}]}");
        // The news come once, and never again.
        let (_, down) = relayed(fault, &[ask(), answer(), ask(), answer()], 10);
        let expected = [
            "HTTP/1.1 200 OK\r\nContent-Length: 28\r\n\r\n{\"cursor\":1,\"messages\":[{}]}",
            "HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n{\"cursor\":1,\"messages\":[]}",
        ];
        assert_eq!(String::from_utf8_lossy(&down), expected.concat());
    }

    #[test]
    fn a_refusal_ends_the_connection_and_the_server_sees_nothing() {
        let mut engine = Engine::new(by_name("absolute-form-is-not-found").expect("a fault"), Arc::default());
        let now = Instant::now();
        engine.client_sent(now, b"GET http://h/sse/a HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\n\r\n");
        engine.server_sent(now, b"unheard");
        engine.server_ended(now, End::Reset);
        let (down, end) = drained(&mut engine.down);
        assert!(down.starts_with(b"HTTP/1.1 404 Not Found\r\n") && end == Some(End::Fin));
        assert_eq!(drained(&mut engine.up), (Vec::new(), Some(End::Fin)));
    }

    #[test]
    fn frames_are_changed_in_either_direction() {
        let turns = [
            turn('>', "GET /websocket/echo HTTP/1.1\nUpgrade: websocket\n\n"),
            turn('<', "HTTP/1.1 101 Switching Protocols\n\n"),
            ('>', Frame::new(Opcode::TEXT, b"Hello").encode()),
            ('<', Frame::new(Opcode::TEXT, b"Hello").encode()),
        ];
        let (up, _) = relayed(by_name("unmasked-frames-are-read").expect("a fault"), &turns, 1);
        assert!(up.ends_with(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"));
        let (_, down) = relayed(by_name("frames-masked").expect("a fault"), &turns, 1);
        assert!(down.ends_with(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"));
    }

    /// What waits in the engine at most, while so many pieces come from the server and all that leaves is taken.
    fn most_waiting(fault: &'static Fault, request: &str, head: &str, piece: &[u8], pieces: usize) -> usize {
        let mut engine = Engine::new(fault, Arc::default());
        let now = Instant::now();
        engine.client_sent(now, &turn('>', request).1);
        engine.server_sent(now, &turn('<', head).1);
        let mut most = 0;
        for _ in 0..pieces {
            engine.server_sent(now, piece);
            engine.down.clear();
            assert!(engine.fits());
            most = most.max(engine.counted);
        }
        most
    }

    #[test]
    fn what_never_ends_is_not_kept() {
        const MIB: usize = 1024 * 1024;
        let chunked = "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n";
        let plain = "HTTP/1.1 200 OK\n\n";
        let (sse, iframe) = ("GET /sse/a HTTP/1.1\nHost: h\n\n", "GET /iframe/a HTTP/1.1\nHost: h\n\n");
        let size_line = vec![b'0'; MIB];
        let most = most_waiting(&IDENTITY, sse, chunked, &size_line, 20);
        assert!(most <= MIB, "{most}");
        let event = [b"data: ".as_slice(), &vec![b'x'; MIB]].concat();
        let lines = b"data\n".repeat(MIB / 5);
        let (text, script) = (by_name("event-name-is-dropped"), by_name("markup-between-scripts"));
        for (fault, request, piece) in [
            (text, sse, &event[..]),
            (text, sse, &lines[..]),
            (script, iframe, b"<script".repeat(MIB / 7).as_slice()),
        ] {
            let most = most_waiting(fault.expect("a fault"), request, plain, piece, 20);
            assert!(most > 0 && most <= 24 * MIB, "{most}");
        }
    }

    #[test]
    fn all_connections_together_have_a_bound() {
        let memory = Arc::<Memory>::default();
        let now = Instant::now();
        let held = |_| {
            let mut engine = Engine::new(&IDENTITY, memory.clone());
            engine.client_sent(now, &turn('>', "GET /websocket/echo HTTP/1.1\nUpgrade: websocket\n\n").1);
            engine.server_sent(now, &turn('<', "HTTP/1.1 101 Switching Protocols\n\n").1);
            let frame = Frame::new(Opcode::BINARY, &vec![0; 30 << 20]).encode();
            engine.server_sent(now, &frame[..frame.len() - 1]);
            engine
        };
        let mut engines: Vec<Engine> = (0..8).map(held).collect();
        let fit: Vec<bool> = engines.iter_mut().map(Engine::fits).collect();
        assert!(fit[0] && !fit[7], "{fit:?}");
        // What is gone makes room.
        drop(engines);
        assert!(held(0).fits());
    }
}
