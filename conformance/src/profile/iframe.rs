//! `[iframe]`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

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
    /// Where the parts of a message are in the argument of the call.
    pub parts: Parts,
}

impl Iframe {
    /// A stream of scripts of which only the path and the function are known.
    pub fn at(path: String, callback: String) -> Iframe {
        Iframe { path, request: Request::default(), callback, heartbeat: None, parts: Parts::default() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenIframe {
    path: String,
    method: Option<String>,
    content_type: Option<String>,
    body: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(deserialize_with = "callback")]
    callback: String,
    #[serde(default, deserialize_with = "duration")]
    heartbeat: Option<Duration>,
    data: Option<String>,
    id: Option<String>,
    event: Option<String>,
}

impl From<WrittenIframe> for Iframe {
    fn from(written: WrittenIframe) -> Iframe {
        let WrittenIframe { path, method, content_type, body, headers, callback, heartbeat, .. } = written;
        let request = Request::of(method, content_type, body, headers);
        let parts = Parts { data: written.data, id: written.id, event: written.event };
        Iframe { path, request, callback, heartbeat, parts }
    }
}

/// The name of a function, or of one within objects.
fn callback<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    let is_name = |part: &str| {
        let belongs = |character: char| character.is_alphanumeric() || "_$".contains(character);
        part.chars().all(belongs) && part.starts_with(|first: char| !first.is_ascii_digit())
    };
    if name.split('.').all(is_name) {
        Ok(name)
    } else {
        Err(serde::de::Error::custom(format!(
            "`{name}` is not the name of a function: write it like `push.deliver`"
        )))
    }
}
