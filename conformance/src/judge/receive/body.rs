//! The body of one message of HTTP: the layer of its coding, and on top of it the one of its content.

use std::time::Duration;

use pushspec_wire::http1::Head;

use super::coding::Coding;
use super::content::{Content, Ending, Reading};
use super::sink::Sink;

/// A body.
#[derive(Debug)]
pub(crate) struct Body {
    coding: Coding,
    content: Content,
}

/// What a piece of a body brought.
pub(crate) struct Progress {
    /// The decoded bytes.
    pub(crate) bytes: Vec<u8>,
    /// The body is complete; these bytes come after it.
    pub(crate) rest: Option<Vec<u8>>,
    /// The coding cannot be read from here.
    pub(crate) unreadable: Option<String>,
    /// The cursor that the answer gives.
    pub(crate) cursor: Option<String>,
}

impl Body {
    /// The body that follows the head of an answer; `None` where no body can follow.
    pub(crate) fn after(head: &Head, method: &[u8], reading: Reading) -> Option<Body> {
        let code = head.status_line().map_or(0, |status| status.code);
        if method == b"HEAD" || (100..200).contains(&code) || code == 204 || code == 304 {
            return None;
        }
        let coding = Coding::named(head).unwrap_or(Coding::UntilClose);
        Some(Body { coding, content: Content::of(head, code, reading) })
    }

    /// The body that follows the head of a request: one that says nothing of a body has none (RFC 9112 section 6.3).
    pub(crate) fn of_request(head: &Head) -> Option<Body> {
        let coding = Coding::named(head).filter(|coding| !matches!(coding, Coding::Length(0)))?;
        Some(Body { coding, content: Content::Opaque })
    }

    /// How many bytes came before the first message, where the content tells.
    pub(crate) fn prelude(&self) -> usize {
        self.content.prelude()
    }

    /// The identifier after which a client resumes: see [`Content::resume_point`].
    pub(crate) fn resume_point(&self) -> Option<&str> {
        self.content.resume_point()
    }

    /// What has come of an event stream and makes no event, and when.
    pub(crate) fn unmade(&self) -> Option<(Duration, String)> {
        self.content.unmade()
    }

    /// Whether the connection's end is the only end that it has.
    pub(crate) fn ends_with_connection(&self) -> bool {
        matches!(self.coding, Coding::UntilClose)
    }

    /// Reads a piece.
    pub(crate) fn push(&mut self, bytes: &[u8], sink: &mut Sink<'_>) -> Progress {
        let decoded = self.coding.push(bytes, sink);
        let mut cursor = self.content.push(&decoded.bytes, sink);
        if decoded.rest.is_some() {
            cursor = self.content.finish(Ending::Framed, sink).or(cursor);
        }
        Progress { bytes: decoded.bytes, rest: decoded.rest, unreadable: decoded.unreadable, cursor }
    }

    /// The connection ended: in order if `clean`. Whether the body is complete now, and the cursor that it gives then.
    pub(crate) fn connection_ended(&mut self, clean: bool, sink: &mut Sink<'_>) -> (bool, Option<String>) {
        let complete = self.ends_with_connection() && clean;
        let ending = if complete { Ending::WithConnection } else { Ending::CutOff };
        let cursor = self.content.finish(ending, sink);
        (complete, cursor.filter(|_| complete))
    }
}
