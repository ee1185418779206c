//! The server's side of the opening handshake (RFC 6455, section 4.2), in the order of its list.

use std::collections::HashSet;

use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::{
    HeaderMap, StatusCode, Version,
    header::{
        CONNECTION, HOST, HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
        SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
    },
};
use thiserror::Error;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{deflate::Agreement, extensions};
use crate::{
    config::{Config, Subprotocol},
    cors::is_own,
    field::{is_token, list, lists},
};

/// The only version (section 4.1, point 9).
pub(super) const VERSION: &str = "13";

/// What a valid handshake is answered with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Acceptance {
    /// The proof that the server read the key (section 4.2.2, point 5.4).
    pub(super) accept: HeaderValue,
    /// The subprotocol in use, if any.
    pub(super) subprotocol: Option<HeaderValue>,
    /// The parameters of permessage-deflate, if it is in use.
    pub(super) deflate: Option<Agreement>,
}

/// What is wrong with an opening handshake.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum HandshakeError {
    /// An Upgrade field of an HTTP/1.0 request is ignored (RFC 9110, section 7.8), which leaves a plain GET.
    #[error("this resource is a WebSocket: use HTTP/1.1 with Upgrade: websocket")]
    NoUpgrade,
    /// Section 4.2.1, point 4.
    #[error("the Connection field does not list Upgrade")]
    NoConnectionUpgrade,
    /// Section 4.2.1, point 6, and section 4.4.
    #[error("the version of the WebSocket protocol is not {VERSION}")]
    Version,
    /// Section 4.2.1, point 5, and section 11.3.1.
    #[error("the request does not have exactly one Sec-WebSocket-Key field")]
    KeyCount,
    /// Section 4.2.1, point 5.
    #[error("the Sec-WebSocket-Key is not 16 bytes in base64")]
    Key,
    /// Section 4.1, point 10.
    #[error("the Sec-WebSocket-Protocol is not a list of different tokens")]
    Subprotocols,
    /// Section 9.1.
    #[error("the Sec-WebSocket-Extensions is not a list of extensions")]
    Extensions,
    /// What follows the request has to be frames.
    #[error("an opening handshake has no body")]
    Body,
    /// Section 4.2.2, point 4, and section 10.2.
    #[error("this server refuses pages of this origin")]
    Origin,
    /// RFC 6454, section 7.3.
    #[error("the Origin field is given more than once")]
    OriginCount,
}

impl HandshakeError {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::NoUpgrade | Self::Version => StatusCode::UPGRADE_REQUIRED,
            Self::Origin => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// Checks a GET request whose Host is known to be valid.
pub(super) fn check(
    config: &Config,
    version: Version,
    fields: &HeaderMap,
    has_body: bool,
) -> Result<Acceptance, HandshakeError> {
    if version < Version::HTTP_11 || !lists(fields, UPGRADE, "websocket") {
        return Err(HandshakeError::NoUpgrade);
    }
    if !lists(fields, CONNECTION, "upgrade") {
        return Err(HandshakeError::NoConnectionUpgrade);
    }
    // The other fields mean what this version says, so it comes before them.
    if only(fields, SEC_WEBSOCKET_VERSION).map(HeaderValue::as_bytes) != Some(VERSION.as_bytes()) {
        return Err(HandshakeError::Version);
    }
    if has_body {
        return Err(HandshakeError::Body);
    }
    let key = only(fields, SEC_WEBSOCKET_KEY).ok_or(HandshakeError::KeyCount)?;
    let accept = accept(key)?;
    check_origin(config, fields)?;
    let subprotocol = subprotocol(&config.subprotocols, fields)?;
    let offers = extensions::parse(fields.get_all(SEC_WEBSOCKET_EXTENSIONS));
    let offers = offers.ok_or(HandshakeError::Extensions)?;
    let deflate = Agreement::on(&offers).filter(|_| config.deflate);
    Ok(Acceptance { accept, subprotocol, deflate })
}

/// The decoder is strict: it takes neither missing padding nor bits that are lost.
fn accept(key: &HeaderValue) -> Result<HeaderValue, HandshakeError> {
    match STANDARD.decode(key) {
        Ok(nonce) if nonce.len() == 16 => {
            HeaderValue::try_from(derive_accept_key(key.as_bytes())).map_err(|_| HandshakeError::Key)
        }
        _ => Err(HandshakeError::Key),
    }
}

fn check_origin(config: &Config, fields: &HeaderMap) -> Result<(), HandshakeError> {
    if !fields.contains_key(ORIGIN) {
        return Ok(());
    }
    let origin = only(fields, ORIGIN).ok_or(HandshakeError::OriginCount)?;
    let welcome = !config.check_origin
        || config.allowed_origins.iter().any(|known| known.matches(origin))
        || is_own(origin, fields.get(HOST));
    if welcome { Ok(()) } else { Err(HandshakeError::Origin) }
}

/// The first subprotocol that the client offers and the server supports (section 4.2.2, point 4).
fn subprotocol(supported: &[Subprotocol], fields: &HeaderMap) -> Result<Option<HeaderValue>, HandshakeError> {
    let malformed = Err(HandshakeError::Subprotocols);
    let lines = fields.get_all(SEC_WEBSOCKET_PROTOCOL);
    if lines.iter().next().is_none() {
        return Ok(None);
    }
    if lines.iter().any(|line| line.to_str().is_err()) {
        return malformed;
    }
    let offered: Vec<&str> = list(fields, SEC_WEBSOCKET_PROTOCOL).collect();
    let mut known = HashSet::new();
    if offered.is_empty() || !offered.iter().all(|name| is_token(name) && known.insert(*name)) {
        return malformed;
    }
    let chosen = offered.iter().find(|name| supported.iter().any(|supported| supported.as_str() == **name));
    Ok(chosen.and_then(|name| HeaderValue::try_from(*name).ok()))
}

/// The value of a field that stands in exactly one line.
fn only(fields: &HeaderMap, name: HeaderName) -> Option<&HeaderValue> {
    let mut values = fields.get_all(name).into_iter();
    values.next().filter(|_| values.next().is_none())
}
