//! What comes on a connection, in the units in which a case speaks of it.

use std::fmt;
use std::time::Duration;

use pushspec_wire::http1::Head;
use pushspec_wire::websocket::Frame;

use crate::profile::decode::{DecodeError, Message};
use crate::transcript::shown::{readable_line, shown, shown_briefly, shown_frame, shown_frame_briefly};

use super::quota::Held;

/// Something received, and when.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    /// Counted from the start of the case.
    pub(crate) at: Duration,
    pub(crate) item: Item,
    /// Its memory, until it is dropped.
    pub(super) _held: Held,
}

#[cfg(test)]
impl Arrival {
    /// What came at the start of a case, and whose memory nobody counts.
    pub(crate) fn at_the_start(item: Item) -> Arrival {
        Arrival { at: Duration::ZERO, item, _held: Held::default() }
    }
}

/// Something received.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    /// The head of an answer, or of a request where a client is judged.
    Head(Head),
    /// A decoded message.
    Message(Message),
    /// An event or a text in which the pointers of the profile find no data.
    Foreign(Vec<u8>),
    /// A heartbeat that is no message.
    Comment,
    /// The message body is complete by its own framing.
    End,
    /// A WebSocket frame.
    Frame(Frame),
    /// Content behind an answer that has none: the one to HEAD.
    Surplus(Vec<u8>),
    /// Bytes that cannot be read as what they should be, and why.
    Unreadable(String),
    /// A compressed message that refers to what the receiver does not have, by what was agreed on, and why.
    BeyondAgreed(String),
    /// A body that is not what the profile says of it, and why.
    Undecoded(DecodeError),
    /// The end of the connection, in order.
    Eof,
    /// The end of the connection, abrupt.
    Reset,
}

/// What the allocator needs beside what it is asked for, and the places in lists.
const OVERHEAD: usize = 64;

impl Item {
    /// How much memory it takes, in bytes.
    pub(super) fn size(&self) -> usize {
        let content = match self {
            Item::Head(head) => head.lines.iter().map(|line| line.content.len() + 2 * OVERHEAD).sum(),
            // The id is shared with the other messages of the stream.
            Item::Message(message) => message.data.len() + message.event.as_ref().map_or(0, String::len),
            Item::Foreign(bytes) | Item::Surplus(bytes) => bytes.len(),
            Item::Frame(frame) => frame.payload.len(),
            Item::Unreadable(why) | Item::BeyondAgreed(why) => why.len(),
            Item::Undecoded(_) | Item::Comment | Item::End | Item::Eof | Item::Reset => 0,
        };
        size_of::<Arrival>() + OVERHEAD + content
    }

    /// The lines of it as a trace has them: those of a head each by itself.
    pub(crate) fn lines(&self) -> Vec<String> {
        let Item::Head(head) = self else { return vec![format!("{self:#}")] };
        let lines = head.lines.iter().filter(|line| !line.content.is_empty());
        lines.map(|line| readable_line(&line.content)).collect()
    }

    /// Whether nothing of a body, or of the connection, comes behind it.
    pub(crate) fn is_end(&self) -> bool {
        matches!(
            self,
            Item::End
                | Item::Eof
                | Item::Reset
                | Item::Unreadable(_)
                | Item::BeyondAgreed(_)
                | Item::Undecoded(_)
        )
    }
}

/// Bytes as a finding has them, or, with `{:#}`, as briefly as a trace has them.
fn said(out: &fmt::Formatter<'_>, bytes: &[u8]) -> String {
    if out.alternate() { shown_briefly(bytes) } else { shown(bytes) }
}

impl fmt::Display for Message {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = said(out, &self.data);
        write!(out, "message {}{data}", if self.binary { "binary " } else { "" })?;
        if let Some(id) = &self.id {
            let id = said(out, id.as_bytes());
            write!(out, " id={id}")?;
        }
        if let Some(event) = &self.event {
            let event = said(out, event.as_bytes());
            write!(out, " event={event}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Item {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Head(head) => out.write_str(&readable_line(head.start_line())),
            Item::Message(message) => message.fmt(out),
            Item::Foreign(text) => {
                let text = said(out, text);
                write!(out, "{text} without the data that the profile points to")
            }
            Item::Comment => out.write_str("comment"),
            Item::End => out.write_str("end"),
            Item::Frame(frame) if out.alternate() => out.write_str(&shown_frame_briefly(frame)),
            Item::Frame(frame) => out.write_str(&shown_frame(frame)),
            Item::Surplus(bytes) => {
                let content = said(out, bytes);
                write!(out, "the content {content} of the answer to HEAD")
            }
            Item::Unreadable(why) | Item::BeyondAgreed(why) => out.write_str(why),
            Item::Undecoded(why) => why.fmt(out),
            Item::Eof => out.write_str("eof"),
            Item::Reset => out.write_str("reset"),
        }
    }
}
