//! WebSocket as a library speaks it.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use pushspec_reference::Server;
use rstest::rstest;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use crate::support::{publish, soon, start, start_with};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(server: &Server, target: &str) -> Socket {
    soon(connect_async(format!("ws://{}{target}", server.address()))).await.unwrap().0
}

async fn next(socket: &mut Socket) -> Message {
    soon(socket.next()).await.unwrap().unwrap()
}

#[rstest]
#[case(0)]
#[case(1)]
#[case(125)]
#[case(126)]
#[case(65_535)]
#[case(65_536)]
#[case(1 << 20)]
#[tokio::test]
async fn messages_of_every_length_are_echoed(#[case] length: usize) {
    let server = start().await;
    let mut socket = connect(&server, "/websocket/echo").await;
    for message in [Message::text("x".repeat(length)), Message::binary(vec![0xff; length])] {
        soon(socket.send(message.clone())).await.unwrap();
        assert!(next(&mut socket).await == message);
    }
}

#[tokio::test]
async fn a_ping_is_answered_with_its_payload() {
    let server = start().await;
    for target in ["/websocket/echo", "/websocket/news"] {
        let mut socket = connect(&server, target).await;
        for payload in [Vec::new(), vec![1; 125]] {
            soon(socket.send(Message::Ping(payload.clone().into()))).await.unwrap();
            assert_eq!(next(&mut socket).await, Message::Pong(payload.into()));
        }
    }
}

#[rstest]
#[case::no_code(None)]
#[case::normal(Some(CloseFrame { code: CloseCode::Normal, reason: "bye".into() }))]
#[case::private(Some(CloseFrame { code: CloseCode::Library(4999), reason: "é".into() }))]
#[tokio::test]
async fn a_close_is_answered_with_the_same_and_then_the_server_closes(#[case] frame: Option<CloseFrame>) {
    let server = start().await;
    let mut socket = connect(&server, "/websocket/echo").await;
    soon(socket.send(Message::Close(frame.clone()))).await.unwrap();
    assert_eq!(next(&mut socket).await, Message::Close(frame));
    assert!(soon(socket.next()).await.is_none());
}

#[tokio::test]
async fn a_subscriber_gets_the_data_of_each_new_message() {
    let server = start().await;
    publish(&server, "news", "old").await;
    let mut socket = connect(&server, "/websocket/news").await;
    soon(socket.send(Message::text("ignored"))).await.unwrap();
    for data in ["one", "", "\0\r\n\u{2028}é"] {
        publish(&server, "news", data).await;
        assert_eq!(next(&mut socket).await, Message::text(data));
    }
}

#[tokio::test]
async fn the_order_is_that_of_publication_for_all_subscribers() {
    const MESSAGES: usize = 100;
    let server = start().await;
    let mut sockets = Vec::new();
    for _ in 0..5 {
        sockets.push(connect(&server, "/websocket/news").await);
    }
    for number in 0..MESSAGES {
        publish(&server, "news", &number.to_string()).await;
    }
    for mut socket in sockets {
        for number in 0..MESSAGES {
            assert_eq!(next(&mut socket).await, Message::text(number.to_string()));
        }
    }
}

#[rstest]
#[case("chat", Some("chat"))]
#[case("other, chat, echo", Some("chat"))]
#[case("other", None)]
#[case("Chat", None)]
#[tokio::test]
async fn the_first_offered_subprotocol_that_is_supported_is_chosen(
    #[case] offered: &'static str,
    #[case] chosen: Option<&str>,
) {
    let server = start().await;
    let mut request = format!("ws://{}/websocket/echo", server.address()).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", offered.parse().unwrap());
    // The client library fails a handshake that chooses nothing, so only the other half is asked of it.
    match (soon(connect_async(request)).await, chosen) {
        (Ok((_, response)), Some(name)) => assert_eq!(response.headers()["sec-websocket-protocol"], name),
        (Err(error), None) => assert!(error.to_string().contains("no subprotocol"), "{error}"),
        (outcome, _) => panic!("{outcome:?}"),
    }
}

#[tokio::test]
async fn an_idle_client_is_pinged_and_a_silent_one_is_dropped() {
    let server = start_with(|config| config.heartbeat = Duration::from_millis(100)).await;
    let mut socket = connect(&server, "/websocket/echo").await;
    assert!(matches!(next(&mut socket).await, Message::Ping(_)));
    // Reading on answers the ping, so that the next one comes.
    assert!(matches!(next(&mut socket).await, Message::Ping(_)));
    // Nothing is read, so nothing is answered; then the end is seen.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut last = soon(socket.next()).await;
    while let Some(Ok(Message::Ping(_))) = last {
        last = soon(socket.next()).await;
    }
    assert!(!matches!(last, Some(Ok(_))), "{last:?}");
}
