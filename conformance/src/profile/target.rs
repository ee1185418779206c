//! A server at an address, with its profile.

use std::path::PathBuf;

use super::tables::Profile;

/// A server at an address, with its profile.
#[derive(Debug, Clone)]
pub struct Target {
    /// What lies between TCP and HTTP.
    pub scheme: Scheme,
    /// The host as it stands in the URL.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// Whether the port is left out of the authority because it is the scheme's own.
    pub default_port: bool,
    /// The Unix socket on which it listens, in place of host and port.
    pub socket: Option<PathBuf>,
    /// How TLS is spoken with it.
    pub tls: Tls,
    /// Where it keeps each technique.
    pub profile: Profile,
}

/// Whether a target speaks TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scheme {
    /// `http://` and `ws://`
    #[default]
    Http,
    /// `https://` and `wss://`
    Https,
}

/// How TLS is spoken with a target. By default its certificate has to be signed by an authority that this machine trusts.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// The only certificates that are trusted.
    pub authorities: Option<Pem>,
    /// Whether any certificate is taken, also an expired one, and one for another host.
    pub insecure: bool,
    /// The certificate that the suite shows, and its private key.
    pub client: Option<Pem>,
}

/// Certificates or keys in PEM (RFC 7468).
#[derive(Clone)]
pub struct Pem {
    /// Where they come from, for errors.
    pub file: String,
    /// The text.
    pub text: Vec<u8>,
}

impl std::fmt::Debug for Pem {
    // There may be a private key in it.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Pem").field("file", &self.file).finish_non_exhaustive()
    }
}

