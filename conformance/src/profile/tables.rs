//! `pushspec.toml`: where a server keeps each technique.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::event_stream::EventStream;
use super::iframe::Iframe;
use super::poll::{LongPolling, Polling};
use super::publish::Publish;
use super::session::Session;
use super::websocket::WebSocket;

/// A profile. Every part is optional: what is absent is skipped.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Profile {
    /// The URL of the server, if the command line gives none.
    pub url: Option<String>,
    /// An origin from which browsers may read the answers.
    pub allowed_origin: Option<String>,
    /// Whether they may read them with credentials, too.
    #[serde(default)]
    pub allow_credentials: bool,
    /// Header fields of every well-formed request: credentials, an origin that the server insists on.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The methods that the suite may send beside the safe ones (RFC 9110 section 9.2.1), such as `DELETE`: what they do
    /// to a server is its user's to know.
    #[serde(default)]
    pub methods: Vec<String>,
    /// What a client asks for first.
    pub session: Option<Session>,
    /// Short polling.
    pub polling: Option<Polling>,
    /// Long polling.
    pub long_polling: Option<LongPolling>,
    /// Iframe streaming.
    pub iframe: Option<Iframe>,
    /// Event streams.
    pub sse: Option<EventStream>,
    /// WebSocket.
    pub websocket: Option<WebSocket>,
    /// How to make the server send something.
    pub publish: Option<Publish>,
}
