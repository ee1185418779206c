//! Responses, and refusals with their reason in plain text.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full, combinators::UnsyncBoxBody};
use hyper::{
    Response, StatusCode,
    header::{
        ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
        X_CONTENT_TYPE_OPTIONS,
    },
};

/// The body of every response.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A response as the handlers build it.
pub(crate) type Answer = Response<Body>;

/// Neither stored nor, where it is a stream, rewritten: an intermediary that compresses holds messages back
/// (RFC 9111, sections 5.2.2.5 and 5.2.2.6).
pub(crate) const STREAMED: HeaderValue = HeaderValue::from_static("no-store, no-transform");

/// Not stored at all (RFC 9111, section 5.2.2.5).
pub(crate) const NOT_STORED: HeaderValue = HeaderValue::from_static("no-store");

/// Stored, and validated before each use (RFC 9111, section 5.2.2.4).
pub(crate) const VALIDATED: HeaderValue = HeaderValue::from_static("no-cache");

/// A body of known length. A body of no bytes has no length field in the answer to a HEAD request, so a handler that
/// answers HEAD passes the body of GET.
pub(crate) fn full(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).boxed_unsync()
}

/// No body.
pub(crate) fn empty() -> Body {
    Empty::new().boxed_unsync()
}

/// An answer with a status, a body and the field that keeps browsers from guessing the body's type.
pub(crate) fn answer(status: StatusCode, content_type: &'static str, body: Body) -> Answer {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// An answer that says no: a status of the 4xx or 5xx class and one line that says why.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    reason: String,
    fields: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, reason: &(impl ToString + ?Sized)) -> Self {
        Self { status, reason: reason.to_string(), fields: Vec::new() }
    }

    /// 400, for a request that breaks a grammar.
    pub(crate) fn bad_request(reason: &(impl ToString + ?Sized)) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason)
    }

    /// 503, for a limit that other clients fill (RFC 9110, section 15.6.4).
    pub(crate) fn unavailable(reason: &(impl ToString + ?Sized), retry_after: Duration) -> Self {
        // A second at least: the field has no fractions, and zero would invite a loop.
        let seconds = HeaderValue::from(retry_after.as_secs().max(1));
        Self::new(StatusCode::SERVICE_UNAVAILABLE, reason).with(RETRY_AFTER, seconds)
    }

    /// 405, with the methods that the resource has (RFC 9110, section 15.5.6).
    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        let reason = format!("this resource has the methods {allow}");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, &reason).with(ALLOW, HeaderValue::from_static(allow))
    }

    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.fields.push((name, value));
        self
    }

    /// Ends the connection after the answer, where what follows on it cannot be trusted or is not wanted.
    pub(crate) fn closing(self) -> Self {
        self.with(CONNECTION, HeaderValue::from_static("close"))
    }

    pub(crate) fn into_answer(self) -> Answer {
        let body = full(self.reason + "\n");
        let mut response = answer(self.status, "text/plain; charset=utf-8", body);
        let fields = response.headers_mut();
        fields.insert(CACHE_CONTROL, NOT_STORED);
        fields.extend(self.fields);
        response
    }
}
