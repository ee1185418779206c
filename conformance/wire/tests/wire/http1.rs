use std::borrow::Cow;
use std::ops::Range;

use proptest::prelude::*;
use pushspec_wire::http1::{
    FactKind, Head, HeadScanner, Line, LineEnd, RequestLine, StatusLine, list_elements,
};

use crate::promises::{
    Facts, Scanner, as_in_tables, assert_promises, bytes, config, cuts, scan, sequence_of,
};

impl Scanner for HeadScanner {
    type Item = Head;

    fn push(&mut self, bytes: &[u8]) {
        self.push(bytes);
    }
    fn next(&mut self) -> Option<Head> {
        self.next_head()
    }
    fn finish(&mut self) -> Option<Head> {
        self.finish()
    }
    fn buffered(&self) -> usize {
        self.buffered()
    }
    fn offset(head: &Head) -> usize {
        head.offset()
    }
    fn encode(head: &Head) -> Vec<u8> {
        head.encode()
    }
    fn fact_ranges(head: &Head) -> Vec<Range<usize>> {
        head.facts().iter().map(pushspec_wire::Fact::range).collect()
    }
}

/// The first head of the input, complete or not.
fn head(input: &[u8]) -> Head {
    let mut scanner = HeadScanner::new();
    scanner.push(input);
    scanner.finish().expect("there are bytes")
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_keep_the_promises(input in bytes(), cuts in cuts()) {
        assert_promises::<HeadScanner>(&input, &cuts);
    }

    #[test]
    fn lines_of_heads_keep_the_promises(
        input in sequence_of(&["HTTP/1.1 200 OK\r\n", "HTTP/1.1 404\n", "GET / HTTP/1.1\r\n", "Name: value\r\n",
            "Name : a,\x00 b\n", " folded\r\n", ":\r\n", "no colon\r\n", "\r\n", "\r\n", "\n", "\r", "\r\r\n", "\t"]),
        cuts in cuts(),
    ) {
        assert_promises::<HeadScanner>(&input, &cuts);
    }

    #[test]
    fn views_of_any_lines_do_not_panic(input in sequence_of(&["HTTP/1.1", " ", "\t", "200", ":", "a", ",", "\"",
        "\\", "\r", "\n", "\r\n"])) {
        for head in scan::<HeadScanner>(&[&input]) {
            prop_assert!(head.status_line().is_none() || head.request_line().is_none());
            for field in head.fields() {
                let name = String::from_utf8_lossy(field.name);
                let elements: Vec<_> = list_elements(&field.value).collect();
                prop_assert!(elements.iter().all(|element| !element.is_empty()));
                prop_assert!(!name.contains(':'));
            }
        }
    }
}

#[test]
fn a_head_is_complete_with_its_empty_line() {
    let mut scanner = HeadScanner::new();
    scanner.push(b"HTTP/1.1 200 OK\r\nA: b\r\n\r");
    assert_eq!((scanner.next_head(), scanner.buffered()), (None, 24));
    scanner.push(b"\nbody");
    let head = scanner.next_head().expect("the empty line is there");
    assert!(head.is_complete());
    assert_eq!((scanner.offset(), scanner.rest(), scanner.buffered()), (25, b"body".to_vec(), 0));
    assert_eq!(scanner.finish(), None);
}

#[test]
fn an_incomplete_head_has_only_the_fields_whose_lines_have_ended() {
    let head = head(b"HTTP/1.1 200 OK\r\nA: 1\r\nB: 2");
    assert!(!head.is_complete());
    assert_eq!(head.lines[2], Line { offset: 23, content: b"B: 2".to_vec(), end: LineEnd::None });
    assert_eq!(head.fields().map(|field| field.name).collect::<Vec<_>>(), [b"A"]);
    assert_eq!(head.facts(), []);
}

#[test]
fn a_head_whose_last_line_has_ended_is_not_complete() {
    assert!(!head(b"HTTP/1.1 200 OK\r\nA: b\r\n").is_complete());
    assert!(!head(b"\r\n\r\n").is_complete());
}

