//! Timed bytes: what went over every connection of a case, and when.

mod event;
mod file;
mod hidden;
mod inflating;
mod labels;
mod line;
mod print;
pub(crate) mod shown;

pub use event::{ConnectionId, Event, EventKind, Transcript, Unpublished, milliseconds};
pub use file::{TranscriptError, parse};
pub use line::{Bytes, Direction, FrameFields, Line};
pub(crate) use print::first_lines;
pub use print::{lines, printed};
