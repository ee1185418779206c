//! What comes on a connection, in the units in which a case speaks of it.

use std::fmt;
use std::time::Duration;

use pushspec_wire::http1::Head;
use pushspec_wire::websocket::Frame;

use crate::profile::decode::{DecodeError, Message};
use crate::transcript::shown::{readable_line, shown, shown_frame};

/// Something received, and when.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    /// Counted from the start of the case.
    pub(crate) at: Duration,
    pub(crate) item: Item,
}

/// Something received.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    /// The head of an answer, or of a request where a client is judged.
    Head(Head),
    /// A decoded message.
    Message(Message),
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
    /// A body that is not what the profile says of it, and why.
    Undecoded(DecodeError),
    /// The end of the connection, in order.
    Eof,
    /// The end of the connection, abrupt.
    Reset,
}

impl Item {
    /// The lines of it as a trace has them: those of a head each by itself.
    pub(crate) fn lines(&self) -> Vec<String> {
        let Item::Head(head) = self else { return vec![self.to_string()] };
        let lines = head.lines.iter().filter(|line| !line.content.is_empty());
        lines.map(|line| readable_line(&line.content)).collect()
    }

    /// Whether nothing of a body, or of the connection, comes behind it.
    pub(crate) fn is_end(&self) -> bool {
        matches!(self, Item::End | Item::Eof | Item::Reset | Item::Unreadable(_) | Item::Undecoded(_))
    }
}

impl fmt::Display for Message {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "message {}{}", if self.binary { "binary " } else { "" }, shown(&self.data))?;
        if let Some(id) = &self.id {
            write!(out, " id={}", shown(id.as_bytes()))?;
        }
        if let Some(event) = &self.event {
            write!(out, " event={}", shown(event.as_bytes()))?;
        }
        Ok(())
    }
}

impl fmt::Display for Item {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Head(head) => out.write_str(&readable_line(head.start_line())),
            Item::Message(message) => message.fmt(out),
            Item::Comment => out.write_str("comment"),
            Item::End => out.write_str("end"),
            Item::Frame(frame) => out.write_str(&shown_frame(frame)),
            Item::Surplus(bytes) => write!(out, "the content {} of the answer to HEAD", shown(bytes)),
            Item::Unreadable(why) => out.write_str(why),
            Item::Undecoded(why) => why.fmt(out),
            Item::Eof => out.write_str("eof"),
            Item::Reset => out.write_str("reset"),
        }
    }
}
