//! `[websocket]`.

use serde::Deserialize;

use super::encoding::ReplyEncoding;

/// `[websocket]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WebSocket {
    /// Path and query of the endpoint that answers.
    pub path: String,
    /// Path and query, with `{channel}`, of the endpoint where what is published arrives.
    pub subscribe: Option<String>,
    /// What it answers to a text: `{message}` for an echo. Left out if it does not answer.
    pub reply: Option<String>,
    /// How a text is written into the answer.
    #[serde(default)]
    pub reply_encoding: ReplyEncoding,
    /// Whether what one says comes to all who are there: a room.
    #[serde(default)]
    pub broadcast: bool,
    /// Whether it answers to binary messages alike.
    #[serde(default)]
    pub binary: bool,
    /// Subprotocols of which it accepts the first that is offered.
    #[serde(default)]
    pub subprotocols: Vec<String>,
}

impl WebSocket {
    /// The path where what is published arrives.
    pub fn subscription(&self) -> Option<&String> {
        self.subscribe.as_ref().or_else(|| Some(&self.path).filter(|path| path.contains("{channel}")))
    }
}