#[test]
fn empty_lines_between_two_heads_belong_to_the_second() {
    let heads = scan::<HeadScanner>(&[b"GET /1 HTTP/1.1\r\n\r\n\r\n\nGET /2 HTTP/1.1\r\n\r\n"]);
    assert_eq!(heads.iter().map(Head::offset).collect::<Vec<_>>(), [0, 19]);
    assert_eq!(heads[1].start_line(), b"GET /2 HTTP/1.1");
    assert!(heads.iter().all(Head::is_complete));
}

#[test]
fn the_rest_includes_the_lines_of_a_head_that_has_begun() {
    let mut scanner = HeadScanner::starting_at(100);
    scanner.push(b"\r\nHTTP/1.1 200 OK\r\nA");
    assert_eq!(scanner.next_head(), None);
    assert_eq!(scanner.rest(), b"\r\nHTTP/1.1 200 OK\r\nA");
    assert_eq!((scanner.buffered(), scanner.offset()), (0, 100));
}

#[test]
fn status_lines_are_read_leniently() {
    let status = |version: &'static str, code, reason: &'static str| {
        Some(StatusLine { version: version.as_bytes(), code, reason: reason.as_bytes() })
    };
    let table = [
        ("HTTP/1.1 200 OK", status("HTTP/1.1", 200, "OK")),
        ("HTTP/1.1 200 ", status("HTTP/1.1", 200, "")),
        ("HTTP/1.1 200", status("HTTP/1.1", 200, "")),
        ("HTTP/1.0\t404  Not here", status("HTTP/1.0", 404, " Not here")),
        ("http/2 1 x", status("http/2", 1, "x")),
        ("http/2 99999 x", None),
        ("HTTP/1.1 2x0 OK", None),
        ("HTTP/1.1", None),
        ("GET / HTTP/1.1", None),
        ("200 OK", None),
    ];
    for (line, expected) in table {
        assert_eq!(head(format!("{line}\r\n").as_bytes()).status_line(), expected, "{line:?}");
    }
}

#[test]
fn request_lines_are_read_leniently() {
    let request = |method: &'static str, target: &'static str, version: &'static str| {
        Some(RequestLine {
            method: method.as_bytes(),
            target: target.as_bytes(),
            version: version.as_bytes(),
        })
    };
    let table = [
        ("GET /a?b HTTP/1.1", request("GET", "/a?b", "HTTP/1.1")),
        ("get  /a b\tHTTP/3", request("get", "/a b", "HTTP/3")),
        ("OPTIONS * HTTP/1.0 ", request("OPTIONS", "*", "HTTP/1.0")),
        ("GET HTTP/1.1", request("GET", "", "HTTP/1.1")),
        ("GET /", None),
        ("GET", None),
        ("HTTP/1.1 200 HTTP/1.1", None),
    ];
    for (line, expected) in table {
        assert_eq!(head(format!("{line}\r\n").as_bytes()).request_line(), expected, "{line:?}");
    }
}

#[test]
fn values_are_trimmed_and_unfolded_and_found_in_any_case() {
    let head = head(b"HTTP/1.1 200 OK\r\nA:  1 \r\nb:2\r\n  3:\r\n\t4 \r\na : 5\r\nC:\r\n \r\n\r\n");
    assert_eq!(head.values("a").collect::<Vec<_>>(), [&b"1"[..], b"5"]);
    assert_eq!(head.value("B"), Some(Cow::Borrowed(&b"2 3: 4"[..])));
    assert_eq!(head.value("c"), Some(Cow::Borrowed(&b""[..])));
    assert_eq!(head.value("d"), None);
    assert_eq!(head.fields().map(|field| field.offset).collect::<Vec<_>>(), [17, 25, 41, 48]);
}

#[test]
fn a_token_is_found_in_the_comma_lists_of_all_fields_of_a_name() {
    let head =
        head(b"HTTP/1.1 101 x\r\nConnection: keep-alive,\r\nX: close\r\nconnection: , Upgrade\r\n\r\n");
    assert!(head.lists("Connection", "upgrade") && head.lists("CONNECTION", "Keep-Alive"));
    assert!(!head.lists("Connection", "close") && !head.lists("Connection", "Upgrad"));
}

#[test]
fn list_elements_respect_quoted_strings() {
    let elements =
        |value: &'static str| list_elements(value.as_bytes()).map(<[u8]>::to_vec).collect::<Vec<_>>();
    assert_eq!(elements(" a ,, b;c=\"1,2\\\",3\" ,\t"), [&b"a"[..], b"b;c=\"1,2\\\",3\""]);
    assert_eq!(elements("a, \"b, c"), [&b"a"[..], b"\"b, c"]);
    assert_eq!(elements(""), [b""; 0]);
}

