//! The grammar that header fields share: tokens and lists of them (RFC 9110, section 5.6).

use hyper::header::{AsHeaderName, HeaderMap};

/// Whether the text is a token (RFC 9110, section 5.6.2).
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// Whether the byte can be part of a token.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The elements of a comma-separated list without quoted strings, over all lines of the field. Empty elements are
/// left out, as a recipient has to do (RFC 9110, section 5.6.1.2). Lines that are not ASCII have no elements.
pub(crate) fn list(fields: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = &str> {
    fields
        .get_all(name)
        .into_iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(|element| element.trim_matches([' ', '\t']))
        .filter(|element| !element.is_empty())
}

/// Whether the list contains the token, in any case.
pub(crate) fn lists(fields: &HeaderMap, name: impl AsHeaderName, token: &str) -> bool {
    list(fields, name).any(|element| element.eq_ignore_ascii_case(token))
}
