//! What a target can send to take memory, or time, and what becomes of it: each comes to an end that says so, and what is
//! held stays within the quota.

use std::time::Duration;

use super::connection::Connection;
use super::content::Reading;
use super::quota::Quota;
use super::side::Side;
use crate::case::statement::ConnectionName;
use crate::profile::event_stream::EventStream;
use crate::profile::iframe::Iframe;
use crate::profile::parts::Parts;
use crate::profile::poll::Answer;

/// How much of a flood is sent at most, in bytes, and how much at once.
const FLOOD: usize = 64 * 1024 * 1024;
const PIECE: usize = 16 * 1024;

/// What came of a flood.
struct Flooded {
    /// How many bytes came until nothing more was read.
    read: usize,
    /// The most that was held meanwhile.
    held: usize,
    /// Why nothing more was read.
    why: String,
}

/// Sends an opening, and behind it a unit again and again. The quota is for 64 connections.
fn flood(reading: Reading, limit: usize, opening: &[u8], unit: &[u8]) -> Flooded {
    let quota = Quota::new(limit, 64);
    let mut connection = Connection::new(ConnectionName::default(), Side::Client, reading, quota.part());
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n";
    let is_websocket = opening.starts_with(b"HTTP/1.1 101");
    connection.note_sent(Duration::ZERO, request, is_websocket);
    let block = unit.repeat(PIECE.div_ceil(unit.len().max(1)));
    let (mut read, mut held) = (0, 0);
    let mut pieces = opening.chunks(PIECE).chain(std::iter::repeat(&block[..]));
    while read < FLOOD && !connection.is_flooded() && connection.shortage().is_none() {
        let piece = pieces.next().unwrap_or_default();
        connection.push(Duration::ZERO, piece);
        read += piece.len();
        held = held.max(quota.held());
    }
    let last = connection.arrivals.back().map(|arrival| arrival.item.to_string()).unwrap_or_default();
    let why = connection.shortage().unwrap_or(last);
    drop(connection);
    assert_eq!(quota.held(), 0, "all is given back");
    Flooded { read, held, why }
}

fn events() -> Reading {
    Reading::EventStream(EventStream::default())
}

const MEGABYTE: usize = 1024 * 1024;

#[test]
fn every_flood_comes_to_an_end_that_says_so_and_holds_no_more_than_its_part() {
    let stream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n";
    let socket = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    let long_id = format!("{stream}id: {}\n", "i".repeat(MEGABYTE));
    let iframe = || Reading::Iframe(Iframe::at("/", "push.deliver"));
    let frames = || Reading::WebSocket(Parts::default());
    let no_room = "what comes takes more memory than is left";
    let rows: [(Reading, &str, &[u8], &str); 19] = [
        (events(), "", b"\r\n", "more than 4096 lines"),
        (events(), "HTTP/1.1 200 OK\r\n", b"a\n", "more than 4096 lines"),
        (events(), "HTTP/1.1 200 OK\r\na: ", b"a", "more than 262144 bytes"),
        (events(), "", b"HTTP/1.1 102 Processing\r\n\r\n", "more than 64 interim answers"),
        (events(), &format!("{chunked}1;"), b"a", "more than 65536 bytes"),
        (events(), &format!("{chunked}0\r\n"), b"a: b\r\n", "lines, chunks or frames"),
        (events(), chunked, b"1\r\n:\r\n", "lines, chunks or frames"),
        (events(), &format!("{stream}data: "), b"a", no_room),
        (events(), stream, b"data\n", "lines, chunks or frames"),
        (events(), stream, b"data: 0123456789abcdef\n", "lines, chunks or frames"),
        (events(), stream, b"other\n", "lines, chunks or frames"),
        (events(), stream, b":\n\n", "messages, comments and frames"),
        (events(), &long_id, b"data\n\n", "messages, comments and frames"),
        (events(), &long_id, b"\n", "lines, chunks or frames"),
        (iframe(), &format!("{page}<script>"), b"<b", no_room),
        (frames(), socket, &[0x88, 0x02, 0x03, 0xe8], "lines, chunks or frames"),
        (frames(), socket, &[0x89, 0x00], "messages, comments and frames"),
        (frames(), socket, &[0x00, 0x01, b'x'], "messages, comments and frames"),
        (Reading::Opaque, &format!("{page}a"), b"a", "bytes came, far more"),
    ];
    for (reading, opening, unit, words) in rows {
        let found = flood(reading, 16 * MEGABYTE, opening.as_bytes(), unit);
        let sent = format!("{} then {}", &opening[..opening.len().min(80)], String::from_utf8_lossy(unit));
        assert!(found.why.contains(words), "{sent}: {}", found.why);
        assert!(found.read < 18 * MEGABYTE, "{sent}: {} bytes were read", found.read);
        assert!(found.held < 10 * MEGABYTE, "{sent}: {} bytes were held", found.held);
    }
}

#[test]
fn a_poll_of_many_values_is_not_read_as_such() {
    let answer = Answer {
        parts: Parts { messages: Some("/messages".into()), ..Parts::default() },
        ..Answer::default()
    };
    let mut body = "{\"messages\":[".to_owned() + &"0,".repeat(MEGABYTE);
    body.push_str("0]}");
    let quota = Quota::new(64 * MEGABYTE, 64);
    let mut connection =
        Connection::new(ConnectionName::default(), Side::Client, Reading::Poll(answer), quota.part());
    connection.note_sent(Duration::ZERO, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", false);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    connection.push(Duration::ZERO, head.as_bytes());
    body.as_bytes().chunks(PIECE).for_each(|piece| connection.push(Duration::ZERO, piece));
    let items: Vec<String> = connection.arrivals.iter().map(|arrival| arrival.item.to_string()).collect();
    assert!(items.iter().any(|item| item.contains("more than 65536 values of JSON")), "{items:?}");
}

#[test]
fn the_messages_of_a_stream_share_their_id() {
    let quota = Quota::new(64 * MEGABYTE, 64);
    let mut connection = Connection::new(ConnectionName::default(), Side::Client, events(), quota.part());
    connection.note_sent(Duration::ZERO, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", false);
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nid: ";
    let stream = format!("{head}{}\n{}", "i".repeat(MEGABYTE), "data\n\n".repeat(3000));
    stream.as_bytes().chunks(PIECE).for_each(|piece| connection.push(Duration::ZERO, piece));
    assert_eq!(connection.arrivals.len(), 3001, "the head, and the events");
    assert!(quota.held() < 8 * MEGABYTE, "{}", quota.held());
}
