//! How a technique is asked for, and what a session asks for first.

use super::Mistake;
use super::fields::{header_mistakes, media_type_wrong, method_wrong};
use super::places::{CHANNEL, IFRAME, LONG_POLLING, POLLING, Places};
use super::pointers::pointer_wrong;
use crate::mistake::Wrong;
use crate::profile::request::Request;
use crate::profile::session::{Session, SessionRequest, Source};
use crate::profile::tables::Profile;

/// The mistakes of the keys `method`, `body`, `content-type` and `headers` of each technique.
pub(super) fn mistakes(profile: &Profile, places: &Places<'_>) -> Vec<Mistake> {
    let Profile { polling, long_polling, iframe, sse, websocket, .. } = profile;
    let requests = [
        ("polling", polling.as_ref().map(|poll| &poll.request), POLLING),
        ("long-polling", long_polling.as_ref().map(|poll| &poll.request), LONG_POLLING),
        ("iframe", iframe.as_ref().map(|iframe| &iframe.request), IFRAME),
        ("sse", sse.as_ref().map(|sse| &sse.request), CHANNEL),
    ];
    let given = requests.into_iter().filter_map(|(table, request, known)| Some((table, request?, known)));
    let mut found: Vec<Mistake> =
        given.flat_map(|(table, request, known)| of_request(table, request, known, places)).collect();
    let fields = websocket.as_ref().map(|websocket| &websocket.headers);
    found.extend(fields.into_iter().flat_map(|fields| header_mistakes("websocket", "headers", fields)));
    found
}

fn of_request(table: &'static str, request: &Request, known: &[&str], places: &Places<'_>) -> Vec<Mistake> {
    let mistake = |key: &str, wrong| Mistake { table, key: key.to_owned(), wrong };
    let mut found = header_mistakes(table, "headers", &request.headers);
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
    found.extend(request.content_type.as_ref().and_then(|media| media_type_wrong(media)));
    for (name, written) in &request.take {
        let is_name = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !is_name {
            let message = format!("`{}` is not the name of a value", name.escape_debug());
            found.push(Wrong::new(message, "letters, digits and hyphens, as in `take = { sid = \"/sid\" }`"));
        }
        found.extend(match Source::parse(written) {
            Some(Source::Json(pointer)) => pointer_wrong(&pointer),
            Some(_) => None,
            None => Some(Wrong::new(
                format!("`{}` is not a place in a response", written.escape_debug()),
                "a JSON pointer, `header:NAME`, `cookie:NAME` or `event:NAME`",
            )),
        });
    }
    found
}
