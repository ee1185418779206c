//! Iframe streaming: `GET /iframe/{channel}?callback={name}[&after={cursor}][&heartbeat={duration}]`, the oldest kind of
//! HTTP streaming (RFC 6202, section 3), where a page loads a document that never ends into a hidden iframe.
//!
//! Each message is one complete script element that calls the callback in the parent page:
//!
//! ```html
//! <script>parent.news({"id":"7","event":null,"data":"one"})</script>
//! ```
//!
//! The document begins with more than 1024 bytes, because browsers show nothing before they have seen that much. Its
//! heartbeats are line ends between the elements, which change nothing. It ends properly when the server shuts down.
//!
//! # What a message cannot do
//!
//! The argument is JSON in which the characters that mean something to HTML or that end a line in old JavaScript are
//! written as escapes, so that no data can end the script element or begin another one. The callback is a path of
//! identifiers and nothing else; anything else is refused. What is inside of the data arrives unchanged.

use std::sync::Arc;

use bytes::Bytes;
use hyper::{
    Method, Request, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue},
};
use thiserror::Error;

use crate::{
    application::Application,
    hub::{ChannelName, Message, Start},
    pieces::{Segments, json},
    query::Query,
    response::{self, Answer, Refusal, STREAMED, empty},
    stream::{self, Encoding},
};

/// Why an iframe stream is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
enum IframeError {
    #[error("the parameter callback is missing")]
    Missing,
    #[error(
        "the parameter callback is not a path of at most 128 characters of identifiers, such as app.news"
    )]
    Callback,
}

impl From<IframeError> for Refusal {
    fn from(error: IframeError) -> Self {
        Self::bad_request(&error)
    }
}

pub(crate) fn answer<B>(
    application: &Application,
    name: &ChannelName,
    request: &Request<B>,
) -> Result<Answer, Refusal> {
    let query = Query::parse(request.uri().query())?;
    let callback = Callback::parse(query.text("callback")?.ok_or(IframeError::Missing)?)?;
    let start = query.cursor("after")?.map_or(Start::Now, Start::After);
    let heartbeat = stream::heartbeat(application, &query)?;
    let body = if request.method() == Method::HEAD {
        empty()
    } else {
        let subscription = application.hub.subscribe(name, &start)?;
        stream::body(application, subscription, heartbeat, None, callback)
    };
    let mut answer = response::answer(StatusCode::OK, "text/html; charset=utf-8", body);
    let fields = answer.headers_mut();
    fields.insert(CACHE_CONTROL, STREAMED);
    // A second fence: nothing in the document loads anything, whatever gets into it.
    fields.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
        ),
    );
    Ok(answer)
}

/// The path of a function in the parent page: identifiers of ASCII letters, digits, `_` and `$`, joined by dots.
#[derive(Debug, PartialEq, Eq)]
struct Callback(String);

impl Callback {
    const LONGEST: usize = 128;

    fn parse(text: &str) -> Result<Self, IframeError> {
        let identifier = |name: &str| {
            let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$';
            name.bytes().all(inner) && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
        };
        if text.len() <= Self::LONGEST && text.split('.').all(identifier) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IframeError::Callback)
        }
    }
}

impl Encoding for Callback {
    fn opening(&self) -> Bytes {
        // The amount that browsers read before they decide on an encoding and render.
        const PADDING: usize = 1024;
        let head = "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Stream</title></head>\n<body>\n";
        Bytes::from(format!("{head}<!--{:PADDING$}-->\n", ""))
    }

    fn message(&self, message: &Arc<Message>) -> Segments {
        let opening = std::iter::once(format!("<script>parent.{}(", self.0));
        let argument = json(message).map(|segment| escape(&segment));
        Box::new(opening.chain(argument).chain(std::iter::once(")</script>\n".to_owned())))
    }

    fn heartbeat(&self) -> Bytes {
        Bytes::from_static(b"\n")
    }

    fn ending(&self) -> Bytes {
        Bytes::from_static(b"</body></html>\n")
    }
}

/// Writes as escapes what HTML or JavaScript could misread. In JSON these characters only stand inside of strings.
fn escape(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        match character {
            '<' => escaped.push_str("\\u003c"),
            '>' => escaped.push_str("\\u003e"),
            '&' => escaped.push_str("\\u0026"),
            // Line ends in the literals of JavaScript before ECMAScript 2019.
            '\u{2028}' => escaped.push_str("\\u2028"),
            '\u{2029}' => escaped.push_str("\\u2029"),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::Line;

    fn script(data: &str) -> String {
        let message = Message {
            sequence: 7,
            id: Line::number(7),
            event: None,
            comment: None,
            data: data.to_owned(),
            held: None,
        };
        Callback("app.news".to_owned()).message(&Arc::new(message)).collect()
    }

    #[test]
    fn a_message_is_one_script_element() {
        assert_eq!(
            script("one"),
            "<script>parent.app.news({\"id\":\"7\",\"event\":null,\"data\":\"one\"})</script>\n"
        );
    }

    #[test]
    fn no_data_ends_the_element_or_the_line() {
        for data in
            ["</script>", "<!--<script>", "]]>", "&lt;", "\u{2028}\u{2029}", "\n\r\0\"\\", "')</SCRIPT >"]
        {
            let script = script(data);
            let argument = script
                .strip_prefix("<script>parent.app.news(")
                .and_then(|rest| rest.strip_suffix(")</script>\n"))
                .expect("the element is complete");
            assert!(
                !argument.contains(['<', '>', '&', '\n', '\r', '\0', '\u{2028}', '\u{2029}']),
                "{argument}"
            );
            let value: serde_json::Value = serde_json::from_str(argument).expect("JSON");
            assert_eq!(value["data"], data);
        }
    }

    #[test]
    fn a_callback_is_a_path_of_identifiers() {
        for name in ["f", "_", "$", "a.b.c", "A1._$9", &"x".repeat(128)] {
            assert!(Callback::parse(name).is_ok(), "{name}");
        }
        for other in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "1a",
            "a.1",
            "a b",
            "a()",
            "é",
            "a-b",
            "a[0]",
            "a\n",
            &"x".repeat(129),
        ] {
            assert_eq!(Callback::parse(other), Err(IframeError::Callback), "{other}");
        }
    }

    #[test]
    fn the_opening_is_longer_than_browsers_wait_for() {
        let opening = Callback("f".to_owned()).opening();
        assert!(opening.len() > 1024 && opening.ends_with(b"-->\n"));
    }
}
