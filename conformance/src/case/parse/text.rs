//! Byte strings and HTTP lines.

use super::{Cursor, Mistake, canonical};
use crate::case::text::{Form, MAX_TEXT, Piece, Repeat, Segment, Template, Text};

/// `"…"`, `x"…"`, `"x" * 65536`, several joined by `+`.
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Text, Mistake> {
    let mut pieces = vec![piece(cursor)?];
    while cursor.take(" + ") {
        pieces.push(piece(cursor)?);
    }
    Ok(Text { pieces })
}

pub(super) fn begins(cursor: &Cursor<'_>) -> bool {
    cursor.starts_with("\"") || cursor.starts_with("x\"") || made(cursor).is_some()
}

/// A text that is made and not written, where one begins.
fn made(cursor: &Cursor<'_>) -> Option<Form> {
    [Form::Noise, Form::Octets]
        .into_iter()
        .find(|form| form.word().is_some_and(|word| cursor.starts_with(&format!("{word} * "))))
}

/// What a string in quotes of other languages begins with.
const OTHER_QUOTES: [char; 6] = ['\'', '`', '“', '”', '‘', '’'];

/// The mistake of a string in other quotes than `"`, if the statement has one behind a position.
pub(super) fn other_quotes(cursor: &mut Cursor<'_>, from: usize) -> Option<Mistake> {
    let position = cursor.position();
    cursor.set_position(from);
    let rest = cursor.rest();
    cursor.set_position(position);
    let mut before = ' ';
    for (at, character) in rest.chars().enumerate() {
        if before == '"' || character == '"' {
            return None;
        }
        // An apostrophe within a word is none.
        if OTHER_QUOTES.contains(&character) && (before == ' ' || before == 'x' || before == '=') {
            let mistake = Mistake::at(from + at, 1, format!("a string does not begin with `{character}`"));
            return Some(mistake.hint("strings stand in double quotes, as in `message \"one\"`"));
        }
        before = character;
    }
    None
}

fn piece(cursor: &mut Cursor<'_>) -> Result<Piece, Mistake> {
    let from = cursor.position();
    if let Some(form) = made(cursor) {
        cursor.take(form.word().unwrap_or_default());
        cursor.take(" * ");
        let template = Template { source: String::new(), segments: Vec::new() };
        return Ok(Piece { form, template, repeat: Some(repeat(cursor)?) });
    }
    let (form, template) = if cursor.take("x\"") {
        (Form::Hex, hex(cursor, from)?)
    } else if cursor.take("\"") {
        (Form::Quoted, quoted(cursor, from)?)
    } else {
        let rest = cursor.rest();
        if rest.starts_with(OTHER_QUOTES) || rest.starts_with("x'") {
            return Err(other_quotes(cursor, from).unwrap_or_else(|| not_closed(cursor, from)));
        }
        return Err(Mistake::at(from, 1, "a string in quotes is expected here")
            .hint("write `\"…\"`, or `x\"81 05\"` for hex"));
    };
    let repeat = if cursor.take(" * ") { Some(repeat(cursor)?) } else { None };
    Ok(Piece { form, template, repeat })
}

fn repeat(cursor: &mut Cursor<'_>) -> Result<Repeat, Mistake> {
    let from = cursor.position();
    if let Some(name) = cursor.braced_name() {
        cursor.check_name(from, &name)?;
        cursor.set_position(from + name.len() + 2);
        return Ok(Repeat::Parameter(name));
    }
    let word = cursor.word(&[']']);
    match canonical(&word) {
        Some(times) if times <= MAX_TEXT => Ok(Repeat::Times(times)),
        _ => Err(cursor
            .mistake(from, format!("`{word}` is not a number of repetitions"))
            .hint(format!("a whole number up to {MAX_TEXT}, as in `\"x\" * 65536`"))),
    }
}

fn hex(cursor: &mut Cursor<'_>, from: usize) -> Result<Template, Mistake> {
    let start = cursor.position();
    let mut source = String::new();
    loop {
        match cursor.next() {
            Some('"') => break,
            Some(character) if character.is_ascii_hexdigit() || character == ' ' => source.push(character),
            Some(character) => {
                let at = cursor.position() - 1;
                return Err(Mistake::at(at, 1, format!("`{character}` is not a hex digit"))
                    .hint("digits, `a` to `f` and spaces, as in `x\"81 05\"`"));
            }
            None => return Err(not_closed(cursor, from)),
        }
    }
    let digits: Vec<u8> = source.bytes().filter(|byte| *byte != b' ').collect();
    if digits.len() % 2 == 1 {
        return Err(Mistake::at(start, source.len(), "hex digits come in pairs")
            .hint("two for each byte, as in `x\"81 05\"`"));
    }
    let bytes = digits.chunks_exact(2).map(|pair| (value(pair[0]) << 4) | value(pair[1])).collect();
    Ok(Template { source, segments: vec![Segment::Bytes(bytes)] })
}

