//! Cross-origin reads (CORS, WHATWG Fetch, section 3.2): which pages of other origins may read the answers.

use hyper::{
    HeaderMap,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
        ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
    },
};

use crate::config::Origin;

/// What the origin of one request is allowed.
#[derive(Debug)]
pub(crate) struct Cors {
    /// The origin of the request, where it is an allowed one.
    allowed: Option<HeaderValue>,
    /// Whether any origin is allowed: only then do the answers depend on the origin.
    varies: bool,
}

impl Cors {
    pub(crate) fn of(origins: &[Origin], fields: &HeaderMap) -> Self {
        let mut named = fields.get_all(ORIGIN).iter();
        let origin = named.next().filter(|_| named.next().is_none());
        let allowed = origin.filter(|origin| origins.iter().any(|known| known.matches(origin)));
        Self { allowed: allowed.cloned(), varies: !origins.is_empty() }
    }

    /// Adds the fields that every answer carries, refusals too, so that a page can read why it was refused.
    pub(crate) fn complete(&self, fields: &mut HeaderMap) {
        if self.varies {
            fields.append(VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(origin) = &self.allowed {
            fields.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            // Nothing here depends on credentials. Pages that send them all the same may read the answers too.
            fields.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            fields.insert(
                ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static("Allow, ETag, Location, Retry-After"),
            );
        }
    }

    /// Adds the fields that answer a preflight request.
    pub(crate) fn answer_preflight(
        &self,
        request: &HeaderMap,
        methods: &'static str,
        answer: &mut HeaderMap,
    ) {
        if self.allowed.is_none() || !request.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
            return;
        }
        answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
        answer.insert(
            ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("Content-Type, If-Match, If-None-Match, Last-Event-ID"),
        );
        // Ten minutes: long enough to spare most preflights, short enough to change one's mind.
        answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
}

/// Whether the origin is the server itself, under the name that the client used for it.
pub(crate) fn is_own(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    authority
        .zip(host)
        .is_some_and(|((_, authority), host)| authority.as_bytes().eq_ignore_ascii_case(host.as_bytes()))
}
