//! Changing WebSocket frames.

use pushspec_wire::websocket::{Frame, FrameHeader, FrameScanner, Opcode};

use tokio::time::Instant;

use super::request::Request;

/// How many frames of a direction are remembered.
const REMEMBERED: usize = 64;

/// A WebSocket that has opened: what was asked, and the frames that came before the one at hand, as they came.
#[derive(Debug)]
pub(crate) struct Conversation {
    /// The opening handshake, as the server got it.
    pub(crate) request: Request,
    /// The client's first frames.
    pub(crate) client: Vec<Frame>,
    /// The server's first frames.
    pub(crate) server: Vec<Frame>,
    /// When it has opened.
    pub(crate) opened: Instant,
}

/// What one read brought from the client.
pub(crate) struct Read<'a> {
    /// The frame that was unfinished before this read.
    pub(crate) before: Option<FrameHeader>,
    /// Whether a part of a request has come before and waits for the rest.
    pub(crate) continues: bool,
    /// The frames of the client, up to the end of this read; `None` before the WebSocket is open.
    pub(crate) frames: Option<&'a FrameScanner>,
}

impl Conversation {
    pub(super) fn new(request: Request) -> Self {
        Self { request, client: Vec::new(), server: Vec::new(), opened: Instant::now() }
    }

    pub(super) fn remember(frames: &mut Vec<Frame>, frame: Frame) {
        if frames.len() < REMEMBERED {
            frames.push(frame);
        }
    }

    /// Whether the client has begun a message and not ended it.
    pub(crate) fn in_message(&self) -> bool {
        self.client.iter().rev().find(|frame| !frame.opcode.is_control()).is_some_and(|frame| !frame.fin)
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
