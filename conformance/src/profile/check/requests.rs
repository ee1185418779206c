//! How a technique is asked for, and what a session asks for first.

use std::collections::BTreeMap;

use super::Mistake;
use super::cursors::places_of;
use super::fields::{header_mistakes, media_type_wrong, method_wrong};
use super::places::{CHANNEL, IFRAME, LONG_POLLING, POLLING, Places, of_poll};
use super::sources::source_wrong;
use crate::mistake::Wrong;
use crate::profile::request::Request;
use crate::profile::session::{Session, SessionRequest};
use crate::profile::tables::Profile;

/// The mistakes of the keys `method`, `body`, `content-type` and `headers` of each technique.
pub(super) fn mistakes(profile: &Profile, places: &Places<'_>) -> Vec<Mistake> {
    let Profile { polling, long_polling, iframe, sse, websocket, .. } = profile;
    let cursors = ["polling", "long-polling"].map(|technique| places_of(profile, technique));
    let [polls, long_polls] = [of_poll(POLLING, &cursors[0]), of_poll(LONG_POLLING, &cursors[1])];
    let requests = [
        ("polling", polling.as_ref().map(|poll| &poll.request), &polls[..]),
        ("long-polling", long_polling.as_ref().map(|poll| &poll.request), &long_polls),
        ("iframe", iframe.as_ref().map(|iframe| &iframe.request), IFRAME),
        ("sse", sse.as_ref().map(|sse| &sse.request), CHANNEL),
    ];
    let given = requests.into_iter().filter_map(|(table, request, known)| Some((table, request?, known)));
    let mut found: Vec<Mistake> =
        given.flat_map(|(table, request, known)| of_request(table, request, known, places)).collect();
    let fields = websocket.as_ref().map(|websocket| &websocket.headers);
    found.extend(fields.into_iter().flat_map(|fields| header_mistakes("websocket", "headers", fields)));
    let named = fields.and_then(|fields| unnamed(fields, &[], places));
    found.extend(named.map(|wrong| Mistake { table: "websocket", key: "headers".to_owned(), wrong }));
    found
}

/// A name in a header field that nothing is filled in for. A brace is nothing special there, except where a session, or the
/// cursor of a poll, is meant.
pub(super) fn unnamed(
    fields: &BTreeMap<String, String>,
    cursors: &[&str],
    places: &Places<'_>,
) -> Option<Wrong> {
    let is_meant =
        |value: &&String| value.contains("{session.") || (!cursors.is_empty() && value.contains("{cursor"));
    fields.values().filter(is_meant).find_map(|value| places.place_wrong(value, cursors))
}

fn of_request(table: &'static str, request: &Request, known: &[&str], places: &Places<'_>) -> Vec<Mistake> {
    let mistake = |key: &str, wrong| Mistake { table, key: key.to_owned(), wrong };
    let mut found = header_mistakes(table, "headers", &request.headers);
    let cursors: Vec<&str> = known.iter().copied().filter(|name| name.starts_with("cursor")).collect();
    found.extend(unnamed(&request.headers, &cursors, places).map(|wrong| mistake("headers", wrong)));
    found.extend(
        method_wrong(&request.method, "as in `method = \"POST\"`").map(|wrong| mistake("method", wrong)),
    );
    let body = request.body.as_ref().and_then(|body| places.place_wrong(body, known));
    found.extend(body.map(|wrong| mistake("body", wrong)));
    let media = request.content_type.as_ref().and_then(|media| media_type_wrong(media));
    found.extend(media.map(|wrong| mistake("content-type", wrong)));
    if request.body.is_some() && matches!(request.method.as_str(), "GET" | "HEAD") {
        let message = format!("a {} has no body", request.method);
        found.push(mistake("body", Wrong::new(message, "take `method` out, or write `method = \"POST\"`")));
    }
    found
}

/// The mistakes of `[session]`. A request may use what the ones before it gave.
pub(super) fn session_mistakes(session: &Session) -> Vec<Mistake> {
    let mistake = |wrong| Mistake { table: "session", key: "request".to_owned(), wrong };
    let mut found = Vec::new();
    let mut given: Vec<String> = Vec::new();
    for request in &session.request {
        found.extend(of_session(request, &Places::new(&given)).into_iter().map(mistake));
        found.extend(header_mistakes("session", "request", &request.headers));
        given.extend(request.take.keys().map(|name| format!("session.{name}")));
    }
    if session.request.is_empty() {
        let hint = "a session has at least one [[session.request]]";
        found.push(Mistake {
            table: "session",
            key: String::new(),
            wrong: Wrong::new("a session without a request", hint),
        });
    }
    found
}

fn of_session(request: &SessionRequest, places: &Places<'_>) -> Vec<Wrong> {
    let mut found: Vec<Wrong> = places.request_wrong(&request.request, CHANNEL).into_iter().collect();
    found.extend(request.body.as_ref().and_then(|body| places.place_wrong(body, CHANNEL)));
    found.extend(unnamed(&request.headers, &[], places));
    found.extend(request.content_type.as_ref().and_then(|media| media_type_wrong(media)));
    for (name, written) in &request.take {
        let is_name = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !is_name {
            let message = format!("`{}` is not the name of a value", name.escape_debug());
            found.push(Wrong::new(message, "letters, digits and hyphens, as in `take = { sid = \"/sid\" }`"));
        }
        found.extend(source_wrong(written, "a JSON pointer, `header:NAME`, `cookie:NAME` or `event:NAME`"));
    }
    found
}
