//! What a client offers (RFC 6455 section 9.1), and what is agreed on (RFC 7692 section 7.1).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use pushspec_wire::deflate::LARGEST_WINDOW;
use pushspec_wire::http1::{Head, list_elements};

pub(super) const EXTENSIONS: &str = "Sec-WebSocket-Extensions";
pub(super) const NAME: &str = "permessage-deflate";
pub(super) const SERVER_CONTEXT: &str = "server_no_context_takeover";
pub(super) const CLIENT_CONTEXT: &str = "client_no_context_takeover";
pub(super) const SERVER_BITS: &str = "server_max_window_bits";
pub(super) const CLIENT_BITS: &str = "client_max_window_bits";

/// The smallest and the largest window (RFC 7692 section 7.1.2).
const BITS: [&str; 8] = ["8", "9", "10", "11", "12", "13", "14", "15"];

/// An extension that is offered, or a parameter of it with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(super) name: String,
    pub(super) parameters: Vec<(String, Option<String>)>,
}

/// What both sides do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Agreement {
    /// The server begins each message with an empty window.
    pub(super) server_forgets: bool,
    /// The client does.
    pub(super) client_forgets: bool,
    /// The window of the server, in bits.
    pub(super) server_bits: Option<u8>,
    /// That of the client.
    pub(super) client_bits: Option<u8>,
}

impl Offer {
    pub(super) fn has(&self, name: &str) -> bool {
        self.parameters.iter().any(|(known, _)| known == name)
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.as_deref())
    }

    /// What is agreed on where this is accepted, whatever it has that is wrong.
    pub(super) fn agreement(&self) -> Agreement {
        let bits = |name| {
            self.value(name).and_then(|value| value.parse().ok()).filter(|bits| (8..16).contains(bits))
        };
        Agreement {
            server_forgets: self.has(SERVER_CONTEXT),
            client_forgets: self.has(CLIENT_CONTEXT),
            server_bits: bits(SERVER_BITS),
            client_bits: bits(CLIENT_BITS),
        }
    }

    /// Whether the extension has these parameters with these values, and none of them twice.
    pub(super) fn is_acceptable(&self) -> bool {
        let mut names = BTreeSet::new();
        self.name == NAME
            && self.parameters.iter().all(|(name, value)| {
                let is_good = match name.as_str() {
                    SERVER_CONTEXT | CLIENT_CONTEXT => value.is_none(),
                    SERVER_BITS => is_bits(value.as_deref()),
                    CLIENT_BITS => value.is_none() || is_bits(value.as_deref()),
                    _ => false,
                };
                is_good && names.insert(name)
            })
    }
}

impl Agreement {
    /// How the answer says it.
    pub(super) fn answer(self) -> String {
        let mut text = NAME.to_owned();
        for (is_there, name) in [(self.server_forgets, SERVER_CONTEXT), (self.client_forgets, CLIENT_CONTEXT)]
        {
            if is_there {
                let _ = write!(text, "; {name}");
            }
        }
        for (bits, name) in [(self.server_bits, SERVER_BITS), (self.client_bits, CLIENT_BITS)] {
            if let Some(bits) = bits {
                let _ = write!(text, "; {name}={bits}");
            }
        }
        text
    }
}

fn is_bits(value: Option<&str>) -> bool {
    value.is_some_and(|value| BITS.contains(&value))
}

/// The offers of a request, over all lines; `None` where they are not written as section 9.1 has it, or there are none.
pub(super) fn offers(head: &Head) -> Option<Vec<Offer>> {
    let mut offers = Vec::new();
    for value in head.values(EXTENSIONS) {
        for member in list_elements(&value) {
            offers.push(offer(str::from_utf8(member).ok()?)?);
        }
    }
    Some(offers).filter(|offers| !offers.is_empty())
}

fn offer(text: &str) -> Option<Offer> {
    let mut parts = split(text, ';').into_iter().map(trimmed);
    let name = parts.next().filter(|name| is_token(name))?.to_owned();
    let parameters = parts.map(parameter).collect::<Option<_>>()?;
    Some(Offer { name, parameters })
}

fn parameter(text: &str) -> Option<(String, Option<String>)> {
    let Some((name, value)) = text.split_once('=') else {
        return is_token(text).then(|| (text.to_owned(), None));
    };
    let value = unquoted(trimmed(value))?;
    let name = trimmed(name);
    (is_token(name) && is_token(&value)).then(|| (name.to_owned(), Some(value)))
}

/// What a value says: a token, or what stands in quotes.
fn unquoted(value: &str) -> Option<String> {
    let Some(inner) = value.strip_prefix('"') else { return Some(value.to_owned()) };
    let mut text = String::new();
    let mut letters = inner.chars();
    loop {
        match letters.next()? {
            '"' => return letters.next().is_none().then_some(text),
            '\\' => text.push(letters.next()?),
            letter => text.push(letter),
        }
    }
}

/// The parts between separators that do not stand in quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(|letter| {
        let separates = letter == separator && !is_quoted;
        let quotes = letter == '"' && !is_escaped;
        is_escaped = is_quoted && letter == '\\' && !is_escaped;
        is_quoted ^= quotes;
        separates
    })
    .collect()
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

/// The size of a window, in bytes.
pub(super) fn window(bits: Option<u8>) -> usize {
    bits.map_or(LARGEST_WINDOW, |bits| 1 << bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::request;

    fn read(value: &str) -> Option<Vec<Offer>> {
        offers(&request(&format!("GET /websocket/echo HTTP/1.1\n{EXTENSIONS}: {value}")).head)
    }

    #[test]
    fn an_answer_says_what_was_offered() {
        let offer = "permessage-deflate;client_max_window_bits=\"1\\0\" ; server_no_context_takeover";
        let read = read(&format!("x; a=\"1\", ,{offer}, permessage-deflate")).expect("a list");
        assert_eq!(read.len(), 3);
        assert!(!read[0].is_acceptable() && read[1].is_acceptable() && read[2].is_acceptable());
        let expected = "permessage-deflate; server_no_context_takeover; client_max_window_bits=10";
        assert_eq!(read[1].agreement().answer(), expected);
        assert_eq!(read[2].agreement(), Agreement::default());
    }

    #[test]
    fn what_no_server_may_accept_is_not_acceptable() {
        for parameters in [
            "server_max_window_bits",
            "server_max_window_bits=08",
            "server_max_window_bits=7",
            "client_max_window_bits=16",
            "server_no_context_takeover=1",
            "client_max_window_bits; client_max_window_bits=9",
            "Server_max_window_bits=9",
        ] {
            let offers = read(&format!("permessage-deflate; {parameters}")).expect("a list");
            assert!(!offers[0].is_acceptable(), "{parameters}");
        }
    }

    #[test]
    fn what_is_no_list_of_extensions_is_not_read() {
        let wrong = [
            "",
            ",",
            "a;",
            "a;;b",
            "a; =1",
            "a; b=",
            "a; b==1",
            "a b",
            "a; \"b\"",
            "a; b=\"1",
            "a; b=\"1\"2",
        ];
        for value in wrong.into_iter().chain(["a; b=\"\"", "a; b=\" 1\"", "a; b=\"8,9\"", "a: b"]) {
            assert_eq!(read(value), None, "{value}");
        }
    }
}
