//! What a scanner does for each byte: counted, and not measured. The bytes come one by one, as a peer may send them.

use pushspec_wire::chunked::ChunkScanner;
use pushspec_wire::event_stream::{Interpreter, Item, LineScanner};
use pushspec_wire::http1::HeadScanner;
use pushspec_wire::utf8::Utf8Validator;
use pushspec_wire::websocket::FrameScanner;

/// How much work a byte may make.
const EACH: u64 = 8;

/// A scanner that is fed, and asked for all that is complete; gives its work.
type Feed = fn(&[u8]) -> u64;

/// Feeds n bytes and 2n bytes, one by one. A beginning may come before them, and is not counted.
fn assert_is_linear(name: &str, feed: Feed, beginning: &[u8], unit: &[u8]) {
    let work = |count: usize| feed(&[beginning, &unit.repeat(count / unit.len())].concat());
    let (once, twice) = (work(20_000), work(40_000));
    assert!(
        once <= EACH * 20_000 + EACH * beginning.len() as u64,
        "{name}: {once} for 20000 bytes of {unit:?}"
    );
    assert!(twice <= 2 * once + EACH, "{name}: {once} for 20000 bytes of {unit:?}, {twice} for 40000");
}

fn heads(bytes: &[u8]) -> u64 {
    let mut scanner = HeadScanner::new();
    for byte in bytes {
        scanner.push(&[*byte]);
        while scanner.next_head().is_some() {}
    }
    scanner.work()
}

fn chunks(bytes: &[u8]) -> u64 {
    let mut scanner = ChunkScanner::new();
    for byte in bytes {
        scanner.push(&[*byte]);
        while scanner.next_item().is_some() {}
    }
    scanner.work()
}

fn lines(bytes: &[u8]) -> u64 {
    let mut scanner = LineScanner::new();
    for byte in bytes {
        scanner.push(&[*byte]);
        while scanner.next_item().is_some() {}
    }
    scanner.work()
}

fn events(bytes: &[u8]) -> u64 {
    let mut scanner = LineScanner::new();
    let mut interpreter = Interpreter::new();
    for byte in bytes {
        scanner.push(&[*byte]);
        while let Some(item) = scanner.next_item() {
            if let Item::Line(line) = item {
                interpreter.line(&line);
            }
        }
    }
    interpreter.work()
}

fn characters(bytes: &[u8]) -> u64 {
    let mut validator = Utf8Validator::new();
    for byte in bytes {
        // What is no UTF-8 is said again for every byte behind it.
        let _ = validator.push(&[*byte]);
        let _ = validator.finish();
    }
    validator.work()
}

fn frames(bytes: &[u8]) -> u64 {
    let mut scanner = FrameScanner::new();
    for byte in bytes {
        scanner.push(&[*byte]);
        while scanner.next_frame().is_some() {}
    }
    scanner.work()
}

#[test]
fn every_scanner_does_so_much_work_for_each_byte_however_many_there_are() {
    for unit in [&b"a"[..], b"\n", b"\r\n", b"\r", b"a\n", b"a: b\r\n"] {
        assert_is_linear("heads", heads, b"HTTP/1.1 200 OK\r\n", unit);
        assert_is_linear("heads without a start line", heads, b"", unit);
        assert_is_linear("lines", lines, b"", unit);
        assert_is_linear(
            "lines behind a long one",
            lines,
            &[b"id: ", &[b'i'; 10_000][..], b"\n"].concat(),
            unit,
        );
        assert_is_linear("trailers", chunks, b"0\r\n", unit);
        assert_is_linear("the extensions of a chunk", chunks, b"1;", unit);
    }
    let long_id = [&b"id: "[..], &[b'i'; 10_000][..], b"\n"].concat();
    let long_data = [&b"data: "[..], &[b'd'; 10_000][..], b"\n"].concat();
    for unit in
        [&b"data\n"[..], b"data: a\n\n", b"data\n\n", b"id: 1\n\n", b"event: a\n", b":\n", b"\n", b"a"]
    {
        assert_is_linear("events", events, b"", unit);
        assert_is_linear("events behind a long identifier", events, &long_id, unit);
        assert_is_linear("events behind long data", events, &long_data, unit);
    }
    for unit in [&b"a"[..], "é".as_bytes(), "\u{10ffff}".as_bytes(), b"\xed\xa0", b"\xff"] {
        assert_is_linear("characters", characters, b"", unit);
    }
    for unit in [&b"1\r\na\r\n"[..], b"a", b"\r\n"] {
        assert_is_linear("chunks", chunks, b"", unit);
        assert_is_linear("the data of a chunk", chunks, b"fffffff\r\n", unit);
    }
    for unit in [&b"\x89\x00"[..], b"\x82\x01a", b"\x00\x00"] {
        assert_is_linear("frames", frames, b"", unit);
        assert_is_linear("the payload of a frame", frames, b"\x82\x7f\x00\x00\x00\x00\x7f\xff\xff\xff", unit);
    }
}
