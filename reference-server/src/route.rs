//! Which resource a path names, and which methods it has.

use hyper::{Method, StatusCode};
use thiserror::Error;

use crate::{
    hub::{ChannelName, NameError},
    query::{QueryError, decode_segment},
    response::Refusal,
};

/// A resource of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Page,
    Publish(ChannelName),
    Polling(ChannelName),
    LongPolling(ChannelName),
    Iframe(ChannelName),
    EventStream(ChannelName),
    Echo,
    WebSocket(ChannelName),
}

/// Why a path names no resource.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum RouteError {
    #[error(transparent)]
    Encoding(#[from] QueryError),
    #[error(transparent)]
    Channel(#[from] NameError),
    #[error("there is no resource at this path")]
    Unknown,
}

impl From<RouteError> for Refusal {
    fn from(error: RouteError) -> Self {
        match error {
            RouteError::Encoding(_) | RouteError::Channel(_) => Self::bad_request(&error),
            RouteError::Unknown => Self::new(StatusCode::NOT_FOUND, &error),
        }
    }
}

impl Route {
    pub(crate) fn parse(path: &str) -> Result<Self, RouteError> {
        let segments = path.split('/').map(decode_segment).collect::<Result<Vec<_>, _>>()?;
        match segments.iter().map(AsRef::as_ref).collect::<Vec<&str>>()[..] {
            ["", ""] => Ok(Self::Page),
            ["", "publish", name] => Ok(Self::Publish(name.parse()?)),
            ["", "polling", name] => Ok(Self::Polling(name.parse()?)),
            ["", "long-polling", name] => Ok(Self::LongPolling(name.parse()?)),
            ["", "iframe", name] => Ok(Self::Iframe(name.parse()?)),
            ["", "sse", name] => Ok(Self::EventStream(name.parse()?)),
            ["", "websocket", "echo"] => Ok(Self::Echo),
            ["", "websocket", name] => Ok(Self::WebSocket(name.parse()?)),
            _ => Err(RouteError::Unknown),
        }
    }

    /// The methods of the resource, as the `Allow` field lists them.
    pub(crate) fn methods(&self) -> &'static str {
        match self {
            Self::Publish(_) => "POST, OPTIONS",
            // The opening handshake is a GET request (RFC 6455, section 4.1), and a HEAD would promise what a GET
            // without the handshake does not give.
            Self::Echo | Self::WebSocket(_) => "GET, OPTIONS",
            _ => "GET, HEAD, OPTIONS",
        }
    }

    pub(crate) fn has(&self, method: &Method) -> bool {
        self.methods().split(", ").any(|known| known == method.as_str())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_resource() {
        let name: ChannelName = "a.b".parse().unwrap();
        assert_eq!(Route::parse("/"), Ok(Route::Page));
        assert_eq!(Route::parse("/sse/a.b"), Ok(Route::EventStream(name.clone())));
        assert_eq!(Route::parse("/%73se/a%2Eb"), Ok(Route::EventStream(name)));
        assert_eq!(Route::parse("/websocket/echo"), Ok(Route::Echo));
    }

    #[test]
    fn any_other_path_is_refused() {
        for path in ["", "*", "//", "/sse", "/sse/a/", "/sse/a/b", "/SSE/a", "/other/a", "/publish"] {
            assert_eq!(Route::parse(path), Err(RouteError::Unknown), "{path}");
        }
        for path in ["/sse/", "/sse/a%2Fb", "/sse/%00", "/sse/.."] {
            assert_eq!(Route::parse(path), Err(RouteError::Channel(NameError::Channel)), "{path}");
        }
        for path in ["/sse/%", "/sse/%ff", "/%4", "/other/%zz"] {
            assert!(matches!(Route::parse(path), Err(RouteError::Encoding(_))), "{path}");
        }
    }
}
