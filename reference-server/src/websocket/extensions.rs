//! What a client offers in `Sec-WebSocket-Extensions` (RFC 6455, section 9.1). A value that breaks the grammar fails the
//! handshake, whatever it offers.

use hyper::header::HeaderValue;

use crate::field::{is_token, is_token_byte};

/// One extension that the client offers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) name: String,
    pub(super) parameters: Vec<Parameter>,
}

/// A parameter of an offer. A quoted value and a bare one are the same.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) value: Option<String>,
}

/// The offers in all lines of the field together, in their order. No line at all is no offer; `None` is a field that is
/// not a list of at least one extension.
pub(super) fn parse<'a>(lines: impl IntoIterator<Item = &'a HeaderValue>) -> Option<Vec<Offer>> {
    let lines: Vec<&[u8]> = lines.into_iter().map(HeaderValue::as_bytes).collect();
    if lines.is_empty() { Some(Vec::new()) } else { Scanner { rest: &lines.join(&b","[..]) }.list() }
}

/// A scanner that is `None` where the grammar is broken.
struct Scanner<'a> {
    rest: &'a [u8],
}

impl Scanner<'_> {
    /// `1#extension`: empty elements are allowed, but not nothing else.
    fn list(mut self) -> Option<Vec<Offer>> {
        let mut offers = Vec::new();
        loop {
            self.skip_white_space();
            match self.rest.first() {
                None => return (!offers.is_empty()).then_some(offers),
                Some(b',') => self.rest = &self.rest[1..],
                Some(_) => {
                    offers.push(self.extension()?);
                    if !matches!(self.rest.first(), None | Some(b',')) {
                        return None;
                    }
                }
            }
        }
    }

    /// `token *( ";" token [ "=" ( token / quoted-string ) ] )`
    fn extension(&mut self) -> Option<Offer> {
        let mut offer = Offer { name: self.token()?, parameters: Vec::new() };
        while self.take(b';') {
            self.skip_white_space();
            let name = self.token()?;
            let mut value = None;
            if self.take(b'=') {
                self.skip_white_space();
                value = Some(self.value()?);
            }
            offer.parameters.push(Parameter { name, value });
        }
        Some(offer)
    }

    fn value(&mut self) -> Option<String> {
        if self.rest.first() == Some(&b'"') { self.quoted_token() } else { self.token() }
    }

    fn token(&mut self) -> Option<String> {
        let length = self.rest.iter().take_while(|&&byte| is_token_byte(byte)).count();
        let (token, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.skip_white_space();
        (length > 0).then(|| token.iter().copied().map(char::from).collect())
    }

    /// A quoted string whose content is a token when the escapes are resolved.
    fn quoted_token(&mut self) -> Option<String> {
        let mut content = String::new();
        let mut bytes = self.rest.iter().enumerate().skip(1);
        loop {
            match bytes.next()? {
                (end, b'"') => {
                    self.rest = &self.rest[end + 1..];
                    self.skip_white_space();
                    return is_token(&content).then_some(content);
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

    /// The offers as they are written most shortly.
    fn offers(lines: &[&'static str]) -> Option<String> {
        let lines: Vec<_> = lines.iter().map(|line| HeaderValue::from_static(line)).collect();
        let text = |Offer { name, parameters }: Offer| {
            parameters.into_iter().fold(name, |text, Parameter { name, value }| match value {
                Some(value) => format!("{text};{name}={value}"),
                None => format!("{text};{name}"),
            })
        };
        parse(&lines).map(|offers| offers.into_iter().map(text).collect::<Vec<_>>().join(","))
    }

    #[test]
    fn a_list_of_extensions_is_well_formed() {
        for (lines, expected) in [
            (&["permessage-deflate"][..], "permessage-deflate"),
            (&["permessage-deflate; client_max_window_bits"], "permessage-deflate;client_max_window_bits"),
            (&["a; b=1; c=\"2\" , d;e = f"], "a;b=1;c=2,d;e=f"),
            (&["a;b=\"\\c\""], "a;b=c"),
            (&[", a,,b"], "a,b"),
            (&[], ""),
            (&["a", "b; c=2"], "a,b;c=2"),
        ] {
            assert_eq!(offers(lines).as_deref(), Some(expected), "{lines:?}");
        }
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
            assert_eq!(offers(&[value]), None, "{value}");
        }
        assert_eq!(offers(&["a;", "b"]), None);
    }
}
