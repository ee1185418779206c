//! The server as its clients see it: libraries that other people wrote, and bytes over a plain connection where it
//! matters exactly what is sent and what comes.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod cross_origin;
mod event_stream;
mod hostile;
mod http;
mod iframe;
mod limits;
mod long_polling;
mod polling;
mod publishing;
mod shutdown;
mod support;
mod websocket;
mod websocket_deflate;
mod websocket_frames;
mod websocket_handshake;
