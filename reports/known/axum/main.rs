//! Event streams and WebSockets on the crate `axum`, in the style of its examples: one broadcast channel for each channel.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{
        DefaultBodyLimit, Path, State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::StatusCode,
    response::{
        IntoResponse, Sse,
        sse::{Event, KeepAlive},
    },
    routing::{any, get, post},
};
use futures_util::{Stream, StreamExt};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

#[derive(Clone, serde::Deserialize)]
struct News {
    data: String,
    id: Option<String>,
    event: Option<String>,
    comment: Option<String>,
}

type Channels = Arc<Mutex<HashMap<String, broadcast::Sender<News>>>>;

fn channel(channels: &Channels, name: String) -> broadcast::Sender<News> {
    channels.lock().unwrap().entry(name).or_insert_with(|| broadcast::channel(1024).0).clone()
}

async fn events(
    Path(name): Path<String>,
    State(channels): State<Channels>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let news = BroadcastStream::new(channel(&channels, name).subscribe()).filter_map(async |news| news.ok());
    let events = news.map(|news| {
        let mut event = Event::default();
        if let Some(comment) = news.comment {
            event = event.comment(comment);
        }
        if let Some(id) = news.id {
            event = event.id(id);
        }
        if let Some(name) = news.event {
            event = event.event(name);
        }
        Ok(event.data(news.data))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(1)))
}

async fn publish(
    Path(name): Path<String>,
    State(channels): State<Channels>,
    Json(news): Json<News>,
) -> StatusCode {
    // Without a subscriber it is an error, which is nobody's business.
    let _ = channel(&channels, name).send(news);
    StatusCode::NO_CONTENT
}

async fn echo(upgrade: WebSocketUpgrade) -> impl IntoResponse {
    upgrade.on_upgrade(async |mut socket: WebSocket| {
        while let Some(Ok(message)) = socket.recv().await {
            if matches!(message, Message::Text(_) | Message::Binary(_)) && socket.send(message).await.is_err()
            {
                return;
            }
        }
    })
}

async fn subscribe(
    upgrade: WebSocketUpgrade,
    Path(name): Path<String>,
    State(channels): State<Channels>,
) -> impl IntoResponse {
    let mut news = channel(&channels, name).subscribe();
    upgrade.on_upgrade(async move |mut socket: WebSocket| {
        loop {
            tokio::select! {
                Ok(news) = news.recv() => if socket.send(news.data.into()).await.is_err() { return },
                message = socket.recv() => if !matches!(message, Some(Ok(_))) { return },
            }
        }
    })
}

#[tokio::main]
async fn main() {
    let app = Router::new()
        .route("/events/{channel}", get(events))
        .route("/publish/{channel}", post(publish))
        .route("/echo", any(echo))
        .route("/news/{channel}", any(subscribe))
        .layer(DefaultBodyLimit::max(8 << 20))
        .with_state(Channels::default());
    let port = std::env::var("PORT").unwrap();
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.unwrap();
    axum::serve(listener, app).await.unwrap();
}
