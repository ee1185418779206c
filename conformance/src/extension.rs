//! What two sides agree on in `Sec-WebSocket-Extensions` (RFC 6455 section 9.1): of permessage-deflate what it means (RFC
//! 7692 section 7.1), of any other extension that there is one.

use pushspec_wire::http1::Head;

/// The field.
pub(crate) const FIELD: &str = "Sec-WebSocket-Extensions";

/// The extension that every browser offers.
pub(crate) const NAME: &str = "permessage-deflate";

const NO_SERVER_CONTEXT: &str = "server_no_context_takeover";
const NO_CLIENT_CONTEXT: &str = "client_no_context_takeover";
const SERVER_BITS: &str = "server_max_window_bits";
const CLIENT_BITS: &str = "client_max_window_bits";

/// RSV1, which marks the first frame of a compressed message (RFC 7692 section 6).
pub(crate) const COMPRESSED: u8 = 0b100;

/// The largest window, as a power of two (RFC 7692 section 7.1.2).
const MOST_BITS: u8 = 15;

/// The extension in use on a WebSocket, by the answer of the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Extension {
    /// None: reserved bits mean nothing.
    #[default]
    None,
    /// permessage-deflate.
    Deflate(Agreed),
    /// One that is not known here, several, or one whose acceptance makes no sense: what comes cannot be read.
    Unknown,
}

/// What was agreed on for each direction (RFC 7692 section 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agreed {
    /// How the server compresses.
    pub(crate) server: Compressor,
    /// How the client does.
    pub(crate) client: Compressor,
}

/// How one side compresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Compressor {
    /// Whether a message may refer to those before it.
    pub(crate) takeover: bool,
    /// The window, as a power of two.
    pub(crate) bits: u8,
}

impl Compressor {
    /// The window in bytes.
    pub(crate) fn window(self) -> usize {
        1 << self.bits
    }
}

/// An extension with its parameters, as it stands in the field.
struct Element {
    name: String,
    parameters: Vec<(String, Option<String>)>,
}

impl Element {
    /// The value of a parameter, if it has one.
    fn value(&self, name: &str) -> Option<&str> {
        let mut named = self.parameters.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.next().and_then(|(_, value)| value.as_deref())
    }

    fn has(&self, name: &str) -> bool {
        self.parameters.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// The value of a window; `None` where it is not there or makes no sense.
    fn bits(&self, name: &str) -> Option<u8> {
        self.value(name).and_then(bits)
    }

    /// What is wrong with an acceptance by itself (RFC 7692 section 7).
    fn mistake(&self) -> Option<String> {
        if !self.name.eq_ignore_ascii_case(NAME) {
            return Some(format!("`{}` is not {NAME}", self.name));
        }
        for (at, (name, value)) in self.parameters.iter().enumerate() {
            let known = [NO_SERVER_CONTEXT, NO_CLIENT_CONTEXT, SERVER_BITS, CLIENT_BITS];
            let Some(at_all) = known.iter().position(|known| known.eq_ignore_ascii_case(name)) else {
                return Some(format!("`{name}` is no parameter of it"));
            };
            let is_right = match value {
                None => at_all < 2,
                Some(value) => at_all >= 2 && bits(value).is_some(),
            };
            if !is_right {
                let value = value
                    .as_deref()
                    .map_or_else(|| "no value".to_owned(), |value| format!("the value `{value}`"));
                return Some(format!("`{name}` has {value}"));
            }
            if self.parameters[..at].iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
                return Some(format!("`{name}` stands there twice"));
            }
        }
        None
    }

    /// Why this acceptance is none of an offer (RFC 7692 sections 7.1.1 and 7.1.2). `hints` says whether a hint of the
    /// client about its own window is taken for a bound.
    fn exceeds(&self, offer: &Element, hints: bool) -> Option<String> {
        if offer.has(NO_SERVER_CONTEXT) && !self.has(NO_SERVER_CONTEXT) {
            return Some(format!("`{NO_SERVER_CONTEXT}` was asked for, and is not there"));
        }
        if let Some(most) = offer.bits(SERVER_BITS) {
            match self.bits(SERVER_BITS) {
                // The largest window is what a server has that says nothing.
                None if most == MOST_BITS => {}
                None => return Some(format!("`{SERVER_BITS}` was asked for, and is not there")),
                Some(bits) if bits > most => {
                    return Some(format!("`{SERVER_BITS}={bits}` is above the {most} that was asked for"));
                }
                Some(_) => {}
            }
        }
        let bits = self.bits(CLIENT_BITS)?;
        if !offer.has(CLIENT_BITS) {
            return Some(format!("`{CLIENT_BITS}` was not offered"));
        }
        let most = offer.bits(CLIENT_BITS).filter(|most| hints && bits > *most)?;
        Some(format!("`{CLIENT_BITS}={bits}` is above the {most} that the client has announced"))
    }

