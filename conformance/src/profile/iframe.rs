//! `[iframe]`.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::parts::Parts;
use super::time::duration;

/// `[iframe]`
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "WrittenIframe")]
pub struct Iframe {
    /// Path and query, with `{channel}` and `{callback}`.
    pub path: String,
    /// The name of the function that each script calls, without `parent.`.
    pub callback: String,
    /// The time after which white space or a comment keeps the connection alive.
    pub heartbeat: Option<Duration>,
    /// Where the parts of a message are in the argument of the call.
    pub parts: Parts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenIframe {
    path: String,
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
        let parts = Parts { data: written.data, id: written.id, event: written.event };
        Iframe { path: written.path, callback: written.callback, heartbeat: written.heartbeat, parts }
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
            "`{name}` is no name of a function: write it like `push.deliver`"
        )))
    }
}
