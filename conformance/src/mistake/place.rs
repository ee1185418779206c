//! A place in a text of several lines.

use std::ops::Range;

/// A place in a text of several lines, from 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) width: usize,
}

impl Place {
    /// Where a range of bytes begins, and how far it goes on that line.
    pub(crate) fn of(text: &str, range: &Range<usize>) -> Place {
        let start = floor_char_boundary(text, range.start);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = floor_char_boundary(text, range.end).clamp(start, line_end);
        Place {
            line: before.matches('\n').count(),
            column: text[line_start..start].chars().count(),
            width: text[start..end].chars().count().max(1),
        }
    }
}

fn floor_char_boundary(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}
