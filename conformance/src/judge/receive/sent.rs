//! What the suite sent on a connection: needed to know which answer has no body, when frames begin, and which messages
//! are the case's own.

use std::collections::VecDeque;
use std::time::Duration;

use pushspec_wire::http1::{Head, HeadScanner};
use pushspec_wire::websocket::FrameScanner;

use super::asked::Asked;

/// The suite's direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Sent {
    heads: HeadScanner,
    /// The requests that are not answered yet.
    requests: VecDeque<Asked>,
    frames: Option<FrameScanner>,
    message: Vec<u8>,
    /// How many bytes were sent here, or published.
    pub(super) bytes: usize,
    /// How many frames were sent.
    pub(super) frame_count: usize,
}

impl Sent {
    /// Notes what a client sends: requests, and frames behind the first of them if it is `upgrading`. Gives the payload of
    /// every data frame, and of every message in parts.
    pub(super) fn note_requests(&mut self, now: Duration, bytes: &[u8], upgrading: bool) -> Vec<Vec<u8>> {
        self.bytes += bytes.len();
        if self.frames.is_some() {
            return self.frames(bytes);
        }
        self.heads.push(bytes);
        while let Some(head) = self.heads.next_head() {
            self.requests.push_back(Asked::new(&head, now));
            if upgrading {
                return self.begin_frames();
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

    /// Whether every request was answered.
    pub(super) fn is_answered(&self) -> bool {
        self.requests.is_empty()
    }

    /// The request to which a status is the answer: an interim one leaves it unanswered.
    pub(super) fn asked_for(&mut self, status: u16) -> Asked {
        let interim = (100..200).contains(&status) && status != 101;
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
            if frame.opcode.is_control() {
                continue;
            }
            let payload = frame.unmasked_payload().into_owned();
            self.message.extend_from_slice(&payload);
            payloads.push(payload);
            if frame.fin {
                payloads.push(std::mem::take(&mut self.message));
            }
        }
        payloads
    }
}
