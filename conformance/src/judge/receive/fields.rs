//! What must hold of the fields of an answer, whatever the case (RFC 9110, RFC 9111).

use pushspec_wire::http1::{Head, list_elements};

use crate::judge::verdict::invariant::Invariant;
use crate::transcript::shown::shown;

use super::asked::Asked;
use super::retry_after::{http_date_order, is_http_date, is_retry_after};
use super::sink::Sink;

/// Judges the fields of an answer.
pub(super) fn judge(head: &Head, status: u16, asked: &Asked, sink: &mut Sink<'_>) {
    judge_required(head, status, sink);
    judge_refused_method(head, status, asked, sink);
    judge_dates(head, sink);
    judge_lines(head, sink);
    judge_connection(head, sink);
    judge_lifetimes(head, sink);
    judge_variants(head, sink);
}

/// The fields without which a status says too little.
const REQUIRED: [(&[u16], &str, Invariant); 4] = [
    (&[401], "WWW-Authenticate", Invariant::ChallengeWith401),
    (&[405], "Allow", Invariant::AllowWith405),
    (&[426], "Upgrade", Invariant::UpgradeWith426),
    (&[301, 302, 303, 307, 308], "Location", Invariant::LocationWithRedirect),
];

fn judge_required(head: &Head, status: u16, sink: &mut Sink<'_>) {
    for (_, name, invariant) in REQUIRED.iter().filter(|(of, ..)| of.contains(&status)) {
        sink.relevant(&[*invariant]);
        if head.value(name).is_none() {
            let seen = format!("no field `{name}` in the answer {}", shown(head.start_line()));
            sink.breach(*invariant, seen);
        }
    }
}

fn judge_refused_method(head: &Head, status: u16, asked: &Asked, sink: &mut Sink<'_>) {
    for value in head.values("Allow") {
        sink.relevant(&[Invariant::AllowIsAList]);
        if !list_elements(&value).all(is_token) {
            sink.breach(Invariant::AllowIsAList, field("Allow", &value));
        }
    }
    if status != 405 {
        return;
    }
    sink.relevant(&[Invariant::AllowIsTrue]);
    let listed = |value: &[u8]| list_elements(value).any(|method| method == asked.method);
    if let Some(value) = head.values("Allow").find(|value| listed(value)) {
        let seen = format!("the field `Allow: {}` in a 405 to {}", shown(&value), shown(&asked.method));
        sink.breach(Invariant::AllowIsTrue, seen);
    }
}

fn judge_dates(head: &Head, sink: &mut Sink<'_>) {
    sink.relevant(&[Invariant::RetryAfter]);
    if let Some(value) = head.value("Retry-After").filter(|value| !is_retry_after(value)) {
        sink.breach(Invariant::RetryAfter, field("Retry-After", &value));
    }
    for name in ["Date", "Last-Modified"] {
        for value in head.values(name) {
            sink.relevant(&[Invariant::DatesInOneForm]);
            if !is_http_date(&value) {
                sink.breach(Invariant::DatesInOneForm, field(name, &value));
            }
        }
    }
    let (Some(changed), Some(date)) = (head.value("Last-Modified"), head.value("Date")) else { return };
    sink.relevant(&[Invariant::LastModifiedNotAhead]);
    if http_date_order(&changed).zip(http_date_order(&date)).is_some_and(|(changed, date)| changed > date) {
        let seen = format!("{} with the field `Date: {}`", field("Last-Modified", &changed), shown(&date));
        sink.breach(Invariant::LastModifiedNotAhead, seen);
    }
}

/// Fields whose value is no list, so that a second line of the name has no meaning.
const SINGLE: [&str; 13] = [
    "Access-Control-Allow-Credentials",
    "Access-Control-Max-Age",
    "Age",
    "Content-Location",
    "Content-Range",
    "Content-Type",
    "Date",
    "ETag",
    "Expires",
    "Last-Modified",
    "Location",
    "Retry-After",
    "Server",
];