    /// What it agrees on.
    fn agreed(&self) -> Agreed {
        let of = |takeover: &str, bits: &str| Compressor {
            takeover: !self.has(takeover),
            bits: self.bits(bits).unwrap_or(MOST_BITS),
        };
        Agreed { server: of(NO_SERVER_CONTEXT, SERVER_BITS), client: of(NO_CLIENT_CONTEXT, CLIENT_BITS) }
    }
}

impl Extension {
    /// What the head of a 101 agrees on.
    pub(crate) fn of(head: &Head) -> Extension {
        let Some(value) = lines(head) else { return Extension::None };
        match elements(&value).as_deref() {
            Some([element]) if element.mistake().is_none() => Extension::Deflate(element.agreed()),
            _ => Extension::Unknown,
        }
    }

    /// What was agreed on of permessage-deflate.
    pub(crate) fn agreed(self) -> Option<Agreed> {
        match self {
            Extension::Deflate(agreed) => Some(agreed),
            Extension::None | Extension::Unknown => None,
        }
    }

    /// The reserved bits that may be set in the first frame of a message: RSV1 = 0b100, RSV2 = 0b010, RSV3 = 0b001.
    pub(crate) fn bits(self) -> u8 {
        match self {
            Extension::None => 0,
            Extension::Deflate(_) => COMPRESSED,
            Extension::Unknown => 0b111,
        }
    }
}

/// The lines of the field in a head as one (RFC 6455 section 9.1); `None` where there is none.
pub(crate) fn lines(head: &Head) -> Option<Vec<u8>> {
    let lines: Vec<Vec<u8>> = head.values(FIELD).map(std::borrow::Cow::into_owned).collect();
    (!lines.is_empty()).then(|| lines.join(&b", "[..]))
}

/// Whether a value follows the grammar of the field (RFC 6455 section 9.1).
pub(crate) fn is_well_formed(value: &[u8]) -> bool {
    elements(value).is_some()
}

/// Why an answer is no acceptance of one of these offers (RFC 7692 sections 5.1 and 7.1); `None` where it is one.
pub(crate) fn not_accepted(answer: &[u8], offers: &[u8], hints: bool) -> Option<String> {
    let Some(answer) = elements(answer) else {
        return Some("it does not follow the grammar of the field".to_owned());
    };
    let [answer] = answer.as_slice() else {
        return Some(format!("it has {} extensions in place of one", answer.len()));
    };
    if let Some(mistake) = answer.mistake() {
        return Some(mistake);
    }
    let offers = elements(offers).unwrap_or_default();
    let of_offers = offers.iter().filter(|offer| offer.name.eq_ignore_ascii_case(NAME));
    let mut whys = of_offers.map(|offer| answer.exceeds(offer, hints)).collect::<Vec<_>>();
    if whys.iter().any(Option::is_none) {
        return None;
    }
    Some(whys.pop().flatten().unwrap_or_else(|| "nothing like it was offered".to_owned()))
}

/// Whether a value is an acceptance of permessage-deflate alone, with parameters that it has, each once, and values in
/// their range (RFC 7692 section 7).
pub(crate) fn is_deflate(value: &[u8]) -> bool {
    matches!(elements(value).as_deref(), Some([element]) if element.mistake().is_none())
}

/// From 8 to 15, without zeros in front.
fn bits(value: &str) -> Option<u8> {
    let number = value.parse::<u8>().ok().filter(|number| (8..=MOST_BITS).contains(number))?;
    (number.to_string() == value).then_some(number)
}

