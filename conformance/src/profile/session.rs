//! `[session]`: what a client asks for before it may use a technique, and what it keeps of the answers.

use std::collections::BTreeMap;

use serde::Deserialize;

/// `[session]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Session {
    /// Whether all cases share one session. Otherwise each case opens one of its own.
    #[serde(default)]
    pub once: bool,
    /// The requests, in their order. Each may use what the ones before it gave.
    pub request: Vec<SessionRequest>,
}

/// `[[session.request]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SessionRequest {
    /// Method and path, with `{channel}` and `{session.NAME}`.
    pub request: String,
    /// The media type of the body.
    pub content_type: Option<String>,
    /// The body, with the places of the path.
    pub body: Option<String>,
    /// Header fields beside those of `[headers]`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// What is kept of the answer: a name, and where its value is ([`Source`]).
    #[serde(default)]
    pub take: BTreeMap<String, String>,
}

/// Where in an answer a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `/sid`: a JSON pointer (RFC 6901) into the JSON that begins at the first `{` or `[` of the body. Protocols that
    /// put a packet type before their JSON, and event streams, are read this way.
    Json(String),
    /// `header:Mcp-Session-Id`: a header field.
    Header(String),
    /// `cookie:JSESSIONID`: a cookie that the answer sets.
    Cookie(String),
    /// `event:endpoint`: the data of the first event of this type, where the answer is an event stream.
    Event(String),
}

impl Source {
    /// Reads where a value is; nothing for what is none of these.
    pub fn parse(written: &str) -> Option<Source> {
        let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        if written.starts_with('/') || written.is_empty() {
            return Some(Source::Json(written.to_owned()));
        }
        let (kind, name) = written.split_once(':')?;
        match kind {
            "header" => named(name).map(Source::Header),
            "cookie" => named(name).map(Source::Cookie),
            "event" => named(name).map(Source::Event),
            _ => None,
        }
    }
}

impl Session {
    /// The names that the answers give, as they stand in braces: `session.sid`.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.request.iter().flat_map(|request| request.take.keys()).map(|name| format!("session.{name}"))
    }
}
