//! The body of one message of HTTP: the layer of its coding, and on top of it the one of its content.

use std::time::Duration;

use pushspec_wire::http1::Head;

use crate::judge::verdict::invariant::Invariant;
use crate::profile::cursor::Values;

use super::coding::Coding;
use super::content::{Content, Ending, Reading};
use super::end::End;
use super::sink::Sink;

/// An answer that ends within this time after its request was no stream.
const AT_ONCE: Duration = Duration::from_millis(500);

/// A body.
#[derive(Debug)]
pub(crate) struct Body {
    coding: Coding,
    content: Content,
    /// When the last bytes came, if the last chunk has come and what ends the body has not.
    at_last_chunk: Option<Duration>,
}

/// How long what ends the body may take behind its last chunk.
const LAST_LINE: Duration = Duration::from_millis(500);

/// What a piece of a body brought.
pub(crate) struct Progress {
    /// The decoded bytes.
    pub(crate) bytes: Vec<u8>,
    /// The body is complete; these bytes come after it.
    pub(crate) rest: Option<Vec<u8>>,
    /// The coding cannot be read from here.
    pub(crate) unreadable: Option<String>,
    /// The cursor that the answer gives.
    pub(crate) cursor: Option<Values>,
}

impl Body {
    /// The body that follows the head of an answer; `None` where no body can follow.
    pub(crate) fn after(head: &Head, method: &[u8], reading: Reading) -> Option<Body> {
        let code = head.status_line().map_or(0, |status| status.code);
        if method == b"HEAD" || (100..200).contains(&code) || code == 204 || code == 304 {
            return None;
        }
        let coding = Coding::named(head).unwrap_or(Coding::UntilClose);
        Some(Body { coding, content: Content::of(head, code, reading), at_last_chunk: None })
    }

    /// The body that follows the head of a request: one that says nothing of a body has none (RFC 9112 section 6.3).
    pub(crate) fn of_request(head: &Head) -> Option<Body> {
        let coding = Coding::named(head).filter(|coding| !matches!(coding, Coding::Length(0)))?;
        Some(Body { coding, content: Content::Opaque, at_last_chunk: None })
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

    /// The coding that its content is said to be in and is not.
    pub(crate) fn falsely_coded(&self) -> Option<&str> {
        self.content.falsely_coded()
    }

    /// Whether the connection's end is the only end that it has.
    pub(crate) fn ends_with_connection(&self) -> bool {
        matches!(self.coding, Coding::UntilClose)
    }

    /// What is broken where the connection ends before the body.
    pub(crate) fn must_be_whole(&self) -> Invariant {
        match self.coding {
            Coding::Length(_) | Coding::UntilClose => Invariant::BodiesWhole,
            Coding::Chunked(_) => Invariant::LastChunk,
        }
    }

    /// Whether an end before the last byte says that the server cannot go on: that of a stream under way is no breach
    /// (RFC 9112 section 9.5). Of what the case does not read it is known by the time that has passed.
    pub(crate) fn may_be_given_up(&self, lasted: Duration) -> bool {
        self.content.is_a_stream() || (self.content.is_opaque() && lasted >= AT_ONCE)
    }

    /// When nothing more is to be expected behind the last chunk.
    pub(crate) fn settles_at(&self) -> Option<Duration> {
        self.at_last_chunk.map(|at| at + LAST_LINE)
    }

    /// Nothing has come behind the last chunk: what would have ended the body is missing, and nothing else. Gives the cursor.
    pub(crate) fn settle(&mut self, sink: &mut Sink<'_>) -> Option<Values> {
        sink.breach(Invariant::Chunked, "no empty line behind the last chunk");
        self.content.finish(Ending::Framed, sink)
    }

    /// How many bytes its layers hold.
    pub(crate) fn held(&self) -> usize {
        self.coding.held() + self.content.held()
    }

    /// Reads a piece.
    pub(crate) fn push(&mut self, bytes: &[u8], sink: &mut Sink<'_>) -> Progress {
        let decoded = self.coding.push(bytes, sink);
        let is_there = decoded.at_last_chunk || self.at_last_chunk.is_some();
        self.at_last_chunk = (is_there && decoded.rest.is_none()).then_some(sink.now());
        let mut cursor = self.content.push(&decoded.bytes, sink);
        if decoded.rest.is_some() {
            cursor = self.content.finish(Ending::Framed, sink).or(cursor);
        }
        Progress { bytes: decoded.bytes, rest: decoded.rest, unreadable: decoded.unreadable, cursor }
    }

    /// The connection ended. Whether the body is complete now, and the cursor that it gives then. One that ends with its
    /// connection is complete only where that ended in order (RFC 9112 section 9.8).
    pub(crate) fn connection_ended(&mut self, end: End, sink: &mut Sink<'_>) -> (bool, Option<Values>) {
        let complete = self.ends_with_connection() && end == End::InOrder;
        let ending = if complete { Ending::WithConnection } else { Ending::CutOff };
        let cursor = self.content.finish(ending, sink);
        (complete, cursor.filter(|_| complete))
    }
}
