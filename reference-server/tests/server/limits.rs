//! Each limit, and what the client is told at it.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::{Client, StatusCode};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, protocol::frame::coding::CloseCode},
};

use crate::support::{
    Wire, assert_serves, data, field, get, json, publish, soon, start_with, until_status, url,
};

#[tokio::test]
async fn a_publication_that_is_too_large_is_refused_with_413() {
    let server = start_with(|config| config.message_size = 10).await;
    let send = async |body: &str| {
        let response =
            Client::new().post(url(&server, "/publish/a")).body(body.to_owned()).send().await.unwrap();
        response.status()
    };
    assert_eq!(send("0123456789").await, StatusCode::CREATED);
    assert_eq!(send("0123456789x").await, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_413_arrives_although_the_client_goes_on_sending() {
    let server = start_with(|config| config.message_size = 10).await;
    let mut wire = Wire::connect(&server).await;
    wire.send("POST /publish/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    for _ in 0..20 {
        wire.send("400\r\n").await;
        wire.send([b'x'; 0x400]).await;
        wire.send("\r\n").await;
    }
    let (head, body) = wire.response().await;
    assert_eq!(head.status, 413);
    assert_eq!(head.field("connection"), Some("close"));
    assert_eq!(body, "a message has at most 10 bytes\n");
    assert_eq!(wire.end().await, b"");
}

#[tokio::test]
async fn a_client_that_asks_first_is_refused_before_it_sends() {
    let server = start_with(|config| config.message_size = 10).await;
    let request =
        "POST /publish/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n";
    assert_eq!(Wire::open(&server, request).await.head().await.status, 413);
}

#[tokio::test]
async fn a_length_that_no_number_holds_is_too_large_like_any_other() {
    let server = start_with(|config| config.message_size = 10).await;
    for length in ["18446744073709551614", "18446744073709551616", "99999999999999999999999999"] {
        let head = format!("POST /publish/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
        let mut wire = Wire::connect(&server).await;
        let (begin, end) = head.split_at(head.len() - 6);
        wire.send(begin).await;
        wire.send(end).await;
        let (head, body) = wire.response().await;
        assert_eq!((head.status, body.as_str()), (413, "a message has at most 10 bytes\n"), "{length}");
        assert_eq!(head.field("connection"), Some("close"));
    }
    assert_serves(&server).await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_refused_with_408() {
    let server = start_with(|config| config.body_timeout = Duration::from_millis(50)).await;
    let request = "POST /publish/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\non";
    let mut wire = Wire::open(&server, request).await;
    assert_eq!(wire.response().await.0.status, 408);
    assert_eq!(wire.end().await, b"");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_with_431_and_a_long_target_with_414() {
    let server = start_with(|config| config.header_size = 4096).await;
    let field = |length: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(length));
    let target = |length: usize| format!("GET /?{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(length));
    for (request, status) in
        [(field(3000), 200), (field(5000), 431), (target(3000), 200), (target(5000), 414)]
    {
        let (head, body) = Wire::open(&server, request).await.response().await;
        assert_eq!(head.status, status);
        assert!(status == 200 || body.contains("longer than 4096 bytes"));
    }
    // Far above the limit the library answers by itself, without a body.
    for request in [field(100_000), format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(1000))] {
        let mut wire = Wire::open(&server, request).await;
        assert_eq!(wire.head().await.status, 431);
    }
    assert_serves(&server).await;
}

#[tokio::test]
async fn half_a_request_is_dropped() {
    let server = start_with(|config| config.header_timeout = Duration::from_millis(80)).await;
    for bytes in ["", "GET / HTTP/1.1\r\nHost:"] {
        assert_eq!(Wire::open(&server, bytes).await.end().await, b"");
    }
}

#[tokio::test]
async fn channels_are_refused_with_503_while_all_are_in_use() {
    // One of the two is the clock.
    let server = start_with(|config| config.channels = 2).await;
    publish(&server, "one", "x").await;
    for target in ["/long-polling/two", "/sse/two", "/iframe/two?callback=f"] {
        let response = get(&server, target).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{target}");
        assert_eq!(field(&response, "retry-after"), "60");
    }
    assert_eq!(get(&server, "/polling/two").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_idle_channel_makes_room_but_one_with_a_subscriber_does_not() {
    let server = start_with(|config| {
        config.channels = 2;
        config.channel_idle = Duration::ZERO;
    })
    .await;
    let subscriber = get(&server, "/sse/one").await;
    assert_eq!(get(&server, "/sse/two").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(subscriber);
    until_status(&server, "/sse/two", 200).await;
}

#[tokio::test]
async fn a_channel_forgets_its_oldest_messages_by_number_and_by_size() {
    let server = start_with(|config| {
        config.history = 3;
        config.history_size = 100;
    })
    .await;
    for number in 1..=5 {
        publish(&server, "news", &number.to_string()).await;
    }
    let poll = json(get(&server, "/polling/news?after=1").await).await;
    assert_eq!(data(&poll), ["3", "4", "5"]);
    assert_eq!(poll["cursor"], 5);

    publish(&server, "news", &"x".repeat(97)).await;
    let poll = json(get(&server, "/polling/news").await).await;
    assert_eq!(data(&poll).len(), 2);
    publish(&server, "news", &"y".repeat(200)).await;
    let poll = json(get(&server, "/polling/news").await).await;
    assert_eq!(data(&poll), ["y".repeat(200)]);
}

#[tokio::test]
async fn connections_above_the_limit_are_told_to_come_back() {
    let server = start_with(|config| config.connections = 1).await;
    let mut seated = Wire::get(&server, "/sse/news").await;
    seated.until("\n\n").await;
    let mut standing = Wire::get(&server, "/polling/news").await;
    let (head, body) = standing.response().await;
    assert_eq!(head.status, 503);
    assert_eq!(head.field("retry-after"), Some("1"));
    assert!(body.contains("limit of 1 connections"));
    assert_eq!(standing.end().await, b"");

    drop(seated);
    until_status(&server, "/polling/news", 200).await;
}

#[tokio::test]
async fn a_websocket_keeps_the_seat_of_its_connection() {
    let server = start_with(|config| config.connections = 1).await;
    let (socket, _) = connect_async(format!("ws://{}/websocket/echo", server.address())).await.unwrap();
    assert_eq!(get(&server, "/polling/news").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(socket);
    until_status(&server, "/polling/news", 200).await;
}

#[tokio::test]
async fn a_subscriber_that_does_not_read_holds_nobody_up_and_is_told_what_happened() {
    let server = start_with(|config| config.history = 2).await;
    let (mut slow, _) = connect_async(format!("ws://{}/websocket/news", server.address())).await.unwrap();
    let mut quick = Wire::get(&server, "/sse/news").await;
    quick.until("\n\n").await;
    // More than the buffers of the system take; the number stands in one chunk with what is before it.
    let large = "x".repeat((1 << 20) - 100);
    for number in 0..20 {
        publish(&server, "news", &format!("{large}{number}")).await;
        quick.until(&format!("x{number}\n")).await;
    }

    let close = loop {
        match soon(slow.next()).await.unwrap().unwrap() {
            Message::Text(_) => {}
            other => break other,
        }
    };
    let Message::Close(Some(frame)) = close else { panic!("{close:?}") };
    assert_eq!(frame.code, CloseCode::Again);
}

#[tokio::test]
async fn a_stream_ends_where_messages_were_missed() {
    for path in ["/sse/news", "/iframe/news?callback=deliver"] {
        let server = start_with(|config| config.history = 2).await;
        let mut slow = Wire::get(&server, path).await;
        slow.until("\r\n\r\n").await;
        // The number stands in one chunk with what is before it.
        let large = "x".repeat((1 << 20) - 100);
        for number in 0..20 {
            publish(&server, "news", &format!("{large}{number}")).await;
        }
        let rest = slow.until("\r\n0\r\n\r\n").await;
        assert!(rest.contains("x0"), "{path}: what comes before the gap arrives");
        assert!(!rest.contains("x19"), "{path}: nothing comes behind a gap");
    }
}

#[tokio::test]
async fn what_all_channels_retain_has_one_bound() {
    let server = start_with(|config| config.memory = 4 << 20).await;
    let send = async |channel: usize| {
        let request = Client::new().post(url(&server, &format!("/publish/{channel}")));
        request.body("x".repeat(900 << 10)).send().await.unwrap()
    };
    assert_eq!(send(1).await.status(), StatusCode::CREATED);
    assert_eq!(send(2).await.status(), StatusCode::CREATED);
    let refused = send(3).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(field(&refused, "retry-after"), "60");
    // What is there can be had.
    assert_eq!(json(get(&server, "/polling/1").await).await["cursor"], 1);
}

#[tokio::test]
async fn a_channel_that_nobody_uses_makes_room_for_another_one() {
    let server = start_with(|config| {
        config.memory = 4 << 20;
        config.channel_idle = Duration::ZERO;
    })
    .await;
    for channel in 0..8 {
        publish(&server, &channel.to_string(), &"x".repeat(900 << 10)).await;
    }
}

const UPGRADE: &str = "GET /websocket/echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[tokio::test]
async fn messages_that_are_not_complete_have_one_bound() {
    let server = start_with(|config| config.memory = 8 << 20).await;
    let mut sockets = Vec::new();
    // A frame of 2 MiB, of which the last byte does not come.
    let frame = [&[0x82, 0xff, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0][..], &vec![0; (2 << 20) - 1]].concat();
    for _ in 0..2 {
        let mut socket = Wire::open(&server, UPGRADE).await;
        assert_eq!(socket.head().await.status, 101);
        socket.send(&frame).await;
        sockets.push(socket);
    }
    let mut ended = 0;
    for socket in &mut sockets {
        if let Ok(end) = tokio::time::timeout(Duration::from_secs(2), socket.end()).await {
            assert_eq!(end.get(..4), Some(&[0x88, 26, 0x03, 0xf5][..]), "1013: {end:?}");
            ended += 1;
        }
    }
    assert!(ended > 0, "there is no room for both of them");
    drop(sockets);
    assert_serves(&server).await;
}

#[tokio::test]
async fn an_answer_that_nobody_reads_holds_one_piece_of_it() {
    let server = start_with(|config| config.write_timeout = Duration::from_secs(60)).await;
    for _ in 0..4 {
        publish(&server, "a", &"\0".repeat(512 << 10)).await;
    }
    let before = resident();
    let mut wires = Vec::new();
    for target in
        ["/polling/a", "/long-polling/a", "/iframe/a?callback=f&after=0"].into_iter().cycle().take(24)
    {
        wires.push(Wire::get(&server, target).await);
    }
    // A line feed has seven bytes in an event stream, where each begins a field.
    for _ in 0..24 {
        let mut stream = Wire::get(&server, "/sse/lines").await;
        stream.head().await;
        wires.push(stream);
    }
    publish(&server, "lines", &"\n".repeat(512 << 10)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    // 24 copies of the answer are 300 MB, and 24 of the event 90 MB.
    assert!(resident() < before + (100 << 20), "{before}, then {}", resident());
    let poll = json(get(&server, "/polling/a?after=3").await).await;
    assert_eq!(poll["messages"][0]["data"].as_str().map(str::len), Some(512 << 10));
}

/// The memory of this process that is resident, in bytes; nothing where the system does not tell.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse::<usize>().map_or(0, |kilobytes| kilobytes << 10)
}
