//! What happened in a case, and when.

use std::time::Duration;

use crate::case::statement::ConnectionName;

/// How many bytes of a case are kept; larger messages are shortened, which a note says.
const KEPT: usize = 256 * 1024;

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
    /// The suite ends its direction.
    Finish(ConnectionId),
    /// The suite resets or drops the connection.
    Close(ConnectionId),
    /// The suite publishes, by the profile's recipe.
    Publish(String),
    /// The recipe was answered: with this error if it failed.
    Published(Result<(), Unpublished>),
    /// Bytes came.
    Received(ConnectionId, Vec<u8>),
    /// The other side ended its direction.
    Eof(ConnectionId),
    /// The other side reset the connection.
    Reset(ConnectionId),
    /// The connection could not be opened.
    Refused(ConnectionId, String),
    /// So many bytes were left out here.
    LeftOut(ConnectionId, usize),
}

/// What happened in a case, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript {
    /// The events.
    pub events: Vec<Event>,
    kept: usize,
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

    /// Counts bytes that are not kept, in one event for all that follow each other.
    fn leave_out(&mut self, at: Duration, id: ConnectionId, more: usize) {
        match self.events.last_mut() {
            Some(Event { kind: EventKind::LeftOut(last, bytes), .. }) if *last == id => *bytes += more,
            _ => self.events.push(Event { at, kind: EventKind::LeftOut(id, more) }),
        }
    }
}

/// Milliseconds to three places.
pub fn milliseconds(duration: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a case lasts seconds: microseconds fit a double exactly")]
    let microseconds = duration.as_micros() as f64;
    microseconds / 1000.0
}
