//! `report.json`: everything, for programs, and for all other formats.

use std::io::{self, Write};

use serde::Serialize as _;
use serde_json::ser::Formatter;

use super::stored::{Report, SCHEMA};

/// A text that is no stored report.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// Not JSON, or not of the form that [`SCHEMA`] names.
    #[error("it is no report of pushspec: {0}")]
    Form(#[from] serde_json::Error),
    /// A report of another version of the format.
    #[error("it is of the form `{0}`, and this program reads `{SCHEMA}`: run the suite again")]
    Version(String),
}

/// The report as JSON, with a line for each case and each clause.
pub fn to_string(report: &Report) -> Result<String, serde_json::Error> {
    let mut bytes = Vec::new();
    report.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Lines::default()))?;
    String::from_utf8(bytes).map_err(serde::ser::Error::custom)
}

/// Reads a stored report.
pub fn parse(text: &str) -> Result<Report, StoredError> {
    #[derive(serde::Deserialize)]
    struct Beginning {
        schema: String,
    }
    let beginning: Beginning = serde_json::from_str(text)?;
    if beginning.schema != SCHEMA {
        return Err(StoredError::Version(beginning.schema));
    }
    Ok(serde_json::from_str(text)?)
}

/// How deep things stand on lines of their own: the keys of the report, and the entries of its lists.
const DEPTH: usize = 2;

/// JSON that is short and can be looked at with tools that work by line.
#[derive(Default)]
struct Lines {
    depth: usize,
}

impl Lines {
    fn begin<W: ?Sized + Write>(&self, out: &mut W, first: bool) -> io::Result<()> {
        let comma: &[u8] = if first { b"" } else { b"," };
        out.write_all(comma)?;
        if self.depth <= DEPTH { write!(out, "\n{}", " ".repeat(self.depth)) } else { Ok(()) }
    }

    fn open<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        out.write_all(bracket)
    }

    fn close<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if self.depth < DEPTH {
            write!(out, "\n{}", " ".repeat(self.depth))?;
        }
        out.write_all(bracket)
    }
}

impl Formatter for Lines {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.begin(out, first)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.begin(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(if self.depth == 1 { b": " } else { b":" })
    }
}
