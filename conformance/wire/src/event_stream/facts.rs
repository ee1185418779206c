use alloc::vec::Vec;
use core::ops::Range;

use super::interpreter::is_digits;
use super::{Fact, Line, LineEnd, LineKind};

/// The fields that have a meaning (section 9.2.6).
const FIELD_NAMES: [&[u8]; 4] = [b"event", b"data", b"id", b"retry"];

/// Something in a line that has no effect, or that is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactKind {
    /// A field name that has no meaning (section 9.2.6). Place: the name.
    UnknownField,
    /// A field name that would have a meaning in lower case (section 9.2.6). Place: the name.
    FieldNameInWrongCase,
    /// A field name that would have a meaning without the whitespace around it (section 9.2.6). Place: the name.
    WhitespaceInFieldName,
    /// A `retry` field with a value that is empty or not only digits (section 9.2.6). Place: the value, or the name
    /// if there is none.
    RetryNotDigits,
    /// An `id` field with U+0000 in its value (section 9.2.6). Place: the first of them.
    NulInId,
    /// Bytes that are decoded to a replacement character (section 9.2.5). Place: these bytes.
    InvalidUtf8,
}

/// What is remarkable about a line, in the order of the offsets. A line without an end has no facts.
pub fn facts(line: &Line) -> Vec<Fact> {
    let mut facts = Vec::new();
    if line.end == LineEnd::None {
        return facts;
    }
    let mut add = |place: Range<usize>, kind| facts.push(Fact::within(line.offset, place, kind));
    if let LineKind::Field { name, value, colon: _ } = line.kind() {
        name_facts(name, &mut add);
        value_facts(name, value, line.content.len(), &mut add);
    }
    utf8_facts(&line.content, &mut add);
    facts.sort_by_key(|fact| fact.offset);
    facts
}

fn name_facts(name: &[u8], add: &mut impl FnMut(Range<usize>, FactKind)) {
    let known = |name: &[u8]| FIELD_NAMES.contains(&name);
    let kind = if known(name) {
        return;
    } else if known(&name.to_ascii_lowercase()) {
        FactKind::FieldNameInWrongCase
    } else if known(name.trim_ascii()) {
        FactKind::WhitespaceInFieldName
    } else {
        FactKind::UnknownField
    };
    add(0..name.len(), kind);
}

fn value_facts(name: &[u8], value: &[u8], len: usize, add: &mut impl FnMut(Range<usize>, FactKind)) {
    let start = len - value.len();
    if name == b"retry" && !is_digits(value) {
        let place = if value.is_empty() { 0..name.len() } else { start..len };
        add(place, FactKind::RetryNotDigits);
    }
    if let (b"id", Some(nul)) = (name, value.iter().position(|&byte| byte == 0x00)) {
        add(start + nul..start + nul + 1, FactKind::NulInId);
    }
}

fn utf8_facts(content: &[u8], add: &mut impl FnMut(Range<usize>, FactKind)) {
    let mut end = 0;
    for chunk in content.utf8_chunks() {
        let start = end + chunk.valid().len();
        end = start + chunk.invalid().len();
        if start < end {
            add(start..end, FactKind::InvalidUtf8);
        }
    }
}
