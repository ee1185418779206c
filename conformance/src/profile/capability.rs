//! What a target can do, by what its profile says.

use std::collections::BTreeSet;
use std::time::Duration;

use super::tables::Profile;
use super::target::Target;

/// The five techniques and the HTTP beneath four of them, in the order in which they are reported.
pub const TECHNIQUES: [&str; 6] = ["http", "polling", "long-polling", "iframe", "sse", "websocket"];

/// Everything that a case can need, with what the profile must say for it.
pub const CAPABILITIES: [(&str, &str); 31] = [
    ("polling", "a [polling] table"),
    ("polling.cursor", "[polling] path with {cursor}, and cursor"),
    ("polling.validator", "[polling] validator = true"),
    ("long-polling", "a [long-polling] table"),
    ("long-polling.cursor", "[long-polling] path with {cursor}, and cursor"),
    ("long-polling.hold", "[long-polling] path with {hold}, {hold-ms} or {hold-s}"),
    ("long-polling.end", "[long-polling] path with {hold}, {hold-ms} or {hold-s}, or a hold of 3 s or less"),
    ("iframe", "an [iframe] table"),
    ("iframe.callback", "[iframe] path with {callback}"),
    ("iframe.heartbeat", "[iframe] heartbeat"),
    ("sse", "an [sse] table"),
    ("sse.resume", "[sse] resume = true"),
    ("sse.heartbeat", "[sse] heartbeat"),
    ("sse.channel", "[sse] path with {channel}"),
    ("sse.endless", "[sse] without finite = true"),
    ("sse.ending", "[sse] ending"),
    ("sse.gone", "[sse] gone"),
    ("sse.moved", "[sse] moved"),
    ("sse.checkpoints", "[sse] checkpoints"),
    ("websocket", "a [websocket] table"),
    ("websocket.reply", "[websocket] reply"),
    ("websocket.binary", "[websocket] reply and binary = true"),
    ("websocket.subscribe", "[websocket] subscribe, or a path with {channel}"),
    ("websocket.private", "[websocket] without broadcast = true"),
    ("websocket.subprotocol", "[websocket] subprotocols"),
    ("publish", "a [publish] table"),
    ("publish.id", "[publish] request or body with {id}"),
    ("publish.event", "[publish] request or body with {event}"),
    ("publish.comment", "[publish] request or body with {comment}"),
    ("cors", "allowed-origin"),
    ("cors.credentials", "allowed-origin and allow-credentials = true"),
];

/// The longest hold of a server's own choice whose end a case waits for.
const SOON_OVER: Duration = Duration::from_secs(3);

impl Target {
    /// What the target can do, by the names of [`CAPABILITIES`].
    pub fn capabilities(&self) -> BTreeSet<&'static str> {
        CAPABILITIES.iter().map(|(name, _)| *name).filter(|name| self.can(name)).collect()
    }

    /// Whether the target has a capability.
    pub fn can(&self, capability: &str) -> bool {
        let Profile {
            polling,
            long_polling,
            iframe,
            sse,
            websocket,
            publish,
            allowed_origin,
            allow_credentials,
            ..
        } = &self.profile;
        let recipe_has = |name: &str| publish.as_ref().is_some_and(|publish| publish.names(name));
        match capability {
            "polling" => polling.is_some(),
            "polling.cursor" => polling
                .as_ref()
                .is_some_and(|poll| poll.answer.cursor.is_some() && poll.path.contains("{cursor}")),
            "polling.validator" => polling.as_ref().is_some_and(|poll| poll.validator),
            "long-polling" => long_polling.is_some(),
            "long-polling.cursor" => long_polling
                .as_ref()
                .is_some_and(|poll| poll.answer.cursor.is_some() && poll.path.contains("{cursor}")),
            "long-polling.hold" => long_polling.as_ref().is_some_and(|poll| poll.path.contains("{hold")),
            "long-polling.end" => long_polling
                .as_ref()
                .is_some_and(|poll| poll.path.contains("{hold") || poll.hold <= SOON_OVER),
            "iframe" => iframe.is_some(),
            "iframe.callback" => iframe.as_ref().is_some_and(|iframe| iframe.path.contains("{callback}")),
            "iframe.heartbeat" => iframe.as_ref().is_some_and(|iframe| iframe.heartbeat.is_some()),
            "sse" => sse.is_some(),
            "sse.resume" => sse.as_ref().is_some_and(|sse| sse.resume),
            "sse.heartbeat" => sse.as_ref().is_some_and(|sse| sse.heartbeat.is_some()),
            "sse.channel" => sse.as_ref().is_some_and(|sse| sse.path.contains("{channel}")),
            "sse.endless" => sse.as_ref().is_some_and(|sse| !sse.finite),
            "sse.ending" => sse.as_ref().is_some_and(|sse| sse.ending.is_some()),
            "sse.gone" => sse.as_ref().is_some_and(|sse| sse.gone.is_some()),
            "sse.checkpoints" => sse.as_ref().is_some_and(|sse| sse.checkpoints.is_some()),
            "sse.moved" => sse.as_ref().is_some_and(|sse| sse.moved.is_some()),
            "websocket" => websocket.is_some(),
            "websocket.reply" => websocket.as_ref().is_some_and(|websocket| websocket.reply.is_some()),
            "websocket.binary" => {
                websocket.as_ref().is_some_and(|websocket| websocket.reply.is_some() && websocket.binary)
            }
            "websocket.subscribe" => {
                websocket.as_ref().is_some_and(|websocket| websocket.subscription().is_some())
            }
            "websocket.private" => websocket.as_ref().is_some_and(|websocket| !websocket.broadcast),
            "websocket.subprotocol" => {
                websocket.as_ref().is_some_and(|websocket| !websocket.subprotocols.is_empty())
            }
            "publish" => publish.is_some(),
            "publish.id" => recipe_has("id"),
            "publish.event" => recipe_has("event"),
            "publish.comment" => recipe_has("comment"),
            "cors" => allowed_origin.is_some(),
            "cors.credentials" => allowed_origin.is_some() && *allow_credentials,
            _ => false,
        }
    }
}
