use core::iter;

use super::grammar::trim;

/// The elements of a comma-separated list (RFC 9110 section 5.6.1), without the whitespace around them.
///
/// Empty elements are dropped, as a recipient has to. A comma within a quoted string separates nothing; a quoted
/// string that is never closed reaches to the end.
pub fn list_elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    iter::from_fn(move || {
        let (element, after) = split_element(rest?);
        rest = after;
        Some(trim(element))
    })
    .filter(|element| !element.is_empty())
}

fn split_element(list: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut place = Place::Outside;
    let comma = list.iter().position(|&byte| {
        let separates = place == Place::Outside && byte == b',';
        place = place.after(byte);
        separates
    });
    match comma {
        Some(comma) => (list.get(..comma).unwrap_or_default(), list.get(comma + 1..)),
        None => (list, None),
    }
}

/// Where a byte stands with regard to quoted strings (RFC 9110 section 5.6.4).
#[derive(PartialEq, Eq)]
enum Place {
    Outside,
    Quoted,
    Escaped,
}

impl Place {
    fn after(&self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Outside, b'"') | (Self::Escaped, _) => Self::Quoted,
            (Self::Outside, _) | (Self::Quoted, b'"') => Self::Outside,
            (Self::Quoted, b'\\') => Self::Escaped,
            (Self::Quoted, _) => Self::Quoted,
        }
    }
}
