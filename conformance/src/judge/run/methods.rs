//! The methods of the requests that a case makes.

use crate::case::Case;
use crate::case::statement::{Attribute, Line, SendItem, Statement};
use crate::judge::expect::attribute::attribute_text;
use crate::profile::Target;

use super::request::technique;

/// The registered methods that may change something (RFC 9110 section 16.1.1): what they do is the server's to know. A
/// method that nobody has defined does nothing.
const UNSAFE: [&str; 16] = [
    "POST",
    "PUT",
    "DELETE",
    "PATCH",
    "CONNECT",
    "COPY",
    "LINK",
    "LOCK",
    "MERGE",
    "MKCOL",
    "MOVE",
    "PROPPATCH",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "BIND",
];

/// The field names that say something of a GET alone: of a body that it has not by nature, or of the copy that a client
/// keeps of its answer (RFC 9110 sections 9.3.1 and 13.1).
const OF_A_GET: [&str; 7] = [
    "content-length:",
    "transfer-encoding:",
    "if-none-match:",
    "if-modified-since:",
    "if-match:",
    "expect:",
    "access-control-request-method: get",
];

/// The techniques that have a request of their own, with what a case needs that asks for them by GET.
const BY_GET: [(&str, &str); 4] = [
    ("polling", "polling.get"),
    ("long-polling", "long-polling.get"),
    ("iframe", "iframe.get"),
    ("sse", "sse.get"),
];

/// A method that the case sends, that is not safe, and that the profile does not name.
pub(super) fn forbidden(case: &Case, target: &Target) -> Option<String> {
    let profile = &target.profile;
    let own = profile.request_of(&case.technique).map(|request| request.method.as_str());
    let sent = case.section().conversation.iter().flatten().filter_map(|line| method_of(line, case));
    let is_forbidden = |method: &String| {
        UNSAFE.contains(&method.as_str()) && !profile.methods.contains(method) && own != Some(method)
    };
    sent.into_iter().find(is_forbidden)
}

/// The method of the request that a line begins, with the parameters of the case filled in.
fn method_of(line: &Line, case: &Case) -> Option<String> {
    match &line.statement {
        Some(Statement::Procedure(_, _, attributes)) => {
            let method = attributes.iter().find(|attribute| attribute.key == "method")?;
            attribute_text(&method.value, case).ok()
        }
        Some(Statement::Send(_, item)) => {
            let written = written(item)?;
            let (method, target) = written.split_once(' ')?;
            let name = method.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
            let method =
                name.map_or_else(|| Some(method.to_owned()), |name| case.parameters.get(name).cloned());
            method.filter(|_| target.starts_with(['{', '/', '*']))
        }
        _ => None,
    }
}

/// What a case needs where a line speaks of a GET of the technique: `sse.get` and the like.
pub(super) fn get_needed(line: &Line, case: &Case) -> Option<&'static str> {
    let (technique, of_a_get) = match &line.statement {
        Some(Statement::Procedure(procedure, _, attributes)) => {
            let method = |attribute: &Attribute| attribute.key == "method";
            (technique(*procedure), attributes.iter().any(method))
        }
        Some(Statement::Send(_, item)) => {
            let get = written(item).is_some_and(|written| written.split("{path").any(ends_with_get));
            (case.technique.as_str(), get)
        }
        _ => return None,
    };
    let written = line.source.to_ascii_lowercase();
    let of_a_get = of_a_get || OF_A_GET.iter().any(|name| written.contains(name));
    BY_GET.iter().find(|(name, _)| *name == technique && of_a_get).map(|(_, need)| *need)
}

/// Whether the word before a path is `GET` or `HEAD`, or the end of a `GET` that comes in pieces.
fn ends_with_get(before: &str) -> bool {
    let before = before.strip_suffix("{scheme}://{authority}").unwrap_or(before);
    let Some(before) = before.strip_suffix(' ') else { return false };
    let word = before.rsplit([' ', '\n']).next().unwrap_or(before);
    word == "HEAD" || (!word.is_empty() && "GET".ends_with(word))
}

/// The text of an HTTP line or of bytes, as it is written.
fn written(item: &SendItem) -> Option<&str> {
    match item {
        SendItem::HttpLine(line) => Some(&line.source),
        SendItem::Bytes(text) => text.pieces.first().map(|piece| piece.template.source.as_str()),
        SendItem::Chop(_, item) => written(item),
        _ => None,
    }
}
