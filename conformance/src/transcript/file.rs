//! Transcripts as text: one event a line, so that a case can be judged again without a server.
//!
//! ```text
//! 0.000 #0 connect
//! 0.105 #0 > "GET / HTTP/1.1\r\n"
//! 3.250 #0 < "HTTP/1.1 200 OK\r\n"
//! 4.000 #0 < eof
//! ```

use std::fmt;
use std::time::Duration;

use super::event::{ConnectionId, Event, EventKind, Transcript, Unpublished};
use crate::case::statement::ConnectionName;
use crate::case::text::{Scope, Text};

/// A line that is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the transcript is not an event: {why}")]
pub struct TranscriptError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for Transcript {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for event in &self.events {
            let micros = event.at.as_micros();
            write!(out, "{}.{:03} ", micros / 1000, micros % 1000)?;
            match &event.kind {
                EventKind::Connect(id, name) if name.0.is_empty() => writeln!(out, "#{} connect", id.0)?,
                EventKind::Connect(id, name) => writeln!(out, "#{} connect {}", id.0, name.0)?,
                EventKind::Listen(id, name) if name.0.is_empty() => writeln!(out, "#{} listen", id.0)?,
                EventKind::Listen(id, name) => writeln!(out, "#{} listen {}", id.0, name.0)?,
                EventKind::Accepted(id) => writeln!(out, "#{} accepted", id.0)?,
                EventKind::Sent(id, bytes) => writeln!(out, "#{} > {}", id.0, Text::from_bytes(bytes))?,
                EventKind::Written(id) => writeln!(out, "#{} > written", id.0)?,
                EventKind::Finish(id) => writeln!(out, "#{} > eof", id.0)?,
                EventKind::Close(id) => writeln!(out, "#{} > close", id.0)?,
                EventKind::Received(id, bytes) => writeln!(out, "#{} < {}", id.0, Text::from_bytes(bytes))?,
                EventKind::Eof(id) => writeln!(out, "#{} < eof", id.0)?,
                EventKind::Cut(id) => writeln!(out, "#{} < cut", id.0)?,
                EventKind::Reset(id) => writeln!(out, "#{} < reset", id.0)?,
                EventKind::Refused(id, why) => {
                    writeln!(out, "#{} refused {}", id.0, Text::from_bytes(why.as_bytes()))?;
                }
                EventKind::LeftOut(id, bytes) => writeln!(out, "#{} left-out {bytes}", id.0)?,
                EventKind::Publish(what) => writeln!(out, "publish {}", Text::from_bytes(what.as_bytes()))?,
                EventKind::Published(Ok(None)) => writeln!(out, "published")?,
                EventKind::Published(Ok(Some(id))) => {
                    writeln!(out, "published {}", Text::from_bytes(id.as_bytes()))?;
                }
                EventKind::Published(Err(Unpublished { refused: true, why })) => {
                    writeln!(out, "publish-refused {}", Text::from_bytes(why.as_bytes()))?;
                }
                EventKind::Published(Err(Unpublished { refused: false, why })) => {
                    writeln!(out, "publish-failed {}", Text::from_bytes(why.as_bytes()))?;
                }
            }
        }
        Ok(())
    }
}

/// Reads a transcript; blank lines and lines that begin with `# ` are passed over.
pub fn parse(text: &str) -> Result<Transcript, TranscriptError> {
    let mut transcript = Transcript::default();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with("# ") {
            continue;
        }
        let event = event(line).map_err(|why| TranscriptError { line: index + 1, why })?;
        transcript.push(event.at, event.kind);
    }
    Ok(transcript)
}

