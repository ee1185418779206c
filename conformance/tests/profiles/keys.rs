//! Each key of a profile, at a server that needs it: what is right passes, and does not where the key is left out or wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path as FilePath, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use futures_util::stream::unfold;
use pushspec::judge::Verdict;
use pushspec::profile::{Profile, Target};
use pushspec_reference::{Config, Server};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::server::{Hub, answer, chunk, json, open_stream, serve};
use super::{Result, assert_passes, assert_told, case, judge};

const PUBLISH: &str = "[publish]\nrequest = \"POST /publish/{channel}\"\nbody = \"{data}\"\n";

/// The case of each technique that says whether what is published can be read.
const READABLE: [(&str, &str); 5] = [
    ("polling", "polling/6202-2.1-short-polling/news-can-be-read"),
    ("long-polling", "long-polling/6202-2.1-long-polling/poll-is-answered"),
    ("iframe", "iframe/3-messages/message-can-be-read"),
    ("sse", "sse/9.2.3-processing-model/message-can-be-read"),
    ("websocket", "websocket/6-messages/published-message-can-be-read"),
];

async fn verdict(address: SocketAddr, profile: &str, id: &str) -> Result<Verdict> {
    Ok(case(&judge(address, profile, &[id]).await?, id)?.verdict)
}

/// What was said on each channel.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<BTreeMap<String, watch::Sender<Vec<String>>>>>);

impl Said {
    fn of(&self, channel: &str) -> watch::Receiver<Vec<String>> {
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        channels.entry(channel.to_owned()).or_default().subscribe()
    }

    fn say(&self, channel: &str, text: String) {
        drop(self.of(channel));
        let channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(said) = channels.get(channel) {
            said.send_modify(|said| said.push(text));
        }
    }
}

/// The next text on a channel.
async fn next(said: &mut watch::Receiver<Vec<String>>, seen: usize) -> Option<String> {
    said.wait_for(|said| said.len() > seen).await.ok().map(|said| said[seen].clone())
}

/// A text as this server sends it: the list of messages behind a type, and an end.
fn wrapped(text: &str) -> String {
    format!("m[{}]\u{1e}", json(text))
}

/// A stream that begins with a text, and goes on with what is said.
fn stream(
    said: watch::Receiver<Vec<String>>,
    media_type: &'static str,
    first: String,
    write: fn(&str) -> String,
) -> Response {
    let pieces = unfold((said, 0, Some(first)), move |(mut said, seen, first)| async move {
        if let Some(first) = first {
            return Some((Ok::<_, Infallible>(Bytes::from(first)), (said, seen, None)));
        }
        let text = next(&mut said, seen).await?;
        Some((Ok(Bytes::from(write(&text))), (said, seen + 1, None)))
    });
    ([("Content-Type", media_type), ("Cache-Control", "no-store")], Body::from_stream(pieces)).into_response()
}

fn polled(said: &watch::Receiver<Vec<String>>, after: usize) -> Response {
    let said = said.borrow().clone();
    let body: String = said.iter().skip(after).map(|text| wrapped(text)).collect();
    ([("X-Cursor", said.len().to_string())], body).into_response()
}

