//! One line of a transcript for the reader, with what programs need to know of it.

use std::fmt;

use pushspec_wire::http1::{self, LineEnd};
use pushspec_wire::websocket::Frame;
use serde::{Deserialize, Serialize};

use super::shown::{readable_line, shown_briefly, shown_client_frame, shown_frame_briefly};

/// How many bytes of a line are kept beside its text.
const KEPT: usize = 64;

/// Which way it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the suite to the target.
    Sent,
    /// From the target to the suite.
    Received,
}

/// A line of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Line {
    /// When, in milliseconds from the start of the case; absent behind the last line that was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<f64>,
    /// The name of the connection; absent where it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub connection: String,
    /// Which way it went; absent where nothing was sent, as for `connect`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// What it was, in the notation of the pages.
    pub text: String,
    /// What has to be said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The fields of a WebSocket frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<FrameFields>,
    /// The bytes on the wire, where the text does not say them one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Bytes>,
}

/// The fields of a frame (RFC 6455, section 5.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FrameFields {
    /// Whether it is the last fragment of its message.
    pub fin: bool,
    /// The three reserved bits: RSV1 = 4, RSV2 = 2, RSV3 = 1.
    pub rsv: u8,
    /// The opcode.
    pub opcode: u8,
    /// The masking key in hexadecimal digits, if the frame is masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<String>,
    /// The length of the payload as declared, in bytes.
    pub length: u64,
}

/// Bytes as they were on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Bytes {
    /// The first of them in hexadecimal digits, with a space between bytes.
    pub hex: String,
    /// How many there were.
    pub length: usize,
}

impl Bytes {
    fn of(bytes: &[u8]) -> Bytes {
        let kept = &bytes[..bytes.len().min(KEPT)];
        let hex = kept.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
        Bytes { hex, length: bytes.len() }
    }

    /// Whether some of them are not among the digits.
    pub fn is_cut(&self) -> bool {
        self.length > KEPT
    }
}

impl Line {
    /// Something that went neither way.
    pub(super) fn event(text: String) -> Line {
        Line {
            at_ms: None,
            connection: String::new(),
            direction: None,
            text,
            note: None,
            frame: None,
            bytes: None,
        }
    }

    pub(super) fn of(direction: Direction, text: String) -> Line {
        Line { direction: Some(direction), ..Line::event(text) }
    }

    pub(super) fn of_bytes(direction: Direction, bytes: &[u8]) -> Line {
        Line { bytes: Some(Bytes::of(bytes)), ..Line::of(direction, shown_briefly(bytes)) }
    }

    pub(super) fn of_frame(direction: Direction, of_client: bool, frame: &Frame) -> Line {
        let text = if of_client { shown_client_frame(frame) } else { shown_frame_briefly(frame) };
        let fields = FrameFields {
            fin: frame.fin,
            rsv: frame.rsv,
            opcode: frame.opcode.0,
            mask: frame.mask.map(|[a, b, c, d]| format!("{a:02x}{b:02x}{c:02x}{d:02x}")),
            length: frame.length,
        };
        Line { frame: Some(fields), bytes: Some(Bytes::of(&frame.encode())), ..Line::of(direction, text) }
    }

    /// A line of a head. Its text says all there is of it where it ends as RFC 9112 has it, in CRLF.
    pub(super) fn of_head(direction: Direction, line: &http1::Line) -> Line {
        let text = readable_line(&line.content);
        let is_plain = line.end == LineEnd::Crlf && text.as_bytes() == line.content;
        let bytes = (!is_plain).then(|| Bytes::of(&line.encode()));
        Line { bytes, ..Line::of(direction, text) }
    }

    pub(super) fn noted(self, note: &str) -> Line {
        Line { note: Some(note.to_owned()), ..self }
    }
}

/// The line as it is printed, with the time before it.
impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(at) = self.at_ms else { return out.write_str(&self.text) };
        let arrow = match self.direction {
            Some(Direction::Sent) => format!("{}> ", self.connection),
            Some(Direction::Received) => format!("{}< ", self.connection),
            None => String::new(),
        };
        // `connect b` is the line that gives a connection its name.
        let opens = matches!(self.text.as_str(), "connect" | "accept" | "accepted");
        let name = if opens && !self.connection.is_empty() {
            format!(" {}", self.connection)
        } else {
            String::new()
        };
        let note = self.note.as_ref().map(|note| format!("  # {note}")).unwrap_or_default();
        let line = format!("{at:>8.1} ms  {arrow}{}{name}{note}", self.text);
        out.write_str(line.trim_end())
    }
}
