//! Clients that mean no good, or that go away: the server serves the others.

use std::{fmt::Write, time::Duration};

use rstest::rstest;

use crate::support::{Wire, assert_serves, publish, start, start_with, until_status};

const ENDPOINTS: &[&str] = &[
    "/",
    "/publish/a",
    "/polling/a",
    "/long-polling/a?hold=1ms",
    "/iframe/a?callback=f",
    "/sse/a",
    "/websocket/echo",
    "/websocket/a",
];

#[tokio::test]
async fn malformed_requests_to_every_endpoint_are_survived() {
    let server = start().await;
    for target in ENDPOINTS {
        let path = target.split('?').next().unwrap();
        for request in [
            format!("GET {path}?%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
            format!("GET {path}%ff HTTP/1.1\r\nHost: a\r\n\r\n"),
            format!("GET {target} HTTP/9.9\r\nHost: a\r\n\r\n"),
            format!("GET {target} HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(60_000)),
            format!("GET {target} HTTP/1.1\r\nHost: a\r\nX\r\n\r\n"),
            format!("GET {target}\0 HTTP/1.1\r\nHost: a\r\n\r\n"),
            format!("POST {target} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            format!(
                "POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n"
            ),
        ] {
            let mut wire = Wire::open(&server, &request).await;
            let status = wire.head().await.status;
            assert!((400..500).contains(&status), "{status} to {request:.100}");
        }
    }
    assert_serves(&server).await;
}

#[tokio::test]
async fn bytes_that_are_no_http_at_all_are_survived() {
    let server = start().await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\r\n\r\n",
        b"\xff\xfe\xfd\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /polling/a?\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let mut wire = Wire::open(&server, bytes).await;
        wire.finish().await;
        wire.end().await;
    }
    assert_serves(&server).await;
}

#[rstest]
#[case::at_once(0)]
#[case::after_a_part_of_the_answer(8)]
#[tokio::test]
async fn clients_that_go_away_leave_nothing_behind(#[case] taken: usize) {
    let server = start_with(|config| {
        config.connections = 10;
        config.heartbeat = Duration::from_millis(50);
    })
    .await;
    for round in 0..10 {
        for target in ["/polling/a", "/long-polling/a", "/iframe/a?callback=f", "/sse/a"] {
            until_status(&server, "/polling/a", 200).await;
            let mut wire = Wire::get(&server, target).await;
            if target != "/long-polling/a" {
                wire.take(taken).await;
            }
        }
        let mut body = String::new();
        write!(body, "POST /publish/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{round}")
            .unwrap();
        drop(Wire::open(&server, body).await);
    }
    until_status(&server, "/polling/alive", 200).await;
}

#[tokio::test]
async fn a_publication_that_breaks_off_is_not_published() {
    let server = start().await;
    let mut wire =
        Wire::open(&server, "POST /publish/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\non")
            .await;
    wire.finish().await;
    wire.end().await;
    assert_eq!(publish(&server, "a", "one").await, 1);
}

#[tokio::test]
async fn a_request_hidden_in_a_body_is_not_answered() {
    let server = start().await;
    let hidden = "GET /polling/a HTTP/1.1\r\nHost: a\r\n\r\n";
    let request = format!(
        "POST /publish/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}",
        hidden.len() + 5
    );
    let mut wire = Wire::open(&server, request).await;
    let (head, _) = wire.response().await;
    assert_eq!(head.status, 201);
    assert_eq!(wire.end().await, b"", "the connection ends after a request of two lengths");
}