/// Fields whose value is a list.
const LISTS: [&str; 10] = [
    "Access-Control-Allow-Headers",
    "Access-Control-Allow-Methods",
    "Access-Control-Expose-Headers",
    "Allow",
    "Cache-Control",
    "Connection",
    "Content-Encoding",
    "Transfer-Encoding",
    "Upgrade",
    "Vary",
];

fn judge_lines(head: &Head, sink: &mut Sink<'_>) {
    sink.relevant(&[Invariant::SingleFieldsOnce, Invariant::NoEmptyElements]);
    for name in SINGLE.into_iter().filter(|name| head.values(name).count() > 1) {
        let values: Vec<String> = head.values(name).map(|value| shown(&value)).collect();
        let seen = format!("{} fields `{name}: {}`", values.len(), values.join(", "));
        sink.breach(Invariant::SingleFieldsOnce, seen);
    }
    for name in LISTS {
        if let Some(value) = head.values(name).find(|value| has_empty_element(value)) {
            sink.breach(Invariant::NoEmptyElements, field(name, &value));
        }
    }
}

/// A list of nothing is a list. Within quotes a comma separates nothing, so such lists are left alone.
fn has_empty_element(value: &[u8]) -> bool {
    let dense: Vec<u8> = value.iter().copied().filter(|byte| !matches!(byte, b' ' | b'\t')).collect();
    let empty = dense.starts_with(b",") || dense.ends_with(b",") || dense.windows(2).any(|two| two == b",,");
    empty && !dense.contains(&b'"')
}

/// Fields that are for all recipients, and no option of a connection.
const FOR_ALL: [&str; 8] = [
    "Cache-Control",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "Date",
    "ETag",
    "Set-Cookie",
    "Vary",
];

fn judge_connection(head: &Head, sink: &mut Sink<'_>) {
    for (name, invariant) in
        [("Upgrade", Invariant::ConnectionWithUpgrade), ("Keep-Alive", Invariant::ConnectionNamesItsFields)]
    {
        let Some(value) = head.value(name) else { continue };
        sink.relevant(&[invariant]);
        if !head.lists("Connection", name) {
            sink.breach(invariant, format!("{}, which `Connection` does not list", field(name, &value)));
        }
    }
    if head.value("Connection").is_none() {
        return;
    }
    sink.relevant(&[Invariant::ConnectionOptions]);
    for name in FOR_ALL.into_iter().filter(|name| head.lists("Connection", name)) {
        sink.breach(Invariant::ConnectionOptions, format!("`{name}` in the field `Connection`"));
    }
}

fn judge_lifetimes(head: &Head, sink: &mut Sink<'_>) {
    for value in head.values("Cache-Control") {
        sink.relevant(&[Invariant::LifetimesUnquoted]);
        let quoted = |directive: &[u8]| {
            let directive = directive.to_ascii_lowercase();
            directive.starts_with(b"max-age=\"") || directive.starts_with(b"s-maxage=\"")
        };
        if list_elements(&value).any(quoted) {
            sink.breach(Invariant::LifetimesUnquoted, field("Cache-Control", &value));
        }
    }
}

/// A star is a token, too.
fn judge_variants(head: &Head, sink: &mut Sink<'_>) {
    for value in head.values("Vary") {
        sink.relevant(&[Invariant::VaryIsAList]);
        if !list_elements(&value).all(is_token) {
            sink.breach(Invariant::VaryIsAList, field("Vary", &value));
        }
    }
}

fn is_token(name: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !name.is_empty() && name.iter().all(allowed)
}

fn field(name: &str, value: &[u8]) -> String {
    format!("the field `{name}: {}`", shown(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_nothing_has_no_empty_element() {
        for value in ["", " ", "a", "a, b", "a ,\tb", "no-cache=\"a,,b\", private"] {
            assert!(!has_empty_element(value.as_bytes()), "{value}");
        }
        for value in [",", "a,", ", a", "a, ,b", "a,,b"] {
            assert!(has_empty_element(value.as_bytes()), "{value}");
        }
    }
}
