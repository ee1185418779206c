use super::grammar::{is_text, is_token, is_version, resembles_version, split_while};

/// A status line (RFC 9112 section 4), read leniently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusLine<'a> {
    /// The first word, which begins with `HTTP/` in any case.
    pub version: &'a [u8],
    /// The second word, which consists of digits.
    pub code: u16,
    /// What follows the code and one byte of whitespace; often empty.
    pub reason: &'a [u8],
}

/// A request line (RFC 9112 section 3), read leniently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLine<'a> {
    /// The first word.
    pub method: &'a [u8],
    /// What is between the first and the last word: nothing, or with whitespace in it unless there are three words.
    pub target: &'a [u8],
    /// The last word, which begins with `HTTP/` in any case.
    pub version: &'a [u8],
}

impl<'a> StatusLine<'a> {
    /// Reads words that are separated by any whitespace, as section 4 permits.
    pub(super) fn read(line: &'a [u8]) -> Option<Self> {
        let (version, rest) = split_word(line);
        let (code, rest) = split_word(rest);
        let reason = rest.split_first().map_or(rest, |(_separator, reason)| reason);
        let code = number(code)?;
        resembles_version(version).then_some(Self { version, code, reason })
    }
}

impl<'a> RequestLine<'a> {
    /// Reads words that are separated by any whitespace, as section 3 permits.
    pub(super) fn read(line: &'a [u8]) -> Option<Self> {
        let (method, rest) = split_word(line);
        let rest = trim_separators(rest);
        let last_word = rest.iter().rposition(|&byte| is_separator(byte)).map_or(0, |gap| gap + 1);
        let (target, version) = rest.split_at_checked(last_word)?;
        let readable = resembles_version(version) && !resembles_version(method);
        readable.then_some(Self { method, target: trim_separators(target), version })
    }
}

/// How a start line compares with the grammar.
#[derive(PartialEq, Eq)]
pub(super) enum Form {
    /// It is a `request-line` or a `status-line`.
    WellFormed,
    /// It would be a `status-line` with one more SP at its end.
    MissingSpaceAfterStatusCode,
    /// It is neither.
    Malformed,
}

impl Form {
    pub(super) fn of(line: &[u8]) -> Self {
        if is_request_line(line) {
            return Self::WellFormed;
        }
        match split_status_line(line) {
            Some([]) => Self::MissingSpaceAfterStatusCode,
            Some([b' ', reason @ ..]) if reason.iter().all(|&byte| is_text(byte)) => Self::WellFormed,
            _ => Self::Malformed,
        }
    }
}

/// `method SP request-target SP HTTP-version` (section 3).
fn is_request_line(line: &[u8]) -> bool {
    let mut words = line.split(|&byte| byte == b' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    words.next().is_none()
        && method.is_some_and(is_token)
        && target.is_some_and(|target| !target.is_empty() && target.iter().all(u8::is_ascii_graphic))
        && version.is_some_and(is_version)
}

/// What follows `HTTP-version SP 3DIGIT` (section 4).
fn split_status_line(line: &[u8]) -> Option<&[u8]> {
    let (version, rest) = line.split_at_checked(8)?;
    let (code, rest) = rest.split_at_checked(4)?;
    let fits =
        is_version(version) && matches!(code, [b' ', digits @ ..] if digits.iter().all(u8::is_ascii_digit));
    fits.then_some(rest)
}

/// Splits after the first word, past the whitespace before it.
fn split_word(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (_separators, bytes) = split_while(bytes, is_separator);
    split_while(bytes, |byte| !is_separator(byte))
}

fn trim_separators(bytes: &[u8]) -> &[u8] {
    let (_separators, bytes) = split_while(bytes, is_separator);
    let len = bytes.iter().rposition(|&byte| !is_separator(byte)).map_or(0, |last| last + 1);
    bytes.get(..len).unwrap_or_default()
}

/// SP, HTAB, VT, FF or a bare CR: what a lenient recipient takes for SP (sections 3 and 4).
fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0b | 0x0c | b'\r')
}

fn number(digits: &[u8]) -> Option<u16> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
    let add = |number: u16, byte: &u8| number.checked_mul(10)?.checked_add(digit(*byte)?);
    (!digits.is_empty()).then(|| digits.iter().try_fold(0, add))?
}
