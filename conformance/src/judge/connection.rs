//! One connection as the suite sees it: bytes in, items out.

use std::collections::VecDeque;
use std::time::Duration;

use pushspec_wire::http1::{self, Head, HeadScanner};
use pushspec_wire::websocket::FrameScanner;

use super::body::{Body, Reading};
use super::invariant::{Invariant, Watch};
use super::item::{Arrival, Item, shown};
use super::websocket::WebSocketReceiver;
use crate::case::statement::ConnectionName;

/// The longest head that is read; servers limit theirs to a tenth of it.
const MAX_HEAD: usize = 256 * 1024;

/// How many bytes a connection may bring in all: four times the largest message of the limits group.
const MAX_RECEIVED: usize = 64 * 1024 * 1024;

/// How many items may lie unread: a server that floods with the smallest of them is not waited for.
const MAX_ARRIVALS: usize = 64 * 1024;

/// How many bytes of a message body are kept for a case that compares them.
const MAX_UNREAD: usize = 1024 * 1024;

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) name: ConnectionName,
    /// What has come and no step has taken yet.
    pub(crate) arrivals: VecDeque<Arrival>,
    /// Bytes of the message body that no step has compared yet.
    pub(crate) unread: VecDeque<u8>,
    /// How many bytes of the message body came before the first message.
    pub(crate) prelude: usize,
    /// The cursor that the last answer gave.
    pub(crate) cursor: Option<String>,
    pub(crate) watch: Watch,
    reading: Reading,
    phase: Phase,
    sent: Sent,
    received: usize,
    message_seen: bool,
}

#[derive(Debug)]
enum Phase {
    Head(HeadScanner),
    Body(Box<Body>),
    WebSocket(Box<WebSocketReceiver>),
    /// Nothing that comes can be told apart any more.
    Lost,
}

/// What the suite sent: needed to know which answer has no body, and which messages are the case's own.
#[derive(Debug, Default)]
struct Sent {
    heads: HeadScanner,
    methods: VecDeque<Vec<u8>>,
    frames: Option<FrameScanner>,
    message: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(name: ConnectionName, reading: Reading) -> Connection {
        Connection {
            watch: Watch { connection: name.clone(), ..Watch::default() },
            name,
            arrivals: VecDeque::new(),
            unread: VecDeque::new(),
            prelude: 0,
            cursor: None,
            reading,
            phase: Phase::Head(HeadScanner::new()),
            sent: Sent::default(),
            received: 0,
            message_seen: false,
        }
    }

    /// Notes what is sent; gives the payloads of complete frames and messages in it.
    pub(crate) fn note_sent(&mut self, bytes: &[u8], upgrading: bool) -> Vec<Vec<u8>> {
        self.sent.note(bytes, upgrading)
    }

    /// Bytes came.
    pub(crate) fn push(&mut self, now: Duration, bytes: &[u8]) {
        self.received += bytes.len();
        let mut bytes = bytes.to_vec();
        let start = self.arrivals.len();
        while let Some(rest) = self.step(now, &bytes) {
            bytes = rest;
        }
        if self.received > MAX_RECEIVED && !matches!(self.phase, Phase::Lost) {
            self.lose(now, format!("more than {MAX_RECEIVED} bytes came"));
        }
        if self.arrivals.len() > MAX_ARRIVALS && !matches!(self.phase, Phase::Lost) {
            self.lose(
                now,
                format!("more than {MAX_ARRIVALS} messages, comments and frames came that nobody asked for"),
            );
        }
        self.message_seen |=
            self.arrivals.iter().skip(start).any(|arrival| matches!(arrival.item, Item::Message(_)));
    }

    /// Reads bytes in the present phase; gives back those that belong to the next one.
    fn step(&mut self, now: Duration, bytes: &[u8]) -> Option<Vec<u8>> {
        match &mut self.phase {
            Phase::Lost => None,
            Phase::WebSocket(receiver) => {
                receiver.push(now, bytes, &mut self.arrivals, &mut self.watch);
                None
            }
            Phase::Head(scanner) => {
                scanner.push(bytes);
                let head = scanner.next_head();
                let rest = if head.is_some() { scanner.rest() } else { Vec::new() };
                match head {
                    Some(head) => {
                        self.head(now, head);
                        Some(rest).filter(|rest| !rest.is_empty() || matches!(&self.phase, Phase::Body(_)))
                    }
                    None => {
                        if scanner.buffered() > MAX_HEAD {
                            self.lose(
                                now,
                                format!("more than {MAX_HEAD} bytes came without an end of the head"),
                            );
                        }
                        None
                    }
                }
            }
            Phase::Body(_) => self.body(now, bytes),
        }
    }

