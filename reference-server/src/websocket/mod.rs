//! WebSocket (RFC 6455): `/websocket/echo` sends every message back, `/websocket/{channel}` sends every new message of a
//! channel as a text message whose payload is the data.
//!
//! The opening handshake is checked here ([`handshake`]), frames are read and written by the library, behind a guard
//! ([`guard`]) that finds what the library accepts or finds late ([`scanner`]). [`session`] is the conversation, and
//! [`deflate`] what compressed messages are made of, where client and server agree on that ([`extensions`]).

mod deflate;
mod extensions;
mod frames;
mod guard;
mod handshake;
mod scanner;
mod session;
mod text;

use std::sync::Arc;

use hyper::{
    Request, Response, StatusCode,
    body::{Body, Incoming},
    header::{
        CONNECTION, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
        SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
    },
    upgrade,
};
use tracing::debug;

use self::{
    handshake::{Acceptance, HandshakeError},
    session::{Purpose, Session},
};
use crate::{
    application::{Application, Seat},
    hub::{ChannelName, Start},
    response::{Answer, Refusal, empty},
};

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
const UPGRADED: HeaderValue = HeaderValue::from_static("Upgrade");

impl From<HandshakeError> for Refusal {
    fn from(error: HandshakeError) -> Self {
        let refusal = Self::new(error.status(), &error);
        let fields: &[(HeaderName, HeaderValue)] = match error.status() {
            // A 426 names what to upgrade to (RFC 9110, section 15.5.22; RFC 6455, section 4.4).
            StatusCode::UPGRADE_REQUIRED => &[
                (UPGRADE, WEBSOCKET),
                (CONNECTION, UPGRADED),
                (SEC_WEBSOCKET_VERSION, HeaderValue::from_static(handshake::VERSION)),
            ],
            _ => &[],
        };
        fields.iter().cloned().fold(refusal, |refusal, (name, value)| refusal.with(name, value))
    }
}

/// Answers the opening handshake, and leaves the conversation to a task of its own.
pub(crate) fn answer(
    application: &Arc<Application>,
    seat: Seat,
    channel: Option<&ChannelName>,
    mut request: Request<Incoming>,
) -> Result<Answer, Refusal> {
    let has_body = !request.body().is_end_stream();
    let acceptance = handshake::check(&application.config, request.version(), request.headers(), has_body)?;
    // Subscribed before the client can know that it is connected, so that nothing is published in between.
    let purpose = match channel {
        None => Purpose::Echo,
        Some(name) => Purpose::Subscription(application.hub.subscribe(name, &Start::Now)?),
    };
    let upgrade = upgrade::on(&mut request);
    let shared = Arc::clone(application);
    let deflate = acceptance.deflate;
    application.spawn(async move {
        // The seat is taken for as long as the WebSocket lives.
        let _seat = seat;
        match upgrade.await {
            Ok(upgraded) => Session::new(&shared, upgraded, purpose, deflate).await.run().await,
            Err(error) => debug!(%error, "the connection ended before the handshake did"),
        }
    });
    Ok(switching_protocols(acceptance))
}

fn switching_protocols(acceptance: Acceptance) -> Answer {
    let mut response = Response::new(empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let fields = response.headers_mut();
    fields.insert(UPGRADE, WEBSOCKET);
    fields.insert(CONNECTION, UPGRADED);
    fields.insert(SEC_WEBSOCKET_ACCEPT, acceptance.accept);
    fields.extend(acceptance.subprotocol.map(|name| (SEC_WEBSOCKET_PROTOCOL, name)));
    let deflate = acceptance.deflate.and_then(|agreed| HeaderValue::try_from(agreed.to_string()).ok());
    fields.extend(deflate.map(|agreed| (SEC_WEBSOCKET_EXTENSIONS, agreed)));
    response
}
