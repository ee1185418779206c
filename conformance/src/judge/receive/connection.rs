//! One connection as the suite sees it: bytes in, items out. It sets the layers upon each other, and bounds what they
//! keep.

mod answered;
mod between;
mod ends;
mod pongs;

use std::collections::VecDeque;
use std::time::Duration;

use pushspec_wire::http1::Head;
use pushspec_wire::websocket::Opcode;

use crate::case::statement::ConnectionName;
use crate::extension::Extension;
use crate::judge::verdict::invariant::{Invariant, Watch};
use crate::profile::cursor::Values;
use crate::profile::parts::Parts;
use crate::transcript::shown::shown;

pub(crate) use between::Left;
use between::{Between, Next};

use super::asked::Asked;
use super::body::Body;
use super::content::{Reading, head_cursor, undecoded};
use super::end::Ended;
use super::fields;
use super::head::{HeadReader, begins_an_answer};
use super::item::{Arrival, Item};
use super::meter::Meter;
use super::quota::Part;
use super::rules;
use super::sent::Sent;
use super::side::Side;
use super::sink::Sink;
use super::websocket::WebSocket;

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
    pub(crate) cursor: Option<Values>,
    pub(crate) watch: Watch,
    /// The writes that are under way, in order; whether each is one of the case, and no pong that the suite owes.
    pub(crate) writes: VecDeque<bool>,
    /// The payloads of the pings that have come and are to be answered.
    pings: Vec<Vec<u8>>,
    /// How many of them were.
    answered_pings: usize,
    /// It is not open yet, as far as it is known.
    pub(crate) is_unopened: bool,
    /// The suite has ended its direction: most servers take the client for gone.
    pub(crate) half_closed: bool,
    /// What of it the case leaves in the socket.
    pub(crate) left: Left,
    /// What ended with the last thing that a step took.
    pub(crate) ended: Ended,
    /// What has come of an event stream and makes no event, and when.
    pub(crate) unmade: Option<(Duration, String)>,
    /// The content coding of the present body, where that keeps messages from being read.
    pub(crate) coding: Option<String>,
    /// The side of the suite.
    side: Side,
    reading: Reading,
    layer: Layer,
    pub(super) sent: Sent,
    pub(super) received: usize,
    /// Where it stands between two answers.
    between: Between,
    pub(super) meter: Meter,
    /// The request that was answered last.
    answered: Asked,
    /// The extension that was agreed on.
    pub(crate) extension: Extension,
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

impl Layer {
    /// How many bytes it holds.
    fn held(&self) -> usize {
        match self {
            Layer::Head(reader) => reader.held(),
            Layer::Body(body) => body.held(),
            Layer::WebSocket(websocket) => websocket.held(),
            Layer::Lost => 0,
        }
    }
}

impl Connection {
    /// A connection on which the suite has this side. What comes on it takes its part of the memory.
    pub(crate) fn new(name: ConnectionName, side: Side, reading: Reading, part: Part) -> Connection {
        Connection {
            watch: Watch { connection: name.clone(), ..Watch::default() },
            name,
            arrivals: VecDeque::new(),
            unread: VecDeque::new(),
            prelude: 0,
            body_at: None,
            cursor: None,
            writes: VecDeque::new(),
            pings: Vec::new(),
            answered_pings: 0,
            is_unopened: true,
            half_closed: false,
            left: Left::default(),
            ended: Ended::Nothing,
            unmade: None,
            coding: None,
            side,
            reading,
            layer: Layer::Head(HeadReader::new()),
            sent: Sent::default(),
            received: 0,
            between: Between::default(),
            meter: Meter::new(part),
            answered: Asked::default(),
            extension: Extension::None,
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
            Side::Client => {
                let payloads = self.sent.note_requests(now, bytes, upgrading);
                // What a server makes of such a code is for the case to say that sends it, and an echo is told once.
                if self.sent.has_unusable_code() {
                    self.watch.mute(&[Invariant::WebSocketCloseCode, Invariant::WebSocketCloseRange]);
                }
                payloads
            }
            Side::Server => {
                let (payloads, accepted) = self.sent.note_answers(bytes);
                if let Some(head) = accepted {
                    self.open_websocket(now, Side::Client, Extension::of(&head));
                }
                payloads
            }
        }
    }

    /// The identifier that a block without data has given, if every event before it was taken.
    pub(crate) fn resume_point(&self) -> Option<&str> {
        let waits = self.arrivals.iter().any(|arrival| matches!(arrival.item, Item::Message(_)));
        match &self.layer {
            Layer::Body(body) if !waits => body.resume_point(),
            _ => None,
        }
    }

    /// Whether no byte has come.
    pub(crate) fn is_untouched(&self) -> bool {
        self.received == 0
    }

    /// Whether it is a WebSocket that is open, or was.
    pub(crate) fn is_websocket(&self) -> bool {
        matches!(self.layer, Layer::WebSocket(_))
    }

    /// Whether a close frame has come.
    pub(crate) fn has_close_come(&self) -> bool {
        matches!(&self.layer, Layer::WebSocket(websocket) if websocket.has_close_come())
    }

    /// Bytes came.
    pub(crate) fn push(&mut self, now: Duration, bytes: &[u8]) {
        self.received += bytes.len();
        self.meter.allow(self.most_arrivals(), self.sent.bytes);
        let mut rest = self.step(now, bytes);
        while let Some(bytes) = rest.filter(|_| self.meter.excess(self.sent.bytes).is_none()) {
            rest = self.step(now, &bytes);
        }
        self.meter.layers_hold(self.unread.len() + self.layer.held());
        if !matches!(self.layer, Layer::Lost)
            && let Some(why) = self.excess()
        {
            self.meter.flood();
            self.lose(now, why);
        }
        // What cannot be read may go on without end, too.
        if self.received > self.most() {
            self.meter.flood();
        }
        if self.meter.shortage().is_some() {
            self.layer = Layer::Lost;
        }
        if matches!(self.layer, Layer::Lost) {
            self.meter.layers_hold(self.unread.len());
        }
    }

