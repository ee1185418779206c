//! Fixture pages: Markdown in, cases out, and back.
//!
//! A [`Page`] loses nothing: printing a parsed page gives the same text again. [`expand`](expand::expand) turns its
//! sections into [`Case`]s, one for each combination of the `each` parameters. The notation is described in
//! `fixtures/README.md`.

pub mod error;
pub mod expand;
mod fence;
pub mod front_matter;
pub mod page;
mod parse;
pub(crate) mod place;
mod print;
pub mod statement;
pub mod text;
pub(crate) mod toml_mistake;

pub use error::PageError;
pub use expand::Case;
pub use page::{Page, Section};
pub(crate) use parse::{duration as parse_duration, parse_frame_word, parse_text};