fn not_closed(cursor: &Cursor<'_>, from: usize) -> Mistake {
    cursor
        .mistake(from, "the string is not closed")
        .hint("end it with a quote; one that belongs to the string is written `\\\"`")
}

fn value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.to_ascii_lowercase() - b'a' + 10,
    }
}

/// Collects the bytes and substitutions of a template together with its source.
#[derive(Default)]
struct Collector {
    source: String,
    bytes: Vec<u8>,
    segments: Vec<Segment>,
}

impl Collector {
    fn character(&mut self, character: char) {
        self.source.push(character);
        self.bytes.extend(character.to_string().as_bytes());
    }

    fn substitution(&mut self, name: String) {
        self.source.push_str(&format!("{{{name}}}"));
        self.flush();
        self.segments.push(Segment::Substitution(name));
    }

    fn flush(&mut self) {
        if !self.bytes.is_empty() {
            self.segments.push(Segment::Bytes(std::mem::take(&mut self.bytes)));
        }
    }

    fn finish(mut self) -> Template {
        self.flush();
        Template { source: self.source, segments: self.segments }
    }
}

fn quoted(cursor: &mut Cursor<'_>, from: usize) -> Result<Template, Mistake> {
    let mut collector = Collector::default();
    loop {
        let at = cursor.position();
        if let Some(name) = cursor.braced_name() {
            cursor.check_name(at, &name)?;
            cursor.set_position(at + name.len() + 2);
            collector.substitution(name);
            continue;
        }
        match cursor.next() {
            Some('"') => return Ok(collector.finish()),
            Some('\\') => escape(cursor, at, &mut collector)?,
            // A brace before a letter is likely to be a name that is not written out.
            Some('{') if cursor.peek().is_some_and(|next| next.is_ascii_alphabetic()) => {
                return Err(Mistake::at(at, 1, "no name follows this brace")
                    .hint("write a literal brace as `\\{`, and a name as in `{path}`"));
            }
            Some(character) => collector.character(character),
            None => return Err(not_closed(cursor, from)),
        }
    }
}

fn escape(cursor: &mut Cursor<'_>, at: usize, collector: &mut Collector) -> Result<(), Mistake> {
    let simple = match cursor.next() {
        Some('r') => Some(b'\r'),
        Some('n') => Some(b'\n'),
        Some('t') => Some(b'\t'),
        Some('0') => Some(b'\0'),
        Some('\\') => Some(b'\\'),
        Some('"') => Some(b'"'),
        Some('{') => Some(b'{'),
        Some('x') => {
            let digits: String = (0..2).filter_map(|_| cursor.next()).collect();
            match u8::from_str_radix(&digits, 16) {
                Ok(byte) if digits.len() == 2 && !digits.starts_with('+') => Some(byte),
                _ => return Err(cursor.mistake(at, "`\\x` takes two hex digits").hint("as in `\\xff`")),
            }
        }
        Some('u') => {
            let character = unicode(cursor).ok_or_else(|| {
                cursor.mistake(at, "`\\u{…}` takes a code point in hex").hint("as in `\\u{2028}`")
            })?;
            collector.bytes.extend(character.to_string().as_bytes());
            None
        }
        _ => {
            return Err(cursor
                .mistake(at, "unknown escape")
                .hint("known are \\r \\n \\t \\0 \\\\ \\\" \\{ \\xff \\u{2028}"));
        }
    };
    collector.bytes.extend(simple);
    let to = cursor.position();
    cursor.set_position(at);
    (at..to).filter_map(|_| cursor.next()).for_each(|character| collector.source.push(character));
    Ok(())
}

fn unicode(cursor: &mut Cursor<'_>) -> Option<char> {
    if !cursor.take("{") {
        return None;
    }
    let digits = cursor.word(&['}', '"']);
    cursor.take("}").then_some(())?;
    u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32)
}

/// What ends a value of a list.
const AFTER_A_VALUE: [&str; 4] = [" or ", " unless ", " if ", " when "];

/// Text to the end of the statement, or as a value of a list to ` or `, ` unless `, ` if ` and ` when `, with substitutions but
/// without escapes.
pub(super) fn template(cursor: &mut Cursor<'_>, in_list: bool) -> Result<Template, Mistake> {
    let mut collector = Collector::default();
    while !cursor.at_end() {
        if in_list && AFTER_A_VALUE.iter().any(|word| cursor.starts_with(word)) {
            break;
        }
        let at = cursor.position();
        if let Some(name) = cursor.braced_name() {
            cursor.check_name(at, &name)?;
            cursor.set_position(at + name.len() + 2);
            collector.substitution(name);
        } else if let Some(character) = cursor.next() {
            collector.character(character);
        }
    }
    Ok(collector.finish())
}
