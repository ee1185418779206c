//! A server at an address, with its profile.

use super::tables::Profile;

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
    #[error("`{0}` is not a URL: {1}; write it like http://127.0.0.1:8080")]
    Syntax(String, url::ParseError),
    /// TLS.
    #[error("`{0}` needs TLS, which pushspec does not support; use a plain http:// or ws:// port")]
    Tls(String),
    /// A host, perhaps with a port, and nothing before it.
    #[error("`{0}` is not a URL: it has no http://; write it like http://127.0.0.1:8080")]
    NoScheme(String),
    /// Some other scheme.
    #[error("`{0}` is neither http:// nor ws://")]
    Scheme(String),
    /// A user's name or password, which is not repeated here: it would end in logs.
    #[error(
        "the URL contains a user name or a password; put `Authorization = \"Basic …\"` into [headers] of a profile"
    )]
    Credentials,
    /// A path where only an origin makes sense.
    #[error(
        "`{url}` has a path but no technique; name the technique with --sse {path}, --websocket {path} or a similar option, and remove the path from the URL"
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
