//! WebSockets that speak in envelopes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{SinkExt as _, StreamExt as _};
use pushspec::judge::Verdict;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use super::server::{answer, serve};
use super::{Result, assert_at_most, assert_passes, assert_told, judge};

const REPLY: &str = "websocket/6-messages/reply-is-that-of-the-profile";
const PUBLISHED: &str = "websocket/6-messages/published-message-can-be-read";

/// How many texts were answered.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// What a server answers to a text.
pub(super) type Answer = fn(&str, usize) -> String;

/// A WebSocket server that answers so, and sends what is published in envelopes; and the address where that is done.
pub(super) async fn speaking(answer_to: Answer) -> Result<(SocketAddr, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (news, _) = broadcast::channel::<(String, String)>(1024);
    let published = news.clone();
    let endpoint = serve(move |request, stream| {
        let channel = request.path.trim_start_matches("/publish/").to_owned();
        let _ = published.send((channel, request.body.clone()));
        answer(&stream, "202 Accepted", "text/plain", "");
    })?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut heard = news.subscribe();
            tokio::spawn(async move {
                let mut path = String::new();
                #[expect(clippy::result_large_err, reason = "the signature is the library's")]
                let note = |request: &Request, response: Response| {
                    request.uri().path().trim_start_matches('/').clone_into(&mut path);
                    Ok(response)
                };
                let Ok(socket) = tokio_tungstenite::accept_hdr_async(stream, note).await else { return };
                let (mut out, mut frames) = socket.split();
                loop {
                    let sent = tokio::select! {
                        Ok((channel, text)) = heard.recv() => {
                            if channel != path { continue }
                            out.send(Message::text(json!({ "type": "news", "text": text }).to_string())).await
                        }
                        came = frames.next() => match came {
                            Some(Ok(Message::Text(text))) => {
                                let count = COUNT.fetch_add(1, Ordering::Relaxed);
                                out.send(Message::text(answer_to(&text, count))).await
                            }
                            Some(Ok(Message::Ping(_))) => out.flush().await,
                            Some(Ok(_)) => Ok(()),
                            _ => return,
                        },
                    };
                    if sent.is_err() {
                        return;
                    }
                }
            });
        }
    });
    Ok((address, endpoint))
}

pub(super) fn enveloped(text: &str, count: usize) -> String {
    json!({ "type": "echo", "id": count, "text": text }).to_string()
}

/// Understands `{"type": "say", "text": …}` alone.
fn spoken_to(text: &str, count: usize) -> String {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    match (value["type"].as_str(), value["text"].as_str()) {
        (Some("say"), Some(said)) => enveloped(said, count),
        _ => json!({ "type": "error", "text": "what?" }).to_string(),
    }
}

fn in_words(text: &str, count: usize) -> String {
    format!("[{count}] You said: {text}")
}

/// The library of the server ends a connection without a Close frame where it fails it, which is a warning.
const CASES: [&str; 4] = [
    "websocket/6-messages",
    "websocket/5.4-fragmentation",
    "websocket/8.1-utf-8",
    "websocket/5.2-base-framing",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_in_an_envelope_is_told_with_the_keys_that_open_it() -> Result {
    let (address, _) = speaking(enveloped).await?;
    for wrong in ["", "data = \"/message\"\n", "data = \"/type\"\n"] {
        let profile = format!("[websocket]\npath = \"/\"\nreply = \"{{message}}\"\n{wrong}");
        let outcome = judge(address, &profile, &["websocket/6-messages"]).await?;
        let told =
            ["\"Who is there?\"", "\\\"echo\\\"", "write `data = \"/text\"` and `reply = \"{message}\"`"];
        assert_told(&outcome, REPLY, &told)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_in_other_words_is_told_with_its_template() -> Result {
    let (address, _) = speaking(|text, _| format!("You said: {text}!")).await?;
    let outcome =
        judge(address, "[websocket]\npath = \"/\"\nreply = \"{message}\"\n", &["websocket/6-messages"])
            .await?;
    assert_told(&outcome, REPLY, &["write `reply = \"You said: \\{message}!\"`"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envelopes_are_opened_by_a_pointer_or_by_a_template() -> Result {
    let (address, _) = speaking(enveloped).await?;
    let template = r#"reply-encoding = "json"
reply = '{"type": "echo", "id": "*", "text": "{message}"}'"#;
    for reply in ["reply = \"{message}\"\ndata = \"/text\"", template] {
        let outcome = judge(address, &format!("[websocket]\npath = \"/\"\n{reply}\n"), &CASES).await?;
        assert_at_most(&outcome, Verdict::Warn, 200);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_suite_says_is_written_as_the_server_wants_it() -> Result {
    let (address, _) = speaking(spoken_to).await?;
    let profile = r#"[websocket]
path = "/"
reply-encoding = "json"
send = '{"type": "say", "text": "{message}"}'
reply = "{message}"
data = "/text"
"#;
    let outcome = judge(address, profile, &CASES).await?;
    assert_at_most(&outcome, Verdict::Warn, 200);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_star_stands_for_what_nobody_can_know() -> Result {
    let (address, _) = speaking(in_words).await?;
    let profile = "[websocket]\npath = \"/\"\nreply = \"[*] You said: {message}\"\n";
    let outcome = judge(address, profile, &CASES).await?;
    assert_at_most(&outcome, Verdict::Warn, 200);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_in_an_envelope_is_told_with_the_pointer_and_judged_with_it() -> Result {
    let (address, publisher) = speaking(enveloped).await?;
    let profile = |data: &str| {
        format!(
            "[websocket]\npath = \"/{{channel}}\"\n{data}[publish]\nurl = \"http://{publisher}\"\nrequest = \"POST /publish/{{channel}}\"\nbody = \"{{data}}\"\n"
        )
    };
    let select = ["websocket/6-messages", "http/parity"];
    let outcome = judge(address, &profile(""), &select).await?;
    assert_told(
        &outcome,
        PUBLISHED,
        &["\"Can you read this?\"", "write `data = \"/text\"` into [websocket]"],
    )?;
    let outcome = judge(address, &profile("data = \"/text\"\n"), &select).await?;
    assert_passes(&outcome, 3);
    Ok(())
}
