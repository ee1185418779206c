//! How a connection ends, and what it leaves unfinished.

use std::time::Duration;

use crate::judge::receive::body::Body;
use crate::judge::receive::end::End;
use crate::judge::receive::item::Item;
use crate::judge::receive::side::Side;
use crate::judge::receive::sink::Sink;
use crate::judge::verdict::invariant::{Invariant, Watch};
use crate::profile::publish::Publication;
use crate::transcript::shown::shown;

use super::between::{Left, Next};
use super::{Connection, Layer};

/// How soon after a whole answer the end of its connection belongs to it. Later the connection is idle, and a server may
/// end such a one at any time (RFC 9112 section 9.5).
const SOON: Duration = Duration::from_millis(50);

/// What an end breaks that comes before its time.
const OF_ENDS: [Invariant; 6] = [
    Invariant::BodiesWhole,
    Invariant::LastChunk,
    Invariant::CloseAnnounced,
    Invariant::CloseInEveryAnswer,
    Invariant::EventStreamBoundary,
    Invariant::EventStreamLastEvent,
];

impl Connection {
    /// Notes what is published: each connection of the case may bring it.
    pub(crate) fn note_published(&mut self, published: &Publication, may_be_refused: bool) {
        self.sent.bytes += published.data.len();
        // What stands behind a line break in the text is then a line of its own: that it is has cases which say so.
        if published.has_line_breaks() {
            self.watch.mute(&[Invariant::EventStreamFields]);
        }
        // A server that cannot write what it is to publish may have no other way to say so than to end the stream.
        if may_be_refused {
            self.watch.mute(&OF_ENDS);
        }
    }

    /// Whether a connection that ends now was to go on.
    fn judge_end(&mut self, now: Duration) {
        let idle = now.saturating_sub(self.between.whole_at);
        let is_whole = matches!(&self.layer, Layer::Head(reader) if reader.is_empty());
        if self.between.next == Next::GoesOn && is_whole && !self.half_closed && idle < SOON {
            let seen = format!("the end of the connection {idle:?} after the answer");
            self.watch.breach(Invariant::CloseAnnounced, now, seen.clone());
            self.watch.breach(Invariant::CloseInEveryAnswer, now, seen);
        }
    }

    /// Whether the connection has gone on behind an answer that says so.
    pub(crate) fn persists(&self, now: Duration) -> bool {
        let is_open = matches!(&self.layer, Layer::Head(reader) if reader.is_empty());
        self.between.persisted
            || (self.between.next == Next::GoesOn
                && is_open
                && now.saturating_sub(self.between.whole_at) > SOON)
    }

    /// Whether the server has said that the connection ends behind its last answer, and nothing has come since: what is
    /// asked behind that need not be answered (RFC 9112, section 9.6).
    pub(crate) fn is_to_end(&self) -> bool {
        self.between.next == Next::Ends && self.arrivals.is_empty()
    }

    /// When nothing more is to be expected of a body whose last chunk has come.
    pub(crate) fn settles_at(&self) -> Option<Duration> {
        match &self.layer {
            Layer::Body(body) => body.settles_at(),
            _ => None,
        }
    }

    /// Takes a body for complete whose last chunk has come, and behind it nothing for a while. Whether it did.
    pub(crate) fn settle(&mut self, now: Duration) -> bool {
        let is_due = self.settles_at().is_some_and(|at| at <= now);
        if is_due && let Layer::Body(mut body) = std::mem::replace(&mut self.layer, Layer::Lost) {
            let cursor =
                body.settle(&mut Sink::new(now, &mut self.arrivals, &mut self.watch, &mut self.meter));
            self.cursor = cursor.or(self.cursor.take());
            self.sink(now).item(Item::End);
        }
        is_due
    }

    /// Whether a connection of TLS ended as one does. What a client does not take keeps an alert from it.
    pub(crate) fn judge_closure(&mut self, now: Duration, end: End) {
        if self.left == Left::Nothing {
            end.judge_closure(now, &mut self.watch);
        }
    }

    /// The connection ended.
    pub(crate) fn end(&mut self, now: Duration, end: End) {
        self.judge_end(now);
        match std::mem::replace(&mut self.layer, Layer::Lost) {
            Layer::Body(body) => self.end_body(now, *body, end),
            Layer::Head(mut reader) => {
                if let Some(head) = reader.finish() {
                    let why = format!("the connection ends within the head {}", shown(&head.encode()));
                    self.sink(now).item(Item::Unreadable(why));
                }
            }
            Layer::WebSocket(_) | Layer::Lost => {}
        }
        self.sink(now).item(if end == End::Reset { Item::Reset } else { Item::Eof });
    }

    fn end_body(&mut self, now: Duration, mut body: Body, end: End) {
        if body.settles_at().is_some() {
            let cursor =
                body.settle(&mut Sink::new(now, &mut self.arrivals, &mut self.watch, &mut self.meter));
            self.cursor = cursor.or(self.cursor.take());
            return self.sink(now).item(Item::End);
        }
        // A server may drop a client that takes nothing, wherever it is (RFC 9112 section 9.5).
        let mut nobody = Watch::default();
        let whole = body.must_be_whole();
        let lasted = now.saturating_sub(self.answered.at);
        let given_up = body.ends_with_connection() || body.may_be_given_up(lasted);
        let watch = if self.left == Left::Nothing { &mut self.watch } else { &mut nobody };
        let (complete, cursor) =
            body.connection_ended(end, &mut Sink::new(now, &mut self.arrivals, watch, &mut self.meter));
        self.cursor = cursor.or(self.cursor.take());
        if complete {
            self.sink(now).item(Item::End);
        } else if end != End::Reset
            && !given_up
            && !self.half_closed
            && self.left == Left::Nothing
            && self.side == Side::Client
        {
            let seen = "the connection ends in order before the body of the answer does";
            self.sink(now).breach(whole, seen);
        }
    }
}
