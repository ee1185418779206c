//! Grammars of field values (RFC 9110).

use pushspec_wire::http1::list_elements;

use crate::case::statement::Grammar;

/// Whether a value follows a grammar.
pub(crate) fn fits(grammar: Grammar, value: &[u8]) -> bool {
    match grammar {
        Grammar::Digits => digits(value),
        Grammar::EntityTag => entity_tag(value),
        Grammar::HttpDate => http_date(value),
        Grammar::RetryAfter => digits(value) || http_date(value),
        Grammar::TokenList => list_elements(value).all(token),
    }
}

/// Whether a comma list holds a token, in any case of letters; what follows `;` or `=` in an element is aside.
pub(crate) fn lists(value: &[u8], token: &[u8]) -> bool {
    list_elements(value).any(|element| {
        let end = element.iter().position(|byte| matches!(byte, b';' | b'='));
        element[..end.unwrap_or(element.len())].trim_ascii().eq_ignore_ascii_case(token)
    })
}

fn digits(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().all(u8::is_ascii_digit)
}

/// Section 5.6.2.
fn token(value: &[u8]) -> bool {
    !value.is_empty()
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// Section 8.8.3: `W/` in upper case, then characters between double quotes, without blanks or quotes.
fn entity_tag(value: &[u8]) -> bool {
    let opaque = value.strip_prefix(b"W/").unwrap_or(value);
    let inner = opaque.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    inner.is_some_and(|inner| inner.iter().all(|byte| matches!(byte, 0x21 | 0x23..=0x7e | 0x80..=0xff)))
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Section 5.6.7: the preferred form, the only one that may be sent: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let words: Vec<&str> = text.split(' ').collect();
    let [day_name, day, month, year, time, "GMT"] = words[..] else { return false };
    let number = |text: &str, width: usize, max: u32| {
        text.len() == width && digits(text.as_bytes()) && text.parse().is_ok_and(|number: u32| number <= max)
    };
    let clock: Vec<&str> = time.split(':').collect();
    let [hour, minute, second] = clock[..] else { return false };
    day_name.strip_suffix(',').is_some_and(|name| DAYS.contains(&name))
        && number(day, 2, 31)
        && MONTHS.contains(&month)
        && number(year, 4, 9999)
        && number(hour, 2, 23)
        && number(minute, 2, 59)
        && number(second, 2, 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_the_preferred_form_only() {
        assert!(http_date(b"Sun, 06 Nov 1994 08:49:37 GMT"));
        assert!(!http_date(b"Sunday, 06-Nov-94 08:49:37 GMT"));
        assert!(!http_date(b"Sun, 6 Nov 1994 08:49:37 GMT"));
        assert!(!http_date(b"Sun, 06 Nov 1994 24:49:37 GMT"));
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
    fn elements_are_compared_without_their_parameters() {
        assert!(lists(b"keep-alive, Upgrade", b"upgrade"));
        assert!(lists(b"private, max-age=0", b"max-age"));
        assert!(!lists(b"upgraded", b"upgrade"));
    }
}
