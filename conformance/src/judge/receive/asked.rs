//! A request as far as its answer depends on it.

use std::time::Duration;

use pushspec_wire::http1::Head;

/// What there is to know of a request to read its answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) method: Vec<u8>,
    pub(super) target: Vec<u8>,
    /// A client of HTTP/1.0 sent it.
    pub(super) old: bool,
    /// It says nothing of the connection and has no body, so that nothing in it is a reason to close.
    pub(super) plain: bool,
    /// A condition makes it depend on what the client has already.
    pub(super) conditional: bool,
    /// When it left.
    pub(super) at: Duration,
}

/// The fields that make a request conditional (RFC 9110 section 13.1).
const CONDITIONS: [&str; 5] =
    ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"];

impl Asked {
    pub(super) fn new(head: &Head, at: Duration) -> Asked {
        let mut words = head.start_line().split(|byte| *byte == b' ');
        let method = words.next().unwrap_or_default().to_vec();
        let old = words.next_back() == Some(b"HTTP/1.0");
        let target = words.next().unwrap_or_default().to_vec();
        let asks_more = ["Connection", "Content-Length", "Transfer-Encoding", "Expect"];
        let plain = asks_more.iter().all(|name| head.value(name).is_none());
        // A condition among the trailers is for a case to judge.
        let conditional =
            head.value("Trailer").is_some() || CONDITIONS.iter().any(|name| head.value(name).is_some());
        Asked { method, target, old, plain, conditional, at }
    }
}
