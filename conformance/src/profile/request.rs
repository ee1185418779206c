//! How a technique is asked for, beside path and query.

use std::collections::BTreeMap;

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
    pub(super) fn of(
        method: Option<String>,
        content_type: Option<String>,
        body: Option<String>,
        headers: BTreeMap<String, String>,
    ) -> Request {
        let method = method.unwrap_or_else(|| if body.is_some() { "POST" } else { "GET" }.to_owned());
        Request { method, content_type, body, headers }
    }

    /// Whether it is a plain GET, to which what RFC 9110 says of GET applies (section 9.3.1).
    pub fn is_get(&self) -> bool {
        self.method == "GET" && self.body.is_none()
    }
}
