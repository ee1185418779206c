//! What is known of a connection between two answers, and of how the case reads it.

use std::time::Duration;

use pushspec_wire::http1::Head;

/// What a case leaves in a socket.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    #[default]
    Nothing,
    /// The case has paused, on this connection or another one: a server need not wait for such clients for ever.
    Earlier,
    /// The case reads nothing of it now: the server may wait for that before it reads on.
    Now,
}

/// What an answer says of the connection that it came on.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    #[default]
    Unsaid,
    /// It goes on.
    GoesOn,
    /// It ends.
    Ends,
}

impl Next {
    /// What a head says that leaves no doubt that the connection goes on, or leaves some.
    pub(super) fn of(head: &Head, status: u16, goes_on: bool) -> Next {
        match status {
            _ if goes_on => Next::GoesOn,
            200.. if head.lists("Connection", "close") => Next::Ends,
            _ => Next::Unsaid,
        }
    }
}

/// What is known of a connection behind an answer.
#[derive(Debug, Default)]
pub(super) struct Between {
    /// What the last answer says of the connection.
    pub(super) next: Next,
    /// It has gone on behind such an answer.
    pub(super) persisted: bool,
    /// The last answer had a body, and it is complete.
    pub(super) behind_body: bool,
    /// When the last answer was whole.
    pub(super) whole_at: Duration,
}
