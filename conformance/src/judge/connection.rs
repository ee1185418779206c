//! One connection as the suite sees it: bytes in, items out.

use std::collections::VecDeque;
use std::time::Duration;

use pushspec_wire::http1::{self, Head, HeadScanner};
use pushspec_wire::websocket::FrameScanner;

use super::body::{Body, Reading, coding, head_cursor, is_event_stream};
use super::grammar;
use super::invariant::{Invariant, Watch};
use super::item::{Arrival, Item, shown};
use super::websocket::WebSocketReceiver;
use crate::case::statement::{ConnectionName, ExpectItem, Grammar};

/// The longest head that is read; servers limit theirs to a tenth of it.
const MAX_HEAD: usize = 256 * 1024;

/// How many bytes a connection may bring beyond a multiple of what the case sent on it or published: where a server has
/// no channels, what other cases publish comes too.
const MAX_UNASKED: usize = 16 * 1024 * 1024;

/// The multiple: an echo, some overhead, and room for whatever a case publishes elsewhere.
const PER_SENT: usize = 4;

/// How many items may lie unread beyond a multiple of the frames that the case sent: a server that floods with the
/// smallest of them is not waited for.
const MAX_ARRIVALS: usize = 8 * 1024;

/// How soon after a request the end of its connection is meant, and no timer's: measured by the suite it is never less
/// than it was.
const SOON: Duration = Duration::from_millis(500);

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
    /// When the last bytes of a message body came.
    pub(crate) body_at: Option<Duration>,
    /// The cursor that the last answer gave.
    pub(crate) cursor: Option<String>,
    pub(crate) watch: Watch,
    /// The suite has ended its direction: most servers take the client for gone.
    pub(crate) half_closed: bool,
    /// The case has left in a socket what came: a server need not wait for such clients for ever.
    pub(crate) paused: bool,
    /// The last thing that a step took was an end: that of the body, or of the connection.
    pub(crate) ended: Option<ExpectItem>,
    /// What has come of an event stream and makes no event, and when.
    pub(crate) unmade: Option<(Duration, String)>,
    /// The content coding of the present body, where that keeps messages from being read.
    pub(crate) coding: Option<String>,
    reading: Reading,
    phase: Phase,
    sent: Sent,
    received: usize,
    /// When the request left whose answer promises that the connection goes on.
    promised: Option<Duration>,
    /// The request that was answered last.
    answered: Asked,
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
    requests: VecDeque<Asked>,
    frames: Option<FrameScanner>,
    message: Vec<u8>,
    bytes: usize,
    /// Of the frames.
    count: usize,
}

/// What there is to know of a request to read its answer.
#[derive(Debug, Clone, Default)]
struct Asked {
    method: Vec<u8>,
    target: Vec<u8>,
    /// A client of HTTP/1.0 sent it.
    old: bool,
    /// It says nothing of the connection and has no body, so that nothing in it is a reason to close.
    plain: bool,
    /// When it left.
    at: Duration,
}

impl Connection {
    pub(crate) fn new(name: ConnectionName, reading: Reading) -> Connection {
        Connection {
            watch: Watch { connection: name.clone(), ..Watch::default() },
            name,
            arrivals: VecDeque::new(),
            unread: VecDeque::new(),
            prelude: 0,
            body_at: None,
            cursor: None,
            half_closed: false,
            paused: false,
            ended: None,
            unmade: None,
            coding: None,
            reading,
            phase: Phase::Head(HeadScanner::new()),
            sent: Sent::default(),
            received: 0,
            promised: None,
            answered: Asked::default(),
        }
    }

    /// Notes what is sent; gives the payloads of complete frames and messages in it.
    pub(crate) fn note_sent(&mut self, now: Duration, bytes: &[u8], upgrading: bool) -> Vec<Vec<u8>> {
        self.sent.note(now, bytes, upgrading)
    }

    /// Notes what is published: each connection of the case may bring it.
    pub(crate) fn note_published(&mut self, length: usize) {
        self.sent.bytes += length;
    }

    /// The identifier that a block without data has given, if every event before it was taken.
    pub(crate) fn resume_point(&self) -> Option<&str> {
        let waits = self.arrivals.iter().any(|arrival| matches!(arrival.item, Item::Message(_)));
        match &self.phase {
            Phase::Body(body) if !waits => body.resume_point(),
            _ => None,
        }
    }

    /// The target of the request that was answered last.
    pub(crate) fn asked_for(&self) -> &[u8] {
        &self.answered.target
    }

    /// Whether no byte has come.
    pub(crate) fn is_untouched(&self) -> bool {
        self.received == 0
    }

    /// Whether it is a WebSocket that is open, or was.
    pub(crate) fn is_websocket(&self) -> bool {
        matches!(self.phase, Phase::WebSocket(_))
    }

