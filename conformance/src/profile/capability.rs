//! What a target can do, by what its profile says.

use std::collections::BTreeSet;
use std::time::Duration;

use super::cursor::asks_with_cursor;
use super::poll::Answer;
use super::request::Request;
use super::tables::Profile;
use super::target::Target;

/// The five techniques and the HTTP beneath four of them, in the order in which they are reported.
pub const TECHNIQUES: [&str; 6] = ["http", "polling", "long-polling", "iframe", "sse", "websocket"];

/// Everything that a case can need, with what the profile must say for it.
pub const CAPABILITIES: [(&str, &str); 51] = [
    ("polling", "a [polling] table"),
    ("polling.get", "[polling] without a method other than GET, and without a body"),
    ("polling.cursor", "[polling] path, body or headers with {cursor}, and cursor"),
    ("polling.channel", "[polling] path with {channel}"),
    ("polling.shared", "[polling] without exclusive = true"),
    ("polling.validator", "[polling] validator = true"),
    ("long-polling", "a [long-polling] table"),
    ("long-polling.get", "[long-polling] without a method other than GET, and without a body"),
    ("long-polling.cursor", "[long-polling] path, body or headers with {cursor}, and cursor"),
    ("long-polling.hold", "[long-polling] path with {hold}, {hold-ms} or {hold-s}"),
    (
        "long-polling.waits",
        "[long-polling] path with {hold}, {hold-ms} or {hold-s}, or a hold of 5 s or more",
    ),
    ("long-polling.end", "[long-polling] path with {hold}, {hold-ms} or {hold-s}, or a hold of 3 s or less"),
    ("long-polling.timed", "[long-polling] hold"),
    ("long-polling.channel", "[long-polling] path with {channel}"),
    ("long-polling.shared", "[long-polling] without exclusive = true"),
    ("iframe", "an [iframe] table"),
    ("iframe.channel", "[iframe] path with {channel}"),
    ("iframe.shared", "[iframe] without exclusive = true"),
    ("iframe.get", "[iframe] without a method other than GET, and without a body"),
    ("iframe.callback", "[iframe] path with {callback}"),
    ("iframe.heartbeat", "[iframe] heartbeat"),
    ("sse", "an [sse] table"),
    ("sse.get", "[sse] without a method other than GET, and without a body"),
    ("sse.resume", "[sse] resume = true"),
    ("sse.heartbeat", "[sse] heartbeat"),
    ("sse.channel", "[sse] path with {channel}"),
    ("sse.any-accept", "[headers], and headers in [sse], without Accept"),
    ("sse.shared", "[sse] without exclusive = true"),
    ("sse.endless", "[sse] without finite = true"),
    ("sse.ending", "[sse] ending"),
    ("sse.gone", "[sse] gone"),
    ("sse.moved", "[sse] moved"),
    ("sse.checkpoints", "[sse] checkpoints"),
    ("websocket", "a [websocket] table"),
    ("websocket.at-once", "[websocket] without first"),
    ("websocket.plain", "[websocket] without send"),
    ("websocket.reply", "[websocket] reply"),
    ("websocket.binary", "[websocket] reply and binary = true"),
    ("websocket.subscribe", "[websocket] subscribe, or a path with {channel}"),
    ("websocket.channel", "[websocket] subscribe, or a path, with {channel}"),
    ("websocket.private", "[websocket] without broadcast = true"),
    ("websocket.subprotocol", "[websocket] subprotocols"),
    ("websocket.deflate", "[websocket] without deflate = false"),
    ("websocket.message-limit", "[websocket] message-limit"),
    ("publish", "a [publish] table"),
    ("publish.channel", "[publish] request or body with {channel}, and no table with exclusive = true"),
    ("publish.id", "[publish] request or body with {id}"),
    ("publish.event", "[publish] request or body with {event}"),
    ("publish.comment", "[publish] request or body with {comment}"),
    ("cors", "allowed-origin"),
    ("cors.credentials", "allowed-origin and allow-credentials = true"),
];

/// The longest hold of a server's own choice whose end a case waits for.
const SOON_OVER: Duration = Duration::from_secs(3);

/// A hold of a server's own choice during which a case waits for some seconds, and has time left.
const LONG: Duration = Duration::from_secs(5);

