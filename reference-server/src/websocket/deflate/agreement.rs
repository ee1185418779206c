//! What client and server agree on (RFC 7692, sections 5 and 7.1).

use std::{collections::HashSet, fmt};

use super::super::extensions::{Offer, Parameter};

/// The name of the extension. No text says that the names of extensions and their parameters are compared without regard
/// to case, as RFC 6455 does where it means so. A name in another case is that of something that is not known here.
const NAME: &str = "permessage-deflate";

const SERVER_NO_CONTEXT_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_NO_CONTEXT_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_MAX_WINDOW_BITS: &str = "server_max_window_bits";
const CLIENT_MAX_WINDOW_BITS: &str = "client_max_window_bits";

/// The base-2 logarithm of the size of an LZ77 window: 8 to 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct WindowBits(u8);

impl WindowBits {
    /// A decimal number without leading zeros.
    fn parse(text: &str) -> Option<Self> {
        let bits = match text {
            "8" => 8,
            "9" => 9,
            "10" => 10,
            "11" => 11,
            "12" => 12,
            "13" => 13,
            "14" => 14,
            "15" => 15,
            _ => return None,
        };
        Some(Self(bits))
    }

    /// The number itself.
    pub(super) fn get(self) -> u8 {
        self.0
    }

    /// The size of the window in bytes.
    pub(super) fn size(self) -> usize {
        1 << self.0
    }
}

/// Where nothing is agreed.
impl Default for WindowBits {
    fn default() -> Self {
        Self(15)
    }
}

/// The agreed parameters. Their text is the answer to the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Agreement {
    pub(super) server_no_context_takeover: bool,
    pub(super) client_no_context_takeover: bool,
    pub(super) server_max_window_bits: Option<WindowBits>,
    pub(super) client_max_window_bits: Option<WindowBits>,
}

impl Agreement {
    /// The agreement on the first offer that can be accepted: the client prefers it to those behind it (section 5).
    pub(in super::super) fn on(offers: &[Offer]) -> Option<Self> {
        offers.iter().find_map(Self::on_offer)
    }

    /// Every configuration is supported, and each hint of the client is made binding, which saves memory. So an offer is
    /// declined for an error only (section 7).
    fn on_offer(offer: &Offer) -> Option<Self> {
        if offer.name != NAME {
            return None;
        }
        let mut agreement = Self::default();
        let mut known = HashSet::new();
        for Parameter { name, value } in &offer.parameters {
            if !known.insert(name) {
                return None;
            }
            match (name.as_str(), value.as_deref()) {
                (SERVER_NO_CONTEXT_TAKEOVER, None) => agreement.server_no_context_takeover = true,
                (CLIENT_NO_CONTEXT_TAKEOVER, None) => agreement.client_no_context_takeover = true,
                (SERVER_MAX_WINDOW_BITS, Some(bits)) => {
                    agreement.server_max_window_bits = Some(WindowBits::parse(bits)?);
                }
                (CLIENT_MAX_WINDOW_BITS, Some(bits)) => {
                    agreement.client_max_window_bits = Some(WindowBits::parse(bits)?);
                }
                // The client would understand a limit, and this server needs none.
                (CLIENT_MAX_WINDOW_BITS, None) => {}
                _ => return None,
            }
        }
        Some(agreement)
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(NAME)?;
        for (name, agreed) in [
            (SERVER_NO_CONTEXT_TAKEOVER, self.server_no_context_takeover),
            (CLIENT_NO_CONTEXT_TAKEOVER, self.client_no_context_takeover),
        ] {
            if agreed {
                write!(formatter, "; {name}")?;
            }
        }
        for (name, bits) in [
            (SERVER_MAX_WINDOW_BITS, self.server_max_window_bits),
            (CLIENT_MAX_WINDOW_BITS, self.client_max_window_bits),
        ] {
            if let Some(WindowBits(bits)) = bits {
                write!(formatter, "; {name}={bits}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::{super::super::extensions, *};

    fn answer(offers: &str) -> Option<String> {
        let line = HeaderValue::from_str(offers).expect("a value");
        let offers = extensions::parse([&line]).expect("well-formed");
        Agreement::on(&offers).map(|agreement| agreement.to_string())
    }

    #[test]
    fn an_offer_is_answered_with_what_is_agreed() {
        for (offer, agreed) in [
            ("", ""),
            ("; server_no_context_takeover", "; server_no_context_takeover"),
            ("; client_no_context_takeover", "; client_no_context_takeover"),
            ("; server_max_window_bits=8", "; server_max_window_bits=8"),
            ("; server_max_window_bits=15", "; server_max_window_bits=15"),
            ("; server_max_window_bits=\"10\"", "; server_max_window_bits=10"),
            ("; server_max_window_bits=\"1\\0\"", "; server_max_window_bits=10"),
            ("; client_max_window_bits", ""),
            ("; client_max_window_bits=8", "; client_max_window_bits=8"),
            ("; client_max_window_bits=\"15\"", "; client_max_window_bits=15"),
            (
                "; client_max_window_bits=9; server_max_window_bits=12; client_no_context_takeover; server_no_context_takeover",
                "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12; client_max_window_bits=9",
            ),
        ] {
            let agreed = format!("{NAME}{agreed}");
            assert_eq!(answer(&format!("{NAME}{offer}")), Some(agreed), "{offer}");
        }
        let all = (8..=15).all(|bits| answer(&format!("{NAME}; server_max_window_bits={bits}")).is_some());
        assert!(all);
    }

    #[test]
    fn these_offers_are_declined() {
        for offer in [
            "; unknown",
            "; unknown=1",
            "; server_no_context_takeover=1",
            "; client_no_context_takeover=true",
            "; server_max_window_bits",
            "; server_max_window_bits=7",
            "; server_max_window_bits=16",
            "; server_max_window_bits=0",
            "; server_max_window_bits=08",
            "; server_max_window_bits=+9",
            "; server_max_window_bits=-9",
            "; server_max_window_bits=9.0",
            "; server_max_window_bits=265",
            "; server_max_window_bits=0x9",
            "; server_max_window_bits=nine",
            "; server_max_window_bits=99999999999999999999",
            "; client_max_window_bits=7",
            "; client_max_window_bits=16",
            "; client_max_window_bits=09",
            "; client_max_window_bits=\"010\"",
            "; server_no_context_takeover; server_no_context_takeover",
            "; client_max_window_bits; client_max_window_bits",
            "; client_max_window_bits; client_max_window_bits=9",
            "; server_max_window_bits=9; server_max_window_bits=9",
            "; Server_No_Context_Takeover",
        ] {
            assert_eq!(answer(&format!("{NAME}{offer}")), None, "{offer}");
        }
        for name in ["Permessage-Deflate", "permessage-deflate2", "x-webkit-deflate-frame", "deflate"] {
            assert_eq!(answer(name), None, "{name}");
        }
    }

    #[test]
    fn the_first_offer_that_can_be_accepted_is() {
        for (offers, agreed) in [
            (
                "permessage-deflate; server_max_window_bits=9, permessage-deflate",
                "; server_max_window_bits=9",
            ),
            ("permessage-deflate; server_max_window_bits=16, permessage-deflate", ""),
            (
                "other; x=1, permessage-deflate; unknown, permessage-deflate; client_max_window_bits=10",
                "; client_max_window_bits=10",
            ),
            ("permessage-deflate, permessage-deflate; server_no_context_takeover", ""),
        ] {
            assert_eq!(answer(offers), Some(format!("{NAME}{agreed}")), "{offers}");
        }
        assert_eq!(answer("other, permessage-deflate; unknown"), None);
    }
}
