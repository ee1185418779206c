//! From a request to an answer: what HTTP asks of every request, then the resource that the request names.

use std::{str::FromStr, sync::Arc};

use hyper::{
    HeaderMap, Method, Request, StatusCode, Uri, Version,
    body::{Body as _, Incoming},
    header::{ALLOW, CONNECTION, HOST, HeaderValue, TRANSFER_ENCODING},
    http::uri::Authority,
};
use thiserror::Error;
use tracing::debug;

use crate::{
    application::{Application, Seat},
    cors::Cors,
    event_stream,
    field::{list, lists},
    iframe, long_polling, page, polling, publish,
    query::Query,
    response::{Answer, Refusal, empty},
    route::Route,
    websocket,
};

/// Why a request is refused whatever it names.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
enum RequestError {
    #[error("the head of the request is longer than {limit} bytes")]
    HeadTooLarge { limit: usize },
    #[error("the target of the request is longer than {limit} bytes")]
    TargetTooLong { limit: usize },
    /// RFC 9112, section 3.2.
    #[error("an HTTP/1.1 request has exactly one Host field")]
    Host,
    /// RFC 9112, section 3.2.
    #[error("the Host field is not a host and perhaps a port")]
    InvalidHost,
    /// RFC 9110, section 4.2.4.
    #[error("the target has user information before its host")]
    UserInformation,
    /// RFC 9112, section 6.1: only chunked is known here.
    #[error("the transfer coding is not implemented")]
    UnknownCoding,
    /// RFC 9112, section 6.1: a sender applies chunked once.
    #[error("the body is chunked more than once")]
    ChunkedAgain,
    /// RFC 9110, section 9.1.
    #[error("the method is not implemented")]
    UnknownMethod,
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::HeadTooLarge { .. } => {
                Self::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, &error)
            }
            RequestError::TargetTooLong { .. } => Self::new(StatusCode::URI_TOO_LONG, &error),
            RequestError::Host
            | RequestError::InvalidHost
            | RequestError::UserInformation
            | RequestError::ChunkedAgain => Self::bad_request(&error).closing(),
            RequestError::UnknownCoding => Self::new(StatusCode::NOT_IMPLEMENTED, &error).closing(),
            RequestError::UnknownMethod => Self::new(StatusCode::NOT_IMPLEMENTED, &error),
        }
    }
}

/// Answers one request of a connection.
pub(crate) async fn respond(application: Arc<Application>, seat: Seat, request: Request<Incoming>) -> Answer {
    let cors = Cors::of(&application.config.allowed_origins, request.headers());
    let (method, path, version) =
        (request.method().clone(), request.uri().path().to_owned(), request.version());
    let mut answer = match checked(&application, seat, &cors, request).await {
        Ok(answer) => answer,
        Err(refusal) => refusal.into_answer(),
    };
    cors.complete(answer.headers_mut());
    if version < Version::HTTP_11 {
        fit_http_1_0(&mut answer);
    }
    debug!(%method, path, status = answer.status().as_u16(), "answered");
    answer
}

