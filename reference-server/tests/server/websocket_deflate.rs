//! Compressed messages byte by byte: what is agreed, and what then happens to messages (RFC 7692).

use std::time::Duration;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use pushspec_reference::Server;
use rstest::rstest;

use crate::{
    support::{Head, Wire, assert_serves, publish, start, start_with},
    websocket_frames::{closed, frame},
};

/// The payloads of section 7.2.3: `Hello`, and `Hello` again where the window is taken over.
const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
const AGAIN: &[u8] = b"\xf2\x00\x11\x00\x00";

const NO_TAKEOVER: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// Opens a WebSocket with lines of `Sec-WebSocket-Extensions`.
async fn shake(server: &Server, target: &str, offers: &[&str]) -> (Wire, Head) {
    let lines: String = offers.iter().map(|offer| format!("Sec-WebSocket-Extensions: {offer}\r\n")).collect();
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{lines}\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    let mut wire = Wire::open(server, request).await;
    let head = wire.head().await;
    assert_eq!(head.status, 101, "{offers:?}");
    (wire, head)
}

async fn open(server: &Server, offer: &str) -> Wire {
    let (wire, head) = shake(server, "/websocket/echo", &[offer]).await;
    assert_eq!(head.field("sec-websocket-extensions"), Some(offer));
    wire
}

/// Takes an unfragmented frame: its first byte and its payload.
async fn take(wire: &mut Wire) -> (u8, Vec<u8>) {
    let head = wire.take(2).await;
    let length = match head[1] {
        126 => wire.take(2).await,
        127 => wire.take(8).await,
        short => vec![short],
    };
    let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    (head[0], wire.take(length).await)
}

/// Compresses a message alone.
fn compress(message: &[u8]) -> Vec<u8> {
    let mut output = Vec::with_capacity(message.len() + 1000);
    let mut stream = Compress::new(Compression::default(), false);
    stream.compress_vec(message, &mut output, FlushCompress::Sync).unwrap();
    output.truncate(output.len() - 4);
    output
}

/// Inflates the next message of a stream.
fn inflate(stream: &mut Decompress, payload: &[u8]) -> Vec<u8> {
    let mut output = Vec::with_capacity(4 << 20);
    let payload = [payload, &[0, 0, 0xff, 0xff]].concat();
    stream.decompress_vec(&payload, &mut output, FlushDecompress::Sync).unwrap();
    output
}

#[rstest]
#[case::plain(&["permessage-deflate"], Some("permessage-deflate"))]
#[case::all_four(
    &["permessage-deflate; client_max_window_bits=10; server_max_window_bits=9; client_no_context_takeover; server_no_context_takeover"],
    Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=10")
)]
#[case::hint_without_value(&["permessage-deflate; client_max_window_bits"], Some("permessage-deflate"))]
#[case::fallback(&["permessage-deflate; server_max_window_bits=99, permessage-deflate"], Some("permessage-deflate"))]
#[case::over_two_lines(
    &["other", "permessage-deflate; server_max_window_bits=\"12\""],
    Some("permessage-deflate; server_max_window_bits=12")
)]
#[case::another(&["permessage-foo; x"], None)]
#[case::unknown_parameter(&["permessage-deflate; x"], None)]
#[case::invalid_value(&["permessage-deflate; client_max_window_bits=010"], None)]
#[case::doubled(&["permessage-deflate; client_max_window_bits; client_max_window_bits"], None)]
#[case::other_case(&["PERMESSAGE-DEFLATE"], None)]
#[tokio::test]
async fn an_offer_is_accepted_or_declined(#[case] offers: &[&str], #[case] answer: Option<&str>) {
    let server = start().await;
    for target in ["/websocket/echo", "/websocket/news"] {
        let (_, head) = shake(&server, target, offers).await;
        assert_eq!(head.field("sec-websocket-extensions"), answer);
    }
}

#[tokio::test]
async fn nothing_is_agreed_where_the_extension_is_off() {
    let server = start_with(|config| config.deflate = false).await;
    let (mut wire, head) = shake(&server, "/websocket/echo", &["permessage-deflate"]).await;
    assert_eq!(head.field("sec-websocket-extensions"), None);
    wire.send([frame(0x81, b"Hello"), frame(0xc1, HELLO)].concat()).await;
    assert_eq!(wire.take(7).await, b"\x81\x05Hello");
    assert_eq!(closed(&mut wire).await, 1002);
}

#[rstest]
#[case::in_one_frame(&[frame(0xc1, HELLO)])]
#[case::uncompressed(&[frame(0x81, b"Hello")])]
#[case::stored(&[frame(0xc1, b"\x00\x05\x00\xfa\xffHello\x00")])]
#[case::two_blocks(&[frame(0xc1, b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00")])]
#[case::bfinal(&[frame(0xc1, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00")])]
#[case::in_fragments(&[frame(0x41, b"\xf2\x48\xcd"), frame(0x80, b"\xc9\xc9\x07\x00")])]
#[case::first_fragment_empty(&[frame(0x41, b""), frame(0x00, HELLO), frame(0x80, b"")])]
#[tokio::test]
async fn a_message_is_sent_back_compressed_however_it_came(#[case] frames: &[Vec<u8>]) {
    let server = start().await;
    for piece in [1, 1000] {
        let mut wire = open(&server, NO_TAKEOVER).await;
        for piece in frames.concat().chunks(piece) {
            wire.send(piece).await;
        }
        assert_eq!(take(&mut wire).await, (0xc1, HELLO.to_vec()));
    }
}

