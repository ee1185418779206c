//! Timed bytes: what went over every connection of a case, and when.

mod event;
mod file;
mod print;
pub(crate) mod shown;

pub use event::{ConnectionId, Event, EventKind, Transcript, Unpublished, milliseconds};
pub use file::{TranscriptError, parse};
pub use print::printed;
