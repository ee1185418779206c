use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use super::size_line::Parts;
use super::{AfterData, Fact, Item, SizeLine};
use crate::http1;
use crate::http1::grammar::{is_text, is_token_character, is_whitespace, split_while};
use crate::http1::{Line, LineEnd};

/// A deviation from the grammar of the chunked coding (RFC 9112 section 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactKind {
    /// A size line, the end of the data or the last empty line ends with LF alone. Place: the LF.
    BareLineFeed,
    /// Whitespace before the size, or behind it with no extension following. Place: the whitespace.
    WhitespaceAroundSize,
    /// A size line that is no hexadecimal number with extensions. Place: the content, or the line end if it is empty.
    SizeNotHex,
    /// A size of 2^64 or more. Place: the digits.
    SizeOverflow,
    /// Whitespace in extensions (section 7.1.1) that the grammar has only for recipients to tolerate
    /// (RFC 9110 section 5.6.3). Place: the whitespace.
    BadWhitespace,
    /// Extensions that are not a list of names and values (section 7.1.1). Place: from the first byte that does not
    /// fit, or the last byte if more was expected, to the end of the line.
    MalformedExtension,
    /// The data of a chunk is not followed by a line end. Place: the bytes that should be it.
    MissingLineEnd,
    /// A deviation in a trailer (section 7.1.2).
    Trailer(http1::FactKind),
}

impl FactKind {
    /// What it is, as a fragment of a sentence.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::BareLineFeed => "a line feed without a carriage return",
            Self::WhitespaceAroundSize => "white space around the size",
            Self::SizeNotHex => "a size that is no hexadecimal number",
            Self::SizeOverflow => "a size that is too large",
            Self::BadWhitespace => "white space within extensions",
            Self::MalformedExtension => "an extension that is none",
            Self::MissingLineEnd => "no line end behind the data",
            Self::Trailer(kind) => kind.in_words(),
        }
    }
}

/// What is not as the grammar has it, in the order of the offsets. Unreadable bytes and lines without an end have no
/// facts of their own.
pub fn facts(item: &Item) -> Vec<Fact> {
    match item {
        Item::Size(size_line) if size_line.line.is_ended() => size_line_facts(size_line),
        Item::AfterData(after) => after_data_facts(after),
        Item::Trailer(line) => http1::field_line_facts(line).into_iter().map(of_trailer).collect(),
        Item::End(line) => line_end_facts(line),
        Item::Size(_) | Item::Data(_) | Item::Unreadable(_) => Vec::new(),
    }
}

fn of_trailer(fact: http1::Fact) -> Fact {
    Fact { offset: fact.offset, len: fact.len, kind: FactKind::Trailer(fact.kind) }
}

fn line_end_facts(line: &Line) -> Vec<Fact> {
    let len = line.content.len();
    match line.end {
        LineEnd::Lf => vec![Fact::within(line.offset, len..len + 1, FactKind::BareLineFeed)],
        LineEnd::Crlf | LineEnd::None => Vec::new(),
    }
}

fn after_data_facts(after: &AfterData) -> Vec<Fact> {
    let kind = match after.bytes.as_slice() {
        b"\r\n" | b"\r" => return Vec::new(),
        b"\n" => FactKind::BareLineFeed,
        _ => FactKind::MissingLineEnd,
    };
    vec![Fact::within(after.offset, 0..after.bytes.len(), kind)]
}

fn size_line_facts(size_line: &SizeLine) -> Vec<Fact> {
    let line = &size_line.line;
    let parts = Parts::of(&line.content);
    let mut facts = Vec::new();
    let mut add = |place: Range<usize>, kind| facts.push(Fact::within(line.offset, place, kind));
    if parts.is_number() {
        number_facts(&parts, size_line.size, &mut add);
        Extensions::after(&parts, &line.content).read(&mut add);
    } else {
        let place = if line.is_empty() { line.end.bytes().len() } else { line.content.len() };
        add(0..place, FactKind::SizeNotHex);
    }
    facts.extend(line_end_facts(line));
    facts
}

fn number_facts(parts: &Parts<'_>, size: Option<u64>, add: &mut impl FnMut(Range<usize>, FactKind)) {
    let start = parts.before.len();
    let end = start + parts.digits.len();
    if start > 0 {
        add(0..start, FactKind::WhitespaceAroundSize);
    }
    if size.is_none() {
        add(start..end, FactKind::SizeOverflow);
    }
    if !parts.after.is_empty() && parts.rest.is_empty() {
        add(end..end + parts.after.len(), FactKind::WhitespaceAroundSize);
    }
}

/// Reads `*( BWS ";" BWS name [ BWS "=" BWS value ] )` (section 7.1.1).
struct Extensions<'a> {
    content: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Extensions<'a> {
    fn after(parts: &Parts<'a>, content: &'a [u8]) -> Self {
        let start =
            if parts.rest.is_empty() { content.len() } else { parts.before.len() + parts.digits.len() };
        Self { content, rest: content.get(start..).unwrap_or_default() }
    }

    fn read(mut self, add: &mut impl FnMut(Range<usize>, FactKind)) {
        while !self.rest.is_empty() {
            if self.extension(add).is_none() {
                let end = self.content.len();
                add(self.place().min(end.saturating_sub(1))..end, FactKind::MalformedExtension);
                return;
            }
        }
    }

    fn extension(&mut self, add: &mut impl FnMut(Range<usize>, FactKind)) -> Option<()> {
        self.whitespace_before(b";", add)?;
        self.character(b';')?;
        self.whitespace(add);
        self.token()?;
        if self.whitespace_before(b"=", add).is_some() {
            self.character(b'=')?;
            self.whitespace(add);
            self.value()?;
        }
        Some(())
    }

    fn place(&self) -> usize {
        self.content.len() - self.rest.len()
    }

    /// Passes whitespace only if one of these characters follows it.
    fn whitespace_before(&mut self, next: &[u8], add: &mut impl FnMut(Range<usize>, FactKind)) -> Option<()> {
        let (_whitespace, rest) = split_while(self.rest, is_whitespace);
        rest.first().filter(|first| next.contains(first))?;
        self.whitespace(add);
        Some(())
    }

    fn whitespace(&mut self, add: &mut impl FnMut(Range<usize>, FactKind)) {
        let (whitespace, rest) = split_while(self.rest, is_whitespace);
        let place = self.place();
        if !whitespace.is_empty() {
            add(place..place + whitespace.len(), FactKind::BadWhitespace);
        }
        self.rest = rest;
    }

    fn character(&mut self, expected: u8) -> Option<()> {
        self.rest = self.rest.strip_prefix(&[expected])?;
        Some(())
    }

    fn token(&mut self) -> Option<()> {
        let (token, rest) = split_while(self.rest, is_token_character);
        self.rest = rest;
        (!token.is_empty()).then_some(())
    }

    fn value(&mut self) -> Option<()> {
        if self.rest.first() == Some(&b'"') { self.quoted_string() } else { self.token() }
    }

    /// `quoted-string` (RFC 9110 section 5.6.4).
    fn quoted_string(&mut self) -> Option<()> {
        self.character(b'"')?;
        loop {
            match *self.rest {
                [b'"', ref rest @ ..] => {
                    self.rest = rest;
                    return Some(());
                }
                [b'\\', escaped, ref rest @ ..] if is_text(escaped) => self.rest = rest,
                [b'\\', ..] => return None,
                [byte, ref rest @ ..] if is_text(byte) => self.rest = rest,
                _ => return None,
            }
        }
    }
}