    /// Bytes came.
    pub(crate) fn push(&mut self, now: Duration, bytes: &[u8]) {
        self.received += bytes.len();
        let mut bytes = bytes.to_vec();
        while let Some(rest) = self.step(now, &bytes) {
            bytes = rest;
        }
        if self.received > MAX_UNASKED + PER_SENT * self.sent.bytes && !matches!(self.phase, Phase::Lost) {
            let why = format!("{} bytes came, far more than what the suite sent can ask for", self.received);
            self.lose(now, why);
        }
        let most = MAX_ARRIVALS + PER_SENT * self.sent.count;
        if self.arrivals.len() > most && !matches!(self.phase, Phase::Lost) {
            let why = format!("more than {most} messages, comments and frames came that nobody asked for");
            self.lose(now, why);
        }
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
                if self.answered.method == b"HEAD"
                    && self.sent.requests.is_empty()
                    && scanner.buffered() == 0
                    && !begins_an_answer(bytes)
                {
                    self.phase = Phase::Lost;
                    let item = Item::Surplus(bytes.to_vec());
                    self.arrivals.push_back(Arrival { at: now, item });
                    return None;
                }
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
        let asked = if (100..200).contains(&status) && status != 101 {
            self.sent.requests.front().cloned().unwrap_or_default()
        } else {
            self.sent.requests.pop_front().unwrap_or_default()
        };
        self.answered = asked.clone();
        let body = Body::after(&head, &asked.method, self.reading.clone());
        self.judge_framing(now, &head, status, &asked, body.as_ref());
        self.coding = coding(&head).filter(|_| status == 200 && !matches!(self.reading, Reading::Opaque));
        self.promised = goes_on(&head, status, &asked, body.as_ref()).then_some(asked.at);
        if self.promised.is_some() {
            self.watch.relevant(&[Invariant::CloseAnnounced]);
        }
        self.cursor = head_cursor(&head, &self.reading).or(self.cursor.take());
        let extended = head.value("Sec-WebSocket-Extensions").is_some();
        self.arrivals.push_back(Arrival { at: now, item: Item::Head(head) });
        if status == 101 {
            self.phase = Phase::WebSocket(Box::new(WebSocketReceiver::new(extended)));
            return;
        }
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
            Invariant::RetryAfter,
        ]);
        for fact in head.facts() {
            let invariant = match fact.kind {
                F::BareLineFeed | F::BareCarriageReturn => Invariant::HttpLineEnds,
                _ => Invariant::HttpHeads,
            };
            let line = head.lines.iter().rev().find(|line| line.offset <= fact.offset);
            let line = line.map(http1::Line::encode).unwrap_or_default();
            self.watch.breach(
                invariant,
                now,
                format!("{} in the line {}", fact.kind.in_words(), shown(&line)),
            );
        }
        let code = head.status_line().map_or(0, |status| status.code);
        for (of, name, invariant) in
            [(405, "Allow", Invariant::AllowWith405), (426, "Upgrade", Invariant::UpgradeWith426)]
        {
            if code != of {
                continue;
            }
            self.watch.relevant(&[invariant]);
            if head.value(name).is_none() {
                let seen = format!("no field `{name}` in the answer {}", shown(head.start_line()));
                self.watch.breach(invariant, now, seen);
            }
        }
        if let Some(value) =
            head.value("Retry-After").filter(|value| !grammar::fits(Grammar::RetryAfter, value))
        {
            let seen = format!("the field `Retry-After: {}`", shown(&value));
            self.watch.breach(Invariant::RetryAfter, now, seen);
        }
        if head.value("Content-Length").is_some() && head.value("Transfer-Encoding").is_some() {
            let seen = format!("both fields in the answer {}", shown(head.start_line()));
            self.watch.breach(Invariant::LengthNotWithTransferCoding, now, seen);
        }
    }

    /// Whether the head says what it must, and no more, about where the answer ends.
    fn judge_framing(&mut self, now: Duration, head: &Head, status: u16, asked: &Asked, body: Option<&Body>) {
        let answer = shown(head.start_line());
        if asked.old {
            self.watch.relevant(&[Invariant::NoInterimFor10, Invariant::NoCodingFor10]);
            if head.value("Transfer-Encoding").is_some() {
                let seen = format!("the field `Transfer-Encoding` in the answer {answer}");
                self.watch.breach(Invariant::NoCodingFor10, now, seen);
            }
            // That a WebSocket opened has a case of its own.
            if status < 200 && status != 101 {
                self.watch.breach(Invariant::NoInterimFor10, now, format!("the interim answer {answer}"));
            }
        }
        if status < 200 || status == 204 {
            self.watch.relevant(&[Invariant::NoLengthWithoutBody]);
            for name in ["Content-Length", "Transfer-Encoding"] {
                if head.value(name).is_some() {
                    let seen = format!("the field `{name}` in the answer {answer}");
                    self.watch.breach(Invariant::NoLengthWithoutBody, now, seen);
                }
            }
        }
        let new = head.status_line().is_some_and(|status| status.version == b"HTTP/1.1");
        // HTML section 9.2.7 advises to do without chunks where they cause delays, and leaves a stream no other end.
        let may_do_without = status == 200 && is_event_stream(head);
        if let Some(body) = body.filter(|_| new && !asked.old && !may_do_without) {
            self.watch.relevant(&[Invariant::EndKnown]);
            if body.ends_with_connection() {
                let seen = format!("neither `Content-Length` nor chunks in the answer {answer}");
                self.watch.breach(Invariant::EndKnown, now, seen);
            }
        }
    }

    fn body(&mut self, now: Duration, bytes: &[u8]) -> Option<Vec<u8>> {
        let Phase::Body(body) = &mut self.phase else { return None };
        let progress = body.push(now, bytes, &mut self.arrivals, &mut self.watch);
        self.prelude = body.prelude();
        self.unmade = body.unmade();
        if !progress.bytes.is_empty() {
            self.body_at = Some(now);
        }
        self.unread.extend(progress.bytes.iter().take(MAX_UNREAD.saturating_sub(self.unread.len())));
        self.cursor = progress.cursor.or(self.cursor.take());
        if let Some(why) = progress.unreadable {
            self.lose(now, why);
            return None;
        }
        let rest = progress.rest?;
        self.watch.relevant(&[Invariant::BodiesWhole]);
        self.arrivals.push_back(Arrival { at: now, item: Item::End });
        self.phase = Phase::Head(HeadScanner::new());
        Some(rest).filter(|rest| !rest.is_empty())
    }

    /// Whether a connection that ends now was to go on. A server that closes what lies idle waits for longer than this.
    fn judge_end(&mut self, now: Duration) {
        let Some(asked) = self.promised.filter(|_| !self.half_closed) else { return };
        if matches!(self.phase, Phase::Head(_)) && now.saturating_sub(asked) < SOON {
            let seen = format!("the end of the connection {:?} after the request", now.saturating_sub(asked));
            self.watch.breach(Invariant::CloseAnnounced, now, seen);
        }
    }

    fn lose(&mut self, now: Duration, why: String) {
        self.phase = Phase::Lost;
        self.arrivals.push_back(Arrival { at: now, item: Item::Unreadable(why) });
    }

    /// The connection ended; `item` is [`Item::Eof`] or [`Item::Reset`].
    pub(crate) fn end(&mut self, now: Duration, item: Item) {
        let clean = matches!(item, Item::Eof);
        self.judge_end(now);
        let phase = std::mem::replace(&mut self.phase, Phase::Lost);
        match phase {
            Phase::Body(mut body) => {
                // A server may drop a client that takes nothing, wherever it is (RFC 9112 section 9.5).
                let mut nobody = Watch::default();
                let watch = if self.paused { &mut nobody } else { &mut self.watch };
                let (complete, cursor) = body.connection_ended(now, clean, &mut self.arrivals, watch);
                self.cursor = cursor.or(self.cursor.take());
                if complete {
                    self.arrivals.push_back(Arrival { at: now, item: Item::End });
                } else if clean && !self.half_closed && !self.paused {
                    let seen = "the connection ends in order before the body of the answer does";
                    self.watch.breach(Invariant::BodiesWhole, now, seen);
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

/// Whether bytes, of which more may come, can be those of an answer.
fn begins_an_answer(bytes: &[u8]) -> bool {
    const NAME: &[u8] = b"HTTP/";
    bytes.starts_with(&NAME[..NAME.len().min(bytes.len())])
}

/// Whether an answer leaves no doubt that another request may follow on the connection.
fn goes_on(head: &Head, status: u16, asked: &Asked, body: Option<&Body>) -> bool {
    let new = head.status_line().is_some_and(|status| status.version == b"HTTP/1.1");
    let open = !head.lists("Connection", "close") && body.is_none_or(|body| !body.ends_with_connection());
    (200..400).contains(&status) && new && open && asked.plain && !asked.old
}

impl Sent {
    fn note(&mut self, now: Duration, bytes: &[u8], upgrading: bool) -> Vec<Vec<u8>> {
        self.bytes += bytes.len();
        if self.frames.is_none() {
            self.heads.push(bytes);
            while let Some(head) = self.heads.next_head() {
                let mut words = head.start_line().split(|byte| *byte == b' ');
                let method = words.next().unwrap_or_default().to_vec();
                let old = words.next_back() == Some(b"HTTP/1.0");
                let target = words.next().unwrap_or_default().to_vec();
                let asks_more = ["Connection", "Content-Length", "Transfer-Encoding", "Expect"];
                let plain = asks_more.iter().all(|name| head.value(name).is_none());
                self.requests.push_back(Asked { method, target, old, plain, at: now });
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
            self.count += 1;
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
