//! How a technique is asked for, beside path and query.

use std::collections::BTreeMap;

use super::encoding::ReplyEncoding;
use super::template::percent_encode;

/// Method, body and fields of the request that opens a stream or polls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method: `GET` unless the profile says otherwise or gives a body.
    pub method: String,
    /// The media type of the body.
    pub content_type: Option<String>,
    /// The body, with the places that the path has.
    pub body: Option<String>,
    /// Header fields of this technique alone, beside those of `[headers]`.
    pub headers: BTreeMap<String, String>,
}

impl Default for Request {
    fn default() -> Request {
        Request { method: "GET".to_owned(), content_type: None, body: None, headers: BTreeMap::new() }
    }
}

impl Request {
    /// The request of a table's keys. A body without a method is posted.
    pub(crate) fn of(
        method: Option<String>,
        content_type: Option<String>,
        body: Option<String>,
        headers: BTreeMap<String, String>,
    ) -> Request {
        let method = method.unwrap_or_else(|| if body.is_some() { "POST" } else { "GET" }.to_owned());
        Request { method, content_type, body, headers }
    }

    /// The body and the values of the fields.
    pub(super) fn templates(&self) -> impl Iterator<Item = &str> {
        self.body.iter().chain(self.headers.values()).map(String::as_str)
    }

    /// What is filled in: the body and the values of the fields.
    pub(super) fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        self.body.iter_mut().chain(self.headers.values_mut())
    }

    /// The media type of the body: where the profile names none, JSON is told by its first character.
    pub(crate) fn media_type(&self) -> &str {
        let is_json = self.body.as_ref().is_some_and(|body| body.trim_start().starts_with(['{', '[']));
        let guess = if is_json { "application/json" } else { "application/octet-stream" };
        self.content_type.as_deref().unwrap_or(guess)
    }

    /// A value as it stands in the body: within a JSON string, or percent-encoded in a form.
    pub(crate) fn encode(&self, value: &str) -> String {
        let essence = self.media_type().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if essence.ends_with("/json") || essence.ends_with("+json") {
            ReplyEncoding::Json.encode(value)
        } else if essence == "application/x-www-form-urlencoded" {
            percent_encode(value)
        } else {
            value.to_owned()
        }
    }

    /// Whether it is a plain GET, to which what RFC 9110 says of GET applies (section 9.3.1).
    pub fn is_get(&self) -> bool {
        self.method == "GET" && self.body.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_written_as_the_type_of_the_body_has_it() {
        let request = |content_type: Option<&str>, body: &str| {
            Request::of(None, content_type.map(str::to_owned), Some(body.to_owned()), BTreeMap::new())
        };
        assert_eq!(request(None, "{}").encode("a\"\n"), "a\\\"\\n");
        assert_eq!(request(Some("application/foo+json; v=1"), "").encode("\\"), "\\\\");
        assert_eq!(request(Some("application/x-www-form-urlencoded"), "").encode("a b&"), "a%20b%26");
        assert_eq!(request(Some("text/plain"), "{}").encode("\""), "\"");
        assert_eq!(request(None, "a").media_type(), "application/octet-stream");
    }
}
