//! Grammars of field values (RFC 9110).

use pushspec_wire::http1::list_elements;

use crate::case::statement::Grammar;
use crate::extension;
use crate::judge::receive::retry_after::{is_digits, is_http_date, is_retry_after};

/// Whether a value follows a grammar.
pub(super) fn fits(grammar: Grammar, value: &[u8]) -> bool {
    match grammar {
        Grammar::Something => !value.is_empty(),
        Grammar::Digits => is_digits(value),
        Grammar::EntityTag => entity_tag(value),
        Grammar::HttpDate => is_http_date(value),
        Grammar::RetryAfter => is_retry_after(value),
        Grammar::TokenList => list_elements(value).all(token),
        Grammar::VersionList => version_list(value),
        Grammar::MediaTypeInUtf8 => media_type_in_utf_8(value),
        Grammar::AllowedOrigin => allowed_origin(value),
        Grammar::FramedScripts => framed_scripts(value),
        Grammar::PermessageDeflate => extension::is_deflate(value),
        Grammar::PermessageDeflatePlain => !names_client_bits(value),
    }
}

/// Whether a comma list holds a token, in any case of letters. What follows `;` or `=` in an element is aside, unless
/// the token itself has a value.
pub(super) fn lists(value: &[u8], token: &[u8]) -> bool {
    let whole = token.contains(&b'=');
    list_elements(value).any(|element| {
        if whole && element.eq_ignore_ascii_case(token) {
            return true;
        }
        let end = element.iter().position(|byte| matches!(byte, b';' | b'='));
        element[..end.unwrap_or(element.len())].trim_ascii().eq_ignore_ascii_case(token)
    })
}

