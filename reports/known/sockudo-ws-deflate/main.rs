//! An echo on the crate `sockudo-ws` behind `axum`, with permessage-deflate, in the style of its examples.

use axum::{Router, response::IntoResponse, routing::get};
use futures_util::StreamExt;
use sockudo_ws::{
    Compression, Config, Message,
    axum_integration::{WebSocket, WebSocketUpgrade},
};

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.next().await {
        if matches!(message, Message::Text(_) | Message::Binary(_)) && socket.send(message).await.is_err() {
            return;
        }
    }
}

async fn open(upgrade: WebSocketUpgrade) -> impl IntoResponse {
    // There is no compression by default.
    let config = Config::builder().compression(Compression::Dedicated).build();
    upgrade.config(config).on_upgrade(echo)
}

#[tokio::main]
async fn main() {
    let port = std::env::var("PORT").unwrap();
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.unwrap();
    axum::serve(listener, Router::new().route("/", get(open))).await.unwrap();
}
