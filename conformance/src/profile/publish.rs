//! `[publish]`: how to make the server send something.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::encoding::Encoding;
use super::template::{fill, percent_encode};
use super::time::duration;

/// `[publish]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Publish {
    /// Method and path: `POST /publish/{channel}`.
    pub request: String,
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
    /// How long to wait after the last subscription before something is published: a server may answer a subscriber
    /// a moment before it delivers to it.
    #[serde(default, deserialize_with = "duration")]
    pub settle: Option<Duration>,
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

/// An HTTP request that publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishRequest {
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
    /// Whether an answer with 4xx is an answer like others.
    pub may_be_refused: bool,
}

impl Publish {
    /// Whether the recipe has a place for a value.
    pub fn names(&self, name: &str) -> bool {
        let place = format!("{{{name}}}");
        self.request.contains(&place) || self.body.contains(&place)
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
        let (method, path) = self.request.split_once(' ').unwrap_or(("POST", &self.request));
        PublishRequest {
            method: method.to_owned(),
            path: fill(path, |name| value(name).map(|value| percent_encode(value.unwrap_or_default()))),
            headers: self.headers.clone(),
            content_type: self.content_type.clone(),
            body: fill(&self.body, |name| value(name).map(|value| self.encoding.encode(value))),
            may_be_refused: false,
        }
    }
}
