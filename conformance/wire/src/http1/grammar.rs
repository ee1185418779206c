//! Characters and words that several rules of the grammar share.

/// CR.
pub(crate) const CARRIAGE_RETURN: u8 = 0x0d;
/// LF.
pub(crate) const LINE_FEED: u8 = 0x0a;

/// SP or HTAB, of which optional whitespace is made (RFC 9110 section 5.6.3).
pub(crate) fn is_whitespace(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The bytes without optional whitespace around them (RFC 9110 section 5.6.3).
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    trim_start(trim_end(bytes))
}

pub(crate) fn trim_start(bytes: &[u8]) -> &[u8] {
    split_while(bytes, is_whitespace).1
}

pub(crate) fn trim_end(bytes: &[u8]) -> &[u8] {
    let len = bytes.iter().rposition(|&byte| !is_whitespace(byte)).map_or(0, |last| last + 1);
    bytes.get(..len).unwrap_or_default()
}

/// A non-empty run of the characters that a token may have (RFC 9110 section 5.6.2).
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is_token_character(byte))
}

/// `tchar` (RFC 9110 section 5.6.2).
pub(crate) fn is_token_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// HTAB, SP, VCHAR or obs-text: what a field value, a reason phrase and a quoted string are made of
/// (RFC 9110 section 5.5).
pub(crate) fn is_text(byte: u8) -> bool {
    byte == b'\t' || !byte.is_ascii_control()
}

/// `HTTP-version` (RFC 9112 section 2.3).
pub(crate) fn is_version(word: &[u8]) -> bool {
    matches!(word, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
        if major.is_ascii_digit() && minor.is_ascii_digit())
}

/// A word that is meant as an HTTP version, be it well-formed or not.
pub(crate) fn resembles_version(word: &[u8]) -> bool {
    word.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"HTTP/"))
}

/// Splits before the first byte that does not fit.
pub(crate) fn split_while(bytes: &[u8], fits: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let len = bytes.iter().position(|&byte| !fits(byte)).unwrap_or(bytes.len());
    bytes.split_at_checked(len).unwrap_or((bytes, &[]))
}
