//! Messages, and the names that go with them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::memory::Held;

/// A message of a channel. Its JSON form is what the polls and the iframe carry:
/// `{"id":"7","event":null,"data":"one"}`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Message {
    /// The place in the channel, from 1 on without gaps.
    #[serde(skip)]
    pub(crate) sequence: u64,
    /// The id that the publisher gave, or the sequence number in decimal.
    pub(crate) id: Line,
    /// The type of the event, if it has one.
    pub(crate) event: Option<Line>,
    /// What an event stream says beside the event, and clients pass over; the other techniques have no place for it.
    #[serde(skip)]
    pub(crate) comment: Option<String>,
    /// The payload.
    pub(crate) data: String,
    /// Its memory, until it is forgotten and nobody sends it any more.
    #[serde(skip)]
    pub(crate) held: Option<Held>,
}

impl Message {
    /// The type of the event; empty where it has none.
    pub(crate) fn event_text(&self) -> &str {
        self.event.as_ref().map_or("", Line::as_str)
    }

    /// What an event stream says beside the event; empty where it says nothing.
    pub(crate) fn comment_text(&self) -> &str {
        self.comment.as_deref().unwrap_or_default()
    }
}

/// A message before it has its place.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    pub(crate) data: String,
    #[serde(default)]
    pub(crate) event: Option<Line>,
    #[serde(default)]
    pub(crate) id: Option<Line>,
    #[serde(default)]
    pub(crate) comment: Option<String>,
}

impl Draft {
    /// How many bytes its texts have.
    pub(super) fn size(&self) -> usize {
        let line = |line: &Option<Line>| line.as_ref().map_or(0, |line| line.0.len());
        self.data.len() + line(&self.event) + line(&self.id) + self.comment.as_ref().map_or(0, String::len)
    }
}

/// Why a text is not what it has to be.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum NameError {
    /// An event stream cannot carry these in an id or a type (WHATWG HTML, sections 9.2.4 and 9.2.6).
    #[error("an id or event contains CR, LF or NUL, which an event stream cannot carry")]
    Line,
    /// The name of a channel breaks its grammar.
    #[error("a channel is named by 1 to 128 of the characters A-Z a-z 0-9 . _ ~ - and not by . or ..")]
    Channel,
}

/// A text that fits into one field of an event stream: it has no CR, LF or NUL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Line(String);

impl Line {
    pub(crate) fn number(number: u64) -> Self {
        Self(number.to_string())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Line {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.contains(['\r', '\n', '\0']) { Err(NameError::Line) } else { Ok(Self(text)) }
    }
}

/// The name of a channel. All its characters stand in a path as they are (RFC 3986, section 2.3), so that each name
/// has exactly one path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ChannelName(String);

impl ChannelName {
    /// Long enough for a random id with a prefix, short enough that a path stays readable in a log.
    const LONGEST: usize = 128;

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ChannelName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
        // Clients resolve the segments . and .. away, so that a channel of that name could not be reached.
        let reachable = text != "." && text != "..";
        if (1..=Self::LONGEST).contains(&text.len()) && text.bytes().all(unreserved) && reachable {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Channel)
        }
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_name_has_1_to_128_unreserved_characters() {
        for name in ["a", "A.b_c~d-9", "...", &"x".repeat(128)] {
            assert!(name.parse::<ChannelName>().is_ok(), "{name}");
        }
        for other in ["", ".", "..", "a/b", "a b", "é", "a%20", &"x".repeat(129)] {
            assert_eq!(other.parse::<ChannelName>(), Err(NameError::Channel), "{other}");
        }
    }

    #[test]
    fn a_line_has_no_line_ends_and_no_nul() {
        for text in ["", " ", "\u{2028}", "\u{85}", "\u{feff}", "é", "\u{b}"] {
            assert!(Line::try_from(text.to_owned()).is_ok(), "{text:?}");
        }
        for other in ["\r", "a\nb", "\0"] {
            assert_eq!(Line::try_from(other.to_owned()), Err(NameError::Line), "{other:?}");
        }
    }
}
