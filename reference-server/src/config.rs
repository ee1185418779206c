//! What a server is told before it starts: where it listens, what it supports, and every limit.

use std::{fmt, net::SocketAddr, str::FromStr, time::Duration};

use hyper::{Uri, header::HeaderValue};
use thiserror::Error;

/// The settings of a server. Every limit has a field, and every field has a default that suits a test.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "tls", expect(clippy::struct_excessive_bools, reason = "each is a switch of its own"))]
pub struct Config {
    /// Where the server listens. The default is a free port of the loopback interface.
    pub address: SocketAddr,
    /// How long a long poll is held when there is no news. RFC 6202, section 5.5, advises 30 s or less.
    pub hold: Duration,
    /// The pause after which an idle stream sends something, and after which an idle WebSocket is pinged. It is at
    /// least 50 ms, whatever is set here.
    pub heartbeat: Duration,
    /// The time after which an `EventSource` is told to reconnect; sent in whole milliseconds.
    pub retry: Duration,
    /// The largest body of a publication, in bytes. Above it the answer is 413.
    pub message_size: usize,
    /// The largest message, and the largest frame, that a WebSocket accepts, in bytes. Above it the connection is
    /// closed with 1009.
    pub websocket_message_size: usize,
    /// How many channels exist at a time. Above it the answer is 503, unless an idle channel can be forgotten.
    pub channels: usize,
    /// How long a channel without subscribers and publications is kept when room is needed for another one.
    pub channel_idle: Duration,
    /// How many messages a channel retains. One is always retained.
    pub history: usize,
    /// How many bytes of data a channel retains, whatever the number of messages. One message is always retained.
    pub history_size: usize,
    /// How many bytes are held for all peers together: half of it for what channels retain, and half for what connections
    /// have begun to send and what waits for them. Where the first is full a publication is refused with 503, and where
    /// the second is, a publication with 503 and a WebSocket is closed with 1013.
    pub memory: usize,
    /// Whether pages of every origin may publish, and clients that call the server by any name. By default a publication
    /// is refused with 403 where its `Origin` is neither the server's own nor one of [`Config::allowed_origins`], or where
    /// its `Host` is a name that is not of the loopback interface, as in an attack by DNS rebinding.
    pub open_publishing: bool,
    /// How many connections are served at a time. Above it the answer is 503.
    pub connections: usize,
    /// The largest head of a request, in bytes: the target and all field lines. Above it the answer is 431, or 414
    /// when the target alone is too long.
    pub header_size: usize,
    /// How long a connection may take to send the head of a request, counted from its opening or from the end of
    /// the last response. After it the connection is closed.
    pub header_timeout: Duration,
    /// How long the body of a publication may take to arrive. After it the answer is 408.
    pub body_timeout: Duration,
    /// How long a peer may refuse to take bytes that the server has for it. After it the connection is dropped.
    pub write_timeout: Duration,
    /// How long a shutdown waits for the connections to end. After it they are dropped.
    pub grace: Duration,
    /// The subprotocols that a WebSocket can speak. The first one that the client offers and that is listed here is
    /// chosen (RFC 6455, section 4.2.2).
    pub subprotocols: Vec<Subprotocol>,
    /// Whether WebSocket messages are compressed where the client offers permessage-deflate (RFC 7692).
    pub deflate: bool,
    /// The origins whose pages may read the answers (CORS). By default those of
    /// `http://localhost:8000`, where development servers are at home.
    pub allowed_origins: Vec<Origin>,
    /// Whether a WebSocket is refused with 403 when it names an origin that is neither the server's own nor one of
    /// [`Config::allowed_origins`] (RFC 6455, section 10.2). A request without `Origin` does not come from a
    /// browser and is never refused.
    pub check_origin: bool,
    /// The certificate that the server shows: it speaks TLS where there is one.
    #[cfg(feature = "tls")]
    pub tls: Option<crate::tls::Identity>,
    /// Whether a connection of TLS ends without a closure alert, as RFC 9112 section 9.8 forbids: for tests of clients.
    #[cfg(feature = "tls")]
    pub cuts_tls: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            hold: Duration::from_secs(25),
            heartbeat: Duration::from_secs(15),
            retry: Duration::from_secs(3),
            message_size: 2 << 20,
            websocket_message_size: 16 << 20,
            channels: 16_384,
            channel_idle: Duration::from_secs(60),
            history: 1000,
            history_size: 8 << 20,
            memory: 256 << 20,
            open_publishing: false,
            connections: 1024,
            header_size: 16 << 10,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            grace: Duration::from_secs(5),
            subprotocols: vec![Subprotocol("echo".into()), Subprotocol("chat".into())],
            deflate: true,
            allowed_origins: vec![Origin(HeaderValue::from_static("http://localhost:8000"))],
            check_origin: false,
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "tls")]
            cuts_tls: false,
        }
    }
}

/// Why a setting is not one.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SettingError {
    /// An origin is a scheme, `://`, a host and perhaps a port, without a path (RFC 6454, section 6.2).
    #[error("{0:?} is not an origin such as http://localhost:8000")]
    Origin(String),
    /// A subprotocol is a token of HTTP (RFC 6455, section 4.1).
    #[error("{0:?} is not a token")]
    Subprotocol(String),
}

/// The origin of a page in its ASCII serialization, such as `http://localhost:8000` (RFC 6454, section 6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(HeaderValue);

impl Origin {
    /// Whether a request's `Origin` field names this origin.
    pub(crate) fn matches(&self, field: &HeaderValue) -> bool {
        self.0.as_bytes().eq_ignore_ascii_case(field.as_bytes())
    }
}

impl FromStr for Origin {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || SettingError::Origin(text.to_owned());
        let (scheme, authority) = text.split_once("://").ok_or_else(refused)?;
        let uri: Uri = text.parse().map_err(|_| refused())?;
        let complete = !scheme.is_empty() && uri.authority().is_some_and(|known| known.as_str() == authority);
        if !complete || authority.contains('@') {
            return Err(refused());
        }
        HeaderValue::try_from(text.to_ascii_lowercase()).map(Self).map_err(|_| refused())
    }
}

/// The name of a WebSocket subprotocol: a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subprotocol(String);

impl Subprotocol {
    /// The name as it stands in the handshake.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Subprotocol {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if crate::field::is_token(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(SettingError::Subprotocol(text.to_owned()))
        }
    }
}

impl fmt::Display for Subprotocol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_perhaps_a_port() {
        for origin in
            ["http://localhost:8000", "https://example.com", "HTTPS://EXAMPLE.COM", "http://[::1]:8080"]
        {
            assert!(origin.parse::<Origin>().is_ok(), "{origin}");
        }
        for other in
            ["", "*", "null", "localhost", "http://", "http://a/", "http://a/b", "http://u@a", "://a"]
        {
            assert!(other.parse::<Origin>().is_err(), "{other}");
        }
    }

    #[test]
    fn a_subprotocol_is_a_token() {
        assert!("chat.v2".parse::<Subprotocol>().is_ok());
        for other in ["", "two words", "a,b", "é"] {
            assert!(other.parse::<Subprotocol>().is_err(), "{other}");
        }
    }
}
