//! A text within a JSON document: where messages are, a profile has to say.

use serde_json::Value;

/// A JSON document that holds a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrapped {
    /// The document as it came.
    pub(crate) document: Vec<u8>,
    /// The pointer to the string that is the text (RFC 6901), if there is one.
    pub(crate) pointer: Option<String>,
}

/// How much is read of documents that are none, or do not end, beside all that came once.
const IN_VAIN: usize = 256 * 1024;

/// The outermost document among some bytes that holds a text.
pub(crate) fn unwrap(bytes: &[u8], text: &[u8]) -> Option<Wrapped> {
    let mut work = 0;
    unwrap_counting(bytes, text, &mut work)
}

/// The same; counts the bytes that are read for it.
fn unwrap_counting(bytes: &[u8], text: &[u8], work: &mut usize) -> Option<Wrapped> {
    let wanted = std::str::from_utf8(text).ok().filter(|text| !text.is_empty())?;
    let at = bytes.windows(text.len()).position(|window| window == text)?;
    let (mut from, mut in_vain) = (0, 0);
    while in_vain < IN_VAIN {
        let begin = from + bytes[from..at].iter().position(|byte| matches!(byte, b'{' | b'['))?;
        let mut documents = serde_json::Deserializer::from_slice(&bytes[begin..]).into_iter::<Value>();
        match documents.next()? {
            Ok(value) => {
                let end = begin + documents.byte_offset();
                *work += end - begin;
                if end > at {
                    let document = bytes[begin..end].to_vec();
                    return Some(Wrapped { document, pointer: pointer_to(&value, wanted) });
                }
                // What is complete before the text has no document in it that holds the text.
                from = end;
            }
            Err(error) => {
                let read = place(&bytes[begin..], error.line(), error.column());
                *work += read;
                in_vain += read;
                from = begin + 1;
            }
        }
    }
    None
}

/// How many bytes come before a place that is given by its line and its column, both counted from 1.
fn place(bytes: &[u8], line: usize, column: usize) -> usize {
    let breaks = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let begin = line.checked_sub(2).map_or(Some(0), |lines| breaks.clone().nth(lines));
    begin.map_or(bytes.len(), |begin| (begin + column).clamp(1, bytes.len()))
}

/// The pointer to the first string that is this text.
fn pointer_to(value: &Value, wanted: &str) -> Option<String> {
    match value {
        Value::String(text) => (text == wanted).then(String::new),
        Value::Object(members) => members.iter().find_map(|(name, value)| {
            let name = name.replace('~', "~0").replace('/', "~1");
            pointer_to(value, wanted).map(|rest| format!("/{name}{rest}"))
        }),
        Value::Array(values) => values
            .iter()
            .enumerate()
            .find_map(|(index, value)| pointer_to(value, wanted).map(|rest| format!("/{index}{rest}"))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_in_the_outermost_document_that_has_it() {
        let found = |bytes: &str| {
            let wrapped = unwrap(bytes.as_bytes(), b"one")?;
            Some((String::from_utf8_lossy(&wrapped.document).into_owned(), wrapped.pointer))
        };
        let event = "data: {\"n\": 1}\n\ndata: {\"a/b\": [{}, {\"c\": \"one\"}]}\n\n";
        let document = "{\"a/b\": [{}, {\"c\": \"one\"}]}".to_owned();
        assert_eq!(found(event), Some((document, Some("/a~1b/1/c".to_owned()))));
        assert_eq!(found("f({\"a\": \"not one\"})"), Some(("{\"a\": \"not one\"}".to_owned(), None)));
        assert_eq!(found("{\"a\": 1} one"), None);
        assert_eq!(found("{ one"), None);
    }

    #[test]
    fn beginnings_of_documents_that_do_not_end_cost_little() {
        let work = |unit: &str, times: usize| {
            let mut work = 0;
            let bytes = unit.repeat(times) + "one" + &" ".repeat(100_000);
            assert_eq!(unwrap_counting(bytes.as_bytes(), b"one", &mut work), None, "{unit}");
            work
        };
        for unit in ["[", "{\"\":", "[1,", "{", "[1\n,", "[\"a", "[1]"] {
            for times in [10_000, 20_000] {
                let (steps, bytes) = (work(unit, times), unit.len() * times + 100_003);
                assert!(steps <= IN_VAIN + 2 * bytes, "{unit}: {steps}");
            }
        }
        let last = "[\"".repeat(500) + "{\"a\": \"one\"}";
        assert!(unwrap(last.as_bytes(), b"one").is_some_and(|found| found.pointer.is_some()));
    }
}
