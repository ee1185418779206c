use alloc::vec::Vec;
use core::ops::Range;

use super::grammar::{CARRIAGE_RETURN, is_text, is_token, is_whitespace, split_while, trim_end};
use super::head::is_folded;
use super::start_line::Form;
use super::{Fact, Head, Line, LineEnd};
use crate::fact::runs;

/// A deviation of a head from the grammar of RFC 9112.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactKind {
    /// A line ends with LF alone (section 2.2). Place: the LF.
    BareLineFeed,
    /// CRs that do not belong to a line end (section 2.2). Place: the CRs.
    BareCarriageReturn,
    /// An empty line before the start line (section 2.2). Place: the line end.
    EmptyLineBeforeStartLine,
    /// A start line that is neither a `request-line` nor a `status-line` (sections 3 and 4). Place: the content.
    MalformedStartLine,
    /// A status line that ends after the code, without the SP that has to follow (section 4). Place: the code.
    MissingSpaceAfterStatusCode,
    /// A line that begins with whitespace, between start line and first field (section 2.2). Place: the whitespace.
    WhitespaceBeforeFirstField,
    /// A line that continues the one before it (section 5.2). Place: the whitespace it begins with.
    FoldedLine,
    /// Whitespace between field name and colon (section 5.1). Place: the whitespace.
    SpaceBeforeColon,
    /// A field line without a colon (section 5). Place: the content.
    MissingColon,
    /// A field line that begins with the colon (section 5). Place: the colon.
    EmptyFieldName,
    /// A field name with a character that a token cannot have (RFC 9110 section 5.1). Place: the name.
    FieldNameNotToken,
    /// Control characters other than HTAB and CR in a field value (RFC 9110 section 5.5). Place: these characters.
    ControlInFieldValue,
}

impl FactKind {
    /// What it is, as a fragment of a sentence.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::BareLineFeed => "a line feed without a carriage return",
            Self::BareCarriageReturn => "a carriage return without a line feed",
            Self::EmptyLineBeforeStartLine => "an empty line before the start line",
            Self::MalformedStartLine => "a start line that is none",
            Self::MissingSpaceAfterStatusCode => "no space behind the status code",
            Self::WhitespaceBeforeFirstField => "white space before the first field",
            Self::FoldedLine => "a folded line",
            Self::SpaceBeforeColon => "white space before the colon",
            Self::MissingColon => "no colon",
            Self::EmptyFieldName => "no field name before the colon",
            Self::FieldNameNotToken => "a field name that is no token",
            Self::ControlInFieldValue => "a control character",
        }
    }
}

impl Head {
    /// What is not as the grammar has it, in the order of the offsets.
    pub fn facts(&self) -> Vec<Fact> {
        head_facts(self)
    }
}

fn head_facts(head: &Head) -> Vec<Fact> {
    let mut facts = Vec::new();
    for line in head.leading_lines() {
        let end = 0..line.end.bytes().len();
        facts.push(Fact::within(line.offset, end, FactKind::EmptyLineBeforeStartLine));
    }
    if let Some(line) = head.start() {
        start_line_facts(line, &mut facts);
    }
    section_facts(head.field_lines(), &mut facts);
    head.lines.iter().for_each(|line| line_end_facts(line, &mut facts));
    facts.sort_by_key(|fact| fact.offset);
    facts
}

/// The facts of a single field line, such as a trailer.
pub(crate) fn field_line_facts(line: &Line) -> Vec<Fact> {
    let mut facts = Vec::new();
    section_line_facts(line, FactKind::FoldedLine, &mut facts);
    line_end_facts(line, &mut facts);
    facts.sort_by_key(|fact| fact.offset);
    facts
}

fn start_line_facts(line: &Line, facts: &mut Vec<Fact>) {
    if !line.is_ended() {
        return;
    }
    let len = line.content.len();
    match Form::of(&line.content) {
        Form::WellFormed => {}
        Form::MissingSpaceAfterStatusCode => {
            let code = len.saturating_sub(3)..len;
            facts.push(Fact::within(line.offset, code, FactKind::MissingSpaceAfterStatusCode));
        }
        Form::Malformed => facts.push(Fact::within(line.offset, 0..len, FactKind::MalformedStartLine)),
    }
}

fn section_facts(lines: &[Line], facts: &mut Vec<Fact>) {
    let mut whitespace = FactKind::WhitespaceBeforeFirstField;
    for line in lines {
        if !is_folded(line) {
            whitespace = FactKind::FoldedLine;
        }
        section_line_facts(line, whitespace, facts);
    }
}

/// `whitespace` is what a line that begins with whitespace is at this place.
fn section_line_facts(line: &Line, whitespace: FactKind, facts: &mut Vec<Fact>) {
    if !line.is_ended() {
        return;
    }
    let mut add = |place: Range<usize>, kind| facts.push(Fact::within(line.offset, place, kind));
    let len = line.content.len();
    let mut value = 0;
    if is_folded(line) {
        add(0..split_while(&line.content, is_whitespace).0.len(), whitespace);
    } else if let Some(colon) = line.content.iter().position(|&byte| byte == b':') {
        field_name_facts(line.content.get(..colon).unwrap_or_default(), &mut add);
        value = colon + 1;
    } else {
        add(0..len, FactKind::MissingColon);
        return;
    }
    for run in runs(line.content.get(value..).unwrap_or_default(), is_control) {
        add(value + run.start..value + run.end, FactKind::ControlInFieldValue);
    }
}

/// `before_colon` begins with the line.
fn field_name_facts(before_colon: &[u8], add: &mut impl FnMut(Range<usize>, FactKind)) {
    let name = trim_end(before_colon);
    if name.is_empty() {
        add(0..1, FactKind::EmptyFieldName);
    } else if !is_token(name) {
        add(0..name.len(), FactKind::FieldNameNotToken);
    }
    if name.len() < before_colon.len() {
        add(name.len()..before_colon.len(), FactKind::SpaceBeforeColon);
    }
}

fn line_end_facts(line: &Line, facts: &mut Vec<Fact>) {
    let len = line.content.len();
    for run in runs(&line.content, |byte| byte == CARRIAGE_RETURN) {
        // At the end of the input, the last CR may yet turn out to be half a line end.
        let end = if line.is_ended() || run.end < len { run.end } else { run.end - 1 };
        if run.start < end {
            facts.push(Fact::within(line.offset, run.start..end, FactKind::BareCarriageReturn));
        }
    }
    if line.end == LineEnd::Lf {
        facts.push(Fact::within(line.offset, len..len + 1, FactKind::BareLineFeed));
    }
}

fn is_control(byte: u8) -> bool {
    !is_text(byte) && byte != CARRIAGE_RETURN
}
