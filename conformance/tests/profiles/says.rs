//! A server that is told what to send on a WebSocket.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response, Sse};
use axum::routing::{any, get};
use futures_util::Stream;
use futures_util::stream::unfold;
use pushspec::judge::Verdict;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::broadcast;

use super::{Result, assert_passes, case, judge};

type Channels = Arc<Mutex<HashMap<String, broadcast::Sender<String>>>>;

fn channel(channels: &Channels, name: String) -> broadcast::Sender<String> {
    let mut channels = channels.lock().unwrap_or_else(PoisonError::into_inner);
    channels.entry(name).or_insert_with(|| broadcast::channel(256).0).clone()
}

async fn events(
    Path(name): Path<String>,
    State(channels): State<Channels>,
) -> Sse<impl Stream<Item = std::result::Result<Event, Infallible>>> {
    let listener = channel(&channels, name).subscribe();
    Sse::new(unfold(listener, |mut listener| async {
        let data = listener.recv().await.ok()?;
        Some((Ok(Event::default().data(data)), listener))
    }))
}

/// Takes `{"type": "say", "text": …}` from who has the key.
async fn say(
    upgrade: WebSocketUpgrade,
    Path(name): Path<String>,
    State(channels): State<Channels>,
    headers: HeaderMap,
) -> Response {
    if headers.get("X-Key").is_none_or(|key| key != "open") {
        return axum::http::StatusCode::FORBIDDEN.into_response();
    }
    upgrade.on_upgrade(async move |mut socket| {
        while let Some(Ok(message)) = socket.recv().await {
            let Message::Text(text) = message else { continue };
            let said: Value = serde_json::from_str(&text).unwrap_or_default();
            if let Some(text) = said["text"].as_str().filter(|_| said["type"] == "say") {
                let _ = channel(&channels, name.clone()).send(text.to_owned());
            }
        }
    })
}

async fn serve() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = Router::new().route("/events/{channel}", get(events)).route("/say/{channel}", any(say));
    tokio::spawn(async { axum::serve(listener, router.with_state(Channels::default())).await });
    Ok(address)
}

const MESSAGES: &[&str] = &[
    "sse/9.2.6-interpreting-an-event-stream/message-arrives",
    "sse/9.2.6-interpreting-an-event-stream/messages-arrive-in-order",
];

fn profile(key: &str) -> String {
    format!(
        "[sse]\npath = \"/events/{{channel}}\"\n[publish]\nwebsocket = \"/say/{{channel}}\"\n\
        body = '{{\"type\": \"say\", \"text\": {{data}}}}'\nencoding = \"json\"\nheaders = {{ X-Key = \"{key}\" }}\n"
    )
}

#[tokio::test]
async fn what_is_said_on_a_websocket_is_published_in_its_order() -> Result {
    let outcome = judge(serve().await?, &profile("open"), MESSAGES).await?;
    assert_passes(&outcome, 3);
    Ok(())
}

#[tokio::test]
async fn a_websocket_that_does_not_open_is_told_and_nobody_is_accused() -> Result {
    let outcome = judge(serve().await?, &profile("shut"), MESSAGES).await?;
    let precondition = outcome.cases.iter().find(|case| case.verdict == Verdict::Error).ok_or("no error")?;
    let reason = precondition.reason.as_deref().unwrap_or_default();
    assert!(reason.contains("the response to the opening handshake was 403"), "{reason}");
    assert_eq!(case(&outcome, MESSAGES[0])?.verdict, Verdict::Skip);
    assert!(outcome.findings().is_empty());
    Ok(())
}
