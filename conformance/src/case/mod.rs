//! Fixture pages: Markdown in, cases out, and back.
//!
//! A [`Page`] loses nothing: printing a parsed page gives the same text again. [`expand`](expand::expand) turns its
//! sections into [`Case`]s, one for each combination of the `each` parameters. The notation is described in
//! `fixtures/README.md`.

pub mod expand;
mod fence;
pub mod front_matter;
pub(crate) mod name;
pub mod page;
mod parse;
mod print;
pub mod statement;
pub mod text;

pub use crate::mistake::PageError;
pub use expand::Case;
pub use page::{Page, Section};
pub(crate) use parse::{duration as parse_duration, parse_frame_word, parse_text};
