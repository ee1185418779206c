//! Event streams and a WebSocket on the crate `warp`, in the style of its examples.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;
use warp::{
    Filter,
    http::StatusCode,
    sse::Event,
    ws::{WebSocket, Ws},
};

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

fn event(news: News) -> Result<Event, Infallible> {
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
}

async fn echo(socket: WebSocket) {
    let (mut sender, mut receiver) = socket.split();
    while let Some(Ok(message)) = receiver.next().await {
        if (message.is_text() || message.is_binary()) && sender.send(message).await.is_err() {
            return;
        }
    }
}

#[tokio::main]
async fn main() {
    let channels = Channels::default();
    let with_channels = warp::any().map(move || channels.clone());

    let events =
        warp::path!("events" / String).and(warp::get()).and(with_channels.clone()).map(|name, channels| {
            let news =
                BroadcastStream::new(channel(&channels, name).subscribe()).filter_map(async |news| news.ok());
            warp::sse::reply(warp::sse::keep_alive().interval(Duration::from_secs(1)).stream(news.map(event)))
        });
    let publish = warp::path!("publish" / String)
        .and(warp::post())
        .and(warp::body::content_length_limit(8 << 20))
        .and(warp::body::json())
        .and(with_channels)
        .map(|name, news: News, channels| {
            // Without a subscriber it is an error, which is nobody's business.
            let _ = channel(&channels, name).send(news);
            StatusCode::NO_CONTENT
        });
    let sockets = warp::path!("echo").and(warp::ws()).map(|ws: Ws| ws.on_upgrade(echo));

    let port = std::env::var("PORT").unwrap().parse().unwrap();
    warp::serve(events.or(publish).or(sockets)).run(([127, 0, 0, 1], port)).await;
}
