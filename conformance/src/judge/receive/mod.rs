//! What comes on a connection: bytes in, items out.
//!
//! A stack of layers, each a reader that is fed by the one below. For HTTP: heads (`head`), the coding of a body
//! (`coding`), and its content: an event stream, a document of scripts or the answer to a poll. For WebSocket: frames
//! (`frames`), and messages on top of them (`messages`). A layer is pushed what the layer below gives, and puts what it
//! completes, and what it sees of the invariants, into a `sink`; `connection` sets the layers upon each other. Nothing is
//! expected here. What comes is hostile: each buffer has a bound, and what cannot be read becomes an item that says so.

mod asked;
pub(crate) mod body;
mod coding;
pub(super) mod connection;
pub(crate) mod content;
mod event_stream;
mod frames;
mod head;
pub(crate) mod item;
mod literal;
mod messages;
mod poll;
pub(super) mod retry_after;
mod rules;
mod script;
mod sent;
pub(crate) mod side;
pub(crate) mod sink;
pub(crate) mod websocket;
