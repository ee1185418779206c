//! UTF-8 that comes in pieces (RFC 6455, section 8.1; RFC 3629).

/// A text that is not at its end. It holds no more than the bytes of one character.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// The beginning of a character.
    pending: Vec<u8>,
}

/// The bytes cannot be the text's next ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotUtf8;

impl Text {
    /// Takes the next bytes. Bytes that no others could make valid are found at once.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), NotUtf8> {
        let mut rest = bytes;
        while let (false, Some((byte, after))) = (self.pending.is_empty(), rest.split_first()) {
            self.pending.push(*byte);
            if unfinished(&self.pending)?.is_empty() {
                self.pending.clear();
            }
            rest = after;
        }
        self.pending.extend(unfinished(rest)?);
        Ok(())
    }

    /// How many bytes there are of a character that is not complete.
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Whether the text can end here.
    pub(super) fn is_complete(&self) -> bool {
        self.pending.is_empty()
    }
}

/// The beginning of a character at the end of the bytes.
fn unfinished(bytes: &[u8]) -> Result<&[u8], NotUtf8> {
    match str::from_utf8(bytes) {
        Ok(_) => Ok(&[]),
        Err(error) if error.error_len().is_none() => Ok(&bytes[error.valid_up_to()..]),
        Err(_) => Err(NotUtf8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes the bytes cut at every place, which always has to give the same result.
    fn take(bytes: &[u8]) -> Result<bool, NotUtf8> {
        let pieces = |cut| {
            let mut text = Text::default();
            let (before, after) = bytes.split_at(cut);
            text.take(before).and_then(|()| text.take(after)).map(|()| text.is_complete())
        };
        let whole = pieces(0);
        assert!((0..=bytes.len()).all(|cut| pieces(cut) == whole), "{bytes:x?}");
        whole
    }

    #[test]
    fn text_can_end_between_characters_only() {
        for text in ["", "a", "é", "€", "\u{10ffff}", "aé€\u{10000}\u{feff}\0"] {
            assert_eq!(take(text.as_bytes()), Ok(true), "{text:?}");
        }
        for bytes in [&b"\xc3"[..], b"a\xe2\x82", b"\xf4\x8f\xbf"] {
            assert_eq!(take(bytes), Ok(false), "{bytes:x?}");
        }
    }

    #[test]
    fn bytes_that_nothing_can_make_valid_are_found_at_once() {
        for bytes in
            [&b"\xff"[..], b"a\x80", b"\xc0", b"\xc3a", b"\xed\xa0", b"\xf4\x90", b"\xf5", b"\xe0\x80"]
        {
            assert_eq!(take(bytes), Err(NotUtf8), "{bytes:x?}");
        }
    }
}
