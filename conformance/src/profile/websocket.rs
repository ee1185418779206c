//! `[websocket]`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::encoding::ReplyEncoding;
use super::parts::Parts;

/// `[websocket]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "WrittenWebSocket")]
pub struct WebSocket {
    /// Path and query of the endpoint that answers; that of `subscribe` where the profile has no other.
    pub path: String,
    /// Path and query, with `{channel}`, of the endpoint where what is published arrives.
    pub subscribe: Option<String>,
    /// Header fields of the opening handshake alone, beside those of `[headers]`.
    pub headers: BTreeMap<String, String>,
    /// How the suite writes a text for this server: `{message}` within whatever the server expects. Without it the
    /// text is sent as it is.
    pub send: Option<String>,
    /// What it answers to a text: `{message}` for an echo. Left out if it does not answer.
    pub reply: Option<String>,
    /// How a text is written into the answer, and into what the suite sends.
    pub reply_encoding: ReplyEncoding,
    /// The text messages that a client sends as soon as the WebSocket is open: the opening of a subprotocol.
    pub first: Vec<String>,
    /// Where messages are in what it sends. Without them the text is the message.
    pub parts: Parts,
    /// Whether what one says comes to all who are there: a room.
    pub broadcast: bool,
    /// Whether it answers to binary messages alike.
    pub binary: bool,
    /// Subprotocols of which it accepts the first that is offered.
    pub subprotocols: Vec<String>,
    /// Whether every WebSocket is judged with permessage-deflate (RFC 7692). `None` judges the extension by its own cases,
    /// where the server accepts it; `false` leaves those out.
    pub deflate: Option<bool>,
    /// The longest message that it takes, in bytes, as it is when it is decompressed: it refuses one with a byte more (RFC 6455
    /// section 10.4).
    pub message_limit: Option<usize>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenWebSocket {
    #[serde(default)]
    path: String,
    subscribe: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    send: Option<String>,
    reply: Option<String>,
    #[serde(default)]
    reply_encoding: ReplyEncoding,
    #[serde(default)]
    first: Vec<String>,
    separator: Option<String>,
    prefix: Option<String>,
    messages: Option<String>,
    data: Option<String>,
    id: Option<String>,
    event: Option<String>,
    #[serde(default)]
    broadcast: bool,
    #[serde(default)]
    binary: bool,
    #[serde(default)]
    subprotocols: Vec<String>,
    deflate: Option<bool>,
    message_limit: Option<usize>,
}

impl From<WrittenWebSocket> for WebSocket {
    fn from(written: WrittenWebSocket) -> WebSocket {
        let WrittenWebSocket { path, subscribe, headers, send, reply, reply_encoding, .. } = written;
        // What is published arrives at a WebSocket as well.
        let path = if path.is_empty() { subscribe.clone().unwrap_or_default() } else { path };
        WebSocket {
            path,
            subscribe,
            headers,
            send,
            reply,
            reply_encoding,
            first: written.first,
            parts: Parts {
                percent_encoded: false,
                separator: written.separator,
                prefix: written.prefix,
                messages: written.messages,
                data: written.data,
                id: written.id,
                event: written.event,
            },
            broadcast: written.broadcast,
            binary: written.binary,
            subprotocols: written.subprotocols,
            deflate: written.deflate,
            message_limit: written.message_limit,
        }
    }
}

impl WebSocket {
    /// The path where what is published arrives.
    pub fn subscription(&self) -> Option<&String> {
        self.subscribe.as_ref().or_else(|| Some(&self.path).filter(|path| path.contains("{channel}")))
    }
}

#[cfg(test)]
mod tests {
    use crate::profile::{Profile, Target};

    #[test]
    fn an_endpoint_that_only_sends_is_an_endpoint() -> Result<(), Box<dyn std::error::Error>> {
        let profile = Profile::parse("pushspec.toml", "[websocket]\nsubscribe = \"/news/{channel}\"\n")?;
        let target = Target::new("http://localhost", profile)?;
        let path = target.profile.websocket.as_ref().map(|websocket| websocket.path.as_str());
        assert_eq!(path, Some("/news/{channel}"));
        for (capability, has) in [
            ("websocket", true),
            ("websocket.subscribe", true),
            ("websocket.channel", true),
            ("websocket.reply", false),
        ] {
            assert_eq!(target.can(capability), has, "{capability}");
        }
        Ok(())
    }
}
