//! Byte strings and HTTP lines as they are written, with their substitutions.

use std::fmt;

/// Where a substitution such as `{path}` gets its value.
pub trait Scope {
    /// The value of a name, or `None` where nothing has given it one yet.
    fn value(&self, name: &str) -> Option<Vec<u8>>;
}

/// A name in braces that has no value at this point of the conversation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{{{0}}}` has no value yet: the case has received nothing that sets it")]
pub struct NoValue(pub String);

/// A run of bytes, or a name that stands for some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Bytes that stand for themselves.
    Bytes(Vec<u8>),
    /// `{name}`.
    Substitution(String),
}

/// Text with substitutions, and the way it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// As written, without quotes.
    pub source: String,
    /// What it means.
    pub segments: Vec<Segment>,
}

impl Template {
    /// The bytes, with every substitution made.
    pub fn bytes(&self, scope: &dyn Scope) -> Result<Vec<u8>, NoValue> {
        let mut bytes = Vec::new();
        for segment in &self.segments {
            match segment {
                Segment::Bytes(literal) => bytes.extend_from_slice(literal),
                Segment::Substitution(name) => {
                    bytes.extend(scope.value(name).ok_or_else(|| NoValue(name.clone()))?);
                }
            }
        }
        Ok(bytes)
    }

    /// The names that are substituted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Substitution(name) => Some(name.as_str()),
            Segment::Bytes(_) => None,
        })
    }
}

/// How often a piece of a byte string is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repeat {
    /// `* 65536`
    Times(usize),
    /// `* {size}`
    Parameter(String),
}

/// How a piece of a byte string is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// `"…"`
    Quoted,
    /// `x"…"`
    Hex,
    /// `noise * 600`: so many characters of a text that nothing compresses much.
    Noise,
    /// `octets * 600`: so many bytes that nothing compresses at all.
    Octets,
}

impl Form {
    /// The word for a form that has no quotes.
    pub(crate) fn word(&self) -> Option<&'static str> {
        match self {
            Form::Noise => Some("noise"),
            Form::Octets => Some("octets"),
            Form::Quoted | Form::Hex => None,
        }
    }
}

/// One quoted piece of a byte string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The way it is written.
    pub form: Form,
    /// What stands between the quotes.
    pub template: Template,
    /// How often it is repeated; once by default.
    pub repeat: Option<Repeat>,
}

/// A byte string: pieces joined by `+`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The pieces, in order; at least one.
    pub pieces: Vec<Piece>,
}

/// The longest byte string that a page can ask for, in bytes: the largest case of the limits group doubled.
pub const MAX_TEXT: usize = 64 * 1024 * 1024;

impl Text {
    /// The bytes, with every substitution and repetition made.
    pub fn bytes(&self, scope: &dyn Scope) -> Result<Vec<u8>, NoValue> {
        let mut bytes = Vec::new();
        for piece in &self.pieces {
            let once = piece.template.bytes(scope)?;
            let times = match &piece.repeat {
                None => 1,
                Some(Repeat::Times(times)) => *times,
                Some(Repeat::Parameter(name)) => parameter_number(scope, name)?,
            };
            let room = MAX_TEXT.saturating_sub(bytes.len());
            match piece.form {
                Form::Noise => bytes.extend(octets().map(letter).take(times.min(room))),
                Form::Octets => bytes.extend(octets().take(times.min(room))),
                Form::Quoted | Form::Hex => {}
            }
            let times = if once.is_empty() { 0 } else { times.min(room / once.len()) };
            bytes.extend(once.repeat(times));
        }
        Ok(bytes)
    }