#[tokio::test]
async fn binary_and_empty_messages_are_compressed_too_and_control_frames_are_not() {
    let server = start().await;
    let mut wire = open(&server, "permessage-deflate").await;
    let frames = [frame(0x42, b"\xf2\x48\xcd"), frame(0x89, b"Hello"), frame(0x80, b"\xc9\xc9\x07\x00")];
    wire.send(frames.concat()).await;
    assert_eq!(take(&mut wire).await, (0x8a, b"Hello".to_vec()));
    assert_eq!(take(&mut wire).await, (0xc2, HELLO.to_vec()));
    for (sent, back) in [(frame(0xc1, b"\x00"), 0xc1), (frame(0x82, b""), 0xc2), (frame(0x81, b""), 0xc1)] {
        wire.send(sent).await;
        assert_eq!(take(&mut wire).await, (back, vec![0]));
    }
    wire.send(frame(0x88, &[0x03, 0xe8])).await;
    assert_eq!(wire.end().await, b"\x88\x02\x03\xe8");
}

#[tokio::test]
async fn windows_are_taken_over_in_both_directions() {
    let server = start().await;
    let mut wire = open(&server, "permessage-deflate").await;
    let mut stream = Decompress::new(false);
    let mut sizes = Vec::new();
    // A message with a block that ends the stream of the library, and one that refers into it.
    for payload in [HELLO, AGAIN, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", AGAIN] {
        wire.send(frame(0xc1, payload)).await;
        let (first, payload) = take(&mut wire).await;
        assert_eq!((first, inflate(&mut stream, &payload)), (0xc1, b"Hello".to_vec()));
        sizes.push(payload.len());
    }
    assert!(sizes[1..].iter().all(|size| *size < sizes[0]), "{sizes:?}");
    // An uncompressed message is not a part of the window.
    wire.send([frame(0x81, b"12345678"), frame(0xc1, AGAIN)].concat()).await;
    for message in ["12345678", "Hello"] {
        let (_, payload) = take(&mut wire).await;
        assert_eq!(inflate(&mut stream, &payload), message.as_bytes());
    }
}

#[tokio::test]
async fn windows_are_not_taken_over_where_that_is_agreed() {
    let server = start().await;
    let mut wire = open(&server, NO_TAKEOVER).await;
    for _ in 0..3 {
        wire.send(frame(0xc1, HELLO)).await;
        assert_eq!(take(&mut wire).await, (0xc1, HELLO.to_vec()));
    }
    wire.send(frame(0xc1, AGAIN)).await;
    assert_eq!(closed(&mut wire).await, 1002);
}

#[rstest]
#[case(0)]
#[case(1)]
#[case(65_536)]
#[case(1 << 20)]
#[tokio::test]
async fn messages_of_every_length_are_echoed_with_every_window(#[case] length: usize) {
    let server = start().await;
    let message: Vec<u8> = (0..length).map(|place| u8::try_from(place / 3 * 7 % 251).unwrap()).collect();
    for bits in [8, 9, 15] {
        let offer = format!("permessage-deflate; server_max_window_bits={bits}");
        let mut wire = open(&server, &offer).await;
        let mut stream = Decompress::new_with_window_bits(false, bits.max(9));
        for _ in 0..2 {
            wire.send(frame(0xc2, &compress(&message))).await;
            let (first, payload) = take(&mut wire).await;
            assert!(first == 0xc2 && inflate(&mut stream, &payload) == message, "{bits} bits");
        }
    }
}

#[tokio::test]
async fn many_messages_in_one_segment_keep_their_codings() {
    let server = start().await;
    let mut wire = open(&server, NO_TAKEOVER).await;
    let frames = [frame(0xc1, HELLO), frame(0x82, b"Hello"), frame(0x89, b""), frame(0xc2, HELLO)];
    wire.send(frames.concat().repeat(200)).await;
    let mut firsts = Vec::new();
    while firsts.len() < 600 {
        match take(&mut wire).await {
            (0x8a, _) => {}
            (first, payload) => {
                assert_eq!(payload, HELLO);
                firsts.push(first);
            }
        }
    }
    assert_eq!(firsts, [0xc1, 0xc2, 0xc2].repeat(200));
}

