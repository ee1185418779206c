//! Event streams and a WebSocket on the crate `poem`, in the style of its examples.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use poem::{
    EndpointExt, IntoResponse, Route, Server, get, handler,
    http::StatusCode,
    listener::TcpListener,
    post,
    web::{
        Data, Json, Path,
        sse::{Event, SSE},
        websocket::{Message, WebSocket},
    },
};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

#[derive(Clone, serde::Deserialize)]
struct News {
    data: String,
    id: Option<String>,
    event: Option<String>,
}

type Channels = Arc<Mutex<HashMap<String, broadcast::Sender<News>>>>;

fn channel(channels: &Channels, name: String) -> broadcast::Sender<News> {
    channels.lock().unwrap().entry(name).or_insert_with(|| broadcast::channel(1024).0).clone()
}

#[handler]
fn events(Path(name): Path<String>, channels: Data<&Channels>) -> SSE {
    let news = BroadcastStream::new(channel(&channels, name).subscribe()).filter_map(async |news| news.ok());
    SSE::new(news.map(|news| {
        let mut event = Event::message(news.data);
        if let Some(id) = news.id {
            event = event.id(id);
        }
        if let Some(name) = news.event {
            event = event.event_type(name);
        }
        event
    }))
    .keep_alive(Duration::from_secs(1))
}

#[handler]
fn publish(Path(name): Path<String>, channels: Data<&Channels>, Json(news): Json<News>) -> StatusCode {
    // Without a subscriber it is an error, which is nobody's business.
    let _ = channel(&channels, name).send(news);
    StatusCode::NO_CONTENT
}

#[handler]
fn echo(ws: WebSocket) -> impl IntoResponse {
    ws.on_upgrade(|mut socket| async move {
        while let Some(Ok(message)) = socket.next().await {
            if matches!(message, Message::Text(_) | Message::Binary(_)) && socket.send(message).await.is_err()
            {
                return;
            }
        }
    })
}

#[tokio::main]
async fn main() -> Result<(), std::io::Error> {
    let app = Route::new()
        .at("/events/:channel", get(events))
        .at("/publish/:channel", post(publish))
        .at("/echo", get(echo))
        .data(Channels::default());
    let port = std::env::var("PORT").unwrap();
    Server::new(TcpListener::bind(format!("127.0.0.1:{port}"))).run(app).await
}
