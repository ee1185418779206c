//! `[iframe]`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::parts::Parts;
use super::request::Request;
use super::time::duration;

/// `[iframe]`
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "WrittenIframe")]
pub struct Iframe {
    /// Path and query, with `{channel}` and `{callback}`.
    pub path: String,
    /// How it is asked for.
    pub request: Request,
    /// The name of the function that each script calls, without `parent.`.
    pub callback: String,
    /// The time after which white space or a comment keeps the connection alive.
    pub heartbeat: Option<Duration>,
    /// Whether a channel, or a session, has one stream at a time.
    pub exclusive: bool,
    /// Where messages are in the argument of the call.
    pub parts: Parts,
}

impl Iframe {
    /// A stream of scripts of which only the path and the function are known.
    pub fn at(path: impl Into<String>, callback: impl Into<String>) -> Iframe {
        let (path, callback) = (path.into(), callback.into());
        let (request, parts) = (Request::default(), Parts::default());
        Iframe { path, request, callback, heartbeat: None, exclusive: false, parts }
    }
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenIframe {
    path: String,
    method: Option<String>,
    content_type: Option<String>,
    body: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    callback: String,
    #[serde(default, deserialize_with = "duration")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    heartbeat: Option<Duration>,
    #[serde(default)]
    exclusive: bool,
    separator: Option<String>,
    prefix: Option<String>,
    messages: Option<String>,
    data: Option<String>,
    id: Option<String>,
    event: Option<String>,
}

impl From<WrittenIframe> for Iframe {
    fn from(written: WrittenIframe) -> Iframe {
        let WrittenIframe { path, method, content_type, body, headers, .. } = written;
        let request = Request::of(method, content_type, body, headers);
        let parts = Parts {
            percent_encoded: false,
            separator: written.separator,
            prefix: written.prefix,
            messages: written.messages,
            data: written.data,
            id: written.id,
            event: written.event,
        };
        let WrittenIframe { callback, heartbeat, exclusive, .. } = written;
        Iframe { path, request, callback, heartbeat, exclusive, parts }
    }
}
