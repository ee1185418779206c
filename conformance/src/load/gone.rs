//! How a client ends that was not told to.

use std::io;
use std::time::Duration;

/// Why a client is gone that was not told to go.
#[derive(Debug, thiserror::Error)]
pub(super) enum Gone {
    #[error("{0}")]
    NoSession(String),
    #[error("failed to connect: {0}")]
    Connect(io::Error),
    #[error("no response came within {0:?}")]
    Late(Duration),
    #[error("the response was {0}")]
    Status(u16),
    #[error("the server ended the connection")]
    Ended,
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    #[error("the server closed the WebSocket")]
    Closed,
    #[error("more than {0} bytes came without a message")]
    Flooded(usize),
    #[error("{0}")]
    Excess(String),
    #[error("{0}")]
    Unreadable(String),
}
