//! The query of a request: strict about its encoding, silent about parameters that nobody asks for.

use std::{borrow::Cow, num::ParseIntError, time::Duration};

use percent_encoding::percent_decode_str;
use thiserror::Error;

use crate::response::Refusal;

/// What is wrong with a path or a query.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum QueryError {
    /// A percent sign without two hexadecimal digits (RFC 3986, section 2.1), or bytes that are not UTF-8.
    #[error("the {part} is not percent-encoded UTF-8")]
    Encoding { part: &'static str },
    /// A parameter that has one value is given twice.
    #[error("the parameter {name} is given more than once")]
    Repeated { name: &'static str },
    /// A cursor is a decimal number of at most 64 bits.
    #[error("the parameter {name} is not a cursor, which is a decimal number")]
    Cursor { name: &'static str },
    /// A duration is a decimal number and a unit.
    #[error("the parameter {name} is not a duration such as 300ms or 5s")]
    Duration { name: &'static str },
}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        Self::bad_request(&error)
    }
}

/// The parameters of a query in the form `name=value&...`, decoded.
#[derive(Debug)]
pub(crate) struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    pub(crate) fn parse(query: Option<&'a str>) -> Result<Self, QueryError> {
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let decoded = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode_parameter(name)?, decode_parameter(value)?))
        });
        decoded.collect::<Result<_, _>>().map(Self)
    }

    /// The value of a parameter that has at most one.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&str>, QueryError> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_ref());
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(QueryError::Repeated { name }),
            (value, None) => Ok(value),
        }
    }

    /// A cursor: decimal digits only.
    pub(crate) fn cursor(&self, name: &'static str) -> Result<Option<u64>, QueryError> {
        let value = self.text(name)?;
        value.map(|value| digits(value).map_err(|()| QueryError::Cursor { name })).transpose()
    }

    /// A duration: decimal digits followed by `ms` or `s`.
    pub(crate) fn duration(&self, name: &'static str) -> Result<Option<Duration>, QueryError> {
        let value = self.text(name)?;
        value.map(|value| duration(value).ok_or(QueryError::Duration { name })).transpose()
    }
}

/// Whether a pair of a query has this name, however it is encoded.
pub(crate) fn is_named(pair: &str, name: &str) -> bool {
    decode_parameter(pair.split_once('=').map_or(pair, |(name, _)| name)).is_ok_and(|known| known == name)
}

/// Decodes one segment of a path.
pub(crate) fn decode_segment(segment: &str) -> Result<Cow<'_, str>, QueryError> {
    decode(segment, "path")
}

/// Reads `300ms` or `5s`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    if let Some(number) = text.strip_suffix("ms") {
        digits(number).ok().map(Duration::from_millis)
    } else {
        text.strip_suffix('s').and_then(|number| digits(number).ok()).map(Duration::from_secs)
    }
}

/// Decodes a name or a value of a query, where a plus sign stands for a space (WHATWG URL, section 5.1).
fn decode_parameter(text: &str) -> Result<Cow<'_, str>, QueryError> {
    if text.contains('+') {
        decode(&text.replace('+', "%20"), "query").map(|decoded| Cow::Owned(decoded.into_owned()))
    } else {
        decode(text, "query")
    }
}

fn decode<'a>(text: &'a str, part: &'static str) -> Result<Cow<'a, str>, QueryError> {
    let mut escapes = text.split('%').skip(1);
    let complete =
        escapes.all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|digit| digit.is_ascii_hexdigit()));
    // The library lets incomplete escapes through as they are.
    let decoded = complete.then(|| percent_decode_str(text).decode_utf8().ok()).flatten();
    decoded.ok_or(QueryError::Encoding { part })
}

/// The standard library's parser also takes a plus sign.
fn digits(text: &str) -> Result<u64, ()> {
    if text.bytes().all(|digit| digit.is_ascii_digit()) {
        text.parse().map_err(|_: ParseIntError| ())
    } else {
        Err(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded() {
        let query = Query::parse(Some("a=1+2%2B&b&=c&&%C3%A9=%00")).unwrap();
        assert_eq!(query.text("a"), Ok(Some("1 2+")));
        assert_eq!(query.text("b"), Ok(Some("")));
        assert_eq!(query.text("é"), Ok(Some("\0")));
        assert_eq!(query.text("c"), Ok(None));
    }

    #[test]
    fn a_broken_escape_is_refused() {
        for query in ["a=%", "a=%4", "a=%zz", "%ff=a", "a=%C3", "a=%ED%A0%80", "a=+%", "a=%+41"] {
            assert_eq!(
                Query::parse(Some(query)).unwrap_err(),
                QueryError::Encoding { part: "query" },
                "{query}"
            );
        }
    }

    #[test]
    fn a_parameter_has_one_value() {
        let query = Query::parse(Some("after=1&after=1&hold=1s")).unwrap();
        assert_eq!(query.cursor("after"), Err(QueryError::Repeated { name: "after" }));
        assert_eq!(query.duration("hold"), Ok(Some(Duration::from_secs(1))));
    }

    #[test]
    fn a_cursor_is_a_decimal_number() {
        let cursor = |text: &str| Query::parse(Some(text)).unwrap().cursor("after");
        assert_eq!(cursor("after=18446744073709551615"), Ok(Some(u64::MAX)));
        for other in ["after=", "after", "after=%2B1", "after=-1", "after=1a", "after=18446744073709551616"] {
            assert_eq!(cursor(other), Err(QueryError::Cursor { name: "after" }), "{other}");
        }
    }

    #[test]
    fn a_duration_is_a_number_with_a_unit() {
        assert_eq!(duration("300ms"), Some(Duration::from_millis(300)));
        assert_eq!(duration("5s"), Some(Duration::from_secs(5)));
        for other in ["", "5", "s", "ms", "5m", "1.5s", "-1s", " 1s", "99999999999999999999s"] {
            assert_eq!(duration(other), None, "{other}");
        }
    }
}
