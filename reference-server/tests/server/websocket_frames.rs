//! Frames byte by byte: what a server answers to each fault of a client (RFC 6455, sections 5, 7 and 8).

use pushspec_reference::Server;
use rstest::rstest;

use crate::support::{Wire, assert_serves, start, start_with};

const HANDSHAKE: &str = "GET /websocket/echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// Masked with zeros, so that payloads stay readable.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match u16::try_from(payload.len()) {
        Ok(short @ 0..=125) => bytes.push(0x80 | u8::try_from(short).unwrap()),
        Ok(middle) => {
            bytes.push(0xfe);
            bytes.extend(middle.to_be_bytes());
        }
        Err(_) => {
            bytes.push(0xff);
            bytes.extend((payload.len() as u64).to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

async fn open(server: &Server) -> Wire {
    let mut wire = Wire::open(server, HANDSHAKE).await;
    assert_eq!(wire.head().await.status, 101);
    wire
}

/// Takes a Close frame with its code, and the end, which has to be orderly.
pub(crate) async fn closed(wire: &mut Wire) -> u16 {
    let rest = wire.end().await;
    assert!(rest.len() >= 4, "{rest:x?}");
    assert_eq!(rest[0], 0x88, "{rest:x?}");
    assert_eq!(usize::from(rest[1]), rest.len() - 2, "nothing comes after the Close frame");
    u16::from_be_bytes([rest[2], rest[3]])
}

#[rstest]
#[case::unmasked(1002, b"\x81\x05Hello")]
#[case::unmasked_and_incomplete(1002, b"\x81\x7e\xff\xff")]
#[case::rsv1(1002, b"\xc1\x80\0\0\0\0")]
#[case::rsv2(1002, b"\xa1\x80\0\0\0\0")]
#[case::rsv3(1002, b"\x91\x80\0\0\0\0")]
#[case::opcode_3(1002, b"\x83\x80\0\0\0\0")]
#[case::opcode_7(1002, b"\x87\x80\0\0\0\0")]
#[case::opcode_b(1002, b"\x8b\x80\0\0\0\0")]
#[case::opcode_f(1002, b"\x8f\x80\0\0\0\0")]
#[case::fragmented_ping(1002, b"\x09\x80\0\0\0\0")]
#[case::fragmented_close(1002, b"\x08\x80\0\0\0\0")]
#[case::long_ping(1002, b"\x89\xfe\x00\x7e\0\0\0\0")]
#[case::long_close(1002, b"\x88\xfe\x00\x7e\0\0\0\0")]
#[case::continuation_of_nothing(1002, b"\x80\x80\0\0\0\0")]
#[case::continuation_of_nothing_to_be_continued(1002, b"\x00\x80\0\0\0\0")]
#[case::text_within_a_message(1002, b"\x01\x81\0\0\0\0a\x81\x81\0\0\0\0b")]
#[case::binary_within_a_message(1002, b"\x02\x81\0\0\0\0a\x02\x81\0\0\0\0b")]
#[case::length_not_shortest_16(1002, b"\x81\xfe\x00\x05\0\0\0\0Hello")]
#[case::length_not_shortest_64(1002, b"\x81\xff\0\0\0\0\0\0\0\x05\0\0\0\0Hello")]
#[case::length_with_the_highest_bit(1002, b"\x82\xff\x80\0\0\0\0\0\0\x00\0\0\0\0")]
#[case::close_with_one_byte(1002, b"\x88\x81\0\0\0\0\x03")]
#[case::not_utf8(1007, b"\x81\x81\0\0\0\0\xff")]
#[case::surrogate(1007, b"\x81\x83\0\0\0\0\xed\xa0\x80")]
#[case::overlong(1007, b"\x81\x82\0\0\0\0\xc0\xaf")]
#[case::above_the_last_character(1007, b"\x81\x84\0\0\0\0\xf4\x90\x80\x80")]
#[case::cut_character(1007, b"\x81\x81\0\0\0\0\xc3")]
#[case::not_utf8_in_a_fragment(1007, b"\x01\x81\0\0\0\0\xff")]
#[case::cut_character_over_fragments(1007, b"\x01\x81\0\0\0\0\xc3\x80\x80\0\0\0\0")]
#[case::not_utf8_long_before_the_end(1007, b"\x81\xfe\xff\xff\0\0\0\0a\xff")]
#[case::surrogate_long_before_the_end(1007, b"\x81\xfe\xff\xff\0\0\0\0\xed\xa0")]
#[case::continuation_of_nothing_incomplete(1002, b"\x00")]
#[case::close_reason_not_utf8(1007, b"\x88\x83\0\0\0\0\x03\xe8\xff")]
#[tokio::test]
async fn a_fault_is_answered_with_its_close_code(#[case] code: u16, #[case] bytes: &[u8]) {
    let server = start().await;
    let mut wire = open(&server).await;
    wire.send(bytes).await;
    assert_eq!(closed(&mut wire).await, code);
    assert_serves(&server).await;
}

#[rstest]
#[case(0)]
#[case(999)]
#[case(1004)]
#[case(1005)]
#[case(1006)]
#[case(1015)]
#[case(1016)]
#[case(2000)]
#[case(2999)]
#[case(5000)]
#[case(65535)]
#[tokio::test]
async fn a_close_code_that_cannot_be_sent_is_a_protocol_error(#[case] code: u16) {
    let server = start().await;
    let mut wire = open(&server).await;
    wire.send(frame(0x88, &code.to_be_bytes())).await;
    assert_eq!(closed(&mut wire).await, 1002);
}

#[rstest]
#[case(1000)]
#[case(1001)]
#[case(1002)]
#[case(1003)]
#[case(1007)]
#[case(1008)]
#[case(1009)]
#[case(1010)]
#[case(1011)]
#[case(3000)]
#[case(3999)]
#[case(4000)]
#[case(4999)]
#[tokio::test]
async fn a_close_code_comes_back(#[case] code: u16) {
    let server = start().await;
    let mut wire = open(&server).await;
    wire.send(frame(0x88, &[&code.to_be_bytes(), &b"why"[..]].concat())).await;
    assert_eq!(closed(&mut wire).await, code);
}

#[tokio::test]
async fn an_empty_close_comes_back_empty() {
    let server = start().await;
    let mut wire = open(&server).await;
    wire.send(frame(0x88, b"")).await;
    assert_eq!(wire.end().await, b"\x88\x00");
}

#[tokio::test]
async fn nothing_after_a_close_is_answered() {
    let server = start().await;
    let mut wire = open(&server).await;
    wire.send(
        [frame(0x81, b"a"), frame(0x88, b""), frame(0x81, b"b"), b"\xff\xff garbage".to_vec()].concat(),
    )
    .await;
    assert_eq!(wire.end().await, b"\x81\x01a\x88\x00");
}

#[tokio::test]
async fn what_comes_before_a_fault_is_answered() {
    let server = start().await;
    let mut wire = open(&server).await;
    wire.send([frame(0x81, b"a"), frame(0x89, b"p"), b"\x81\x01x".to_vec()].concat()).await;
    assert_eq!(wire.take(6).await, b"\x81\x01a\x8a\x01p");
    assert_eq!(closed(&mut wire).await, 1002);
}

#[tokio::test]
async fn fragments_are_one_message_and_control_frames_go_between_them() {
    let server = start().await;
    let mut wire = open(&server).await;
    let pieces = [frame(0x01, b"a\xc3"), frame(0x89, b"p"), frame(0x00, b""), frame(0x80, b"\xa9b")];
    wire.send(pieces.concat()).await;
    assert_eq!(wire.take(9).await, b"\x8a\x01p\x81\x04a\xc3\xa9b");
}

#[tokio::test]
async fn frames_can_come_byte_by_byte() {
    let server = start().await;
    let mut wire = open(&server).await;
    for byte in [frame(0x01, b"ab"), frame(0x89, b"p"), frame(0x80, b"c")].concat() {
        wire.send([byte]).await;
    }
    assert_eq!(wire.take(8).await, b"\x8a\x01p\x81\x03abc");
}

#[tokio::test]
async fn a_pong_that_nobody_asked_for_is_ignored() {
    let server = start().await;
    let mut wire = open(&server).await;
    wire.send([frame(0x8a, b"p"), frame(0x81, b"a")].concat()).await;
    assert_eq!(wire.take(3).await, b"\x81\x01a");
}

#[rstest]
#[case::in_one_frame(&[(0x82, 1001)])]
#[case::in_fragments(&[(0x02, 600), (0x80, 600)])]
#[tokio::test]
async fn a_message_that_is_too_big_is_answered_with_1009(#[case] frames: &[(u8, usize)]) {
    let server = start_with(|config| config.websocket_message_size = 1000).await;
    let mut wire = open(&server).await;
    wire.send(frame(0x82, &[7; 1000])).await;
    assert_eq!(wire.take(1004).await[..4], [0x82, 126, 0x03, 0xe8]);
    for (first, length) in frames {
        wire.send(frame(*first, &vec![0; *length])).await;
    }
    assert_eq!(closed(&mut wire).await, 1009);
}

#[tokio::test]
async fn a_length_that_is_too_big_is_answered_before_the_payload_comes() {
    let server = start().await;
    let mut wire = open(&server).await;
    wire.send(b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0").await;
    assert_eq!(closed(&mut wire).await, 1009);
}

#[tokio::test]
async fn a_client_that_vanishes_within_a_frame_is_forgotten() {
    let server = start().await;
    for bytes in [&b""[..], b"\x81", b"\x81\xfe\xff\xff\0\0\0\0abc", b"\x01\x81\0\0\0\0a"] {
        let mut wire = open(&server).await;
        wire.send(bytes).await;
        wire.finish().await;
        wire.end().await;
    }
    assert_serves(&server).await;
}