    fn head(&mut self, now: Duration, head: Head) {
        self.judge_head(now, &head);
        let Some(status) = head.status_line().map(|status| status.code) else {
            let why = format!("{} is no answer of HTTP", shown(head.start_line()));
            return self.lose(now, why);
        };
        let method = if (100..200).contains(&status) && status != 101 {
            self.sent.methods.front().cloned().unwrap_or_default()
        } else {
            self.sent.methods.pop_front().unwrap_or_default()
        };
        let body = Body::after(&head, &method, self.reading.clone());
        self.arrivals.push_back(Arrival { at: now, item: Item::Head(head) });
        if status == 101 {
            self.phase = Phase::WebSocket(Box::default());
            return;
        }
        self.message_seen = false;
        self.prelude = 0;
        match body {
            Some(body) => self.phase = Phase::Body(Box::new(body)),
            None => {
                if status >= 200 {
                    self.arrivals.push_back(Arrival { at: now, item: Item::End });
                }
                self.phase = Phase::Head(HeadScanner::new());
            }
        }
    }

    fn judge_head(&mut self, now: Duration, head: &Head) {
        use http1::FactKind as F;
        self.watch.relevant(&[
            Invariant::HttpLineEnds,
            Invariant::HttpHeads,
            Invariant::LengthNotWithTransferCoding,
        ]);
        for fact in head.facts() {
            let invariant = match fact.kind {
                F::BareLineFeed => Invariant::HttpLineEnds,
                _ => Invariant::HttpHeads,
            };
            let line = head.lines.iter().rev().find(|line| line.offset <= fact.offset);
            let line = line.map(http1::Line::encode).unwrap_or_default();
            self.watch.breach(invariant, now, format!("{:?} in the line {}", fact.kind, shown(&line)));
        }
        if head.value("Content-Length").is_some() && head.value("Transfer-Encoding").is_some() {
            let seen = format!("both fields in the answer {}", shown(head.start_line()));
            self.watch.breach(Invariant::LengthNotWithTransferCoding, now, seen);
        }
    }

    fn body(&mut self, now: Duration, bytes: &[u8]) -> Option<Vec<u8>> {
        let Phase::Body(body) = &mut self.phase else { return None };
        let first = self.arrivals.len();
        let progress = body.push(now, bytes, &mut self.arrivals, &mut self.watch);
        self.message_seen |=
            self.arrivals.iter().skip(first).any(|arrival| matches!(arrival.item, Item::Message(_)));
        if !self.message_seen {
            self.prelude += progress.bytes.len();
        }
        self.unread.extend(progress.bytes.iter().take(MAX_UNREAD.saturating_sub(self.unread.len())));
        self.cursor = progress.cursor.or(self.cursor.take());
        if let Some(why) = progress.unreadable {
            self.lose(now, why);
            return None;
        }
        let rest = progress.rest?;
        self.arrivals.push_back(Arrival { at: now, item: Item::End });
        self.phase = Phase::Head(HeadScanner::new());
        Some(rest).filter(|rest| !rest.is_empty())
    }

    fn lose(&mut self, now: Duration, why: String) {
        self.phase = Phase::Lost;
        self.arrivals.push_back(Arrival { at: now, item: Item::Unreadable(why) });
    }

    /// The connection ended; `item` is [`Item::Eof`] or [`Item::Reset`].
    pub(crate) fn end(&mut self, now: Duration, item: Item) {
        let clean = matches!(item, Item::Eof);
        let phase = std::mem::replace(&mut self.phase, Phase::Lost);
        match phase {
            Phase::Body(mut body) => {
                let (complete, cursor) =
                    body.connection_ended(now, clean, &mut self.arrivals, &mut self.watch);
                self.cursor = cursor.or(self.cursor.take());
                if complete {
                    self.arrivals.push_back(Arrival { at: now, item: Item::End });
                }
            }
            Phase::Head(mut scanner) => {
                if let Some(head) = scanner.finish() {
                    let why = format!("the connection ends within the head {}", shown(&head.encode()));
                    self.arrivals.push_back(Arrival { at: now, item: Item::Unreadable(why) });
                }
            }
            Phase::WebSocket(_) | Phase::Lost => {}
        }
        self.arrivals.push_back(Arrival { at: now, item });
    }
}

impl Sent {
    fn note(&mut self, bytes: &[u8], upgrading: bool) -> Vec<Vec<u8>> {
        if self.frames.is_none() {
            self.heads.push(bytes);
            while let Some(head) = self.heads.next_head() {
                let method =
                    head.start_line().split(|byte| *byte == b' ').next().unwrap_or_default().to_vec();
                self.methods.push_back(method);
                if upgrading {
                    self.frames = Some(FrameScanner::new());
                    let rest = self.heads.rest();
                    return self.frames(&rest);
                }
            }
            return Vec::new();
        }
        self.frames(bytes)
    }

    /// The payload of every data frame, and of every message in parts.
    fn frames(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let Some(scanner) = &mut self.frames else { return Vec::new() };
        scanner.push(bytes);
        let mut payloads = Vec::new();
        while let Some(frame) = scanner.next_frame() {
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
