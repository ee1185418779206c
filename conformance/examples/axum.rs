//! A server on axum, and the test that judges it. `cargo test --example axum` runs the test.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Sse};
use axum::routing::{any, get, post};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::net::TcpListener;
use tokio::sync::broadcast;

/// Who listens to which channel.
#[derive(Clone, Default)]
struct Channels(Arc<Mutex<HashMap<String, broadcast::Sender<String>>>>);

impl Channels {
    fn channel(&self, name: String) -> broadcast::Sender<String> {
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        channels.entry(name).or_insert_with(|| broadcast::channel(1024).0).clone()
    }
}

/// Sends what is published to a channel as an event stream.
async fn events(
    Path(name): Path<String>,
    State(channels): State<Channels>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let listener = channels.channel(name).subscribe();
    let events = unfold(listener, |mut listener| async {
        let data = listener.recv().await.ok()?;
        Some((Ok(Event::default().data(data)), listener))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(1)))
}

async fn publish(Path(name): Path<String>, State(channels): State<Channels>, data: String) -> StatusCode {
    // Without a listener nobody gets it.
    let _ = channels.channel(name).send(data);
    StatusCode::NO_CONTENT
}

/// Sends every message back.
async fn echo(upgrade: WebSocketUpgrade) -> impl IntoResponse {
    upgrade.on_upgrade(async |mut socket: WebSocket| {
        while let Some(Ok(message)) = socket.recv().await {
            let is_data = matches!(message, Message::Text(_) | Message::Binary(_));
            if is_data && socket.send(message).await.is_err() {
                return;
            }
        }
    })
}

fn application() -> Router {
    Router::new()
        .route("/events/{channel}", get(events))
        .route("/publish/{channel}", post(publish))
        .route("/echo", any(echo))
        .with_state(Channels::default())
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    axum::serve(listener, application()).await
}

#[cfg(test)]
mod tests {
    use pushspec::drive::schedule::Options;
    use pushspec::profile::event_stream::EventStream;
    use pushspec::profile::publish::Publish;
    use pushspec::profile::websocket::WebSocket;
    use pushspec::profile::{Profile, Target};
    use pushspec::suite::Suite;

    use super::*;

    #[tokio::test]
    async fn the_server_conforms() -> Result<(), Box<dyn std::error::Error>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        tokio::spawn(async { axum::serve(listener, application()).await });
        let profile = Profile::default()
            .with_sse(EventStream::at("/events/{channel}").with_heartbeat(Duration::from_secs(1)))
            .with_websocket(WebSocket::at("/echo").echoing())
            .with_publish(Publish::by("POST /publish/{channel}", "{data}"));
        let suite = Suite::embedded()?;
        // The opening handshake is axum's own: frames and messages are what this server adds to it.
        let options = Options::default().only("sse").only("websocket/5").only("websocket/6");
        suite.run(&Target::new(&url, profile)?, &options).await?.assert_conformant();
        Ok(())
    }
}
