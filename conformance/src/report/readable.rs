//! Strings of the notation as a person reads them best: JSON as JSON, and no more escapes than are needed.

use crate::escape::visible;

/// Text in which strings of the notation are shown for a reader. A string that is a JSON object or array stands there as it
/// was sent; of others the braces are not escaped, and those with quotes inside stand in single quotes. What may not reach a
/// terminal or a page is escaped.
pub fn readable(text: &str) -> String {
    if is_field(text) {
        return visible(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('"') {
        out.push_str(&rest[..start]);
        let Some(length) = closing(&rest[start + 1..]) else {
            rest = &rest[start..];
            break;
        };
        let source = &rest[start + 1..start + 1 + length];
        out.push_str(&string(source));
        rest = &rest[start + 1 + length + 1..];
    }
    visible(&(out + rest))
}

/// Whether it is a field line, which is shown as it is and in which a quote is no string of the notation.
fn is_field(text: &str) -> bool {
    let name = text.split_once(": ").map_or("", |(name, _)| name);
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Where a string ends that begins here, without its quote.
fn closing(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

fn string(source: &str) -> String {
    if let Some(json) = json(source) {
        return json;
    }
    let source = letters(&source.replace("\\{", "{"));
    if source.contains("\\\"") && !source.contains('\'') {
        return format!("'{}'", source.replace("\\\"", "\""));
    }
    format!("\"{source}\"")
}

/// Letters that the notation writes as code points, as letters, where nothing speaks against it.
fn letters(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find("\\u{") {
        let (before, escape) = rest.split_at(at);
        // Behind an odd number of backslashes it is no escape.
        let is_escape = before.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 0;
        let end = escape.find('}').unwrap_or(escape.len() - 1);
        let digits = escape.get(3..end).unwrap_or_default();
        let letter = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
        let letter = letter.filter(|letter| is_escape && !letter.is_ascii() && letter.is_alphanumeric());
        out.push_str(before);
        match letter {
            Some(letter) => out.push(letter),
            None => out.push_str(&escape[..=end]),
        }
        rest = &escape[end + 1..];
    }
    out + rest
}

/// What a string of the notation stands for, if that is an object or an array and one line.
fn json(source: &str) -> Option<String> {
    let mut decoded = String::with_capacity(source.len());
    let mut characters = source.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => decoded.push(characters.next().filter(|escaped| "\"\\{".contains(*escaped))?),
            other => decoded.push(other),
        }
    }
    let is_json =
        decoded.starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(&decoded).is_ok();
    is_json.then_some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_shown_as_json() {
        let sent = r#"[text "\{\"a\": [1, \"b\\n\"]}"]"#;
        assert_eq!(readable(sent), r#"[text {"a": [1, "b\n"]}]"#);
        assert_eq!(readable(r#"message "[1,2]" id="7""#), r#"message [1,2] id="7""#);
    }

    #[test]
    fn what_is_no_json_keeps_its_quotes_and_loses_the_escapes_of_braces() {
        assert_eq!(readable(r#""data: \{\"a\":1}\n\n""#), r#"'data: {"a":1}\n\n'"#);
        assert_eq!(readable(r#""it's \"\{\"""#), r#""it's \"{\"""#);
        assert_eq!(readable(r#""\{""#), r#""{""#);
        assert_eq!(readable(r#"x"81 05" and "open"#), r#"x"81 05" and "open"#);
    }

    #[test]
    fn a_field_line_is_shown_as_it_is() {
        assert_eq!(readable(r#"ETag: "a\"b\{""#), r#"ETag: "a\"b\{""#);
    }

    #[test]
    fn letters_are_shown_as_letters() {
        let shown = "\"\u{3ba}\u{1f79} \\u{202e}\\\\u{3ba}\"";
        assert_eq!(readable(r#""\u{3ba}\u{1f79} \u{202e}\\u{3ba}""#), shown);
        assert_eq!(readable(r#""\u{3ba" "\u{""#), r#""\u{3ba" "\u{""#);
    }

    #[test]
    fn nothing_hostile_comes_out() {
        assert_eq!(readable("\"\u{1b}[2J\u{202e}\" \0"), "\"\\u{1b}[2J\\u{202e}\" \\u{0}");
    }
}
