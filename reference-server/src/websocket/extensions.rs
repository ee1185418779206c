//! The grammar of `Sec-WebSocket-Extensions` (RFC 6455, section 9.1). No extension is supported, but a value that breaks
//! the grammar fails the handshake all the same.

use hyper::header::HeaderValue;

use crate::field::{is_token, is_token_byte};

/// Whether all lines of the field together are a list of at least one extension. No line at all is no field.
pub(super) fn are_well_formed<'a>(lines: impl IntoIterator<Item = &'a HeaderValue>) -> bool {
    let lines: Vec<&[u8]> = lines.into_iter().map(HeaderValue::as_bytes).collect();
    lines.is_empty() || Scanner { rest: &lines.join(&b","[..]) }.list().is_some()
}

/// A scanner that is `None` where the grammar is broken.
struct Scanner<'a> {
    rest: &'a [u8],
}

impl Scanner<'_> {
    /// `1#extension`: empty elements are allowed, but not nothing else.
    fn list(mut self) -> Option<()> {
        let mut extensions = 0;
        loop {
            self.skip_white_space();
            match self.rest.first() {
                None => return (extensions > 0).then_some(()),
                Some(b',') => self.rest = &self.rest[1..],
                Some(_) => {
                    self.extension()?;
                    extensions += 1;
                    if !matches!(self.rest.first(), None | Some(b',')) {
                        return None;
                    }
                }
            }
        }
    }

    /// `token *( ";" token [ "=" ( token / quoted-string ) ] )`
    fn extension(&mut self) -> Option<()> {
        self.token()?;
        while self.take(b';') {
            self.skip_white_space();
            self.token()?;
            if self.take(b'=') {
                self.skip_white_space();
                self.value()?;
            }
        }
        Some(())
    }

    fn value(&mut self) -> Option<()> {
        if self.rest.first() == Some(&b'"') { self.quoted_token() } else { self.token() }
    }

    fn token(&mut self) -> Option<()> {
        let length = self.rest.iter().take_while(|&&byte| is_token_byte(byte)).count();
        self.rest = &self.rest[length..];
        self.skip_white_space();
        (length > 0).then_some(())
    }

    /// A quoted string whose content is a token when the escapes are resolved.
    fn quoted_token(&mut self) -> Option<()> {
        let mut content = String::new();
        let mut bytes = self.rest.iter().enumerate().skip(1);
        loop {
            match bytes.next()? {
                (end, b'"') => {
                    self.rest = &self.rest[end + 1..];
                    self.skip_white_space();
                    return is_token(&content).then_some(());
                }
                (_, b'\\') => content.push(char::from(*bytes.next()?.1)),
                (_, byte) => content.push(char::from(*byte)),
            }
        }
    }

    fn take(&mut self, expected: u8) -> bool {
        self.skip_white_space();
        let taken = self.rest.first() == Some(&expected);
        self.rest = &self.rest[usize::from(taken)..];
        taken
    }

    fn skip_white_space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well_formed(lines: &[&'static str]) -> bool {
        let lines: Vec<_> = lines.iter().map(|line| HeaderValue::from_static(line)).collect();
        are_well_formed(&lines)
    }

    #[test]
    fn a_list_of_extensions_is_well_formed() {
        for value in [
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits",
            "a; b=1; c=\"2\" , d;e = f",
            "a;b=\"\\c\"",
            ", a,,b",
        ] {
            assert!(well_formed(&[value]), "{value}");
        }
        assert!(well_formed(&[]));
        assert!(well_formed(&["a", "b; c=2"]));
    }

    #[test]
    fn anything_else_is_not() {
        for value in [
            "",
            " ",
            ",",
            "a b",
            "a;",
            "a;=1",
            "a;b=",
            "a;b=\"",
            "a;b=\"\"",
            "a;b=\"c d\"",
            "a;b=\"c\\",
            "=",
            "a\"b\"",
            "(a)",
        ] {
            assert!(!well_formed(&[value]), "{value}");
        }
        assert!(!well_formed(&["a;", "b"]));
    }
}
