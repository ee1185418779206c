//! Timed bytes: what went over every connection of a case, and when.

mod file;
mod print;

use std::time::Duration;

use crate::case::statement::ConnectionName;

pub use file::{TranscriptError, parse};
pub use print::printed;

/// How many bytes of a case are kept; larger messages are shortened, which a note says.
const KEPT: usize = 512 * 1024;

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

/// The kinds of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// The suite opens a connection, under a name.
    Connect(ConnectionId, ConnectionName),
    /// The suite sends bytes.
    Sent(ConnectionId, Vec<u8>),
    /// The suite ends its direction.
    Finish(ConnectionId),
    /// The suite resets or drops the connection.
    Close(ConnectionId),
    /// The suite publishes, by the profile's recipe.
    Publish(String),
    /// The recipe was answered: with this error if it failed.
    Published(Result<(), String>),
    /// Bytes came.
    Received(ConnectionId, Vec<u8>),
    /// The server ended its direction.
    Eof(ConnectionId),
    /// The server reset the connection.
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
        let mut left_out = None;
        if let EventKind::Sent(id, bytes) | EventKind::Received(id, bytes) = &mut kind {
            let room = KEPT.saturating_sub(self.kept);
            if bytes.len() > room {
                left_out = Some(EventKind::LeftOut(*id, bytes.len() - room));
                bytes.truncate(room);
            }
            self.kept += bytes.len();
            if bytes.is_empty() && left_out.is_some() {
                self.events.extend(left_out.map(|kind| Event { at, kind }));
                return;
            }
        }
        self.events.push(Event { at, kind });
        self.events.extend(left_out.map(|kind| Event { at, kind }));
    }
}
