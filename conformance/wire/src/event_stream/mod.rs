//! Event streams, `text/event-stream` (HTML standard, sections 9.2.5 and 9.2.6 of its "Server-sent events").
//!
//! [`LineScanner`] turns bytes into lines, [`Interpreter`] turns lines into [`Event`]s. They are apart so that nothing
//! is lost on the way: comments, unknown fields and the choice of line ends are in the lines, and [`facts`] tells what
//! a line has that has no effect or is not UTF-8.
//!
//! - A line ends with LF, CR or CR LF. CR LF is two items, a [`Line`] that ends with CR and an
//!   [`Item::LineFeedAfterReturn`]: a line is complete with its CR, and whether a LF follows may show much later.
//! - A byte order mark is an item of its own, and only if the stream begins with it.
//! - Lines are bytes. UTF-8 is decoded by the interpreter, with replacement characters for what is not UTF-8.
//!
//! Connections, reconnecting and MIME types are not handled here.

mod facts;
mod interpreter;
mod line;
mod scanner;

use alloc::vec::Vec;

pub use facts::{FactKind, facts};
pub use interpreter::{Event, Interpreter};
pub use line::{Item, Line, LineEnd, LineKind};
pub use scanner::LineScanner;

/// A fact about a line.
pub type Fact = crate::Fact<FactKind>;

/// The bytes of one event. Each line of the data, whatever ends it, gets a field of its own, so that CR and CR LF
/// arrive as LF. `id` and `event` are written as they are; with a line end in them, they spill into other fields.
pub fn encode_event(id: Option<&str>, event: Option<&str>, data: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut field = |name: &str, value: &str| {
        for part in [name, ": ", value, "\n"] {
            bytes.extend_from_slice(part.as_bytes());
        }
    };
    if let Some(id) = id {
        field("id", id);
    }
    if let Some(event) = event {
        field("event", event);
    }
    for line in data.replace("\r\n", "\n").split(['\r', '\n']) {
        field("data", line);
    }
    bytes.push(b'\n');
    bytes
}