    /// Gives bytes to the present layer; gives back those that belong to the next one.
    fn step(&mut self, now: Duration, bytes: &[u8]) -> Option<Vec<u8>> {
        match &mut self.layer {
            Layer::Lost => None,
            Layer::WebSocket(websocket) => {
                let before = self.arrivals.len();
                websocket
                    .push(bytes, &mut Sink::new(now, &mut self.arrivals, &mut self.watch, &mut self.meter));
                let came = self.arrivals.iter().skip(before).map(|arrival| &arrival.item);
                let pings = came.filter_map(|item| match item {
                    Item::Frame(frame) if frame.opcode == Opcode::PING => Some(frame.payload.clone()),
                    _ => None,
                });
                self.pings.extend(pings);
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
        let surplus = reader.is_empty() && self.between.behind_body && self.sent.is_idle();
        let begun = bytes.trim_ascii_start();
        if surplus && !begun.is_empty() && !begins_an_answer(begun) {
            let seen = format!("the bytes {}", shown(begun));
            self.watch.breach(Invariant::NothingBehindBody, now, seen);
        }
        reader.push(bytes);
        let head = match reader.next() {
            Ok(head) => head?,
            Err(why) => {
                self.meter.flood();
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
        let mut sink = Sink::new(now, &mut self.arrivals, &mut self.watch, &mut self.meter);
        rules::judge_lines(&head, &mut sink);
        let Some(status) = head.status_line().map(|status| status.code) else {
            return self.lose(now, format!("{} is no answer of HTTP", shown(head.start_line())));
        };
        let is_unasked = self.between.behind_body && self.sent.is_idle();
        // Before a server ends a connection that is idle it may say why.
        if is_unasked && status < 400 {
            let seen = format!("the answer {}, for which nobody has asked", shown(head.start_line()));
            sink.breach(Invariant::NothingBehindBody, seen);
        }
        self.between.persisted |= self.between.next == Next::GoesOn && !is_unasked;
        self.between.behind_body = false;
        let asked = self.sent.asked_for(status);
        fields::judge(&head, status, &asked, &mut sink);
        let body = Body::after(&head, &asked.method, self.reading.clone());
        rules::judge_framing(&head, status, &asked, body.as_ref(), &mut sink);
        let is_read = !matches!(self.reading, Reading::Opaque | Reading::WebSocket(_));
        self.coding = undecoded(&head).filter(|_| status == 200 && is_read);
        sink.answered(status < 200 && status != 101);
        self.between.next = Next::of(&head, status, rules::goes_on(&head, status, &asked, body.as_ref()));
        self.answered = asked;
        self.between.whole_at = now;
        if self.between.next == Next::GoesOn {
            sink.relevant(&[Invariant::CloseAnnounced]);
        }
        // Who asks with HEAD has read nothing, and stays where it is.
        let cursor =
            head_cursor(&head, &self.reading, body.is_some()).filter(|_| self.answered.method != b"HEAD");
        self.cursor = cursor.or(self.cursor.take());
        let extension = Extension::of(&head);
        sink.item(Item::Head(head));
        if status == 101 {
            return self.open_websocket(now, Side::Server, extension);
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
    fn open_websocket(&mut self, now: Duration, sender: Side, extension: Extension) {
        let early = match &mut self.layer {
            Layer::Head(reader) => reader.rest(),
            _ => Vec::new(),
        };
        let parts = match &self.reading {
            Reading::WebSocket(parts) => parts.clone(),
            _ => Parts::default(),
        };
        self.layer = Layer::WebSocket(Box::new(WebSocket::new(sender, extension, parts)));
        self.extension = extension;
        self.sent.agree(extension);
        if !early.is_empty() {
            self.step(now, &early);
        }
    }

    fn push_body(&mut self, now: Duration, bytes: &[u8]) -> Option<Vec<u8>> {
        let Layer::Body(body) = &mut self.layer else { return None };
        let mut sink = Sink::new(now, &mut self.arrivals, &mut self.watch, &mut self.meter);
        let progress = body.push(bytes, &mut sink);
        self.prelude = body.prelude();
        self.unmade = body.unmade();
        self.coding = body.falsely_coded().map(str::to_owned).or(self.coding.take());
        if !progress.bytes.is_empty() {
            self.body_at = Some(now);
        }
        self.unread.extend(progress.bytes.iter().take(MAX_UNREAD.saturating_sub(self.unread.len())));
        self.cursor = progress.cursor.or(self.cursor.take());
        if let Some(why) = progress.unreadable {
            self.lose(now, why);
            return None;
        }
        let whole = body.must_be_whole();
        let rest = progress.rest?;
        self.watch.relevant(&[whole]);
        self.sink(now).item(Item::End);
        self.watch.relevant(&[Invariant::NothingBehindBody]);
        self.between.behind_body = self.side == Side::Client;
        self.between.whole_at = now;
        self.layer = Layer::Head(HeadReader::new());
        Some(rest).filter(|rest| !rest.is_empty())
    }

    fn lose(&mut self, now: Duration, why: String) {
        self.layer = Layer::Lost;
        self.sink(now).item(Item::Unreadable(why));
    }

    fn sink(&mut self, now: Duration) -> Sink<'_> {
        Sink::new(now, &mut self.arrivals, &mut self.watch, &mut self.meter)
    }
}