#[rstest]
#[case::ping(1002, b"\xc9\x80\0\0\0\0")]
#[case::pong(1002, b"\xca\x80\0\0\0\0")]
#[case::close(1002, b"\xc8\x80\0\0\0\0")]
#[case::continuation(1002, b"\x41\x80\0\0\0\0\xc0\x80\0\0\0\0")]
#[case::continuation_of_an_uncompressed_message(1002, b"\x01\x80\0\0\0\0\xc0\x80\0\0\0\0")]
#[case::continuation_of_nothing(1002, b"\xc0\x80\0\0\0\0")]
#[case::rsv2(1002, b"\xe1\x81\0\0\0\0\0")]
#[case::rsv3(1002, b"\xd1\x81\0\0\0\0\0")]
#[case::rsv2_alone(1002, b"\xa1\x80\0\0\0\0")]
#[case::unknown_opcode(1002, b"\xc3\x80\0\0\0\0")]
#[case::reserved_block(1002, b"\xc2\x81\0\0\0\0\x07")]
#[case::nothing_at_all(1002, b"\xc1\x80\0\0\0\0")]
#[case::cut(1002, b"\xc1\x84\0\0\0\0\xf2\x48\xcd\xc9")]
#[case::with_its_tail(1002, b"\xc1\x8b\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff")]
#[case::reference_to_nothing(1002, b"\xc1\x85\0\0\0\0\xf2\x00\x11\x00\x00")]
#[case::not_utf8(1007, b"\xc1\x87\0\0\0\0\x00\x01\x00\xfe\xff\xff\x00")]
#[case::cut_character(1007, b"\xc1\x87\0\0\0\0\x00\x01\x00\xfe\xff\xc3\x00")]
#[case::not_utf8_uncompressed(1007, b"\x81\x81\0\0\0\0\xff")]
#[tokio::test]
async fn a_fault_is_answered_with_its_close_code(#[case] code: u16, #[case] bytes: &[u8]) {
    let server = start().await;
    for target in ["/websocket/echo", "/websocket/news"] {
        let (mut wire, _) = shake(&server, target, &["permessage-deflate"]).await;
        wire.send(bytes).await;
        assert_eq!(closed(&mut wire).await, code, "{target}");
    }
    assert_serves(&server).await;
}

#[tokio::test]
async fn what_comes_before_broken_data_is_answered() {
    let server = start().await;
    let mut wire = open(&server, "permessage-deflate").await;
    wire.send([frame(0xc1, HELLO), frame(0xc1, b"\x07")].concat()).await;
    assert_eq!(take(&mut wire).await, (0xc1, HELLO.to_vec()));
    assert_eq!(closed(&mut wire).await, 1002);
}

#[tokio::test]
async fn a_bomb_is_answered_with_1009() {
    let server = start_with(|config| config.websocket_message_size = 10_000).await;
    let mut wire = open(&server, NO_TAKEOVER).await;
    let most = frame(0xc2, &compress(&[0; 10_000]));
    wire.send(&most).await;
    assert_eq!(inflate(&mut Decompress::new(false), &take(&mut wire).await.1), [0; 10_000]);
    wire.send(frame(0xc2, &compress(&vec![0; 1_000_000]))).await;
    assert_eq!(closed(&mut wire).await, 1009);
    assert_serves(&server).await;
}

#[tokio::test]
async fn what_inflates_to_more_than_the_server_may_hold_is_answered_with_1013() {
    let server = start_with(|config| config.memory = 4 << 20).await;
    let mut wire = open(&server, NO_TAKEOVER).await;
    wire.send(frame(0xc2, &compress(&vec![0; 4 << 20]))).await;
    assert_eq!(closed(&mut wire).await, 1013);
    assert_serves(&server).await;
}

#[tokio::test]
async fn where_there_is_no_room_to_compress_a_message_is_sent_as_it_is() {
    let server = start_with(|config| config.memory = 600 << 10).await;
    let mut wire = open(&server, NO_TAKEOVER).await;
    wire.send(frame(0xc1, HELLO)).await;
    assert_eq!(take(&mut wire).await, (0x81, b"Hello".to_vec()));
}

#[tokio::test]
async fn a_subscriber_gets_the_data_of_each_message_compressed() {
    let server = start_with(|config| config.heartbeat = Duration::from_millis(100)).await;
    let (mut wire, _) = shake(&server, "/websocket/news", &["permessage-deflate"]).await;
    let (mut plain, _) = shake(&server, "/websocket/news", &[]).await;
    let mut stream = Decompress::new(false);
    for data in ["one", "one", "", "\0\r\n\u{2028}é"] {
        publish(&server, "news", data).await;
        let (first, payload) = data_frame(&mut wire).await;
        assert_eq!((first, inflate(&mut stream, &payload)), (0xc1, data.as_bytes().to_vec()));
        assert_eq!(data_frame(&mut plain).await, (0x81, data.as_bytes().to_vec()));
    }
}

/// Takes the next frame that is no ping, and answers those before it.
async fn data_frame(wire: &mut Wire) -> (u8, Vec<u8>) {
    loop {
        match take(wire).await {
            (0x89, payload) => wire.send(frame(0x8a, &payload)).await,
            other => return other,
        }
    }
}
