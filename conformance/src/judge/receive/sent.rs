//! What the suite sent on a connection: needed to know which answer has no body, when frames begin, and which messages
//! are the case's own.

use std::collections::VecDeque;
use std::time::Duration;

use pushspec_wire::deflate::{Inflater, LARGEST_WINDOW, Limits, TAIL};
use pushspec_wire::http1::{Head, HeadScanner};
use pushspec_wire::websocket::{FactKind, FrameScanner, Opcode};

use crate::case::text::MAX_TEXT;
use crate::extension::{COMPRESSED, Extension};

use super::asked::Asked;
use super::coding::Coding;

/// The suite's direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Sent {
    heads: HeadScanner,
    /// How much of the body of the last request is still to come.
    body: usize,
    /// The requests that are not answered yet.
    requests: VecDeque<Asked>,
    frames: Option<FrameScanner>,
    speech: Speech,
    /// A close frame was sent with a code that no endpoint may send.
    unusable_code: bool,
    message: Vec<u8>,
    /// Whether the message under way is compressed.
    is_compressed: bool,
    /// Inflates what is sent, where that was agreed on; also what no receiver has to take.
    inflater: Option<Inflater>,
    /// How many bytes were sent here, or published.
    pub(super) bytes: usize,
    /// How many frames were sent.
    pub(super) frame_count: usize,
}

/// How far the frames of one side have come.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Speech {
    /// No close frame was sent, and all frames were as a client sends them.
    #[default]
    InOrder,
    /// No close frame was sent, and something about a frame was not as a client sends it.
    OutOfOrder,
    /// A close frame was sent, and all frames up to it were in order.
    ClosedInOrder,
    /// A close frame was sent, or what cannot be told apart from one.
    Closed,
}

impl Speech {
    fn is_closed(self) -> bool {
        matches!(self, Speech::ClosedInOrder | Speech::Closed)
    }

    /// Behind another frame. Nothing counts any more behind a close frame.
    fn behind(self, is_close: bool, is_in_order: bool) -> Speech {
        match (self, is_close, is_in_order) {
            (Speech::ClosedInOrder | Speech::Closed, ..) => self,
            (Speech::InOrder, false, true) => Speech::InOrder,
            (Speech::InOrder, true, true) => Speech::ClosedInOrder,
            (_, false, _) => Speech::OutOfOrder,
            (_, true, _) => Speech::Closed,
        }
    }
}

impl Sent {
    /// Notes what a client sends: requests, and frames behind the first of them if it is `upgrading`. Gives the payload of
    /// every data frame, and of every message in parts.
    pub(super) fn note_requests(&mut self, now: Duration, bytes: &[u8], upgrading: bool) -> Vec<Vec<u8>> {
        self.bytes += bytes.len();
        if self.frames.is_some() {
            return self.frames(bytes);
        }
        let taken = self.body.min(bytes.len());
        self.body -= taken;
        self.heads.push(&bytes[taken..]);
        while let Some(head) = self.heads.next_head() {
            self.requests.push_back(Asked::new(&head, now));
            if upgrading {
                return self.begin_frames();
            }
            if let Some(Coding::Length(length)) = Coding::named(&head) {
                let rest = self.heads.rest();
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                let taken = length.min(rest.len());
                self.body = length - taken;
                self.heads.push(&rest[taken..]);
            }
        }
        Vec::new()
    }

    /// Notes what a server sends: answers, and frames behind a 101. Gives the same, and the head of the 101.
    pub(super) fn note_answers(&mut self, bytes: &[u8]) -> (Vec<Vec<u8>>, Option<Head>) {
        self.bytes += bytes.len();
        if self.frames.is_some() {
            return (self.frames(bytes), None);
        }
        self.heads.push(bytes);
        while let Some(head) = self.heads.next_head() {
            if head.status_line().is_some_and(|status| status.code == 101) {
                return (self.begin_frames(), Some(head));
            }
        }
        (Vec::new(), None)
    }

    /// The WebSocket is open, with this extension.
    pub(super) fn agree(&mut self, extension: Extension) {
        self.inflater = extension.agreed().map(|_| Inflater::new(LARGEST_WINDOW));
    }

    /// Whether the WebSocket is open, and no frame is half sent.
    pub(super) fn is_between_frames(&self) -> bool {
        !self.speech.is_closed() && self.frames.as_ref().is_some_and(|frames| frames.buffered() == 0)
    }

    /// Whether a close frame was sent with a code that no endpoint may send.
    pub(super) fn has_unusable_code(&self) -> bool {
        self.unusable_code
    }

    /// Whether a close frame was sent that ends the connection in order.
    pub(super) fn has_closed_in_order(&self) -> bool {
        self.speech == Speech::ClosedInOrder
    }

    /// Whether every request was answered.
    pub(super) fn is_answered(&self) -> bool {
        self.requests.is_empty()
    }

    /// Whether every request was answered, and none has begun. Of what comes behind a handshake it is not known.
    pub(super) fn is_idle(&self) -> bool {
        self.frames.is_none() && self.is_answered() && self.body == 0 && self.heads.buffered() == 0
    }

    /// The request to which a status is the answer: an interim one leaves it unanswered.
    pub(super) fn asked_for(&mut self, status: u16) -> Asked {
        let interim = (100..200).contains(&status) && status != 101;
        // Behind a refusal of the opening handshake the connection goes on with requests.
        if !interim && status != 101 && self.frames.take().is_some() {
            self.heads = HeadScanner::new();
        }
        let asked = if interim { self.requests.front().cloned() } else { self.requests.pop_front() };
        asked.unwrap_or_default()
    }

    fn begin_frames(&mut self) -> Vec<Vec<u8>> {
        self.frames = Some(FrameScanner::new());
        let rest = self.heads.rest();
        self.frames(&rest)
    }

    fn frames(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let Some(scanner) = &mut self.frames else { return Vec::new() };
        scanner.push(bytes);
        let mut payloads = Vec::new();
        while let Some(frame) = scanner.next_frame() {
            self.frame_count += 1;
            let is_in_order = matches!(frame.facts()[..], [FactKind::Masked]);
            self.speech = self.speech.behind(frame.opcode == Opcode::CLOSE, is_in_order);
            let is_unusable = |fact: &FactKind| {
                matches!(fact, FactKind::CloseCodeNotForTheWire(_) | FactKind::CloseCodeOutOfRange(_))
            };
            self.unusable_code |= frame.facts().iter().any(is_unusable);
            if frame.opcode.is_control() {
                continue;
            }
            let payload = frame.unmasked_payload().into_owned();
            if frame.opcode != Opcode::CONTINUATION {
                self.is_compressed = frame.rsv & COMPRESSED != 0;
            }
            self.message.extend_from_slice(&payload);
            payloads.push(payload);
            if frame.fin {
                let message = std::mem::take(&mut self.message);
                if let Some(inflater) = self.inflater.as_mut().filter(|_| self.is_compressed) {
                    let said = inflated(inflater, &message);
                    // What was said is what can be asked for.
                    self.bytes += said.as_ref().map_or(0, Vec::len);
                    payloads.extend(said);
                }
                payloads.push(message);
            }
        }
        payloads
    }
}

/// What a compressed message says; where it is broken, what stands before that place, if anything does.
fn inflated(inflater: &mut Inflater, message: &[u8]) -> Option<Vec<u8>> {
    match inflater.inflate(&[message, &TAIL].concat(), Limits::of_bytes(MAX_TEXT)) {
        Ok(whole) => Some(whole.data),
        Err(broken) => Some(broken.data).filter(|data| !data.is_empty()),
    }
}
