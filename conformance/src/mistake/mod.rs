//! What is wrong in a text that a person wrote, where it stands, and a way out.
//!
//! Pages, catalogues, vectors and profiles go in as text with a range of bytes; a [`PageError`] with file, line, column,
//! a caret and a hint comes out. The lowest room of the house: everything that reads such a text stands on it.

mod error;
mod place;
mod reading;
mod toml;

pub use error::{PageError, PageErrors, Wrong, did_you_mean, meant_or_known};
pub(crate) use error::{listed, nearest};
pub(crate) use place::Place;
pub(crate) use reading::read;
pub(crate) use toml::{Examples, wrong as toml_wrong};
