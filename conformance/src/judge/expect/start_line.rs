//! Start lines: the statuses that answer, and the requests of a client.

use pushspec_wire::http1::Head;

use crate::case::statement::{RequestPattern, StatusPattern};
use crate::judge::receive::item::Item;

use super::relation::Fit;

/// Whether this is the head of an interim answer: any number of them may precede the final one (RFC 9110 section
/// 15.2). 101 is final as far as the connection goes.
pub(crate) fn is_interim(came: &Item) -> bool {
    let Item::Head(head) = came else { return false };
    head.status_line().is_some_and(|status| (100..200).contains(&status.code) && status.code != 101)
}

/// How something that came relates to the status line that is expected.
pub(super) fn status_fit(pattern: &StatusPattern, came: &Item) -> Fit {
    match came {
        Item::Head(head) => match head.status_line() {
            Some(_) if status_equals(pattern, head) => Fit::Fits,
            Some(_) if is_interim(came) => Fit::Passes,
            _ => Fit::Not,
        },
        Item::Message(_) | Item::Comment | Item::End => Fit::Passes,
        _ => Fit::Not,
    }
}

fn status_equals(pattern: &StatusPattern, head: &Head) -> bool {
    let Some(status) = head.status_line() else { return false };
    let version = is_version(&pattern.version, status.version);
    let reason = pattern.reason.as_ref().is_none_or(|reason| reason.as_bytes() == status.reason);
    version && is_one_of(&pattern.codes, status.code) && reason
}

/// Whether a status is one of these, or of one of these classes.
pub(super) fn is_one_of(codes: &[String], code: u16) -> bool {
    let code = code.to_string();
    codes.iter().any(|wanted| match wanted.strip_suffix("xx") {
        Some(class) => code.starts_with(class),
        None => *wanted == code,
    })
}

/// How something that came relates to the request that is expected.
pub(super) fn request_fit(pattern: &RequestPattern, came: &Item) -> Fit {
    match came {
        Item::Head(head) if request_equals(pattern, head) => Fit::Fits,
        // The end of the request before.
        Item::Message(_) | Item::End => Fit::Passes,
        _ => Fit::Not,
    }
}

fn request_equals(pattern: &RequestPattern, head: &Head) -> bool {
    let Some(request) = head.request_line() else { return false };
    let target = pattern.target.as_ref().is_none_or(|target| target.as_bytes() == request.target);
    request.method == pattern.method.as_bytes() && target && is_version(&pattern.version, request.version)
}

/// Whether a version is the one that is expected; `HTTP/1.x` leaves the last digit open.
fn is_version(pattern: &str, version: &[u8]) -> bool {
    match pattern.strip_suffix('x') {
        Some(prefix) => version.starts_with(prefix.as_bytes()),
        None => version == pattern.as_bytes(),
    }
}