/// The extensions in a value; `None` where it breaks the grammar (RFC 6455 section 9.1).
fn elements(value: &[u8]) -> Option<Vec<Element>> {
    let mut rest = Rest(value);
    let mut elements = Vec::new();
    loop {
        if rest.takes(b',') {
            continue;
        }
        if rest.is_over() {
            return (!elements.is_empty()).then_some(elements);
        }
        let mut element = Element { name: rest.token()?, parameters: Vec::new() };
        while rest.takes(b';') {
            let name = rest.token()?;
            let value = if rest.takes(b'=') { Some(rest.value()?) } else { None };
            element.parameters.push((name, value));
        }
        elements.push(element);
        if !rest.is_over() && !rest.takes(b',') {
            return None;
        }
    }
}

/// What is still to be read of a value.
struct Rest<'v>(&'v [u8]);

impl Rest<'_> {
    fn takes(&mut self, byte: u8) -> bool {
        self.0 = self.0.trim_ascii_start();
        let rest = self.0.strip_prefix(&[byte]);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn is_over(&self) -> bool {
        self.0.trim_ascii_start().is_empty()
    }

    fn token(&mut self) -> Option<String> {
        self.0 = self.0.trim_ascii_start();
        let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        let length = self.0.iter().take_while(|byte| is_token(byte)).count();
        let (token, rest) = self.0.split_at(length);
        self.0 = rest;
        (length > 0).then(|| String::from_utf8_lossy(token).into_owned())
    }

    /// A token, or one in quotes.
    fn value(&mut self) -> Option<String> {
        if !self.takes(b'"') {
            return self.token();
        }
        let mut token = Vec::new();
        loop {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            match byte {
                b'"' => break,
                b'\\' => {
                    let (escaped, rest) = self.0.split_first()?;
                    token.push(*escaped);
                    self.0 = rest;
                }
                byte => token.push(*byte),
            }
        }
        let mut inner = Rest(&token);
        inner.token().filter(|inner| inner.len() == token.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deflate_is_accepted_with_its_own_parameters() {
        for value in [
            "permessage-deflate",
            "Permessage-Deflate; server_no_context_takeover;client_no_context_takeover",
            "permessage-deflate; server_max_window_bits=8; client_max_window_bits=\"15\"",
        ] {
            assert!(is_deflate(value.as_bytes()), "{value}");
        }
        for value in [
            "",
            "deflate-frame",
            "permessage-deflate, permessage-deflate",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=08",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; mem_level=9",
        ] {
            assert!(!is_deflate(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn values_that_break_the_grammar_are_none() {
        for value in
            ["", ",", "a b", "a;", "a;=1", "a;b=", "a;b=\"", "a;b=\"\"", "a;b=\"c d\"", "(a)", "a;b=\"c\\"]
        {
            assert!(elements(value.as_bytes()).is_none(), "{value}");
        }
        let found = elements(b", a ; b = \"\\c\",, d").unwrap_or_default();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].value("b"), Some("c"));
    }

    #[test]
    fn the_largest_window_need_not_be_named() {
        let offer = b"permessage-deflate; server_max_window_bits=15";
        assert_eq!(not_accepted(b"permessage-deflate", offer, false), None);
        let offer = b"permessage-deflate; server_max_window_bits=14";
        assert!(not_accepted(b"permessage-deflate", offer, false).is_some());
    }

    #[test]
    fn an_answer_accepts_an_offer_or_not() {
        let offer = "permessage-deflate; server_max_window_bits=10; server_no_context_takeover; client_max_window_bits=9, permessage-deflate";
        let accepted =
            |answer: &str, hints| not_accepted(answer.as_bytes(), offer.as_bytes(), hints).is_none();
        for answer in [
            "permessage-deflate",
            "permessage-deflate; server_max_window_bits=15",
            "permessage-deflate; client_no_context_takeover",
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=8; client_max_window_bits=9",
        ] {
            assert!(accepted(answer, true), "{answer}");
        }
        let above = "permessage-deflate; server_no_context_takeover; server_max_window_bits=8; client_max_window_bits=15";
        assert!(accepted(above, false) && !accepted(above, true));
        for answer in [
            "permessage-deflate; client_max_window_bits=9",
            "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9",
            "permessage-deflate; server_max_window_bits=11; server_no_context_takeover; client_max_window_bits=9",
            "permessage-deflate, permessage-deflate",
            "x-pushspec",
            "",
        ] {
            assert!(!accepted(answer, false), "{answer}");
        }
        assert!(not_accepted(b"permessage-deflate", b"x-pushspec", false).is_some());
    }
}
