//! One connection as the suite sees it: bytes in, items out. It sets the layers upon each other, and bounds what they
//! keep.

use std::collections::VecDeque;
use std::time::Duration;

use pushspec_wire::http1::Head;
use pushspec_wire::websocket::Frame;

use crate::case::statement::{ConnectionName, ExpectItem};
use crate::judge::verdict::invariant::{Invariant, Watch};
use crate::transcript::shown::shown;

use super::asked::Asked;
use super::body::Body;
use super::content::{Reading, coding, head_cursor};
use super::head::HeadReader;
use super::item::{Arrival, Item};
use super::rules;
use super::sent::Sent;
use super::side::Side;
use super::sink::Sink;
use super::websocket::WebSocket;

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
    /// The side of the suite.
    side: Side,
    reading: Reading,
    layer: Layer,
    sent: Sent,
    received: usize,
    /// When the request left whose answer promises that the connection goes on.
    promised: Option<Duration>,
    /// The request that was answered last.
    answered: Asked,
}

/// The layer to which bytes go next.
#[derive(Debug)]
enum Layer {
    Head(HeadReader),
    Body(Box<Body>),
    WebSocket(Box<WebSocket>),
    /// Nothing that comes can be told apart any more.
    Lost,
}

impl Connection {
    /// A connection on which the suite has this side.
    pub(crate) fn new(name: ConnectionName, side: Side, reading: Reading) -> Connection {
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
            side,
            reading,
            layer: Layer::Head(HeadReader::new()),
            sent: Sent::default(),
            received: 0,
            promised: None,
            answered: Asked::default(),
        }
    }

    /// The side of the suite.
    pub(crate) fn side(&self) -> Side {
        self.side
    }

    /// Notes what is sent; gives the payloads of complete frames and messages in it. `upgrading` says whether the first
    /// request asks for a WebSocket.
    pub(crate) fn note_sent(&mut self, now: Duration, bytes: &[u8], upgrading: bool) -> Vec<Vec<u8>> {
        match self.side {
            Side::Client => self.sent.note_requests(now, bytes, upgrading),
            Side::Server => {
                let (payloads, accepted) = self.sent.note_answers(bytes);
                if let Some(head) = accepted {
                    self.open_websocket(now, Side::Client, is_extended(&head));
                }
                payloads
            }
        }
    }

    /// Notes what is published: each connection of the case may bring it.
    pub(crate) fn note_published(&mut self, length: usize) {
        self.sent.bytes += length;
    }

    /// The identifier that a block without data has given, if every event before it was taken.
    pub(crate) fn resume_point(&self) -> Option<&str> {
        let waits = self.arrivals.iter().any(|arrival| matches!(arrival.item, Item::Message(_)));
        match &self.layer {
            Layer::Body(body) if !waits => body.resume_point(),
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
        matches!(self.layer, Layer::WebSocket(_))
    }

    /// Whether an end has come, or what stands for one.
    pub(crate) fn has_ended(&self) -> bool {
        self.arrivals.iter().any(|arrival| arrival.item.is_end())
    }

    /// Takes an arrival. What came before it is passed, but for control frames, which stay for a step that asks for them.
    pub(crate) fn take(&mut self, index: usize) -> Option<Arrival> {
        let arrival = self.arrivals.remove(index)?;
        let mut at = 0;
        self.arrivals.retain(|arrival| {
            at += 1;
            at > index || matches!(&arrival.item, Item::Frame(frame) if frame.opcode.is_control())
        });
        // A client speaks to this case alone, and then the message is none that was passed over.
        let completes =
            |frame: &Frame| frame.fin && !frame.opcode.is_control() && !frame.opcode.is_reserved();
        let is_last = matches!(&arrival.item, Item::Frame(frame) if completes(frame));
        if is_last && self.side == Side::Server {
            let message = self.arrivals.iter().position(|arrival| matches!(arrival.item, Item::Message(_)));
            message.and_then(|index| self.arrivals.remove(index));
        }
        self.ended = match arrival.item {
            Item::End => Some(ExpectItem::End),
            Item::Eof => Some(ExpectItem::Eof),
            Item::Reset => Some(ExpectItem::Reset),
            _ => None,
        };
        Some(arrival)
    }

    /// Bytes came.
    pub(crate) fn push(&mut self, now: Duration, bytes: &[u8]) {
        self.received += bytes.len();
        let mut bytes = bytes.to_vec();
        while let Some(rest) = self.step(now, &bytes) {
            bytes = rest;
        }
        if self.received > MAX_UNASKED + PER_SENT * self.sent.bytes && !matches!(self.layer, Layer::Lost) {
            let why = format!("{} bytes came, far more than what the suite sent can ask for", self.received);
            self.lose(now, why);
        }
        let most = MAX_ARRIVALS + PER_SENT * self.sent.frame_count;
        if self.arrivals.len() > most && !matches!(self.layer, Layer::Lost) {
            let why = format!("more than {most} messages, comments and frames came that nobody asked for");
            self.lose(now, why);
        }
    }

    /// Gives bytes to the present layer; gives back those that belong to the next one.
    fn step(&mut self, now: Duration, bytes: &[u8]) -> Option<Vec<u8>> {
        match &mut self.layer {
            Layer::Lost => None,
            Layer::WebSocket(websocket) => {
                websocket.push(bytes, &mut Sink::new(now, &mut self.arrivals, &mut self.watch));
                None
            }
            Layer::Head(_) => self.push_head(now, bytes),
            Layer::Body(_) => self.push_body(now, bytes),
        }
    }

    fn push_head(&mut self, now: Duration, bytes: &[u8]) -> Option<Vec<u8>> {
        let Layer::Head(reader) = &mut self.layer else { return None };
        let all_said = self.answered.method == b"HEAD" && self.sent.is_answered() && reader.is_empty();
        if all_said && !begins_an_answer(bytes) {
            self.layer = Layer::Lost;
            self.sink(now).item(Item::Surplus(bytes.to_vec()));
            return None;
        }
        reader.push(bytes);
        let head = match reader.next() {
            Ok(head) => head?,
            Err(why) => {
                self.lose(now, why);
                return None;
            }
        };
        let rest = reader.rest();
        match self.side {
            Side::Client => self.answer(now, head),
            Side::Server => self.request(now, head),
        }
        // A body can be complete although it has no bytes.
        Some(rest).filter(|rest| !rest.is_empty() || matches!(&self.layer, Layer::Body(_)))
    }

    /// The head of an answer has come.
    fn answer(&mut self, now: Duration, head: Head) {
        let mut sink = Sink::new(now, &mut self.arrivals, &mut self.watch);
        rules::judge_lines(&head, &mut sink);
        rules::judge_answer(&head, &mut sink);
        let Some(status) = head.status_line().map(|status| status.code) else {
            return self.lose(now, format!("{} is no answer of HTTP", shown(head.start_line())));
        };
        let asked = self.sent.asked_for(status);
        let body = Body::after(&head, &asked.method, self.reading.clone());
        rules::judge_framing(&head, status, &asked, body.as_ref(), &mut sink);
        self.coding = coding(&head).filter(|_| status == 200 && !matches!(self.reading, Reading::Opaque));
        self.promised = rules::goes_on(&head, status, &asked, body.as_ref()).then_some(asked.at);
        self.answered = asked;
        if self.promised.is_some() {
            sink.relevant(&[Invariant::CloseAnnounced]);
        }
        self.cursor = head_cursor(&head, &self.reading).or(self.cursor.take());
        let extended = is_extended(&head);
        sink.item(Item::Head(head));
        if status == 101 {
            return self.open_websocket(now, Side::Server, extended);
        }
        self.prelude = 0;
        if body.is_none() && status >= 200 {
            sink.item(Item::End);
        }
        self.expect_body(body);
    }

    /// The head of a request has come.
    fn request(&mut self, now: Duration, head: Head) {
        let mut sink = self.sink(now);
        rules::judge_lines(&head, &mut sink);
        if head.request_line().is_none() {
            return self.lose(now, format!("{} is no request of HTTP", shown(head.start_line())));
        }
        let body = Body::of_request(&head);
        sink.item(Item::Head(head));
        self.expect_body(body);
    }

    fn expect_body(&mut self, body: Option<Body>) {
        self.layer = match body {
            Some(body) => Layer::Body(Box::new(body)),
            None => Layer::Head(HeadReader::new()),
        };
    }

    /// Frames come from here on. What lies there already belongs to them.
    fn open_websocket(&mut self, now: Duration, sender: Side, extended: bool) {
        let early = match &mut self.layer {
            Layer::Head(reader) => reader.rest(),
            _ => Vec::new(),
        };
        self.layer = Layer::WebSocket(Box::new(WebSocket::new(sender, extended)));
        if !early.is_empty() {
            self.step(now, &early);
        }
    }

    fn push_body(&mut self, now: Duration, bytes: &[u8]) -> Option<Vec<u8>> {
        let Layer::Body(body) = &mut self.layer else { return None };
        let progress = body.push(bytes, &mut Sink::new(now, &mut self.arrivals, &mut self.watch));
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
        self.sink(now).item(Item::End);
        self.layer = Layer::Head(HeadReader::new());
        Some(rest).filter(|rest| !rest.is_empty())
    }

    /// Whether a connection that ends now was to go on. A server that closes what lies idle waits for longer than this.
    fn judge_end(&mut self, now: Duration) {
        let Some(asked) = self.promised.filter(|_| !self.half_closed) else { return };
        if matches!(self.layer, Layer::Head(_)) && now.saturating_sub(asked) < SOON {
            let seen = format!("the end of the connection {:?} after the request", now.saturating_sub(asked));
            self.watch.breach(Invariant::CloseAnnounced, now, seen);
        }
    }

    fn lose(&mut self, now: Duration, why: String) {
        self.layer = Layer::Lost;
        self.sink(now).item(Item::Unreadable(why));
    }

    fn sink(&mut self, now: Duration) -> Sink<'_> {
        Sink::new(now, &mut self.arrivals, &mut self.watch)
    }

    /// The connection ended; `item` is [`Item::Eof`] or [`Item::Reset`].
    pub(crate) fn end(&mut self, now: Duration, item: Item) {
        let clean = matches!(item, Item::Eof);
        self.judge_end(now);
        match std::mem::replace(&mut self.layer, Layer::Lost) {
            Layer::Body(body) => self.end_body(now, *body, clean),
            Layer::Head(mut reader) => {
                if let Some(head) = reader.finish() {
                    let why = format!("the connection ends within the head {}", shown(&head.encode()));
                    self.sink(now).item(Item::Unreadable(why));
                }
            }
            Layer::WebSocket(_) | Layer::Lost => {}
        }
        self.sink(now).item(item);
    }

    fn end_body(&mut self, now: Duration, mut body: Body, clean: bool) {
        // A server may drop a client that takes nothing, wherever it is (RFC 9112 section 9.5).
        let mut nobody = Watch::default();
        let watch = if self.paused { &mut nobody } else { &mut self.watch };
        let (complete, cursor) = body.connection_ended(clean, &mut Sink::new(now, &mut self.arrivals, watch));
        self.cursor = cursor.or(self.cursor.take());
        if complete {
            self.sink(now).item(Item::End);
        } else if clean && !self.half_closed && !self.paused && self.side == Side::Client {
            let seen = "the connection ends in order before the body of the answer does";
            self.sink(now).breach(Invariant::BodiesWhole, seen);
        }
    }
}

/// Whether a 101 accepts an extension.
fn is_extended(head: &Head) -> bool {
    head.value("Sec-WebSocket-Extensions").is_some()
}

/// Whether bytes, of which more may come, can be those of an answer.
fn begins_an_answer(bytes: &[u8]) -> bool {
    const NAME: &[u8] = b"HTTP/";
    bytes.starts_with(&NAME[..NAME.len().min(bytes.len())])
}
