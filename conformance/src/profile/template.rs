//! Places in a profile that are filled in: `{channel}`, `{cursor}`, `{data}`.

/// Fills the names in braces; a name that `value` does not know stays as it is, and so does what follows a dollar sign.
pub fn fill(template: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        let behind = &rest[open + 1..];
        let name = behind.find('}').filter(|_| !rest[..open].ends_with('$'));
        let filled = name.and_then(|close| value(&behind[..close]).map(|value| (close, value)));
        if let Some((close, value)) = filled {
            out.push_str(&value);
            rest = &behind[close + 1..];
        } else {
            out.push('{');
            rest = behind;
        }
    }
    out.push_str(rest);
    out
}

/// Percent-encodes everything but the unreserved characters (RFC 3986 section 2.3).
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_filled_and_other_braces_stay() {
        let filled = fill("{\"a\": {data}, {}}{channel", |name| (name == "data").then(|| "1".to_owned()));
        assert_eq!(filled, "{\"a\": 1, {}}{channel");
        assert_eq!(fill("${a} {a}", |_| Some("1".to_owned())), "${a} 1");
    }

    #[test]
    fn reserved_characters_are_percent_encoded() {
        assert_eq!(percent_encode("a b/é~"), "a%20b%2F%C3%A9~");
    }
}
