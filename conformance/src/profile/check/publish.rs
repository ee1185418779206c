//! The recipe that makes the server send something.

use std::time::Duration;

use super::Mistake;
use super::fields::{header_mistakes, media_type_wrong};
use super::places::{PUBLISH, Places};
use super::requests::unnamed;
use super::sources::{not_a_place, source_wrong};
use crate::mistake::Wrong;
use crate::profile::encoding::Encoding;
use crate::profile::publish::Publish;
use crate::profile::session::Source;

pub(super) fn mistakes(publish: &Publish, places: &Places<'_>) -> Vec<Mistake> {
    let mistake = |key: &str, wrong| Mistake { table: "publish", key: key.to_owned(), wrong };
    let mut found = Vec::new();
    let hint = "as in `request = \"POST /publish/{channel}\"`, or `websocket = \"/chat/{channel}\"`";
    match (&publish.websocket, publish.request.is_empty()) {
        (None, true) => found.push(mistake("", Wrong::new("it says of no way to publish", hint))),
        (Some(_), false) => {
            found.push(mistake(
                "websocket",
                Wrong::new("it says of two ways to publish", "take `request` or `websocket` out"),
            ));
        }
        (Some(path), true) => {
            found.extend(places.path_wrong(path, PUBLISH).map(|wrong| mistake("websocket", wrong)));
        }
        (None, false) => {
            let request = places.request_wrong(&publish.request, PUBLISH);
            found.extend(request.map(|wrong| mistake("request", wrong)));
        }
    }
    found.extend(places.place_wrong(&publish.body, PUBLISH).map(|wrong| mistake("body", wrong)));
    if found.is_empty() && !publish.names("data") {
        let message =
            "neither the path nor `body` has `{data}`: the publication would not contain the message";
        let hint = "as in `body = \"{data}\"`; remove [publish] if the suite cannot make the server send";
        found.push(mistake("", Wrong::new(message, hint)));
    }
    found.extend(media_type_wrong(&publish.content_type).map(|wrong| mistake("content-type", wrong)));
    found.extend(encoding_wrong(publish).map(|wrong| mistake("body", wrong)));
    found.extend(publish.settle.and_then(settle_wrong).map(|wrong| mistake("settle", wrong)));
    found.extend(publish.id.as_deref().and_then(id_wrong).map(|wrong| mistake("id", wrong)));
    if publish.id.is_some() && publish.websocket.is_some() {
        let wrong = Wrong::new("a WebSocket has no response with an id", "take `id` out");
        found.push(mistake("id", wrong));
    }
    found.extend(publish.url.as_deref().and_then(url_wrong).map(|wrong| mistake("url", wrong)));
    found.extend(header_mistakes("publish", "headers", &publish.headers));
    found.extend(unnamed(&publish.headers, &[], places).map(|wrong| mistake("headers", wrong)));
    found
}

/// Values that are written into a body of a type in which they mean something else: a quote ends a string of JSON, and a percent
/// sign encodes an octet of a form. A body that is the data alone may be of any type.
fn encoding_wrong(publish: &Publish) -> Option<Wrong> {
    let essence = publish.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (what, encoding) = match essence.as_str() {
        "application/x-www-form-urlencoded" => ("a form", "form"),
        json if json.ends_with("/json") || json.ends_with("+json") => ("JSON", "json"),
        _ => return None,
    };
    let is_alone = publish.body.trim() == "{data}" || !publish.body.contains("{data}");
    let is_meant = publish.websocket.is_none() && publish.encoding == Encoding::Raw && !is_alone;
    let message = format!("`{{data}}` stands in {what} without the encoding of {what}");
    is_meant.then(|| Wrong::new(message, format!("add `encoding = \"{encoding}\"`")))
}

/// The longest time between a subscription and a publication. Each case that publishes waits for it.
const SETTLED: Duration = Duration::from_secs(30);

/// What is wrong with the time that a subscription takes.
fn settle_wrong(settle: Duration) -> Option<Wrong> {
    let message = format!("{settle:?} is longer than any case waits");
    (settle > SETTLED)
        .then(|| Wrong::new(message, format!("{SETTLED:?} at most, as in `settle = \"200ms\"`")))
}

/// What is wrong with the place of an id in a response.
fn id_wrong(written: &str) -> Option<Wrong> {
    let hint = "a JSON pointer, `header:NAME`, or `id = \"\"` for the whole body";
    match Source::parse(written) {
        Some(Source::Cookie(_) | Source::Event(_)) => Some(not_a_place(written, hint)),
        _ => source_wrong(written, hint),
    }
}

/// What is wrong with the address of the publisher's endpoint.
fn url_wrong(written: &str) -> Option<Wrong> {
    let parsed = url::Url::parse(written).ok();
    let fits = parsed.is_some_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
    });
    if fits {
        return None;
    }
    let message = format!("`{}` is not an address", written.escape_debug());
    Some(Wrong::new(message, "scheme, host and port; the path belongs to `request`: `http://127.0.0.1:9080`"))
}