impl Target {
    /// What the target can do, by the names of [`CAPABILITIES`].
    pub fn capabilities(&self) -> BTreeSet<&'static str> {
        CAPABILITIES.iter().map(|(name, _)| *name).filter(|name| self.can(name)).collect()
    }

    /// Whether a channel, or a session, has one stream or poll of a technique at a time.
    fn is_exclusive(&self, technique: &str) -> bool {
        let Profile { polling, long_polling, iframe, sse, .. } = &self.profile;
        match technique {
            "polling" => polling.as_ref().is_some_and(|poll| poll.exclusive),
            "long-polling" => long_polling.as_ref().is_some_and(|poll| poll.exclusive),
            "iframe" => iframe.as_ref().is_some_and(|iframe| iframe.exclusive),
            "sse" => sse.as_ref().is_some_and(|sse| sse.exclusive),
            _ => false,
        }
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
            "polling.get" | "long-polling.get" | "iframe.get" | "sse.get" => {
                let technique = capability.trim_end_matches(".get");
                self.profile.request_of(technique).is_some_and(Request::is_get)
            }
            "polling" => polling.is_some(),
            "polling.cursor" => {
                polling.as_ref().is_some_and(|poll| has_cursor(&poll.answer, &poll.path, &poll.request))
            }
            "polling.channel" => polling.as_ref().is_some_and(|poll| poll.path.contains("{channel}")),
            "polling.validator" => polling.as_ref().is_some_and(|poll| poll.validator),
            "long-polling" => long_polling.is_some(),
            "long-polling.cursor" => {
                long_polling.as_ref().is_some_and(|poll| has_cursor(&poll.answer, &poll.path, &poll.request))
            }
            "long-polling.hold" => long_polling.as_ref().is_some_and(|poll| poll.path.contains("{hold")),
            "long-polling.waits" => long_polling
                .as_ref()
                .is_some_and(|poll| poll.path.contains("{hold") || (poll.is_hold_known && poll.hold >= LONG)),
            "long-polling.end" => long_polling
                .as_ref()
                .is_some_and(|poll| poll.path.contains("{hold") || poll.hold <= SOON_OVER),
            "long-polling.timed" => long_polling.as_ref().is_some_and(|poll| poll.is_hold_known),
            "long-polling.channel" => {
                long_polling.as_ref().is_some_and(|poll| poll.path.contains("{channel}"))
            }
            "iframe" => iframe.is_some(),
            "iframe.channel" => iframe.as_ref().is_some_and(|iframe| iframe.path.contains("{channel}")),
            "iframe.callback" => iframe.as_ref().is_some_and(|iframe| iframe.path.contains("{callback}")),
            "iframe.heartbeat" => iframe.as_ref().is_some_and(|iframe| iframe.heartbeat.is_some()),
            "sse" => sse.is_some(),
            "polling.shared" | "long-polling.shared" | "iframe.shared" | "sse.shared" => {
                let technique = capability.trim_end_matches(".shared");
                self.can(technique) && !self.is_exclusive(technique)
            }
            "sse.resume" => sse.as_ref().is_some_and(|sse| sse.resume),
            "sse.any-accept" => {
                let fields = self.profile.fields_of("sse");
                sse.is_some() && !fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("Accept"))
            }
            "sse.heartbeat" => sse.as_ref().is_some_and(|sse| sse.heartbeat.is_some()),
            "sse.channel" => sse.as_ref().is_some_and(|sse| sse.path.contains("{channel}")),
            "sse.endless" => sse.as_ref().is_some_and(|sse| !sse.finite),
            "sse.ending" => sse.as_ref().is_some_and(|sse| sse.ending.is_some()),
            "sse.gone" => sse.as_ref().is_some_and(|sse| sse.gone.is_some()),
            "sse.checkpoints" => sse.as_ref().is_some_and(|sse| sse.checkpoints.is_some()),
            "sse.moved" => sse.as_ref().is_some_and(|sse| sse.moved.is_some()),
            "websocket" => websocket.is_some(),
            "websocket.at-once" => websocket.as_ref().is_some_and(|websocket| websocket.first.is_empty()),
            "websocket.plain" => websocket.as_ref().is_some_and(|websocket| websocket.send.is_none()),
            "websocket.reply" => websocket.as_ref().is_some_and(|websocket| websocket.reply.is_some()),
            "websocket.binary" => {
                websocket.as_ref().is_some_and(|websocket| websocket.reply.is_some() && websocket.binary)
            }
            "websocket.subscribe" => {
                websocket.as_ref().is_some_and(|websocket| websocket.subscription().is_some())
            }
            "websocket.channel" => websocket
                .as_ref()
                .and_then(|websocket| websocket.subscription())
                .is_some_and(|path| path.contains("{channel}")),
            "websocket.private" => websocket.as_ref().is_some_and(|websocket| !websocket.broadcast),
            "websocket.subprotocol" => {
                websocket.as_ref().is_some_and(|websocket| !websocket.subprotocols.is_empty())
            }
            "websocket.deflate" => {
                websocket.as_ref().is_some_and(|websocket| websocket.deflate != Some(false))
            }
            "websocket.message-limit" => {
                websocket.as_ref().is_some_and(|websocket| websocket.message_limit.is_some())
            }
            "publish" => publish.is_some(),
            // Where a channel is the session of one client, nobody else's is there to publish to.
            "publish.channel" => {
                recipe_has("channel") && TECHNIQUES.iter().all(|technique| !self.is_exclusive(technique))
            }
            "publish.id" => recipe_has("id"),
            "publish.event" => recipe_has("event"),
            "publish.comment" => recipe_has("comment"),
            "cors" => allowed_origin.is_some(),
            "cors.credentials" => allowed_origin.is_some() && *allow_credentials,
            _ => false,
        }
    }
}

/// Whether answers have a cursor, and polls ask with it.
fn has_cursor(answer: &Answer, path: &str, request: &Request) -> bool {
    let asks = || asks_with_cursor(path) || request.templates().any(asks_with_cursor);
    answer.cursor.is_some() && asks()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_is_long_or_soon_over_only_where_the_profile_says_so() {
        let can = |hold: &str, path: &str| {
            let text = format!("[long-polling]\npath = \"/poll{path}\"\n{hold}");
            let profile = Profile::parse("pushspec.toml", &text).expect("a profile");
            let target = Target::new("http://localhost", profile).expect("a target");
            ["long-polling.waits", "long-polling.end", "long-polling.timed"].map(|name| target.can(name))
        };
        assert_eq!(can("hold = \"25s\"", ""), [true, false, true]);
        assert_eq!(can("hold = \"4s\"", ""), [false, false, true]);
        assert_eq!(can("hold = \"2s\"", ""), [false, true, true]);
        assert_eq!(can("", ""), [false, false, false]);
        assert_eq!(can("", "?hold={hold}"), [true, true, false]);
    }
}
