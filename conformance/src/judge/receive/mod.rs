//! What comes on a connection: bytes in, items out.
//!
//! A stack of layers, each a reader that is fed by the one below. For HTTP: heads (`head`), the coding of a body
//! (`coding`), what its content is compressed with (`inflate`), and the content: an event stream, a document of scripts or
//! the answer to a poll. For WebSocket: frames (`frames`), compressed messages where permessage-deflate was agreed on
//! (`deflate`), and messages on top of them (`messages`). A layer is pushed what the layer below gives, and puts what it
//! completes, and what it sees of the invariants, into a `sink`; `connection` sets the layers upon each other. Nothing is
//! expected here. What comes is hostile: each buffer has a bound, `quota` one for all that is open together, `meter` counts
//! the work, and what cannot be read becomes an item that says so.

mod asked;
pub(crate) mod body;
mod bounds;
mod coding;
pub(super) mod connection;
pub(crate) mod content;
mod deflate;
mod ecmascript;
mod element;
pub(crate) mod end;
mod event_stream;
mod fields;
mod frames;
pub(crate) mod head;
mod inert;
mod inflate;
pub(crate) mod item;
mod literal;
mod messages;
pub(crate) mod meter;
mod poll;
pub(crate) mod quota;
pub(super) mod retry_after;
mod rules;
mod script;
mod sent;
pub(crate) mod side;
pub(crate) mod sink;
mod tag;
mod taking;
pub(crate) mod websocket;

#[cfg(test)]
mod hostile_tests;
