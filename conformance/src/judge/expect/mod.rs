//! Whether something that came is what was expected.
//!
//! In go an item of `receive`, an item of the notation, and the values of the names in braces. Out comes whether the one
//! fits the other, may pass before it, or rules it out (`fit`); what is wrong with a header field (`field`, `grammar`);
//! and what a body of bytes comes to (`body`). Nothing is waited for here, and nothing is found: what a miss means is for
//! `run` to say.

pub(super) mod attribute;
pub(super) mod body;
pub(super) mod field;
pub(super) mod fit;
pub(super) mod frame;
mod grammar;
pub(super) mod ready;
pub(super) mod relation;
pub(super) mod reply;
pub(super) mod start_line;
