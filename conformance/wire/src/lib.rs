//! Lossless scanners and encoders for what server push puts on the wire.
//!
//! Five formats, one module each: [`http1`] heads, the [`chunked`] coding, [`websocket`] frames, [`deflate`] and
//! [`event_stream`]s. [`utf8`] validates text that arrives in pieces.
//!
//! The crate says what is there and never whether it is allowed. All scanners keep the same promises:
//!
//! - Every byte string is accepted. What deviates from the grammar comes out as a [`Fact`] with its place.
//! - Nothing is lost: encoding the items that were scanned gives the input back, byte for byte.
//! - The items are the same however the input is cut into pieces, and come as early as they can be known.
//! - Nothing is concluded from an unfinished line: it has no facts and is not read as a field.
//! - No input makes a scanner panic, and feeding byte by byte costs no more than linear time.
//!
//! A scanner keeps what it was fed until an item is complete, so a peer that never ends a line or a frame makes
//! it grow. How much is too much is for the caller to say; every scanner tells with `buffered` how much it holds.
//!
//! Offsets count from the first byte a scanner was fed, or from the number given to its `starting_at`, which lets
//! several scanners that take turns on one connection share one count.
//!
//! There are no sockets and no clock here, and no dependencies.
//!
//! ```
//! use pushspec_wire::event_stream::{Interpreter, Item, LineScanner};
//!
//! let mut scanner = LineScanner::new();
//! let mut interpreter = Interpreter::new();
//! let mut events = Vec::new();
//! for piece in [&b"event: ti"[..], b"ck\r", b"\ndata: one\n\n"] {
//!     scanner.push(piece);
//!     while let Some(item) = scanner.next_item() {
//!         if let Item::Line(line) = item {
//!             events.extend(interpreter.line(&line));
//!         }
//!     }
//! }
//! assert_eq!((events[0].kind.as_str(), events[0].data.as_str()), ("tick", "one"));
//! ```
#![no_std]

extern crate alloc;

pub mod chunked;
pub mod deflate;
pub mod event_stream;
mod fact;
pub mod http1;
mod input;
pub mod utf8;
pub mod websocket;

pub use fact::Fact;

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
