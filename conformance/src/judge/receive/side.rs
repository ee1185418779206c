//! The two sides of a connection.

/// One side of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// It opens the connection, sends requests and masks its frames.
    Client,
    /// It accepts the connection, and answers.
    Server,
}
