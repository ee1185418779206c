//! Publishing: `POST /publish/{channel}`.
//!
//! The body is either JSON, `{"data":"one","event":"tick","id":"7","comment":"…"}` where all but `data` can be left out,
//! or, with any other content type or none, the data itself, and then the others are parameters of the query. Without an
//! id the message's sequence number is its id. The answer is 201 with the id and the cursor of the message,
//! `{"cursor":3,"id":"7"}`, and a `Location` where a poll finds it.

use std::{net::IpAddr, time::Duration};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{
    HeaderMap, Request, StatusCode,
    body::{Body as _, Incoming},
    header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderValue, LOCATION, ORIGIN},
};
use serde_json::json;
use thiserror::Error;

use crate::{
    application::Application,
    clock,
    config::Config,
    cors::is_own,
    field::list,
    hub::{ChannelName, Draft, Line, NameError},
    memory::Held,
    query::Query,
    response::{self, Answer, NOT_STORED, Refusal, full},
};

/// After which time a publication for which there was no room may be tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Why a publication is refused.
#[derive(Debug, Error)]
enum PublishError {
    #[error("only the server publishes to the channel {}", clock::CHANNEL)]
    Reserved,
    #[error("a message has at most {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the body did not arrive within {} s", limit.as_secs_f32())]
    TooSlow { limit: Duration },
    #[error("the server holds as much for its clients as it may: try again later")]
    NoRoom,
    #[error("pages of this origin may not publish; --open-publishing lets them")]
    Origin,
    #[error("this name of the server is not one of the loopback interface; --open-publishing allows it")]
    Host,
    #[error("the body is incomplete or not well-formed")]
    Incomplete,
    #[error("a body cannot have a content coding")]
    Coding,
    #[error("the body is not UTF-8")]
    NotUtf8,
    #[error("the body is not a publication: {0}")]
    Json(serde_json::Error),
    #[error(transparent)]
    Line(#[from] NameError),
}

impl From<PublishError> for Refusal {
    fn from(error: PublishError) -> Self {
        let status = match &error {
            PublishError::Reserved | PublishError::Origin | PublishError::Host => StatusCode::FORBIDDEN,
            PublishError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            PublishError::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            PublishError::Coding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            _ => StatusCode::BAD_REQUEST,
        };
        let refusal = match &error {
            PublishError::NoRoom => Self::unavailable(&error, AGAIN),
            _ => Self::new(status, &error),
        };
        match error {
            // What is left of the body would have to be read before the next request.
            PublishError::TooLarge { .. }
            | PublishError::TooSlow { .. }
            | PublishError::Incomplete
            | PublishError::NoRoom => refusal.closing(),
            _ => refusal,
        }
    }
}

pub(crate) async fn answer(
    application: &Application,
    name: &ChannelName,
    request: Request<Incoming>,
) -> Result<Answer, Refusal> {
    if name.as_str() == clock::CHANNEL {
        return Err(PublishError::Reserved.into());
    }
    let (head, body) = request.into_parts();
    let query = Query::parse(head.uri.query())?;
    check_publisher(&application.config, &head.headers)?;
    check_coding(&head.headers)?;
    let body = read(application, body).await?;
    let draft = if is_json(&head.headers) { from_json(&body)? } else { from_text(&body, &query)? };

    let message = application.hub.publish(name, draft)?;
    let receipt = json!({ "id": message.id, "cursor": message.sequence });
    let mut answer = response::answer(StatusCode::CREATED, "application/json", full(receipt.to_string()));
    let fields = answer.headers_mut();
    fields.insert(CACHE_CONTROL, NOT_STORED);
    let location = HeaderValue::try_from(format!("/polling/{name}?after={}", message.sequence - 1));
    fields.extend(location.ok().map(|location| (LOCATION, location)));
    Ok(answer)
}

/// A page of another origin can send a publication without asking (a form does), and one whose name leads to this machine
/// is of the server's own origin.
fn check_publisher(config: &Config, fields: &HeaderMap) -> Result<(), PublishError> {
    if config.open_publishing {
        return Ok(());
    }
    let host = fields.get(HOST);
    let mut origins = fields.get_all(ORIGIN).iter();
    let is_welcome =
        |origin| config.allowed_origins.iter().any(|known| known.matches(origin)) || is_own(origin, host);
    if !origins.all(is_welcome) {
        return Err(PublishError::Origin);
    }
    // Whoever lets others reach the server knows under which name.
    let is_near = config.address.ip().is_loopback();
    if is_near && !host.is_none_or(is_loopback_or_address) {
        return Err(PublishError::Host);
    }
    Ok(())
}

/// Whether a `Host` is an address, which no name leads to, or a name of the loopback interface (RFC 6761, section 6.3).
fn is_loopback_or_address(host: &HeaderValue) -> bool {
    let Some(text) = host.to_str().ok() else { return false };
    let name = match text.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => text,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let name = name.to_ascii_lowercase();
    name.is_empty() || name == "localhost" || name.ends_with(".localhost") || bare.parse::<IpAddr>().is_ok()
}

/// A compressed body would be taken for the data, so it is refused (RFC 9110, section 15.5.16).
fn check_coding(fields: &HeaderMap) -> Result<(), PublishError> {
    if list(fields, CONTENT_ENCODING).all(|coding| coding.eq_ignore_ascii_case("identity")) {
        Ok(())
    } else {
        Err(PublishError::Coding)
    }
}

async fn read(application: &Application, body: Incoming) -> Result<Bytes, PublishError> {
    let limit = application.config.message_size;
    let announced = body.size_hint().lower();
    if usize::try_from(announced).map_or(true, |size| size > limit) {
        // Nobody has to send what is refused; a client that asks first waits for the answer (RFC 9110, section 10.1.1).
        return Err(PublishError::TooLarge { limit });
    }
    let timeout = application.config.body_timeout;
    let mut held = application.memory.nothing();
    let collected = tokio::time::timeout(timeout, collect(body, limit, &mut held)).await;
    collected.unwrap_or(Err(PublishError::TooSlow { limit: timeout }))
}

/// Collects a body of at most so many bytes, as long as there is room for them.
async fn collect(mut body: Incoming, limit: usize, held: &mut Held) -> Result<Bytes, PublishError> {
    let mut collected = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| PublishError::Incomplete)?;
        let Ok(data) = frame.into_data() else { continue };
        if collected.len() + data.len() > limit {
            return Err(PublishError::TooLarge { limit });
        }
        if !held.resize(2 * (collected.len() + data.len())) {
            return Err(PublishError::NoRoom);
        }
        collected.extend_from_slice(&data);
    }
    Ok(collected.into())
}

fn is_json(fields: &HeaderMap) -> bool {
    let value = fields.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn from_json(body: &[u8]) -> Result<Draft, PublishError> {
    serde_json::from_slice(body).map_err(PublishError::Json)
}

fn from_text(body: &[u8], query: &Query<'_>) -> Result<Draft, Refusal> {
    let data = str::from_utf8(body).map_err(|_| PublishError::NotUtf8)?.to_owned();
    let comment = query.text("comment")?.map(str::to_owned);
    Ok(Draft { data, event: line(query, "event")?, id: line(query, "id")?, comment })
}

fn line(query: &Query<'_>, name: &'static str) -> Result<Option<Line>, Refusal> {
    let value = query.text(name)?.map(|value| Line::try_from(value.to_owned()));
    value.transpose().map_err(|error| PublishError::from(error).into())
}
