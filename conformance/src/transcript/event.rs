//! What happened in a case, and when.

use std::time::Duration;

use super::labels::Labels;
use crate::case::statement::ConnectionName;

/// How many bytes of a case are kept; larger messages are shortened, which a note says.
const KEPT: usize = 256 * 1024;

/// What an event takes beside the bytes that went over the wire.
const EVENT: usize = 64;

/// How many events of a case are kept.
const EVENTS: usize = 4096;

/// One connection of a case, numbered in the order in which they were opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub usize);

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When, counted from the start of the case.
    pub at: Duration,
    /// What.
    pub kind: EventKind,
}

/// Why something could not be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpublished {
    /// The target understood the recipe, and does not publish this content.
    pub refused: bool,
    /// What it answered, or why it did not.
    pub why: String,
}

/// The kinds of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// The suite opens a connection, under a name.
    Connect(ConnectionId, ConnectionName),
    /// The suite waits for a client that opens a connection; the connection has this name.
    Listen(ConnectionId, ConnectionName),
    /// A client has opened a connection.
    Accepted(ConnectionId),
    /// The suite sends bytes.
    Sent(ConnectionId, Vec<u8>),
    /// All that the suite has sent on a connection has left only now.
    Written(ConnectionId),
    /// The suite ends its direction.
    Finish(ConnectionId),
    /// The suite resets or drops the connection.
    Close(ConnectionId),
    /// The suite publishes, by the profile's recipe.
    Publish(String),
    /// The recipe was answered: with the id of the message, where it says so, or with this error if it failed.
    Published(Result<Option<String>, Unpublished>),
    /// Bytes came.
    Received(ConnectionId, Vec<u8>),
    /// The other side ended its direction.
    Eof(ConnectionId),
    /// The other side ended its direction of a connection of TLS without a closure alert.
    Cut(ConnectionId),
    /// The other side reset the connection.
    Reset(ConnectionId),
    /// The connection could not be opened.
    Refused(ConnectionId, String),
    /// So many bytes were left out here.
    LeftOut(ConnectionId, usize),
}

impl EventKind {
    /// The bytes that went over a connection.
    fn bytes(&self) -> Option<(ConnectionId, &[u8])> {
        match self {
            EventKind::Sent(id, bytes) | EventKind::Received(id, bytes) => Some((*id, bytes)),
            _ => None,
        }
    }
}

/// What happened in a case, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript {
    /// The events.
    pub events: Vec<Event>,
    kept: usize,
    /// The names of the secrets that were taken out.
    pub(super) labels: Labels,
}

impl Transcript {
    /// Adds an event; the bytes of large ones are shortened.
    pub fn push(&mut self, at: Duration, mut kind: EventKind) {
        if self.events.len() >= EVENTS {
            return;
        }
        let mut left_out = None;
        if let EventKind::Sent(id, bytes) | EventKind::Received(id, bytes) = &mut kind {
            let room = KEPT.saturating_sub(self.kept);
            if bytes.len() > room {
                left_out = Some(EventKind::LeftOut(*id, bytes.len() - room));
                bytes.truncate(room);
            }
            self.kept += bytes.len();
            if let (true, Some(EventKind::LeftOut(id, more))) = (bytes.is_empty(), &left_out) {
                return self.leave_out(at, *id, *more);
            }
        }
        self.events.push(Event { at, kind });
        self.events.extend(left_out.map(|kind| Event { at, kind }));
    }

    /// How much it keeps, in bytes: what went over the wire, and what each event takes beside.
    pub fn size(&self) -> usize {
        self.kept + EVENT * self.events.len()
    }

    /// Keeps only so many bytes from its beginning; how many are left out stands at its end, for each connection.
    pub fn shorten(&mut self, most: usize) {
        let mut size = 0;
        let kept = self.events.iter().take_while(|event| {
            size += EVENT + event.kind.bytes().map_or(0, |(_, bytes)| bytes.len());
            size <= most
        });
        let rest = self.events.split_off(kept.count());
        for Event { at, kind } in rest {
            match kind {
                EventKind::LeftOut(id, more) => self.leave_out(at, id, more),
                kind => {
                    if let Some((id, bytes)) = kind.bytes() {
                        self.kept -= bytes.len();
                        self.leave_out(at, id, bytes.len());
                    }
                }
            }
        }
    }

    /// Counts bytes that are not kept, in one event for all that follow each other.
    fn leave_out(&mut self, at: Duration, id: ConnectionId, more: usize) {
        let mut last = self.events.iter_mut().rev().map_while(|event| match &mut event.kind {
            EventKind::LeftOut(of, bytes) => Some((*of, bytes)),
            _ => None,
        });
        match last.find(|(of, _)| *of == id) {
            Some((_, bytes)) => *bytes += more,
            None => self.events.push(Event { at, kind: EventKind::LeftOut(id, more) }),
        }
    }
}

/// Milliseconds to three places.
pub fn milliseconds(duration: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a case lasts seconds: microseconds fit a double exactly")]
    let microseconds = duration.as_micros() as f64;
    microseconds / 1000.0
}