async fn news(
    Path((technique, channel)): Path<(String, String)>,
    Query(query): Query<BTreeMap<String, String>>,
    State(all): State<Said>,
) -> Response {
    let mut said = all.of(&channel);
    let after = query.get("after").and_then(|after| after.parse().ok()).unwrap_or_default();
    match technique.as_str() {
        "sse" => stream(said, "text/event-stream", ": hello\n\n".into(), |text| {
            format!("data: {}\n\n", wrapped(text))
        }),
        "iframe" => {
            let page = format!("<!doctype html><body>{}\n", " ".repeat(1024));
            stream(said, "text/html; charset=utf-8", page, |text| {
                format!("<script>parent.push({})</script>\n", json(&wrapped(text)))
            })
        }
        "poll" => polled(&said, after),
        "wait" => {
            let _ = tokio::time::timeout(Duration::from_secs(2), next(&mut said, after)).await;
            polled(&said, after)
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn socket(upgrade: WebSocketUpgrade, Path(channel): Path<String>, State(all): State<Said>) -> Response {
    let mut said = all.of(&channel);
    upgrade.on_upgrade(async move |mut socket| {
        let mut seen = said.borrow().len();
        loop {
            tokio::select! {
                text = next(&mut said, seen) => {
                    let Some(text) = text else { return };
                    seen += 1;
                    if socket.send(Message::text(wrapped(&text))).await.is_err() {
                        return;
                    }
                }
                came = socket.recv() => if !matches!(came, Some(Ok(_))) { return },
            }
        }
    })
}

async fn wrapping() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let publish = async |Path(channel): Path<String>, State(all): State<Said>, text: String| {
        all.say(&channel, text);
        StatusCode::ACCEPTED
    };
    let router = Router::new()
        .route("/publish/{channel}", post(publish))
        .route("/ws/{channel}", any(socket))
        .route("/{technique}/{channel}", get(news))
        .with_state(Said::default());
    tokio::spawn(async { axum::serve(listener, router).await });
    Ok(address)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_technique_finds_its_messages_by_separator_prefix_and_list() -> Result {
    let address = wrapping().await?;
    let poll = "?after={cursor}\"\nstart = \"0\"\ncursor = \"header:X-Cursor\"\n";
    let keys = ["separator = \"\\u001e\"\n", "prefix = \"m\"\n", "messages = \"\"\n"];
    for (technique, id) in READABLE {
        let path = match technique {
            "polling" => format!("/poll/{{channel}}{poll}"),
            "long-polling" => format!("/wait/{{channel}}{poll}hold = \"2s\"\n"),
            "iframe" => "/iframe/{channel}\"\ncallback = \"push\"\n".to_owned(),
            "sse" => "/sse/{channel}\"\n".to_owned(),
            _ => "/ws/{channel}\"\n".to_owned(),
        };
        let profile = format!("[{technique}]\npath = \"{path}{}{PUBLISH}", keys.concat());
        assert_eq!(verdict(address, &profile, id).await?, Verdict::Pass, "{profile}");
        for key in keys {
            let without = profile.replace(key, "");
            assert_ne!(verdict(address, &without, id).await?, Verdict::Pass, "{without}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pointer_to_an_id_finds_the_id_of_each_message() -> Result {
    let server = Server::start(Config::default()).await?;
    let reference = pushspec_fixtures::REFERENCE_PROFILE;
    for (technique, id) in READABLE.into_iter().filter(|(technique, _)| *technique != "websocket") {
        // That of the response to the publication is another one at its `Location`.
        for (place, expected) in [("/id", Verdict::Pass), ("header:Location", Verdict::Error)] {
            let profile =
                reference.replace("encoding = \"json\"", &format!("encoding = \"json\"\nid = \"{place}\""));
            assert_eq!(verdict(server.address(), &profile, id).await?, expected, "{technique}: {place}");
        }
        // Without the pointer there is nothing to compare it with.
        let profile = reference
            .replace("encoding = \"json\"", "encoding = \"json\"\nid = \"header:Location\"")
            .replace("\nid = \"/id\"", "");
        let expected = if technique == "sse" { Verdict::Error } else { Verdict::Pass };
        assert_eq!(verdict(server.address(), &profile, id).await?, expected, "{technique}");
    }
    server.shutdown().await;
    Ok(())
}

/// An iframe and a long poll that are asked for by POST alone; the poll has its channel in a form.
pub(super) fn posted() -> Result<SocketAddr> {
    let hub = Hub::default();
    serve(move |request, stream| match request.path.split('/').collect::<Vec<_>>()[..] {
        [_, "publish", channel] => {
            let script = format!("<script>parent.push({})</script>\n", json(&request.body));
            hub.publish(channel, &request.body, |listener| chunk(listener, &script));
            answer(&stream, "202 Accepted", "text/plain", "");
        }
        _ if request.method != "POST" => {
            answer(&stream, "405 Method Not Allowed\r\nAllow: POST", "text/plain", "");
        }
        [_, "iframe", channel] => {
            let _ = std::io::Write::write_all(
                &mut &stream,
                b"HTTP/1.1 200 OK\r\nDate: Fri, 27 Nov 2026 09:00:00 GMT\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n",
            );
            chunk(&stream, &format!("<!doctype html><body>{}\n", " ".repeat(1024)));
            hub.listen(channel, stream);
        }
        [_, "wait"] if request.head.contains("Content-Type: application/x-www-form-urlencoded\r\n") => {
            let channel = request.body.trim_start_matches("room=");
            for _ in 0..200 {
                if let Some(text) = hub.said(channel).last() {
                    return answer(&stream, "200 OK", "text/plain", text);
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            answer(&stream, "204 No Content", "text/plain", "");
        }
        _ => answer(&stream, "400 Bad Request", "text/plain", ""),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_iframe_and_a_long_poll_are_asked_for_as_the_profile_says() -> Result {
    let iframe = format!(
        "[iframe]\npath = \"/iframe/{{channel}}\"\nmethod = \"POST\"\ncallback = \"push\"\n{PUBLISH}"
    );
    let form = "content-type = \"application/x-www-form-urlencoded\"\n";
    let poll = format!(
        "[long-polling]\npath = \"/wait\"\nbody = \"room={{channel}}\"\n{form}hold = \"2s\"\n{PUBLISH}"
    );
    for (profile, id, keys) in [
        (&iframe, READABLE[2].1, &["method = \"POST\"\n"][..]),
        (&poll, READABLE[1].1, &["body = \"room={channel}\"\n", form]),
    ] {
        let address = posted()?;
        assert_eq!(verdict(address, profile, id).await?, Verdict::Pass, "{profile}");
        for key in keys {
            let without = profile.replace(key, "");
            assert_ne!(&without, profile);
            assert_ne!(verdict(address, &without, id).await?, Verdict::Pass, "{without}");
        }
    }
    Ok(())
}

/// A stream for those who bring a field, a cookie and the address that the first event of another stream has. How many have
/// logged in is counted.
fn with_login(logins: Arc<AtomicUsize>) -> Result<SocketAddr> {
    serve(move |request, stream| match request.path.as_str() {
        "/login" => {
            let number = logins.fetch_add(1, Ordering::Relaxed);
            let status = format!(
                "204 No Content\r\nX-Session: field-{number}\r\nSet-Cookie: sid=cookie-{number}; Path=/"
            );
            answer(&stream, &status, "text/plain", "");
        }
        "/greeting" if request.head.contains("X-Session: field-") => {
            open_stream(&stream);
            chunk(&stream, "data: hello\n\nevent: endpoint\ndata: endpoint-1\n\n");
            std::thread::sleep(Duration::from_secs(10));
        }
        path if path.starts_with("/events/") && request.head.contains("Cookie: sid=cookie-") => {
            if path.ends_with("/endpoint-1") {
                open_stream(&stream);
                chunk(&stream, "data: one\n\n");
                std::thread::sleep(Duration::from_secs(10));
            } else {
                answer(&stream, "404 Not Found", "text/plain", "");
            }
        }
        _ => answer(&stream, "403 Forbidden", "text/plain", ""),
    })
}

const LOGIN: &str = "[session]
once = true
[[session.request]]
request = \"POST /login\"
take = { field = \"header:X-Session\", cookie = \"cookie:sid\" }
[[session.request]]
request = \"GET /greeting\"
headers = { X-Session = \"{session.field}\" }
take = { endpoint = \"event:endpoint\" }
[sse]
path = \"/events/{session.endpoint}\"
headers = { Cookie = \"sid={session.cookie}\" }
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_takes_a_field_a_cookie_and_an_event_and_is_opened_once_where_the_profile_says_so() -> Result
{
    let pages = ["sse/9.2.1-introduction", "sse/17.6-text-event-stream"];
    let logins = Arc::<AtomicUsize>::default();
    let outcome = judge(with_login(Arc::clone(&logins))?, LOGIN, &pages).await?;
    assert_passes(&outcome, 2);
    assert_eq!(logins.load(Ordering::Relaxed), 1);
    let logins = Arc::<AtomicUsize>::default();
    let each = LOGIN.replace("[session]\nonce = true\n", "");
    let outcome = judge(with_login(Arc::clone(&logins))?, &each, &pages).await?;
    assert_passes(&outcome, 2);
    assert!(logins.load(Ordering::Relaxed) > 1);
    for (right, wrong, told) in [
        ("header:X-Session", "header:X-Sesion", "the response has nothing at `header:X-Sesion`"),
        ("cookie:sid", "cookie:id", "the response has nothing at `cookie:id`"),
        ("event:endpoint", "event:message", "/events/hello is answered with 404"),
    ] {
        let profile = LOGIN.replace(right, wrong);
        assert_ne!(profile, LOGIN);
        let outcome = judge(with_login(Arc::default())?, &profile, &pages).await?;
        assert_told(&outcome, "sse/9.2.3-processing-model/stream-opens", &[told])?;
    }
    Ok(())
}

/// A WebSocket for those who have the key; it sends each text to all who are there.
async fn room() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (said, _) = tokio::sync::broadcast::channel::<Message>(1024);
    let join = async move |upgrade: WebSocketUpgrade, headers: HeaderMap| {
        if headers.get("X-Key").is_none_or(|key| key != "open") {
            return StatusCode::FORBIDDEN.into_response();
        }
        let mut heard = said.subscribe();
        upgrade.on_upgrade(async move |mut socket| {
            loop {
                tokio::select! {
                    text = heard.recv() => {
                        let Ok(text) = text else { return };
                        if socket.send(text).await.is_err() {
                            return;
                        }
                    }
                    came = socket.recv() => match came {
                        Some(Ok(message @ Message::Text(_))) => drop(said.send(message)),
                        Some(Ok(_)) => {}
                        _ => return,
                    },
                }
            }
        })
    };
    let router = Router::new().route("/room", any(join));
    tokio::spawn(async { axum::serve(listener, router).await });
    Ok(address)
}

const ROOM: &str = "[headers]
X-Key = \"shut\"
[websocket]
path = \"/room\"
headers = { X-Key = \"open\" }
reply = \"{message}\"
broadcast = true
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_websocket_has_header_fields_of_its_own_and_may_be_one_room() -> Result {
    let page = "websocket/6-messages";
    let outcome = judge(room().await?, ROOM, &[page]).await?;
    let failed: Vec<_> = outcome.cases.iter().filter(|case| case.verdict == Verdict::Fail).collect();
    assert!(failed.is_empty(), "{:?}", failed.iter().map(|case| &case.case.id).collect::<Vec<_>>());
    assert!(outcome.cases.iter().filter(|case| case.verdict == Verdict::Pass).count() > 10);
    let is_private = |reason: &String| reason.contains("`websocket.private`");
    let skipped = outcome.cases.iter().filter(|case| case.reason.as_ref().is_some_and(is_private)).count();
    assert_ne!(skipped, 0, "nobody is alone in a room");
    let without = ROOM.replace("headers = { X-Key = \"open\" }\n", "");
    let reply = "websocket/6-messages/reply-is-that-of-the-profile";
    assert_ne!(verdict(room().await?, &without, reply).await?, Verdict::Pass);
    Ok(())
}

/// What a form has at a name.
fn of_form(body: &str, name: &str) -> String {
    let values = url::form_urlencoded::parse(body.as_bytes());
    values.into_owned().find(|(known, _)| known == name).map(|(_, value)| value).unwrap_or_default()
}

/// A server that takes what is published from a form, and delivers to nobody who has come within the last moment.
fn slow_to_listen() -> Result<SocketAddr> {
    let hub = Hub::default();
    serve(move |request, stream| match request.path.as_str() {
        "/publish" if request.head.contains("Content-Type: application/x-www-form-urlencoded\r\n") => {
            let text = of_form(&request.body, "text");
            let lines: String = text.split('\n').map(|line| format!("data: {line}\n")).collect();
            hub.publish(&of_form(&request.body, "room"), &text, |listener| {
                chunk(listener, &format!("{lines}\n"));
            });
            answer(&stream, "202 Accepted", "text/plain", "");
        }
        path if path.starts_with("/events/") => {
            open_stream(&stream);
            std::thread::sleep(Duration::from_millis(500));
            hub.listen(&path["/events/".len()..], stream);
        }
        _ => answer(&stream, "400 Bad Request", "text/plain", ""),
    })
}

const SLOW: &str = "[sse]
path = \"/events/{channel}\"
[publish]
request = \"POST /publish\"
content-type = \"application/x-www-form-urlencoded\"
encoding = \"form\"
body = \"room={channel}&text={data}\"
settle = \"2s\"
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_is_written_as_a_form_and_waits_until_the_server_listens() -> Result {
    let id = "sse/9.2.6-interpreting-an-event-stream/message-arrives";
    let outcome = judge(slow_to_listen()?, SLOW, &[id]).await?;
    assert_passes(&outcome, 2);
    for key in ["content-type = \"application/x-www-form-urlencoded\"\n", "settle = \"2s\"\n"] {
        let without = SLOW.replace(key, "");
        assert_ne!(without, SLOW);
        let outcome = judge(slow_to_listen()?, &without, &[READABLE[3].1]).await?;
        let told = outcome.cases.iter().map(|case| (&case.case.id, case.verdict, &case.reason));
        let told: Vec<_> = told.collect();
        assert!(told.iter().any(|(_, verdict, _)| *verdict == Verdict::Error), "{without}{told:#?}");
        assert!(
            !outcome.cases.iter().any(|case| case.verdict == Verdict::Pass && case.case.id == READABLE[3].1)
        );
        assert!(outcome.findings().is_empty());
    }
    // What would be told as another message is a mistake before anything is sent.
    assert!(Profile::parse("pushspec.toml", &SLOW.replace("encoding = \"form\"\n", "")).is_err());
    Ok(())
}

/// A stream in which all that there is of a message stands in the JSON of its data.
fn in_envelopes() -> Result<SocketAddr> {
    let hub = Hub::default();
    serve(move |request, stream| match request.path.split('/').collect::<Vec<_>>()[..] {
        [_, "events", channel] => {
            open_stream(&stream);
            hub.listen(channel, stream);
        }
        [_, "publish", channel] => {
            hub.publish(channel, &request.body, |listener| {
                chunk(listener, &format!("data: {}\n\n", request.body));
            });
            answer(&stream, "202 Accepted", "text/plain", "");
        }
        _ => answer(&stream, "404 Not Found", "text/plain", ""),
    })
}

const ENVELOPES: &str = "[sse]
path = \"/events/{channel}\"
data = \"/text\"
id = \"/number\"
event = \"/kind\"
[publish]
request = \"POST /publish/{channel}\"
content-type = \"application/json\"
encoding = \"json\"
body = '{\"text\": {data}, \"number\": {id}, \"kind\": {event}}'
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pointers_to_id_and_event_find_what_a_message_is_called() -> Result {
    let page = "sse/9.2.6-interpreting-an-event-stream";
    for (key, name) in [("id = \"/number\"\n", "id-arrives"), ("event = \"/kind\"\n", "event-name-arrives")] {
        let cases = format!("{page}/{name}*");
        assert_passes(&judge(in_envelopes()?, ENVELOPES, &[&cases]).await?, 6);
        let without = ENVELOPES.replace(key, "");
        assert_ne!(without, ENVELOPES);
        let outcome = judge(in_envelopes()?, &without, &[&cases]).await?;
        let of_name = outcome.cases.iter().filter(|case| case.case.id.contains(name));
        assert!(!of_name.map(|case| case.verdict).any(|verdict| verdict == Verdict::Pass), "{without}");
        // A pointer that leads nowhere is a mistake of the profile.
        let wrong = ENVELOPES.replace(key, &key.replace("= \"/", "= \"/x"));
        let outcome = judge(in_envelopes()?, &wrong, &[&cases]).await?;
        assert!(outcome.findings().is_empty(), "{:?}", outcome.findings());
        let told = outcome.cases.iter().filter(|case| case.case.id.contains(name));
        let reasons: Vec<_> = told.map(|case| case.reason.clone().unwrap_or_default()).collect();
        let pointer =
            wrong.split("= \"/x").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let words = format!("has nothing at `/x{pointer}`, where");
        assert!(reasons.iter().all(|reason| reason.contains(&words)), "{reasons:#?}");
    }
    Ok(())
}

#[test]
fn what_is_exclusive_is_shared_by_nobody() -> Result {
    for technique in ["polling", "long-polling", "iframe", "sse"] {
        let callback = if technique == "iframe" { "callback = \"push\"\n" } else { "" };
        for (exclusive, can) in [("", true), ("exclusive = true\n", false)] {
            let text = format!("[{technique}]\npath = \"/{{channel}}\"\n{callback}{exclusive}{PUBLISH}");
            let profile = Profile::parse("pushspec.toml", &text)?;
            let target = Target::new("http://127.0.0.1", profile)?;
            assert_eq!(target.can(&format!("{technique}.shared")), can, "{text}");
            assert_eq!(target.can("publish.channel"), can, "{text}");
        }
    }
    Ok(())
}

/// The keys of `docs/profile.md`, by the heading under which they stand, and the test that fails where they are ignored.
const TESTED: &[(&str, &str, &str)] = &[
    ("At the top", "url", "the_url_of_the_profile_at_hand_is_judged"),
    ("At the top", "allowed-origin allow-credentials", REFERENCE),
    ("At the top", "methods", "a_method_that_is_not_safe_is_sent_where_the_profile_names_it"),
    ("At the top", "secrets", "no_secret_is_in_anything_that_comes_out_of_a_failing_run"),
    (
        "How a technique is requested",
        "method body content-type",
        "an_iframe_and_a_long_poll_are_asked_for_as_the_profile_says",
    ),
    (
        "How a technique is requested",
        "headers",
        "a_websocket_has_header_fields_of_its_own_and_may_be_one_room",
    ),
    (
        "`[session]`",
        "once request request.request request.headers request.take",
        "a_session_takes_a_field_a_cookie_and_an_event_and_is_opened_once_where_the_profile_says_so",
    ),
    ("`[session]`", "request.body request.content-type", "each_request_may_use_what_the_one_before_it_gave"),
    (
        "Where the messages are",
        "separator prefix messages",
        "every_technique_finds_its_messages_by_separator_prefix_and_list",
    ),
    ("Where the messages are", "data", "where_the_pointer_is_right_messages_are_judged"),
    ("Where the messages are", "id event", "the_pointers_to_id_and_event_find_what_a_message_is_called"),
    (
        "`[polling]` and `[long-polling]`",
        "path start cursor",
        "a_cursor_has_as_many_values_as_the_profile_names",
    ),
    ("`[polling]` and `[long-polling]`", "empty", "a_poll_without_news_may_be_answered_as_the_profile_says"),
    ("`[polling]` and `[long-polling]`", "exclusive", "what_is_exclusive_is_shared_by_nobody"),
    (
        "`[polling]` and `[long-polling]`",
        "hold",
        "a_hold_is_long_or_soon_over_only_where_the_profile_says_so",
    ),
    ("`[polling]` and `[long-polling]`", "validator", REFERENCE),
    ("`[iframe]`", "path callback", "what_a_profile_has_wrong_is_told_soon_where_the_whole_suite_is_run"),
    ("`[iframe]`", "heartbeat", REFERENCE),
    ("`[iframe]`", "exclusive", "what_is_exclusive_is_shared_by_nobody"),
    ("`[sse]`", "path resume heartbeat ending gone checkpoints moved", REFERENCE),
    ("`[sse]`", "finite done", "the_text_that_ends_a_stream_comes_last"),
    ("`[sse]`", "percent-encoded exclusive", "lists_behind_a_packet_type_bring_the_messages_of_a_session"),
    ("`[websocket]`", "path subscribe binary subprotocols", REFERENCE),
    ("`[websocket]`", "deflate", "a_server_is_judged_with_permessage_deflate_in_every_case"),
    ("`[websocket]`", "message-limit", "what_is_beyond_the_limit_of_the_profile_is_refused"),
    ("`[websocket]`", "first", "what_a_client_says_first_opens_a_protocol_above_the_websocket"),
    ("`[websocket]`", "send reply reply-encoding", "what_the_suite_says_is_written_as_the_server_wants_it"),
    ("`[websocket]`", "broadcast", "a_websocket_has_header_fields_of_its_own_and_may_be_one_room"),
    ("`[publish]`", "request", "a_recipe_with_a_wrong_path_is_told_as_that"),
    ("`[publish]`", "websocket headers", "what_is_said_on_a_websocket_is_published_in_its_order"),
    ("`[publish]`", "url", "what_is_published_in_an_envelope_is_told_with_the_pointer_and_judged_with_it"),
    (
        "`[publish]`",
        "content-type body encoding settle",
        "what_is_published_is_written_as_a_form_and_waits_until_the_server_listens",
    ),
    ("`[publish]`", "id", "the_id_in_the_answer_to_a_publication_is_that_of_the_message"),
];

/// Every case passes there, and would be skipped without the capability.
const REFERENCE: &str = "the_reference_server_conforms_to_everything_at_once";

/// The keys that a page describes, each with its heading. A row that only points to another one describes nothing.
fn described(page: &str) -> BTreeSet<(String, String)> {
    let mut heading = "";
    let mut found = BTreeSet::new();
    for line in page.lines() {
        heading = line.strip_prefix("## ").unwrap_or(heading);
        let row = line.strip_prefix("| `").and_then(|row| row.split_once(" | "));
        let Some((keys, _)) = row.filter(|(_, meaning)| !meaning.contains("](#where-the-messages-are)"))
        else {
            continue;
        };
        let keys = keys.split('`').step_by(2);
        found.extend(keys.map(|key| (heading.to_owned(), key.to_owned())));
    }
    found.into_iter().filter(|(_, key)| !key.is_empty()).collect()
}

/// The text of all files of Rust in a folder.
fn sources(folder: &FilePath, out: &mut String) -> Result {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, out)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push_str(&std::fs::read_to_string(path)?);
        }
    }
    Ok(())
}

#[test]
fn every_key_of_a_profile_has_a_test_that_needs_it() -> Result {
    let crate_folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(crate_folder.join("../docs/profile.md"))?;
    let tested = TESTED
        .iter()
        .flat_map(|(heading, keys, _)| keys.split(' ').map(|key| ((*heading).to_owned(), key.to_owned())));
    assert_eq!(tested.collect::<BTreeSet<_>>(), described(&page));
    let mut text = String::new();
    for folder in ["tests", "src"] {
        sources(&crate_folder.join(folder), &mut text)?;
    }
    for (_, keys, test) in TESTED {
        assert!(text.contains(&format!("fn {test}(")), "{keys}: there is no test {test}");
    }
    Ok(())
}