#[test]
fn each_fact_has_its_kind_and_place() {
    use FactKind as Kind;
    let table: [(&str, Facts<FactKind>); 22] = [
        ("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", &[]),
        ("HTTP/1.0 599 \r\n\r\n", &[]),
        ("GET /a HTTP/1.1\r\nHost: a\tb\r\n\r\n", &[]),
        ("HTTP/1.1 200\r\n\r\n", &[(9, 3, Kind::MissingSpaceAfterStatusCode)]),
        ("HTTP/1.1 20 OK\r\n\r\n", &[(0, 14, Kind::MalformedStartLine)]),
        ("HTTP/1.1  200 OK\r\n\r\n", &[(0, 16, Kind::MalformedStartLine)]),
        ("http/1.1 200 OK\r\n\r\n", &[(0, 15, Kind::MalformedStartLine)]),
        ("HTTP/1.1 200 O\x00K\r\n\r\n", &[(0, 16, Kind::MalformedStartLine)]),
        ("GET /a b HTTP/1.1\r\n\r\n", &[(0, 17, Kind::MalformedStartLine)]),
        ("GET  HTTP/1.1\r\n\r\n", &[(0, 13, Kind::MalformedStartLine)]),
        ("G(T / HTTP/1.1\r\n\r\n", &[(0, 14, Kind::MalformedStartLine)]),
        ("GET / HTTP/1.1\n\n", &[(14, 1, Kind::BareLineFeed), (15, 1, Kind::BareLineFeed)]),
        (
            "\r\n\nGET / HTTP/1.1\r\n\r\n",
            &[
                (0, 2, Kind::EmptyLineBeforeStartLine),
                (2, 1, Kind::EmptyLineBeforeStartLine),
                (2, 1, Kind::BareLineFeed),
            ],
        ),
        (
            "GET / HTTP/1.1\r\n A: b\r\n\tc\r\n\r\n",
            &[(16, 1, Kind::WhitespaceBeforeFirstField), (23, 1, Kind::WhitespaceBeforeFirstField)],
        ),
        ("GET / HTTP/1.1\r\nA: b\r\n \tc\r\n\r\n", &[(22, 2, Kind::FoldedLine)]),
        ("GET / HTTP/1.1\r\nA \t: b\r\n\r\n", &[(17, 2, Kind::SpaceBeforeColon)]),
        ("GET / HTTP/1.1\r\nA\r\n\r\n", &[(16, 1, Kind::MissingColon)]),
        ("GET / HTTP/1.1\r\n: b\r\n\r\n", &[(16, 1, Kind::EmptyFieldName)]),
        ("GET / HTTP/1.1\r\nA B: c\r\n\r\n", &[(16, 3, Kind::FieldNameNotToken)]),
        (
            "GET / HTTP/1.1\r\nA: \x00\x01c\x7f\r\n\r\n",
            &[(19, 2, Kind::ControlInFieldValue), (22, 1, Kind::ControlInFieldValue)],
        ),
        (
            "GET / HTTP/1.1\r\nA: b\rc\r\r\r\n\r\n",
            &[(20, 1, Kind::BareCarriageReturn), (22, 2, Kind::BareCarriageReturn)],
        ),
        ("GET / HTTP/1.1\r\nA\rB\r", &[(17, 1, Kind::BareCarriageReturn)]),
    ];
    for (input, expected) in table {
        let facts = as_in_tables(head(input.as_bytes()).facts());
        assert_eq!(facts, expected, "{input:?}");
    }
}

#[test]
fn a_long_line_that_is_fed_byte_by_byte_takes_linear_time() {
    let mut scanner = HeadScanner::new();
    for _ in 0..1 << 20 {
        scanner.push(b"a");
        assert_eq!(scanner.next_head(), None);
    }
    assert_eq!(scanner.buffered(), 1 << 20);
}

#[test]
fn many_heads_in_one_piece_take_linear_time() {
    let input = b"GET / HTTP/1.1\r\n\r\n".repeat(1 << 16);
    assert_eq!(scan::<HeadScanner>(&[&input]).len(), 1 << 16);
}
