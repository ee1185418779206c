//! What comes on a connection, in the units in which a case speaks of it.

use std::fmt;
use std::time::Duration;

use pushspec_wire::http1::Head;
use pushspec_wire::websocket::{Frame, Opcode};

use crate::case::text::Text;
use crate::profile::decode::{DecodeError, Message};

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
    /// The head of an answer.
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

/// How much of a payload is shown; the whole of it is in the transcript.
const SHOWN: usize = 200;

/// Bytes in the notation, shortened where they are many.
pub(crate) fn shown(bytes: &[u8]) -> String {
    if bytes.len() <= SHOWN {
        return Text::from_bytes(bytes).to_string();
    }
    let cut = (0..=3)
        .map(|back| SHOWN - back)
        .find(|cut| std::str::from_utf8(&bytes[..*cut]).is_ok())
        .unwrap_or(SHOWN);
    format!("{} … ({} bytes in all)", Text::from_bytes(&bytes[..cut]), bytes.len())
}

/// A frame that the suite sent, in the notation: there the lack of a mask is what is remarkable.
pub(crate) fn shown_sent_frame(frame: &Frame) -> String {
    let shown = shown_frame(frame);
    if frame.mask.is_some() {
        return shown;
    }
    let end = shown.find([' ', ']']).unwrap_or(shown.len());
    format!("{} nomask{}", &shown[..end], &shown[end..])
}

/// A frame in the notation.
pub(crate) fn shown_frame(frame: &Frame) -> String {
    let mut words =
        vec![frame.opcode.name().map_or_else(|| format!("0x{:x}", frame.opcode.0), ToOwned::to_owned)];
    if !frame.fin {
        words.push("nofin".into());
    }
    let bits = [(0b100, "rsv1"), (0b010, "rsv2"), (0b001, "rsv3")];
    words.extend(bits.iter().filter(|(bit, _)| frame.rsv & bit != 0).map(|(_, word)| (*word).to_owned()));
    if let Some([a, b, c, d]) = frame.mask {
        words.push(format!("mask={a:02x}{b:02x}{c:02x}{d:02x}"));
    }
    let payload = frame.unmasked_payload();
    match (frame.opcode, frame.close_code()) {
        (Opcode::CLOSE, Some(code)) => {
            words.push(code.to_string());
            words.extend(payload.get(2..).filter(|reason| !reason.is_empty()).map(shown));
        }
        (_, _) if payload.is_empty() => {}
        _ => words.push(shown(&payload)),
    }
    format!("[{}]", words.join(" "))
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

/// A line of a head: as it is where it can be read, as a string where it cannot.
pub(crate) fn readable_line(line: &[u8]) -> String {
    match std::str::from_utf8(line) {
        Ok(text) if text.len() <= SHOWN && text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) => {
            text.to_owned()
        }
        _ => shown(line),
    }
}
