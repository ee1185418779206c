//! Text as whoever decodes it sees it, with the way back to what stands there.

use std::ops::Range;

/// Bytes, each with the place that it has in the source.
pub(super) struct View {
    bytes: Vec<u8>,
    /// Where the spelling of each byte begins, and how long it is.
    places: Vec<(u32, u32)>,
}

/// The longest spelling of a chunk's size between two line ends.
const CHUNK_SIZE: usize = 8;

impl View {
    /// The bytes as whoever decodes the source sees them.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The range of the source that a range of the view stands for.
    pub(super) fn source(&self, range: &Range<usize>) -> Range<usize> {
        let of = |range: &Range<usize>| {
            let (first, last) = (self.places.get(range.start)?, self.places.get(range.end.checked_sub(1)?)?);
            Some(first.0 as usize..(last.0 + last.1) as usize)
        };
        of(range).unwrap_or(0..0)
    }

    /// Some bytes with one layer of escapes taken off: percent-encoding, the escapes of JSON, JavaScript, HTML and of the
    /// notation, and the borders of chunks. Nothing where there are none.
    pub(super) fn of_decoded(bytes: &[u8]) -> Option<View> {
        mapped(bytes, decoded)
    }

    /// The same with one more layer of escapes taken off.
    pub(super) fn decoded(&self) -> Option<View> {
        let mut view = View::of_decoded(&self.bytes)?;
        for (begin, length) in &mut view.places {
            let place = self.source(&(*begin as usize..(*begin + *length) as usize));
            (*begin, *length) = (short(place.start), short(place.len()));
        }
        Some(view)
    }

    /// Some bytes with strings of hexadecimal digits as the notation has them, as in `x"81 05"`, as the bytes that they are.
    pub(super) fn without_hexadecimal(bytes: &[u8]) -> Option<View> {
        let begins = bytes.windows(2).any(|pair| pair == b"x\"");
        begins.then(|| mapped(bytes, hexadecimal)).flatten()
    }
}

/// `decode` says of the beginning of a text what it stands for, and how long that spelling is.
fn mapped(bytes: &[u8], decode: fn(&[u8]) -> Option<Spelled>) -> Option<View> {
    // What has no escape in it is not copied. A text of 4 GB has no place here.
    let first = (0..bytes.len()).find(|at| decode(&bytes[*at..]).is_some())?;
    let mut places = Vec::with_capacity(bytes.len());
    places.extend((0..short(first)).map(|at| (at, 1)));
    let mut view = View { bytes: Vec::with_capacity(bytes.len()), places };
    view.bytes.extend_from_slice(&bytes[..first]);
    let mut at = first;
    while at < bytes.len() {
        let Spelled { meant, length, spelling } =
            decode(&bytes[at..]).unwrap_or(Spelled::of(&bytes[at..=at], 1));
        // All bytes of a character have the place of its spelling.
        view.bytes.extend_from_slice(&meant[..length]);
        view.places.extend((0..length).map(|_| (short(at), short(spelling))));
        at += spelling;
    }
    Some(view)
}

fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What a spelling stands for, at most one character, and how long the spelling is.
struct Spelled {
    meant: [u8; 4],
    length: usize,
    spelling: usize,
}

impl Spelled {
    /// So many bytes stand for these.
    fn of(meant: &[u8], spelling: usize) -> Spelled {
        let mut bytes = [0; 4];
        let length = meant.len().min(bytes.len());
        bytes[..length].copy_from_slice(&meant[..length]);
        Spelled { meant: bytes, length, spelling }
    }

    fn character(meant: char, spelling: usize) -> Spelled {
        Spelled::of(meant.encode_utf8(&mut [0; 4]).as_bytes(), spelling)
    }

    /// The same with so many bytes before its spelling.
    fn behind(self, more: usize) -> Spelled {
        Spelled { spelling: self.spelling + more, ..self }
    }
}

/// What an escape stands for, and how long it is.
fn decoded(text: &[u8]) -> Option<Spelled> {
    match text {
        [b'%', high, low, ..] => Some(Spelled::of(&[pair(*high, *low)?], 3)),
        [b'\\', rest @ ..] => backslash(rest).map(|spelled| spelled.behind(1)),
        [b'&', rest @ ..] => reference(rest).map(|spelled| spelled.behind(1)),
        [b'\r', b'\n', rest @ ..] => border(rest).map(|length| Spelled::of(&[], length + 2)),
        _ => None,
    }
}

fn backslash(rest: &[u8]) -> Option<Spelled> {
    let character =
        |number: u32, spelling: usize| Some(Spelled::character(char::from_u32(number)?, spelling));
    match rest {
        [b'x', high, low, ..] => Some(Spelled::of(&[pair(*high, *low)?], 3)),
        [b'u', b'{', rest @ ..] => {
            let end = rest.iter().take(7).position(|byte| *byte == b'}')?;
            character(number(&rest[..end])?, end + 3)
        }
        [b'u', digits @ ..] => character(number(digits.get(..4)?)?, 5),
        [b'n', ..] => Some(Spelled::of(b"\n", 1)),
        [b'r', ..] => Some(Spelled::of(b"\r", 1)),
        [b't', ..] => Some(Spelled::of(b"\t", 1)),
        [b'"' | b'\\' | b'/' | b'{' | b'\'', ..] => Some(Spelled::of(&rest[..1], 1)),
        _ => None,
    }
}

/// A character reference of HTML.
fn reference(rest: &[u8]) -> Option<Spelled> {
    let end = rest.iter().take(9).position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(&rest[..end]).ok()?;
    let meant = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        name => {
            let digits = name.strip_prefix('#')?;
            let number = match digits.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(number)?
        }
    };
    Some(Spelled::character(meant, end + 1))
}

/// How long the border of a chunk is that begins here, if one does: a line end, a size, and a line end.
pub(super) fn chunk_border(text: &[u8]) -> Option<usize> {
    border(text.strip_prefix(b"\r\n")?).map(|length| length + 2)
}

/// How long the size of a chunk is, with the line end behind it, where it follows the line end of the chunk before
/// (RFC 9112 section 7.1).
fn border(rest: &[u8]) -> Option<usize> {
    let digits = rest.iter().take(CHUNK_SIZE).take_while(|byte| byte.is_ascii_hexdigit()).count();
    (digits > 0 && rest[digits..].starts_with(b"\r\n")).then_some(digits + 2)
}

/// A byte of the notation's hexadecimal digits; the space before the next one stands for nothing.
fn hexadecimal(text: &[u8]) -> Option<Spelled> {
    match text {
        [b' ', high, low, ..] if pair(*high, *low).is_some() => Some(Spelled::of(&[], 1)),
        [high, low, ..] => Some(Spelled::of(&[pair(*high, *low)?], 2)),
        _ => None,
    }
}

fn pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

fn number(digits: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