fn event(line: &str) -> Result<Event, String> {
    let (time, rest) = line.split_once(' ').ok_or("there is only one word")?;
    let milliseconds: f64 = time.parse().map_err(|_| format!("`{time}` is not a time in milliseconds"))?;
    let at =
        Duration::try_from_secs_f64(milliseconds / 1000.0).map_err(|_| format!("`{time}` is not a time"))?;
    let kind = if let Some(rest) = rest.strip_prefix('#') {
        let (number, rest) = rest.split_once(' ').ok_or("the connection does nothing")?;
        let id = ConnectionId(number.parse().map_err(|_| format!("`#{number}` is not a connection"))?);
        on_connection(id, rest)?
    } else {
        elsewhere(rest)?
    };
    Ok(Event { at, kind })
}

fn on_connection(id: ConnectionId, rest: &str) -> Result<EventKind, String> {
    let (word, argument) = rest.split_once(' ').unwrap_or((rest, ""));
    Ok(match (word, argument) {
        ("connect", name) => EventKind::Connect(id, ConnectionName(name.to_owned())),
        ("listen", name) => EventKind::Listen(id, ConnectionName(name.to_owned())),
        ("accepted", "") => EventKind::Accepted(id),
        (">", "written") => EventKind::Written(id),
        (">", "eof") => EventKind::Finish(id),
        (">", "close") => EventKind::Close(id),
        ("<", "eof") => EventKind::Eof(id),
        ("<", "cut") => EventKind::Cut(id),
        ("<", "reset") => EventKind::Reset(id),
        (">", bytes) => EventKind::Sent(id, literal(bytes)?),
        ("<", bytes) => EventKind::Received(id, literal(bytes)?),
        ("refused", why) => EventKind::Refused(id, String::from_utf8_lossy(&literal(why)?).into_owned()),
        ("left-out", bytes) => {
            EventKind::LeftOut(id, bytes.parse().map_err(|_| format!("`{bytes}` is not a number"))?)
        }
        _ => return Err(format!("unknown event `{word}`")),
    })
}

fn elsewhere(rest: &str) -> Result<EventKind, String> {
    let (word, argument) = rest.split_once(' ').unwrap_or((rest, ""));
    let text = |argument| literal(argument).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(match word {
        "publish" => EventKind::Publish(text(argument)?),
        "published" if argument.is_empty() => EventKind::Published(Ok(None)),
        "published" => EventKind::Published(Ok(Some(text(argument)?))),
        "publish-failed" => EventKind::Published(Err(Unpublished { refused: false, why: text(argument)? })),
        "publish-refused" => EventKind::Published(Err(Unpublished { refused: true, why: text(argument)? })),
        _ => return Err(format!("unknown event `{word}`")),
    })
}

fn literal(text: &str) -> Result<Vec<u8>, String> {
    struct Nothing;
    impl Scope for Nothing {
        fn value(&self, _: &str) -> Option<Vec<u8>> {
            None
        }
    }
    let parsed: Text = crate::case::parse_text(text).map_err(|error| error.clone())?;
    parsed.bytes(&Nothing).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transcript_is_read_back_as_it_was_written() {
        let text = "0.000 #0 connect b\n0.105 #0 > \"GET / HTTP/1.1\\r\\n\"\n0.200 publish \"one\"\n\
                    0.201 published\n3.250 #0 < x\"81 ff\"\n4.000 #0 < eof\n4.001 #0 > close\n";
        assert_eq!(parse(text).map(|transcript| transcript.to_string()), Ok(text.to_owned()));
    }

    #[test]
    fn a_transcript_in_which_a_client_connects_is_read_back_as_it_was_written() {
        let text = "0.000 #0 listen\n0.105 #0 accepted\n0.200 #1 listen b\n0.300 #1 accepted\n";
        assert_eq!(parse(text).map(|transcript| transcript.to_string()), Ok(text.to_owned()));
        assert!(parse("0.0 #0 accepted b\n").is_err());
    }

    #[test]
    fn a_wrong_line_is_named() {
        let error = parse("0.0 #0 connect\n1.0 #0 ? x").map(|_| ()).map_err(|error| error.line);
        assert_eq!(error, Err(2));
    }
}