/// An HTTP/1.0 client has no chunks, so a body without a length ends with the connection, whatever the client asked for.
fn fit_http_1_0(answer: &mut Answer) {
    if answer.body().size_hint().exact().is_none() {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if lists(answer.headers(), CONNECTION, "close") {
        // The library adds keep-alive to the field where the client asked for it, but not to an answer of its version.
        *answer.version_mut() = Version::HTTP_10;
    }
}

async fn checked(
    application: &Arc<Application>,
    seat: Seat,
    cors: &Cors,
    request: Request<Incoming>,
) -> Result<Answer, Refusal> {
    check_size(&request, application.config.header_size)?;
    check_host(request.version(), request.headers())?;
    check_target(request.uri())?;
    check_coding(request.headers())?;
    check_method(request.method())?;
    if request.method() == Method::OPTIONS && request.uri().path() == "*" {
        return Ok(options("GET, HEAD, POST, OPTIONS"));
    }
    let route = Route::parse(request.uri().path())?;
    // Also where the resource asks for no parameter: a query that cannot be read is an error of the client.
    Query::parse(request.uri().query())?;
    if request.method() == Method::OPTIONS {
        let mut answer = options(route.methods());
        cors.answer_preflight(request.headers(), route.methods(), answer.headers_mut());
        return Ok(answer);
    }
    if !route.has(request.method()) {
        return Err(Refusal::method_not_allowed(route.methods()));
    }
    dispatch(application, seat, route, request).await
}

async fn dispatch(
    application: &Arc<Application>,
    seat: Seat,
    route: Route,
    request: Request<Incoming>,
) -> Result<Answer, Refusal> {
    match route {
        Route::Page => page::answer(&request),
        Route::Publish(name) => publish::answer(application, &name, request).await,
        Route::Polling(name) => polling::answer(application, &name, &request),
        Route::LongPolling(name) => long_polling::answer(application, &name, &request).await,
        Route::Iframe(name) => iframe::answer(application, &name, &request),
        Route::EventStream(name) => event_stream::answer(application, &name, &request),
        Route::Echo => websocket::answer(application, seat, None, request),
        Route::WebSocket(name) => websocket::answer(application, seat, Some(&name), request),
    }
}

fn options(methods: &'static str) -> Answer {
    let mut answer = Answer::new(empty());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    answer
}

/// The library has a limit of its own, above this one, which it answers without a body.
fn check_size(request: &Request<Incoming>, limit: usize) -> Result<(), RequestError> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > limit {
        return Err(RequestError::TargetTooLong { limit });
    }
    // Each line adds a colon, a space, CR and LF.
    let lines = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    if target + lines.sum::<usize>() > limit {
        return Err(RequestError::HeadTooLarge { limit });
    }
    Ok(())
}

/// An empty Host is within the grammar; it stands for the server's own name (RFC 9112, section 3.3).
fn check_host(version: Version, fields: &HeaderMap) -> Result<(), RequestError> {
    let mut hosts = fields.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if version < Version::HTTP_11 => Ok(()),
        (Some(host), None) if host.is_empty() || is_authority(host) => Ok(()),
        (Some(_), None) => Err(RequestError::InvalidHost),
        _ => Err(RequestError::Host),
    }
}

/// A target in absolute form comes from whoever connects, who is not trusted to mean what stands before the host
/// (RFC 9110, section 4.2.4).
fn check_target(target: &Uri) -> Result<(), RequestError> {
    let named = target.authority().is_some_and(|authority| authority.as_str().contains('@'));
    if named { Err(RequestError::UserInformation) } else { Ok(()) }
}

/// Whether the value is a host and perhaps a port, without user information (RFC 9110, section 7.2).
fn is_authority(value: &HeaderValue) -> bool {
    let Some(text) = value.to_str().ok().filter(|text| !text.contains('@')) else { return false };
    Authority::from_str(text).is_ok_and(|authority| {
        let port = text.get(authority.host().len()..).unwrap_or_default();
        port.is_empty()
            || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

/// The library only sees to it that the last coding is chunked.
fn check_coding(fields: &HeaderMap) -> Result<(), RequestError> {
    let mut codings = list(fields, TRANSFER_ENCODING).map(|coding| coding.eq_ignore_ascii_case("chunked"));
    match (codings.next(), codings.next()) {
        (None | Some(true), None) => Ok(()),
        (Some(true), Some(true)) => Err(RequestError::ChunkedAgain),
        _ => Err(RequestError::UnknownCoding),
    }
}

fn check_method(method: &Method) -> Result<(), RequestError> {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::CONNECT,
        Method::OPTIONS,
        Method::TRACE,
        Method::PATCH,
    ];
    if known.contains(method) { Ok(()) } else { Err(RequestError::UnknownMethod) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_an_authority_without_user_information() {
        for host in ["a", "a:80", "a:", "127.0.0.1:8080", "[::1]:8080", "[::1]", "xn--e1afmkfd.example"] {
            assert!(is_authority(&HeaderValue::from_static(host)), "{host}");
        }
        for other in ["a b", "a/b", "u@a", "a:b", "a:80:80", "http://a", "[::1", "a?b", "a#b"] {
            assert!(!is_authority(&HeaderValue::from_static(other)), "{other}");
        }
    }
}
