//! `pushspec.toml`: where a server keeps each technique.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::event_stream::EventStream;
use super::iframe::Iframe;
use super::poll::{Answer, LongPolling, Polling};
use super::publish::Publish;
use super::request::Request;
use super::session::Session;
use super::websocket::WebSocket;

/// A profile. Every part is optional: what is absent is skipped.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// The names of query parameters whose values are secret.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// The environment variables that the text of the profile names, with their values.
    #[serde(skip)]
    pub environment: BTreeMap<String, String>,
    /// The names of the endpoints, by technique, where they have some.
    #[serde(skip)]
    pub names: BTreeMap<String, String>,
    /// The endpoints behind the first one of a technique, each in a profile without other techniques.
    #[serde(skip)]
    pub further: Vec<Profile>,
    /// What a client asks for first.
    pub session: Option<Session>,
    /// Short polling.
    #[cfg_attr(test, schemars(with = "Option<super::poll::WrittenPolling>"))]
    pub polling: Option<Polling>,
    /// Long polling.
    #[cfg_attr(test, schemars(with = "Option<super::poll::WrittenPolling>"))]
    pub long_polling: Option<LongPolling>,
    /// Iframe streaming.
    #[cfg_attr(test, schemars(with = "Option<super::iframe::WrittenIframe>"))]
    pub iframe: Option<Iframe>,
    /// Event streams.
    #[cfg_attr(test, schemars(with = "Option<super::event_stream::WrittenEventStream>"))]
    pub sse: Option<EventStream>,
    /// WebSocket.
    #[cfg_attr(test, schemars(with = "Option<super::websocket::WrittenWebSocket>"))]
    pub websocket: Option<WebSocket>,
    /// How to make the server send something.
    pub publish: Option<Publish>,
}

impl Profile {
    /// The name of the endpoint of a technique.
    pub fn endpoint(&self, technique: &str) -> Option<&str> {
        self.names.get(technique).map(String::as_str)
    }

    /// Whether it has one technique.
    pub(crate) fn is_alone(&self) -> bool {
        let Profile { polling, long_polling, iframe, sse, websocket, .. } = self;
        let polls = [polling.is_some(), long_polling.is_some()];
        let streams = [iframe.is_some(), sse.is_some(), websocket.is_some()];
        polls.into_iter().chain(streams).filter(|has| *has).count() == 1
    }

    /// Whether it says where a technique is.
    pub(crate) fn names_technique(&self, technique: &str) -> bool {
        self.request_of(technique).is_some() || (technique == "websocket" && self.websocket.is_some())
    }

    /// How a technique is asked for; nothing for a WebSocket, which is a GET always (RFC 6455 section 4.1).
    pub(crate) fn request_of(&self, technique: &str) -> Option<&Request> {
        match technique {
            "polling" => self.polling.as_ref().map(|poll| &poll.request),
            "long-polling" => self.long_polling.as_ref().map(|poll| &poll.request),
            "iframe" => self.iframe.as_ref().map(|iframe| &iframe.request),
            "sse" => self.sse.as_ref().map(|sse| &sse.request),
            _ => None,
        }
    }

    /// How the answers to a poll are read.
    pub(crate) fn answer_of(&self, technique: &str) -> Option<&Answer> {
        match technique {
            "polling" => self.polling.as_ref().map(|poll| &poll.answer),
            "long-polling" => self.long_polling.as_ref().map(|poll| &poll.answer),
            _ => None,
        }
    }

    /// The header fields of the requests of a technique: its own, and those of all that it has not.
    pub(crate) fn fields_of(&self, technique: &str) -> Vec<(&str, &str)> {
        let own = match technique {
            "websocket" => self.websocket.as_ref().map(|websocket| &websocket.headers),
            _ => self.request_of(technique).map(|request| &request.headers),
        };
        let replaced =
            |name: &str| own.is_some_and(|own| own.keys().any(|own| own.eq_ignore_ascii_case(name)));
        let shared = self.headers.iter().filter(|(name, _)| !replaced(name));
        shared.chain(own.into_iter().flatten()).map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}
