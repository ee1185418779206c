//! Changing WebSocket frames.

use std::cell::RefCell;

use pushspec_wire::websocket::{Frame, FrameHeader, FrameScanner, Opcode};

use tokio::time::Instant;

use super::request::{Memory, Request};

/// How many frames of a direction are remembered.
const REMEMBERED: usize = 64;

/// How much of a payload is remembered.
const MAX_REMEMBERED: usize = 128 * 1024;

/// An extension that the relay is in the stead of the server: it speaks the extension with the client, and none with the
/// server.
pub(crate) trait Extension: std::fmt::Debug + Send {
    /// What the server gets for a frame of the client.
    fn client_frame(&mut self, frame: Frame) -> Vec<Frame>;

    /// What the client gets for a frame of the server, which sends each message in one.
    fn server_frame(&mut self, frame: Frame) -> Vec<Frame>;

    /// Whether a frame that has begun is waited for however long it takes: nobody else can read it.
    fn waits_for(&self, begun: Option<&FrameHeader>) -> bool;

    /// How many bytes it holds.
    fn held(&self) -> usize;
}

/// A WebSocket that has opened: what was asked, and the frames that came before the one at hand, as they came.
#[derive(Debug)]
pub(crate) struct Conversation {
    /// The opening handshake, as the server got it.
    pub(crate) request: Request,
    /// The client's first frames.
    pub(crate) client: Vec<Frame>,
    /// The server's first frames.
    pub(crate) server: Vec<Frame>,
    /// When the client sent its last frame, or the WebSocket opened.
    pub(crate) heard: Instant,
    /// A frame that waits to be sent behind another one.
    pub(crate) held: RefCell<Option<Frame>>,
    /// The beginning of a character whose rest is still to come.
    pub(crate) kept: RefCell<Vec<u8>>,
    /// The extension, where the relay is it.
    pub(crate) extension: RefCell<Option<Box<dyn Extension>>>,
}

/// What one read brought from the client.
pub(crate) struct Read<'a> {
    /// The frame that was unfinished before this read.
    pub(crate) before: Option<FrameHeader>,
    /// Whether a part of a request has come before and waits for the rest.
    pub(crate) continues: bool,
    /// The frames of the client, up to the end of this read; `None` before the WebSocket is open.
    pub(crate) frames: Option<&'a FrameScanner>,
    /// What the relay remembers, over all connections.
    pub(crate) memory: &'a Memory,
}

impl Conversation {
    pub(super) fn new(request: Request) -> Self {
        Self {
            request,
            client: Vec::new(),
            server: Vec::new(),
            heard: Instant::now(),
            held: RefCell::default(),
            kept: RefCell::default(),
            extension: RefCell::default(),
        }
    }

    /// Keeps a frame with the beginning of its payload, as long as there is room.
    pub(super) fn remember(frames: &mut Vec<Frame>, mut frame: Frame) {
        if frames.len() < REMEMBERED {
            frame.payload.truncate(MAX_REMEMBERED);
            frame.payload.shrink_to_fit();
            frames.push(frame);
        }
    }

    /// How many bytes it keeps.
    pub(super) fn kept(&self) -> usize {
        let frames = self.client.iter().chain(&self.server).map(|frame| frame.payload.len()).sum::<usize>();
        let held = self.held.borrow().as_ref().map_or(0, |frame| frame.payload.len());
        let extension = self.extension.borrow().as_ref().map_or(0, |extension| extension.held());
        frames + held + extension
    }

    /// Whether the client has begun a message and not ended it.
    pub(crate) fn in_message(&self) -> bool {
        self.client.iter().rev().find(|frame| !frame.opcode.is_control()).is_some_and(|frame| !frame.fin)
    }

    /// Whether the message that the client has begun and not ended is a text.
    pub(crate) fn begins_with_text(&self) -> bool {
        let first = |frame: &&Frame| matches!(frame.opcode, Opcode::TEXT | Opcode::BINARY);
        self.client.iter().rev().find(first).is_some_and(|frame| frame.opcode == Opcode::TEXT)
    }

    /// How many messages the client has ended.
    pub(crate) fn asked(&self) -> usize {
        self.client.iter().filter(|frame| ends_message(frame)).count()
    }

    /// How many messages the server has ended.
    pub(crate) fn answered(&self) -> usize {
        self.server.iter().filter(|frame| ends_message(frame)).count()
    }

    /// Whether it is full of what is remembered.
    pub(crate) fn is_long(&self) -> bool {
        self.client.len() >= REMEMBERED
    }

    /// Whether the client has sent a close frame.
    pub(crate) fn closing(&self) -> bool {
        self.client.iter().any(|frame| frame.opcode == Opcode::CLOSE)
    }

    /// The code of the client's close frame.
    pub(crate) fn client_code(&self) -> Option<u16> {
        self.client.iter().find_map(Frame::close_code)
    }
}

/// The same frame with another payload: its length is right, and it is masked as it was.
pub(crate) fn with_payload(mut frame: Frame, payload: &[u8]) -> Frame {
    let remade = Frame::new(frame.opcode, payload);
    let mask = frame.mask.take();
    let remade = Frame { fin: frame.fin, rsv: frame.rsv, offset: frame.offset, ..remade };
    match mask {
        Some(key) => remade.masked(key),
        None => remade,
    }
}

/// The same frame with another close code.
pub(crate) fn with_code(frame: Frame, code: u16) -> Frame {
    let reason = frame.close_reason().unwrap_or_default().into_owned();
    with_payload(frame, &[&code.to_be_bytes(), reason.as_slice()].concat())
}

/// The same frame with its payload changed.
pub(crate) fn edited(frame: Frame, edit: impl FnOnce(&[u8]) -> Vec<u8>) -> Frame {
    let payload = edit(&frame.unmasked_payload());
    with_payload(frame, &payload)
}

fn ends_message(frame: &Frame) -> bool {
    frame.fin && !frame.opcode.is_control()
}

/// Whether it is a whole text message.
pub(crate) fn is_text(frame: &Frame) -> bool {
    frame.opcode == Opcode::TEXT && frame.fin
}

/// The frames in these bytes, if nothing else is in them.
pub(crate) fn frames_in(bytes: &[u8]) -> Option<Vec<Frame>> {
    let mut scanner = FrameScanner::new();
    scanner.push(bytes);
    let frames = std::iter::from_fn(|| scanner.next_frame()).collect();
    (scanner.buffered() == 0).then_some(frames)
}

/// The bytes of these frames.
pub(crate) fn encoded(frames: &[Frame]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for frame in frames {
        frame.encode_into(&mut bytes);
    }
    bytes
}
