//! How a connection ends.

use std::time::Duration;

use crate::case::statement::ExpectItem;
use crate::judge::verdict::invariant::{Invariant, Watch};

/// How the other side ended its direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With a FIN, and over TLS with a closure alert before it.
    InOrder,
    /// Over TLS with a FIN and no closure alert: the data may go on for all that is known (RFC 9112 section 9.8).
    Cut,
    /// With a RST.
    Reset,
}

/// What ends with what a step has taken.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Nothing: more may come.
    Nothing,
    /// The body, or the connection.
    With(ExpectItem),
    /// What is said: it was a close frame (RFC 6455 section 5.5.1).
    Speech,
}

impl End {
    /// Judges the end of a connection of TLS.
    pub(super) fn judge_closure(self, now: Duration, watch: &mut Watch) {
        if self != End::Reset {
            watch.relevant(&[Invariant::TlsClosure]);
        }
        if self == End::Cut {
            watch.breach(Invariant::TlsClosure, now, "the end of the connection without a closure alert");
        }
    }
}
