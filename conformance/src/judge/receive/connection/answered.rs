//! What is known of the request that was answered last.

use super::Connection;

impl Connection {
    /// The target of the request that was answered last.
    pub(crate) fn asked_for(&self) -> &[u8] {
        &self.answered.target
    }

    /// Whether a client of HTTP/1.0 has sent the request that was answered last.
    pub(crate) fn is_of_1_0(&self) -> bool {
        self.answered.old
    }

    /// Whether the request that was answered last depends on what the client has already, as far as is known.
    pub(crate) fn is_conditional(&self) -> bool {
        self.answered.conditional || self.answered.method.is_empty()
    }
}
