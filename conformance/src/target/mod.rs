//! The server under test: where it keeps each technique, and what it can do.

mod check;
pub mod decode;
pub mod profile;
pub mod reply;
pub mod template;

use std::collections::BTreeSet;
use std::time::Duration;

pub use profile::{Profile, ProfileError};

/// Everything that a case can need, with what the profile must say for it.
pub const CAPABILITIES: [(&str, &str); 31] = [
    ("polling", "a [polling] table"),
    ("polling.cursor", "[polling] path with {cursor}, and cursor"),
    ("polling.validator", "[polling] validator = true"),
    ("long-polling", "a [long-polling] table"),
    ("long-polling.cursor", "[long-polling] path with {cursor}, and cursor"),
    ("long-polling.hold", "[long-polling] path with {hold}, {hold-ms} or {hold-s}"),
    ("long-polling.end", "[long-polling] path with {hold} or the like, or a hold of 3 s or less"),
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

/// The five techniques and the HTTP beneath four of them, in the order in which they are reported.
pub const TECHNIQUES: [&str; 6] = ["http", "polling", "long-polling", "iframe", "sse", "websocket"];

/// A server at an address, with its profile.
#[derive(Debug, Clone)]
pub struct Target {
    /// The host as it stands in the URL.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// Whether the port is left out of the authority because it is the scheme's own.
    pub default_port: bool,
    /// Where it keeps each technique.
    pub profile: Profile,
}

/// A URL that no target can be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not a URL at all.
    #[error("`{0}` is no URL: {1}; write it like http://127.0.0.1:8080")]
    Syntax(String, url::ParseError),
    /// TLS.
    #[error("`{0}` needs TLS, which pushspec does not speak yet; point it at a plain http:// or ws:// port")]
    Tls(String),
    /// A host, perhaps with a port, and nothing before it.
    #[error("`{0}` is no URL: it has no http://; write it like http://127.0.0.1:8080")]
    NoScheme(String),
    /// Some other scheme.
    #[error("`{0}` is neither http:// nor ws://")]
    Scheme(String),
    /// A user's name or password, which is not repeated here: it would end in logs.
    #[error(
        "the URL has a user's name or password in it; put `Authorization = \"Basic …\"` into [headers] of a profile"
    )]
    Credentials,
    /// A path where only an origin makes sense.
    #[error(
        "`{url}` has a path, and nothing says which technique lives there; say --sse {path}, --websocket {path} or the like, and leave the path out of the URL"
    )]
    Path {
        /// The URL as given.
        url: String,
        /// Its path.
        path: String,
    },
}

/// The path and query of a `ws://` URL: where its WebSocket is.
pub fn websocket_path(url: &str) -> Option<String> {
    let parsed = url::Url::parse(url).ok().filter(|parsed| parsed.scheme() == "ws")?;
    Some(parsed[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
}

impl Target {
    /// Reads a URL. A `ws://` URL says where the WebSocket lives: with a path of its own whatever the profile says of
    /// that, and with `/` alone where the profile says nothing.
    pub fn new(url: &str, mut profile: Profile) -> Result<Target, UrlError> {
        if !url.contains("://") {
            return Err(UrlError::NoScheme(url.to_owned()));
        }
        let parsed = url::Url::parse(url).map_err(|error| UrlError::Syntax(url.to_owned(), error))?;
        match parsed.scheme() {
            "http" | "ws" => {}
            "https" | "wss" => return Err(UrlError::Tls(url.to_owned())),
            _ => return Err(UrlError::Scheme(url.to_owned())),
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(UrlError::Credentials);
        }
        let path = &parsed[url::Position::BeforePath..url::Position::AfterQuery];
        if parsed.scheme() == "ws" {
            let websocket = profile.websocket.get_or_insert_default();
            if path != "/" || websocket.path.is_empty() {
                path.clone_into(&mut websocket.path);
            }
        } else if path != "/" {
            return Err(UrlError::Path { url: url.to_owned(), path: path.to_owned() });
        }
        let host =
            parsed.host_str().ok_or_else(|| UrlError::Syntax(url.to_owned(), url::ParseError::EmptyHost))?;
        let port = parsed.port().unwrap_or(80);
        Ok(Target { host: host.to_owned(), port, default_port: port == 80, profile })
    }

    /// What stands in `Host`: the host, and the port unless it is 80 (RFC 9110 section 7.2).
    pub fn authority(&self) -> String {
        if self.default_port { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// The URL without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.authority())
    }

    /// The host as a socket address wants it: an IPv6 address without its brackets.
    pub fn connect_host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

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

    /// Whether all that is said on a WebSocket comes to the WebSockets of all cases.
    pub fn is_one_room(&self) -> bool {
        let websocket = self.profile.websocket.as_ref();
        websocket.is_some_and(|websocket| websocket.broadcast && !websocket.path.contains("{channel}"))
    }

    /// Whether cases of a technique can publish at once: each has a channel of its own.
    pub fn has_channels(&self) -> bool {
        let Profile { polling, long_polling, iframe, sse, websocket, publish, .. } = &self.profile;
        let paths = [
            polling.as_ref().map(|poll| &poll.path),
            long_polling.as_ref().map(|poll| &poll.path),
            iframe.as_ref().map(|iframe| &iframe.path),
            sse.as_ref().map(|sse| &sse.path),
            websocket.as_ref().and_then(|websocket| websocket.subscription()),
        ];
        publish.as_ref().is_none_or(|publish| publish.names("channel"))
            && paths.into_iter().flatten().all(|path| path.contains("{channel}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_without_channels_is_one_for_all_cases() {
        let is_one = |path: &str, broadcast: bool| {
            let mut profile = Profile::only_websocket(path);
            profile.websocket.get_or_insert_default().broadcast = broadcast;
            Target::new("http://localhost", profile).map(|target| target.is_one_room())
        };
        assert_eq!(is_one("/chat/lobby", true), Ok(true));
        assert_eq!(is_one("/chat/{channel}", true), Ok(false));
        assert_eq!(is_one("/echo", false), Ok(false));
    }
}
