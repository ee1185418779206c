//! The case machine: steps, and time.
//!
//! In go a case, a target and what happens, each with its time. Out come the next thing to do and, at the end, a
//! judgement. The machine has no socket and no clock. Its parts are the subject (what is judged), the clock (what time
//! there is), the script (the steps, and where they stand), the connections, the memory (what the names in braces mean,
//! and what the case itself said), the publication that is underway, the record (trace, transcript and findings) and the
//! outbox. A file of this room says what one kind of step does with them.

mod arriving;
mod clock;
mod compression;
mod connections;
pub(super) mod demand;
mod encode;
mod expecting;
mod finite;
mod likes;
pub(super) mod machine;
mod memory;
mod methods;
pub(super) mod missing;
pub(super) mod needs;
mod offering;
pub(super) mod opening;
mod outbox;
pub(crate) mod places;
mod plan;
mod publication;
mod publishing;
mod readable;
mod record;
pub mod replay;
pub(crate) mod request;
mod respelled;
pub(crate) mod scope;
mod script;
mod sending;
mod silence;
mod speech;
mod steps;
mod unended;
mod unopened;
pub(super) mod vocabulary;
mod wrapping;
mod written;
