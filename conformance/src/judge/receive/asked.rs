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
    /// When it left.
    pub(super) at: Duration,
}

impl Asked {
    pub(super) fn new(head: &Head, at: Duration) -> Asked {
        let mut words = head.start_line().split(|byte| *byte == b' ');
        let method = words.next().unwrap_or_default().to_vec();
        let old = words.next_back() == Some(b"HTTP/1.0");
        let target = words.next().unwrap_or_default().to_vec();
        let asks_more = ["Connection", "Content-Length", "Transfer-Encoding", "Expect"];
        let plain = asks_more.iter().all(|name| head.value(name).is_none());
        Asked { method, target, old, plain, at }
    }
}
