//! Servers in which messages come in lists, behind a packet type or between separators, in sessions that have to be
//! opened first and that have one connection at a time.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use pushspec::judge::Verdict;
use pushspec::outcome::Outcome;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

use super::server::{Hub, answer, chunk, open_stream, serve};
use super::{Result, assert_at_most, assert_passes, assert_told, case, judge};

/// A session: the stream on which its client listens, and what waits for its next poll.
#[derive(Default)]
struct Session {
    stream: Option<TcpStream>,
    waiting: Vec<String>,
}

#[derive(Default, Clone)]
struct Sessions(Arc<Mutex<BTreeMap<String, Session>>>);

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the stream of a session, if there is one. A second one beside it is told off.
    fn listen(&self, name: &str, stream: TcpStream) {
        let mut sessions = self.lock();
        let Some(session) = sessions.get_mut(name) else {
            return answer(&stream, "404 Not Found", "text/plain", "");
        };
        open_stream(&stream);
        if session.stream.is_some() {
            chunk(&stream, "data: c[2010,\"Another connection still open\"]\n\n");
            return chunk(&stream, "");
        }
        chunk(&stream, "data: o\n\n");
        session.stream = Some(stream);
    }

    /// Sends to the stream of a session, or keeps for its next poll. Whether there is such a session.
    fn say(&self, name: &str, text: &str) -> bool {
        let mut sessions = self.lock();
        let Some(session) = sessions.get_mut(name) else { return false };
        session.waiting.push(text.to_owned());
        if let Some(stream) = &session.stream {
            chunk(stream, &format!("data: h\n\ndata: {}\n\n", text.replace('%', "%25")));
        }
        true
    }

    /// Waits until something is there for a poll, for three seconds at most.
    fn poll(&self, name: &str) -> Option<Vec<String>> {
        let until = Instant::now() + Duration::from_secs(3);
        loop {
            let waiting = std::mem::take(&mut self.lock().get_mut(name)?.waiting);
            if !waiting.is_empty() || Instant::now() > until {
                return Some(waiting);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// A stream of lists behind a packet type; a session is opened by a request of its own.
fn framed() -> Result<SocketAddr> {
    let sessions = Sessions::default();
    serve(move |request, stream| match request.path.split('/').collect::<Vec<_>>()[..] {
        [_, "open", name] => {
            sessions.lock().insert(name.to_owned(), Session::default());
            answer(&stream, "200 OK", "application/json", "{\"ok\": true}");
        }
        [_, "stream", name] => sessions.listen(name, stream),
        [_, "send", name] if sessions.say(name, &format!("a{}", request.body)) => {
            answer(&stream, "204 No Content", "text/plain", "");
        }
        _ => answer(&stream, "404 Not Found", "text/plain", ""),
    })
}

const FRAMED: &str = "[[session.request]]
request = \"POST /open/{channel}\"

[sse]
path = \"/stream/{channel}\"
percent-encoded = true
prefix = \"a\"
messages = \"\"
exclusive = true

[publish]
request = \"POST /send/{channel}\"
encoding = \"json\"
body = \"[{data}]\"
";

/// Why a case has no verdict of its own.
fn reason_of(outcome: &Outcome, id: &str) -> Result<String> {
    Ok(case(outcome, id)?.reason.clone().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_behind_a_packet_type_bring_the_messages_of_a_session() -> Result {
    let pages =
        ["sse/9.2.3-processing-model/*", "sse/9.2.6-interpreting-an-event-stream/marks-of-other-formats*"];
    let outcome = judge(framed()?, FRAMED, &pages).await?;
    let failed: Vec<_> = outcome.cases.iter().filter(|case| case.verdict == Verdict::Fail).collect();
    assert!(failed.is_empty(), "{:?}", failed.iter().map(|case| &case.case.id).collect::<Vec<_>>());
    let percent = "sse/9.2.6-interpreting-an-event-stream/marks-of-other-formats-are-text[percent]";
    for passed in ["sse/9.2.3-processing-model/message-can-be-read", percent] {
        assert_eq!(
            case(&outcome, passed)?.verdict,
            Verdict::Pass,
            "{passed}: {}",
            reason_of(&outcome, passed)?
        );
    }
    for (skipped, capability) in [
        ("sse/9.2.3-processing-model/every-subscriber-gets-the-message", "sse.shared"),
        ("sse/9.2.3-processing-model/news-of-another-channel", "publish.channel"),
    ] {
        let reason = reason_of(&outcome, skipped)?;
        assert!(reason.contains(&format!("`{capability}`")), "{skipped}: {reason}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_packet_type_that_no_message_has_is_told_before_anybody_is_accused() -> Result {
    let wrong = FRAMED.replace("prefix = \"a\"", "prefix = \"m\"");
    let outcome = judge(framed()?, &wrong, &["sse/9.2.3-processing-model"]).await?;
    assert_told(&outcome, "sse/9.2.3-processing-model/message-can-be-read", &["Can you read this?"])
}

/// A poll of records behind a packet type: the first of each answer is a ping.
fn packets() -> Result<SocketAddr> {
    let sessions = Sessions::default();
    serve(move |request, stream| {
        let name = request.path.split_once("sid=").map(|(_, name)| name.to_owned());
        match (request.method.as_str(), name) {
            ("GET", None) => {
                let mut open = sessions.lock();
                let sid = format!("s{}", open.len());
                open.insert(sid.clone(), Session::default());
                drop(open);
                answer(&stream, "200 OK", "text/plain", &format!("0{{\"sid\":\"{sid}\"}}"));
            }
            ("POST", Some(name)) if sessions.say(&name, &request.body) => {
                answer(&stream, "200 OK", "text/plain", "ok");
            }
            ("GET", Some(name)) => match sessions.poll(&name) {
                Some(said) => {
                    let records: Vec<String> = std::iter::once("2".to_owned()).chain(said).collect();
                    answer(&stream, "200 OK", "text/plain", &records.join("\u{1e}"));
                }
                None => answer(&stream, "400 Bad Request", "text/plain", ""),
            },
            _ => answer(&stream, "400 Bad Request", "text/plain", ""),
        }
    })
}

const PACKETS: &str = "[[session.request]]
request = \"GET /io\"
take = { sid = \"/sid\" }

[long-polling]
path = \"/io?sid={session.sid}\"
hold = \"3s\"
separator = \"\\u001e\"
prefix = \"4\"
exclusive = true

[publish]
request = \"POST /io?sid={session.sid}\"
body = \"4{data}\"
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_brings_as_many_messages_as_it_has_records() -> Result {
    let page = "long-polling/6202-2.1-long-polling";
    let outcome =
        judge(packets()?, PACKETS, &[&format!("{page}/*news*"), &format!("{page}/text-arrives*")]).await?;
    assert_passes(&outcome, 8);
    Ok(())
}

/// A poll that is answered with 304 where there is no news, and has the cursor in a field.
fn not_modified() -> Result<SocketAddr> {
    let hub = Hub::default();
    serve(move |request, stream| {
        if let Some(channel) = request.path.strip_prefix("/publish/") {
            hub.publish(channel, &request.body, |_| {});
            return answer(&stream, "202 Accepted", "text/plain", "");
        }
        let (channel, after) =
            request.path.trim_start_matches("/poll/").split_once("?after=").unwrap_or_default();
        let after: usize = after.parse().unwrap_or_default();
        match hub.said(channel).get(after) {
            Some(text) => answer(&stream, &format!("200 OK\r\nX-Cursor: {}", after + 1), "text/plain", text),
            None => answer(&stream, "304 Not Modified", "text/plain", ""),
        }
    })
}

const NOT_MODIFIED: &str = "[polling]
path = \"/poll/{channel}?after={cursor}\"
start = \"0\"
cursor = \"header:X-Cursor\"
empty = [304]

[publish]
request = \"POST /publish/{channel}\"
body = \"{data}\"
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_without_news_may_be_answered_as_the_profile_says() -> Result {
    let page = "polling/6202-2.1-short-polling";
    let outcome = judge(not_modified()?, NOT_MODIFIED, &[page]).await?;
    assert_at_most(&outcome, Verdict::Info, 10);
    let outcome = judge(not_modified()?, &NOT_MODIFIED.replace("empty = [304]\n", ""), &[page]).await?;
    let poll = case(&outcome, &format!("{page}/poll-is-answered"))?;
    assert_ne!(poll.verdict, Verdict::Pass, "304 is no answer to a poll unless the profile says so");
    Ok(())
}

/// A WebSocket that fails a client whose first message does not open its protocol, and echoes to the others.
async fn opened_by_a_message() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
                let first = socket.next().await;
                let opens = matches!(&first, Some(Ok(Message::Text(text))) if text.as_str() == "{\"type\":\"init\"}\u{1e}");
                // Who does not is left without a word.
                if !opens || socket.send(Message::text("{}\u{1e}")).await.is_err() {
                    return;
                }
                while let Some(Ok(message)) = socket.next().await {
                    let sent = match message {
                        Message::Text(_) | Message::Binary(_) => socket.send(message).await,
                        _ => socket.flush().await,
                    };
                    if sent.is_err() {
                        return;
                    }
                }
            });
        }
    });
    Ok(address)
}

const OPENED: &str = "[websocket]\npath = \"/\"\nfirst = [\"{\\\"type\\\":\\\"init\\\"}\\u001e\"]\nreply = \"{message}\"\nbinary = true\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_says_first_opens_a_protocol_above_the_websocket() -> Result {
    let pages = ["websocket/6-messages", "websocket/5.4-fragmentation", "websocket/5.5-control-frames"];
    let outcome = judge(opened_by_a_message().await?, OPENED, &pages).await?;
    assert_at_most(&outcome, Verdict::Warn, 20);
    let without = OPENED.lines().filter(|line| !line.starts_with("first")).collect::<Vec<_>>().join("\n");
    let outcome = judge(opened_by_a_message().await?, &without, &["websocket/6-messages"]).await?;
    let reply = case(&outcome, "websocket/6-messages/reply-is-that-of-the-profile")?;
    assert_ne!(reply.verdict, Verdict::Pass);
    Ok(())
}

/// A server of Bayeux: a client shakes hands, subscribes, and polls with `/meta/connect`, whose answer stands in the list of
/// the messages.
fn bayeux() -> Result<SocketAddr> {
    let sessions = Sessions::default();
    let clients = std::sync::Mutex::new(std::collections::BTreeMap::<String, String>::new());
    serve(move |request, stream| {
        let asked: serde_json::Value = serde_json::from_str(&request.body).unwrap_or_default();
        let asked = &asked[0];
        let channel = asked["channel"].as_str().unwrap_or_default();
        let client = asked["clientId"].as_str().unwrap_or_default().to_owned();
        let list = |messages: &[String]| format!("[{}]", messages.join(","));
        let meta = format!("{{\"channel\":\"{channel}\",\"successful\":true}}");
        let said = match channel {
            "/meta/handshake" => {
                let mut open = sessions.lock();
                let id = format!("c{}", open.len());
                open.insert(id.clone(), Session::default());
                list(&[format!(
                    "{{\"channel\":\"/meta/handshake\",\"clientId\":\"{id}\",\"successful\":true}}"
                )])
            }
            "/meta/subscribe" => {
                let to = asked["subscription"].as_str().unwrap_or_default().to_owned();
                clients.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(to, client);
                list(&[meta])
            }
            "/meta/connect" => match sessions.poll(&client) {
                Some(said) => list(&said.into_iter().chain([meta]).collect::<Vec<_>>()),
                None => list(&[format!("{{\"channel\":\"{channel}\",\"successful\":false}}")]),
            },
            _ => {
                let clients = clients.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let message = format!("{{\"channel\":\"{channel}\",\"data\":{}}}", asked["data"]);
                let is_known = clients.get(channel).is_some_and(|client| sessions.say(client, &message));
                list(&[meta.replace("true", &is_known.to_string())])
            }
        };
        answer(&stream, "200 OK", "application/json", &said);
    })
}

const BAYEUX: &str = r#"[[session.request]]
request = "POST /cometd"
content-type = "application/json"
body = '[{"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}]'
take = { id = "/0/clientId" }
[[session.request]]
request = "POST /cometd"
content-type = "application/json"
body = '[{"channel": "/meta/subscribe", "clientId": "{session.id}", "subscription": "/{channel}"}]'
[long-polling]
path = "/cometd"
content-type = "application/json"
body = '[{"channel": "/meta/connect", "clientId": "{session.id}", "connectionType": "long-polling"}]'
hold = "3s"
messages = ""
data = "/data"
exclusive = true
[publish]
request = "POST /cometd"
content-type = "application/json"
encoding = "json"
body = '[{"channel": "/{channel}", "clientId": "{session.id}", "data": {data}}]'
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_list_has_beside_the_messages_is_passed_over() -> Result {
    let page = "long-polling/6202-2.1-long-polling";
    let outcome =
        judge(bayeux()?, BAYEUX, &[&format!("{page}/*news*"), &format!("{page}/text-arrives*")]).await?;
    assert_passes(&outcome, 8);
    // Without the place of the data everything is a message, and what was published stands within one.
    let wrong = BAYEUX.replace("data = \"/data\"\n", "");
    let outcome = judge(bayeux()?, &wrong, &[&format!("{page}/poll-is-answered")]).await?;
    assert_told(&outcome, &format!("{page}/poll-is-answered"), &["`messages = \"\"` and `data = \"/data\"`"])
}
