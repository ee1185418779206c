//! An orderly end.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::{net::TcpStream, time::Instant};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, protocol::frame::coding::CloseCode},
};

use crate::support::{PATIENCE, Wire, publish, soon, start, start_with};

#[tokio::test]
async fn streams_end_after_a_complete_event() {
    let server = start().await;
    let mut events = Wire::get(&server, "/sse/news").await;
    let mut scripts = Wire::get(&server, "/iframe/news?callback=f").await;
    events.until("\n\n\r\n").await;
    scripts.until("-->\n\r\n").await;
    publish(&server, "news", "one").await;
    let shutdown = tokio::spawn(server.shutdown());

    let events = String::from_utf8(events.end().await).unwrap();
    assert_eq!(events, "11\r\nid: 1\ndata: one\n\n\r\n1D\r\n: the server ends the stream\n\r\n0\r\n\r\n");
    let scripts = String::from_utf8(scripts.end().await).unwrap();
    assert!(scripts.contains("one") && scripts.ends_with("</body></html>\n\r\n0\r\n\r\n"), "{scripts}");
    soon(shutdown).await.unwrap();
}

#[tokio::test]
async fn a_held_poll_is_answered() {
    let server = start().await;
    let mut poll = Wire::get(&server, "/long-polling/news?after=0").await;
    poll.assert_silent().await;
    let shutdown = tokio::spawn(server.shutdown());
    let (head, body) = poll.response().await;
    assert_eq!(head.status, 200);
    assert_eq!(body, r#"{"cursor":0,"messages":[]}"#);
    assert_eq!(poll.end().await, b"");
    soon(shutdown).await.unwrap();
}

#[tokio::test]
async fn a_websocket_is_closed_with_1001() {
    let server = start().await;
    let address = server.address();
    let (mut echo, _) = connect_async(format!("ws://{address}/websocket/echo")).await.unwrap();
    let (mut news, _) = connect_async(format!("ws://{address}/websocket/news")).await.unwrap();
    let shutdown = tokio::spawn(server.shutdown());
    for socket in [&mut echo, &mut news] {
        let Some(Ok(Message::Close(Some(frame)))) = soon(socket.next()).await else {
            panic!("no Close frame")
        };
        assert_eq!(frame.code, CloseCode::Away);
        assert!(soon(socket.next()).await.is_none());
    }
    soon(shutdown).await.unwrap();
}

#[tokio::test]
async fn idle_connections_end_and_new_ones_are_not_accepted() {
    let server = start().await;
    let address = server.address();
    let mut idle = Wire::get(&server, "/polling/news").await;
    idle.response().await;
    let mut fresh = Wire::connect(&server).await;
    soon(server.shutdown()).await;
    assert_eq!(idle.end().await, b"");
    assert_eq!(fresh.end().await, b"");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn what_does_not_end_in_time_is_dropped() {
    let server = start_with(|config| config.grace = Duration::from_millis(50)).await;
    // Half a request cannot be answered, and a stream that nobody reads does not get to its end.
    let _half =
        Wire::open(&server, "POST /publish/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\no")
            .await;
    let mut stalled = Wire::get(&server, "/sse/news").await;
    stalled.until("\n\n").await;
    for _ in 0..20 {
        publish(&server, "news", &"x".repeat(1 << 20)).await;
    }
    let started = Instant::now();
    soon(server.shutdown()).await;
    assert!(started.elapsed() < PATIENCE);
}
