use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::grammar::{is_whitespace, trim, trim_end};
use super::{Line, RequestLine, StatusLine, list_elements};

/// The lines of a message up to its body (RFC 9112 section 2.1), as they came.
///
/// The views read only lines that have an end, so that nothing is concluded from half a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Empty lines before the start line, the start line, the field lines and, if the head is complete, the empty
    /// line that ends it.
    pub lines: Vec<Line>,
}

/// A field line with its continuations (RFC 9112 section 5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<'a> {
    /// Place of the field line.
    pub offset: usize,
    /// What is before the first colon, without whitespace behind it. It may be empty or no token.
    pub name: &'a [u8],
    /// What is after the first colon, without whitespace around it. Each line folding is replaced by one SP
    /// (section 5.2).
    pub value: Cow<'a, [u8]>,
}

impl Head {
    /// The bytes of all lines.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode_into(&mut bytes);
        bytes
    }

    /// Appends the bytes of all lines.
    pub fn encode_into(&self, bytes: &mut Vec<u8>) {
        self.lines.iter().for_each(|line| line.encode_into(bytes));
    }

    /// Place of the first line, be it empty or not.
    pub fn offset(&self) -> usize {
        self.lines.first().map_or(0, |line| line.offset)
    }

    /// Whether there are a start line and the empty line that ends the head.
    pub fn is_complete(&self) -> bool {
        self.section().last().is_some_and(|line| line.is_empty() && line.is_ended())
    }

    /// The content of the first line that is not empty; without one, nothing.
    pub fn start_line(&self) -> &[u8] {
        self.start().map(|line| line.content.as_slice()).unwrap_or_default()
    }

    /// The start line as a status line (section 4). It is enough to have a version and a number, such as in
    /// `HTTP/1.1 200`; [`Head::facts`] says whether it is well-formed.
    pub fn status_line(&self) -> Option<StatusLine<'_>> {
        self.start().filter(|line| line.is_ended()).and_then(|line| StatusLine::read(&line.content))
    }

    /// The start line as a request line (section 3). It is enough that the last of at least two words resembles a
    /// version; [`Head::facts`] says whether it is well-formed.
    pub fn request_line(&self) -> Option<RequestLine<'_>> {
        self.start().filter(|line| line.is_ended()).and_then(|line| RequestLine::read(&line.content))
    }

    /// The fields in their order. Lines without a colon and whitespace-led lines before the first field are no fields.
    pub fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        let lines = self.field_lines();
        lines.iter().enumerate().filter_map(|(place, line)| Field::read(line, lines.get(place + 1..)?))
    }

    /// The values of all fields of that name, in any case (section 5 and RFC 9110 section 5.1), in their order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Cow<'a, [u8]>> {
        let named = move |field: &Field<'_>| field.name.eq_ignore_ascii_case(name.as_bytes());
        self.fields().filter(named).map(|field| field.value)
    }

    /// The value of the first field of that name.
    pub fn value<'a>(&'a self, name: &'a str) -> Option<Cow<'a, [u8]>> {
        self.values(name).next()
    }

    /// Whether the token, in any case, is an element of the comma lists of that name (RFC 9110 section 5.6.1).
    pub fn lists(&self, name: &str, token: &str) -> bool {
        self.values(name)
            .any(|value| list_elements(&value).any(|element| element.eq_ignore_ascii_case(token.as_bytes())))
    }

    /// The empty lines before the start line.
    pub(super) fn leading_lines(&self) -> &[Line] {
        let len = self.lines.len() - self.section().len();
        self.lines.get(..len).unwrap_or_default()
    }

    /// The first line that is not empty.
    pub(super) fn start(&self) -> Option<&Line> {
        self.section().first()
    }

    /// The lines between the start line and the empty line.
    pub(super) fn field_lines(&self) -> &[Line] {
        let lines = self.section().split_first().map(|(_start, lines)| lines).unwrap_or_default();
        let len = lines.iter().position(Line::is_empty).unwrap_or(lines.len());
        lines.get(..len).unwrap_or_default()
    }

    /// The start line and all lines after it.
    fn section(&self) -> &[Line] {
        let start = self.lines.iter().position(|line| !line.is_empty()).unwrap_or(self.lines.len());
        self.lines.get(start..).unwrap_or_default()
    }
}

impl<'a> Field<'a> {
    fn read(line: &'a Line, following: &'a [Line]) -> Option<Self> {
        if is_folded(line) || !line.is_ended() {
            return None;
        }
        let colon = line.content.iter().position(|&byte| byte == b':')?;
        let (name, value) = line.content.split_at_checked(colon)?;
        let mut value = Cow::Borrowed(trim(value.get(1..)?));
        for line in following.iter().take_while(|line| is_folded(line) && line.is_ended()) {
            let value = value.to_mut();
            value.push(b' ');
            value.extend_from_slice(trim(&line.content));
        }
        if let Cow::Owned(joined) = &value {
            value = Cow::Owned(trim(joined).to_vec());
        }
        Some(Self { offset: line.offset, name: trim_end(name), value })
    }
}

/// Whether the line continues the one before it (section 5.2).
pub(super) fn is_folded(line: &Line) -> bool {
    line.content.first().is_some_and(|&byte| is_whitespace(byte))
}