/// A URL that no target can be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not a URL at all.
    #[error("`{0}` is not a URL: {1}; write it like http://127.0.0.1:8080")]
    Syntax(String, url::ParseError),
    /// TLS, in a build without it.
    #[error("`{0}` needs TLS, which this build of pushspec leaves out: build it with the feature `tls`")]
    Tls(String),
    /// A host, perhaps with a port, and nothing before it.
    #[error("`{0}` is not a URL: it has no http://; write it like http://127.0.0.1:8080")]
    NoScheme(String),
    /// Some other scheme.
    #[error("`{0}` is none of http://, https://, ws://, wss:// and unix:/PATH")]
    Scheme(String),
    /// A Unix socket where there are none, or without an absolute path.
    #[error("`{0}` names no Unix socket: {1}")]
    Socket(String, &'static str),
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

/// The path and query of a `ws://` or `wss://` URL: where its WebSocket is.
pub fn websocket_path(url: &str) -> Option<String> {
    let parsed = url::Url::parse(url).ok().filter(is_websocket)?;
    Some(parsed[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
}

fn is_websocket(url: &url::Url) -> bool {
    matches!(url.scheme(), "ws" | "wss")
}

impl Scheme {
    /// The name in a URL.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    /// The port that stands for none (RFC 9110 sections 4.2.1 and 4.2.2).
    fn port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

impl Target {
    /// Reads a URL. A `ws://` or `wss://` URL says where the WebSocket lives: with a path of its own whatever the profile
    /// says of that, and with `/` alone where the profile says nothing. `unix:/PATH` is a Unix socket.
    pub fn new(url: &str, mut profile: Profile) -> Result<Target, UrlError> {
        if let Some(path) = url.strip_prefix("unix:") {
            return Target::at_socket(url, path, profile);
        }
        if !url.contains("://") {
            return Err(UrlError::NoScheme(url.to_owned()));
        }
        let parsed = url::Url::parse(url).map_err(|error| UrlError::Syntax(url.to_owned(), error))?;
        let scheme = match parsed.scheme() {
            "http" | "ws" => Scheme::Http,
            "https" | "wss" if cfg!(feature = "tls") => Scheme::Https,
            "https" | "wss" => return Err(UrlError::Tls(url.to_owned())),
            _ => return Err(UrlError::Scheme(url.to_owned())),
        };
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(UrlError::Credentials);
        }
        let path = &parsed[url::Position::BeforePath..url::Position::AfterQuery];
        if is_websocket(&parsed) {
            let websocket = profile.websocket.get_or_insert_default();
            if path != "/" || websocket.path.is_empty() {
                path.clone_into(&mut websocket.path);
            }
        } else if path != "/" {
            return Err(UrlError::Path { url: url.to_owned(), path: path.to_owned() });
        }
        let host =
            parsed.host_str().ok_or_else(|| UrlError::Syntax(url.to_owned(), url::ParseError::EmptyHost))?;
        let port = parsed.port().unwrap_or(scheme.port());
        Ok(Target {
            scheme,
            host: host.to_owned(),
            port,
            default_port: port == scheme.port(),
            socket: None,
            tls: Tls::default(),
            profile,
        })
    }

    /// A target at a Unix socket; `Host` is `localhost`, as `curl --unix-socket` has it.
    fn at_socket(url: &str, path: &str, profile: Profile) -> Result<Target, UrlError> {
        // `unix:///run/a.sock` is the same as `unix:/run/a.sock`.
        let path = path.strip_prefix("//").unwrap_or(path);
        if !cfg!(unix) {
            return Err(UrlError::Socket(url.to_owned(), "this system has none that pushspec can use"));
        }
        if !path.starts_with('/') || path.contains('\0') {
            return Err(UrlError::Socket(url.to_owned(), "write it like unix:/run/server.sock"));
        }
        let scheme = Scheme::Http;
        Ok(Target {
            scheme,
            host: "localhost".to_owned(),
            port: scheme.port(),
            default_port: true,
            socket: Some(PathBuf::from(path)),
            tls: Tls::default(),
            profile,
        })
    }

    /// What stands in `Host`: the host, and the port unless it is the scheme's own (RFC 9110 section 7.2).
    pub fn authority(&self) -> String {
        if self.default_port { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// The URL without a path.
    pub fn url(&self) -> String {
        match &self.socket {
            Some(path) => format!("unix:{}", path.display()),
            None => self.origin(),
        }
    }

    /// Scheme and authority, as they stand before a path.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.scheme.name(), self.authority())
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

    #[test]
    fn the_port_of_the_scheme_is_left_out_of_the_authority() -> Result<(), UrlError> {
        let https = if cfg!(feature = "tls") { "https" } else { "http" };
        for (url, authority, port) in [
            ("http://a.example", "a.example", 80),
            ("ws://a.example:443", "a.example:443", 443),
            ("http://[::1]:80", "[::1]", 80),
            ("http://[::1]:8080", "[::1]:8080", 8080),
        ] {
            let target = Target::new(url, Profile::default())?;
            assert_eq!((target.authority().as_str(), target.port), (authority, port), "{url}");
        }
        let target = Target::new(&format!("{https}://a.example:8443"), Profile::default())?;
        assert_eq!(target.url(), format!("{https}://a.example:8443"));
        if cfg!(feature = "tls") {
            let target = Target::new("wss://a.example/chat", Profile::default())?;
            assert_eq!((target.url().as_str(), target.port), ("https://a.example", 443));
            assert_eq!(target.profile.websocket.map(|websocket| websocket.path).as_deref(), Some("/chat"));
        }
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_unix_socket_is_named_by_its_path_and_called_localhost() -> Result<(), UrlError> {
        for url in ["unix:/run/a.sock", "unix:///run/a.sock"] {
            let target = Target::new(url, Profile::default())?;
            assert_eq!(target.authority(), "localhost");
            assert_eq!(target.url(), "unix:/run/a.sock");
            assert_eq!(target.origin(), "http://localhost");
        }
        assert!(matches!(Target::new("unix:a.sock", Profile::default()), Err(UrlError::Socket(..))));
        Ok(())
    }
}