/// Section 5.6.2.
fn token(value: &[u8]) -> bool {
    !value.is_empty()
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// RFC 6455 section 4.3: at least one number from 0 to 255, without zeros in front.
fn version_list(value: &[u8]) -> bool {
    let version = |element: &[u8]| {
        let number = std::str::from_utf8(element).ok().and_then(|text| text.parse::<u8>().ok());
        number.is_some_and(|number| number.to_string().as_bytes() == element)
    };
    let mut elements = list_elements(value).peekable();
    elements.peek().is_some() && elements.all(version)
}

fn names_client_bits(value: &[u8]) -> bool {
    value.split(|byte| matches!(byte, b';' | b'=')).any(|word| word.trim_ascii() == b"client_max_window_bits")
}

/// Section 8.8.3: `W/` in upper case, then characters between double quotes, without blanks or quotes.
fn entity_tag(value: &[u8]) -> bool {
    let opaque = value.strip_prefix(b"W/").unwrap_or(value);
    let inner = opaque.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    inner.is_some_and(|inner| inner.iter().all(|byte| matches!(byte, 0x21 | 0x23..=0x7e | 0x80..=0xff)))
}

/// Section 8.3.1: a type, a subtype, and parameters of which none names another charset.
fn media_type_in_utf_8(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let essence = parts.next().unwrap_or_default();
    let types: Vec<&[u8]> = essence.split(|byte| *byte == b'/').collect();
    let [kind, subtype] = types[..] else { return false };
    token(kind) && token(subtype) && parts.all(|part| part.is_empty() || is_utf_8_or_no_charset(part))
}

fn is_utf_8_or_no_charset(parameter: &[u8]) -> bool {
    let mut sides = parameter.splitn(2, |byte| *byte == b'=');
    let (name, value) = (sides.next().unwrap_or_default(), sides.next().unwrap_or_default());
    let quoted = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    !name.eq_ignore_ascii_case(b"charset") || quoted.unwrap_or(value).eq_ignore_ascii_case(b"utf-8")
}

/// A scheme, `://`, a host and perhaps a port, and no path; or `null`; or `*`.
fn allowed_origin(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    if matches!(text, "*" | "null") {
        return true;
    }
    text.split_once("://").is_some_and(|(scheme, authority)| {
        let in_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        let in_authority = |byte: u8| (0x21..=0x7e).contains(&byte) && !b"/?#@,\\".contains(&byte);
        !scheme.is_empty()
            && scheme.bytes().all(in_scheme)
            && !authority.is_empty()
            && authority.bytes().all(in_authority)
    })
}

/// Content Security Policy, sections 6.1.11, 6.4.2 and 6.3.1: no policy of the list keeps every page from framing the
/// document, and none forbids scripts that stand in it.
fn framed_scripts(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value).to_ascii_lowercase();
    text.split(',').all(|policy| {
        let directive = |name: &str| {
            policy.split(';').map(str::split_ascii_whitespace).find_map(|mut words| {
                (words.next() == Some(name)).then(|| words.map(ToOwned::to_owned).collect::<Vec<String>>())
            })
        };
        let none = |values: &[String]| values.iter().all(|value| value == "'none'");
        let runs = |values: &[String]| {
            let lets = |value: &String| {
                ["'unsafe-inline'", "'nonce-", "'sha256-", "'sha384-", "'sha512-"]
                    .iter()
                    .any(|source| value.starts_with(source))
            };
            values.iter().any(lets)
        };
        let scripts = directive("script-src-elem")
            .or_else(|| directive("script-src"))
            .or_else(|| directive("default-src"));
        directive("frame-ancestors").is_none_or(|ancestors| !none(&ancestors))
            && directive("sandbox").is_none_or(|flags| flags.iter().any(|flag| flag == "allow-scripts"))
            && scripts.is_none_or(|sources| runs(&sources))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_lets_scripts_run_in_a_frame_or_not() {
        for policy in [
            "default-src 'none'; script-src 'unsafe-inline'; base-uri 'none'",
            "frame-ancestors 'self'",
            "img-src 'none'",
            "script-src 'nonce-abc'",
        ] {
            assert!(framed_scripts(policy.as_bytes()), "{policy}");
        }
        for policy in [
            "frame-ancestors 'none'",
            "default-src 'self'",
            "default-src 'unsafe-inline'; script-src 'self'",
            "sandbox",
            "img-src *, Frame-Ancestors 'NONE'",
        ] {
            assert!(!framed_scripts(policy.as_bytes()), "{policy}");
        }
    }

    #[test]
    fn tags_are_quoted() {
        for tag in ["\"\"", "\"a\"", "W/\"a\""] {
            assert!(entity_tag(tag.as_bytes()), "{tag}");
        }
        for tag in ["a", "w/\"a\"", "\"a b\"", "\"", "\"a\"b\""] {
            assert!(!entity_tag(tag.as_bytes()), "{tag}");
        }
    }

    #[test]
    fn a_charset_is_utf_8_in_any_spelling_or_left_out() {
        for value in [
            "text/event-stream",
            "Text/Event-Stream;charset=UTF-8",
            "text/event-stream ; charset=\"utf-8\"",
            "text/event-stream; v=1;",
        ] {
            assert!(media_type_in_utf_8(value.as_bytes()), "{value}");
        }
        for value in
            ["text/event-stream; charset=iso-8859-1", "text/event-stream; charset", "text", "a/b/c", ""]
        {
            assert!(!media_type_in_utf_8(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn an_allowed_origin_is_one_origin_or_a_star() {
        for value in ["*", "null", "http://localhost:8000", "https://a.example", "chrome-extension://abc"] {
            assert!(allowed_origin(value.as_bytes()), "{value}");
        }
        for value in
            ["", "http://a/", "http://a, http://b", "a.example", "http://", "true", "http://a http://b"]
        {
            assert!(!allowed_origin(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn versions_are_numbers_of_one_byte() {
        for value in ["13", "13, 8", "0,255", "13 , 7"] {
            assert!(version_list(value.as_bytes()), "{value}");
        }
        for value in ["", "013", "256", "+13", "13, hybi-10", "13 or later", "1 3"] {
            assert!(!version_list(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn the_bits_of_the_client_are_named_or_not() {
        assert!(names_client_bits(b"permessage-deflate; client_max_window_bits=15"));
        assert!(!names_client_bits(b"permessage-deflate; server_max_window_bits=15"));
    }

    #[test]
    fn elements_are_compared_without_their_parameters() {
        assert!(lists(b"keep-alive, Upgrade", b"upgrade"));
        assert!(lists(b"private, max-age=0", b"max-age"));
        assert!(!lists(b"upgraded", b"upgrade"));
        assert!(lists(b"private, max-age=0", b"max-age=0"));
        assert!(!lists(b"max-age=60", b"max-age=0"));
    }
}
