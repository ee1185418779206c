//! `[publish]`: how to make the server send something.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::encoding::Encoding;
use super::template::{fill, percent_encode};
use super::time::duration;

/// `[publish]`
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Publish {
    /// Method and path: `POST /publish/{channel}`. Empty where a WebSocket is used.
    #[serde(default)]
    pub request: String,
    /// Path and query of a WebSocket on which the body is said, in place of a request.
    pub websocket: Option<String>,
    /// Scheme, host and port of the publisher's endpoint, where it is not the target's own: `http://127.0.0.1:9080`.
    pub url: Option<String>,
    /// Header fields of publications alone, beside those of `[headers]`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The media type of the body.
    #[serde(default = "octet_stream")]
    pub content_type: String,
    /// The body, with `{data}`, `{id}`, `{event}` and `{comment}`.
    #[serde(default)]
    pub body: String,
    /// How what is filled into the body is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// Where the response has the id that the message gets: a JSON pointer, `header:NAME`, or nothing for the whole body.
    pub id: Option<String>,
    /// How long to wait after the last subscription before something is published: a server may answer a subscriber
    /// a moment before it delivers to it.
    #[serde(default, deserialize_with = "duration")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub settle: Option<Duration>,
}

impl Default for Publish {
    fn default() -> Publish {
        Publish {
            request: String::new(),
            websocket: None,
            url: None,
            headers: BTreeMap::new(),
            content_type: octet_stream(),
            body: String::new(),
            encoding: Encoding::default(),
            id: None,
            settle: None,
        }
    }
}

fn octet_stream() -> String {
    "application/octet-stream".to_owned()
}

/// Something that is to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The channel of the case.
    pub channel: String,
    /// The data: text, as all techniques but WebSocket carry text only.
    pub data: String,
    /// An id of the publisher's own.
    pub id: Option<String>,
    /// The name of the event.
    pub event: Option<String>,
    /// A comment that goes with it, where the technique has comments.
    pub comment: Option<String>,
}

impl Publication {
    /// Whether any part of it holds what ends a line in some format.
    pub(crate) fn has_line_breaks(&self) -> bool {
        let parts = [Some(&self.data), self.id.as_ref(), self.event.as_ref(), self.comment.as_ref()];
        parts.into_iter().flatten().any(|part| part.contains(['\r', '\n']))
    }
}

/// An HTTP request that publishes, or a message on a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishRequest {
    /// Whether the body is a message on the WebSocket at this path.
    pub is_message: bool,
    /// `POST`
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Header fields beside those of the target.
    pub headers: BTreeMap<String, String>,
    /// The media type of the body.
    pub content_type: String,
    /// The body.
    pub body: String,
    /// Where the answer has the id of the message; nothing where it has none.
    pub id: Option<String>,
    /// Whether an answer with 4xx is an answer like others.
    pub may_be_refused: bool,
}

impl Publish {
    /// Whether the recipe has a place for a value.
    pub fn names(&self, name: &str) -> bool {
        let place = format!("{{{name}}}");
        self.address().contains(&place) || self.body.contains(&place)
    }

    /// Method and path, or the path of the WebSocket.
    fn address(&self) -> &str {
        self.websocket.as_deref().unwrap_or(&self.request)
    }

    /// The body with its values. In JSON, a place within a string has its quotes already.
    fn filled<'v>(&self, value: impl Fn(&str) -> Option<Option<&'v str>>) -> String {
        let mut out = String::new();
        let mut is_within = false;
        for piece in self.body.split_inclusive('"') {
            let quotes = is_within && self.encoding == Encoding::Json;
            out.push_str(&fill(piece, |name| {
                let value = value(name)?;
                let encoded = self.encoding.encode(if quotes { value.or(Some("")) } else { value });
                let bare = encoded.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                Some(bare.filter(|_| quotes).map(ToOwned::to_owned).unwrap_or(encoded))
            }));
            is_within ^= piece.ends_with('"') && !piece.ends_with("\\\"");
        }
        out
    }

    /// The request that publishes.
    pub fn request(&self, publication: &Publication) -> PublishRequest {
        let value = |name: &str| match name {
            "channel" => Some(Some(publication.channel.as_str())),
            "data" => Some(Some(publication.data.as_str())),
            "id" => Some(publication.id.as_deref()),
            "event" => Some(publication.event.as_deref()),
            "comment" => Some(publication.comment.as_deref()),
            _ => None,
        };
        let (method, path) = match &self.websocket {
            Some(path) => ("GET", path.as_str()),
            None => self.request.split_once(' ').unwrap_or(("POST", &self.request)),
        };
        PublishRequest {
            is_message: self.websocket.is_some(),
            method: method.to_owned(),
            path: fill(path, |name| value(name).map(|value| percent_encode(value.unwrap_or_default()))),
            headers: self.headers.clone(),
            content_type: self.content_type.clone(),
            body: self.filled(value),
            id: self.id.clone(),
            may_be_refused: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_within_a_string_of_json_gets_no_quotes_of_its_own() {
        let publish = Publish {
            request: "POST /".to_owned(),
            body: r#"{"to": "/{channel}", "text": {data}, "say": "\"{data}\" {id}", "id": {id}}"#.to_owned(),
            encoding: Encoding::Json,
            ..Publish::default()
        };
        let publication = Publication {
            channel: "a1".to_owned(),
            data: "\"one\"".to_owned(),
            id: None,
            event: None,
            comment: None,
        };
        assert_eq!(
            publish.request(&publication).body,
            r#"{"to": "/a1", "text": "\"one\"", "say": "\"\"one\"\" ", "id": null}"#
        );
    }
}
