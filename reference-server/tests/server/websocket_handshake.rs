//! The opening handshake, line by line (RFC 6455, section 4.2).

use pushspec_reference::Server;
use rstest::rstest;

use crate::support::{Head, Wire, start, start_with};

const LINES: &[&str] = &[
    "Host: localhost",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];

/// A handshake with a request line and some lines put in the place of those with the same name. A name without a value
/// leaves the line out.
async fn shake(server: &Server, start: &str, changes: &[&str]) -> (Wire, Head) {
    let name = |line: &str| line.split(':').next().unwrap().to_ascii_lowercase();
    let kept = LINES.iter().filter(|line| changes.iter().all(|change| name(change) != name(line)));
    let lines: String = kept
        .chain(changes.iter().filter(|line| line.contains(':')))
        .flat_map(|line| [*line, "\r\n"])
        .collect();
    let mut wire = Wire::open(server, format!("{start}\r\n{lines}\r\n")).await;
    let head = wire.head().await;
    (wire, head)
}

#[tokio::test]
async fn a_handshake_is_accepted_with_the_proof_of_the_key() {
    let server = start().await;
    let (_, head) = shake(&server, "GET /websocket/echo HTTP/1.1", &[]).await;
    assert_eq!(head.status, 101);
    assert_eq!(head.field("upgrade"), Some("websocket"));
    assert_eq!(head.field("connection"), Some("Upgrade"));
    assert_eq!(head.field("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    for absent in
        ["sec-websocket-protocol", "sec-websocket-extensions", "content-length", "transfer-encoding"]
    {
        assert_eq!(head.field(absent), None, "{absent}");
    }
}

#[rstest]
#[case::upgrade_in_any_case(&["Upgrade: WebSocket"])]
#[case::upgrade_in_a_list(&["Upgrade: h2c, websocket"])]
#[case::upgrade_in_two_lines(&["Upgrade: h2c", "upgrade: websocket"])]
#[case::connection_in_a_list(&["Connection: keep-alive, Upgrade"])]
#[case::connection_in_two_lines(&["Connection: keep-alive", "connection: UPGRADE"])]
#[case::unknown_extensions_are_declined(&["Sec-WebSocket-Extensions: permessage-foo; x=10, x-webkit-deflate-frame"])]
#[case::subprotocols_in_two_lines(&["Sec-WebSocket-Protocol: a", "sec-websocket-protocol: b"])]
#[case::origin(&["Origin: http://example.com"])]
#[case::space_around_values(&["Sec-WebSocket-Version:   13  "])]
#[case::no_body(&["Content-Length: 0"])]
#[tokio::test]
async fn these_are_accepted_too(#[case] changes: &[&str]) {
    let server = start().await;
    let (_, head) = shake(&server, "GET /websocket/echo HTTP/1.1", changes).await;
    assert_eq!(head.status, 101);
    assert_eq!(head.field("sec-websocket-extensions"), None);
    assert_eq!(head.field("sec-websocket-protocol"), None);
}

#[tokio::test]
async fn the_target_can_be_absolute() {
    let server = start().await;
    let (_, head) = shake(&server, "GET http://localhost/websocket/echo?x=y HTTP/1.1", &[]).await;
    assert_eq!(head.status, 101);
}

#[rstest]
#[case::no_host(400, &["Host"])]
#[case::two_hosts(400, &["Host: a", "host: a"])]
#[case::no_upgrade(426, &["Upgrade"])]
#[case::other_upgrade(426, &["Upgrade: h2c"])]
#[case::upgrade_in_a_word(426, &["Upgrade: xwebsocket"])]
#[case::no_connection(400, &["Connection"])]
#[case::other_connection(400, &["Connection: keep-alive"])]
#[case::no_version(426, &["Sec-WebSocket-Version"])]
#[case::version_8(426, &["Sec-WebSocket-Version: 8"])]
#[case::version_list(426, &["Sec-WebSocket-Version: 13, 8"])]
#[case::two_versions(426, &["Sec-WebSocket-Version: 13", "sec-websocket-version: 8"])]
#[case::version_with_zero(426, &["Sec-WebSocket-Version: 013"])]
#[case::no_key(400, &["Sec-WebSocket-Key"])]
#[case::empty_key(400, &["Sec-WebSocket-Key: "])]
#[case::short_key(400, &["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA"])]
#[case::long_key(400, &["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAA="])]
#[case::key_without_padding(400, &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"])]
#[case::key_with_lost_bits(400, &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR=="])]
#[case::key_in_the_url_alphabet(400, &["Sec-WebSocket-Key: _-_-_-_-_-_-_-_-_-_-_w=="])]
#[case::two_keys(400, &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=="])]
#[case::body(400, &["Content-Length: 2"])]
#[case::chunked_body(400, &["Transfer-Encoding: chunked"])]
#[case::empty_subprotocols(400, &["Sec-WebSocket-Protocol: "])]
#[case::subprotocol_twice(400, &["Sec-WebSocket-Protocol: chat, chat"])]
#[case::subprotocol_no_token(400, &["Sec-WebSocket-Protocol: a b"])]
#[case::extension_no_token(400, &["Sec-WebSocket-Extensions: a;="])]
#[case::two_origins(400, &["Origin: http://a", "origin: http://b"])]
#[tokio::test]
async fn these_are_refused(#[case] status: u16, #[case] changes: &[&str]) {
    let server = start().await;
    for target in ["/websocket/echo", "/websocket/news"] {
        let (_, head) = shake(&server, &format!("GET {target} HTTP/1.1"), changes).await;
        assert_eq!(head.status, status);
        assert_eq!(head.field("content-type"), Some("text/plain; charset=utf-8"));
        if status == 426 {
            assert_eq!(head.field("upgrade"), Some("websocket"));
            assert_eq!(head.field("connection"), Some("Upgrade"));
            assert_eq!(head.field("sec-websocket-version"), Some("13"));
        }
    }
}

#[rstest]
#[case("POST /websocket/echo HTTP/1.1", 405)]
#[case("HEAD /websocket/echo HTTP/1.1", 405)]
#[case("GET /websocket/echo HTTP/1.0", 426)]
#[case("GET /websocket HTTP/1.1", 404)]
#[case("GET /websocket/a/b HTTP/1.1", 404)]
#[tokio::test]
async fn the_request_line_has_to_fit(#[case] start_line: &str, #[case] status: u16) {
    let server = start().await;
    let (_, head) = shake(&server, start_line, &[]).await;
    assert_eq!(head.status, status);
    if status == 405 {
        assert_eq!(head.field("allow"), Some("GET, OPTIONS"));
    }
}

#[tokio::test]
async fn the_origin_is_checked_where_that_is_wanted() {
    let server = start_with(|config| {
        config.check_origin = true;
        config.allowed_origins = vec!["https://friend.example".parse().unwrap()];
    })
    .await;
    for (origin, status) in [
        ("Origin", 101),
        ("Origin: http://localhost", 101),
        ("Origin: https://friend.example", 101),
        ("Origin: https://FRIEND.example", 101),
        ("Origin: http://friend.example", 403),
        ("Origin: https://friend.example:8443", 403),
        ("Origin: null", 403),
    ] {
        let (_, head) = shake(&server, "GET /websocket/echo HTTP/1.1", &[origin]).await;
        assert_eq!(head.status, status, "{origin}");
    }
}

#[tokio::test]
async fn frames_in_the_segment_of_the_request_are_not_lost() {
    let server = start().await;
    let lines = LINES.join("\r\n");
    let mut bytes = format!("GET /websocket/echo HTTP/1.1\r\n{lines}\r\n\r\n").into_bytes();
    bytes.extend(b"\x81\x82\0\0\0\0hi\x89\x81\0\0\0\0p");
    let mut wire = Wire::open(&server, bytes).await;
    assert_eq!(wire.head().await.status, 101);
    assert_eq!(wire.take(7).await, b"\x81\x02hi\x8a\x01p");
}