    /// The names that are substituted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().flat_map(|piece| {
            let repeat = match &piece.repeat {
                Some(Repeat::Parameter(name)) => Some(name.as_str()),
                _ => None,
            };
            piece.template.names().chain(repeat)
        })
    }

    /// The byte string in the notation's own spelling: text where it is readable, hex where it is not.
    pub fn from_bytes(bytes: &[u8]) -> Text {
        let (form, source) = match std::str::from_utf8(bytes) {
            Ok(text) => (Form::Quoted, escape(text)),
            Err(_) if mostly_readable(bytes) => (Form::Quoted, escape_bytes(bytes)),
            Err(_) => (Form::Hex, hex(bytes)),
        };
        let template = Template { source, segments: vec![Segment::Bytes(bytes.to_vec())] };
        Text { pieces: vec![Piece { form, template, repeat: None }] }
    }
}

/// Bytes that look random, and are the same each time (an xorshift generator with a multiplication behind it).
fn octets() -> impl Iterator<Item = u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes()
    })
    .flatten()
}

/// One of 64 characters for a byte.
fn letter(byte: u8) -> u8 {
    match byte & 0x3f {
        letter @ 0..26 => b'A' + letter,
        letter @ 26..52 => b'a' + (letter - 26),
        digit @ 52..62 => b'0' + (digit - 52),
        62 => b'-',
        _ => b'_',
    }
}

/// A number that a parameter of `each` gives.
pub(crate) fn parameter_number(scope: &dyn Scope, name: &str) -> Result<usize, NoValue> {
    let value = scope.value(name).ok_or_else(|| NoValue(name.to_owned()))?;
    std::str::from_utf8(&value)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| NoValue(name.to_owned()))
}

impl fmt::Display for Text {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, piece) in self.pieces.iter().enumerate() {
            if index > 0 {
                out.write_str(" + ")?;
            }
            let prefix = if piece.form == Form::Hex { "x" } else { "" };
            match piece.form.word() {
                Some(word) => out.write_str(word)?,
                None => write!(out, "{prefix}\"{}\"", piece.template.source)?,
            }
            match &piece.repeat {
                None => {}
                Some(Repeat::Times(times)) => write!(out, " * {times}")?,
                Some(Repeat::Parameter(name)) => write!(out, " * {{{name}}}")?,
            }
        }
        Ok(())
    }
}

/// Whether text with a few escapes reads better than hex.
fn mostly_readable(bytes: &[u8]) -> bool {
    let readable = bytes.iter().filter(|byte| matches!(byte, b'\r' | b'\n' | b'\t' | 0x20..=0x7e)).count();
    readable * 4 >= bytes.len() * 3
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// Escapes text so that it can stand between quotes and on a terminal.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\r' => out.push_str("\\r"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\0' => out.push_str("\\0"),
            '{' => out.push_str("\\{"),
            ' '..='~' => out.push(character),
            _ if character.is_ascii() => {
                out.push_str(&format!("\\x{:02x}", u32::from(character)));
            }
            _ if character.is_alphanumeric() => out.push(character),
            _ => out.push_str(&format!("\\u{{{:x}}}", u32::from(character))),
        }
    }
    out
}

fn escape_bytes(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        out.push_str(&escape(chunk.valid()));
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readable_bytes_are_quoted_and_others_are_hex() {
        assert_eq!(Text::from_bytes(b"data: a\r\n").to_string(), r#""data: a\r\n""#);
        assert_eq!(Text::from_bytes(b"\x81\x85\xff\xfe").to_string(), r#"x"81 85 ff fe""#);
        assert_eq!(Text::from_bytes(b"long text \xff").to_string(), r#""long text \xff""#);
        assert_eq!(Text::from_bytes("\u{2028}\u{1b}".as_bytes()).to_string(), r#""\u{2028}\x1b""#);
    }

    #[test]
    fn noise_is_the_same_each_time_and_no_part_of_it_stands_twice() {
        let noise: Vec<u8> = octets().map(letter).take(4096).collect();
        assert!(noise.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte)));
        let parts: std::collections::BTreeSet<&[u8]> = noise.windows(6).collect();
        assert_eq!(parts.len(), 4096 - 5);
        assert_eq!(octets().take(600).collect::<Vec<u8>>(), octets().take(600).collect::<Vec<u8>>());
        let values: std::collections::BTreeSet<u8> = octets().take(8192).collect();
        assert_eq!(values.len(), 256);
    }
}
