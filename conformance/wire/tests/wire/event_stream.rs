use std::ops::Range;

use proptest::prelude::*;
use pushspec_wire::event_stream::{FactKind, Item, Line, LineEnd, LineKind, LineScanner, facts};

use crate::promises::{
    Facts, Scanner, as_in_tables, assert_promises, bytes, config, cuts, scan, sequence_of,
};

impl Scanner for LineScanner {
    type Item = Item;

    fn push(&mut self, bytes: &[u8]) {
        self.push(bytes);
    }
    fn next(&mut self) -> Option<Item> {
        self.next_item()
    }
    fn finish(&mut self) -> Option<Item> {
        self.finish()
    }
    fn buffered(&self) -> usize {
        self.buffered()
    }
    fn offset(item: &Item) -> usize {
        item.offset()
    }
    fn encode(item: &Item) -> Vec<u8> {
        item.encode()
    }
    fn fact_ranges(item: &Item) -> Vec<Range<usize>> {
        match item {
            Item::Line(line) => facts(line).iter().map(pushspec_wire::Fact::range).collect(),
            Item::ByteOrderMark { .. } | Item::LineFeedAfterReturn { .. } => Vec::new(),
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_keep_the_promises(input in bytes(), cuts in cuts()) {
        assert_promises::<LineScanner>(&input, &cuts);
    }

    #[test]
    fn lines_of_event_streams_keep_the_promises(
        input in sequence_of(&["\u{feff}", "data: x", "data", "Data: x", "id: 1\x00", "retry: 5", "retry: x", ": c",
            "event : e", "\n", "\n", "\r", "\r", "\r\n", "\r\n"]),
        cuts in cuts(),
    ) {
        assert_promises::<LineScanner>(&input, &cuts);
    }
}

fn line(offset: usize, content: &[u8], end: LineEnd) -> Item {
    Item::Line(Line { offset, content: content.to_vec(), end })
}

#[test]
fn a_line_ends_with_line_feed_or_carriage_return_or_both() {
    assert_eq!(
        scan::<LineScanner>(&[b"a\nb\rc\r\n\n\r\r\nd"]),
        [
            line(0, b"a", LineEnd::Lf),
            line(2, b"b", LineEnd::Cr),
            line(4, b"c", LineEnd::Cr),
            Item::LineFeedAfterReturn { offset: 6 },
            line(7, b"", LineEnd::Lf),
            line(8, b"", LineEnd::Cr),
            line(9, b"", LineEnd::Cr),
            Item::LineFeedAfterReturn { offset: 10 },
            line(11, b"d", LineEnd::None),
        ]
    );
}

#[test]
fn a_line_that_ends_with_carriage_return_is_handed_out_at_once() {
    let mut scanner = LineScanner::new();
    scanner.push(b"a\r");
    assert_eq!(scanner.next_item(), Some(line(0, b"a", LineEnd::Cr)));
    assert_eq!((scanner.next_item(), scanner.buffered()), (None, 0));
    scanner.push(b"\n");
    assert_eq!(scanner.next_item(), Some(Item::LineFeedAfterReturn { offset: 2 }));
}

#[test]
fn only_the_first_byte_order_mark_of_the_stream_is_an_item() {
    assert_eq!(
        scan::<LineScanner>(&[b"\xef\xbb\xbf\xef\xbb\xbf\n\xef\xbb\xbf"]),
        [
            Item::ByteOrderMark { offset: 0 },
            line(3, b"\xef\xbb\xbf", LineEnd::Lf),
            line(7, b"\xef\xbb\xbf", LineEnd::None),
        ]
    );
    assert_eq!(scan::<LineScanner>(&[b"\xef\xbb"]), [line(0, b"\xef\xbb", LineEnd::None)]);
    assert_eq!(scan::<LineScanner>(&[b"\xef\n"]), [line(0, b"\xef", LineEnd::Lf)]);
}

#[test]
fn a_line_is_blank_or_a_comment_or_a_field() {
    let field = |name: &'static [u8], value, colon| LineKind::Field { name, value, colon };
    let table: [(&[u8], LineKind<'_>); 9] = [
        (b"", LineKind::Blank),
        (b":", LineKind::Comment(b"")),
        (b": a:b", LineKind::Comment(b" a:b")),
        (b"data", field(b"data", b"", false)),
        (b"data:", field(b"data", b"", true)),
        (b"data: ", field(b"data", b"", true)),
        (b"data:a:b", field(b"data", b"a:b", true)),
        (b"data:  a", field(b"data", b" a", true)),
        (b" data:\ta", field(b" data", b"\ta", true)),
    ];
    for (content, expected) in table {
        let line = Line { offset: 0, content: content.to_vec(), end: LineEnd::Lf };
        assert_eq!(line.kind(), expected);
    }
}

#[test]
fn each_fact_has_its_kind_and_place() {
    use FactKind as Kind;
    let table: [(&[u8], Facts<FactKind>); 15] = [
        (b"", &[]),
        (b": any\0thing", &[]),
        (b"data: a\0", &[]),
        (b"event:", &[]),
        (b"id", &[]),
        (b"retry: 0500", &[]),
        (b"time: 5", &[(100, 4, Kind::UnknownField)]),
        (b"Data: a", &[(100, 4, Kind::FieldNameInWrongCase)]),
        (b" data : a", &[(100, 6, Kind::WhitespaceInFieldName)]),
        (b"retry: 5s", &[(107, 2, Kind::RetryNotDigits)]),
        (b"retry:  5", &[(107, 2, Kind::RetryNotDigits)]),
        (b"retry", &[(100, 5, Kind::RetryNotDigits)]),
        (b"id:a\0\0", &[(104, 1, Kind::NulInId)]),
        (b"data:\xff\xe2\x82", &[(105, 1, Kind::InvalidUtf8), (106, 2, Kind::InvalidUtf8)]),
        (b":\xff", &[(101, 1, Kind::InvalidUtf8)]),
    ];
    for (content, expected) in table {
        let line = Line { offset: 100, content: content.to_vec(), end: LineEnd::Cr };
        let facts = as_in_tables(facts(&line));
        assert_eq!(facts, expected, "{}", content.escape_ascii());
    }
}

#[test]
fn a_line_without_an_end_has_no_facts() {
    assert_eq!(facts(&Line { offset: 0, content: b"dat".to_vec(), end: LineEnd::None }), []);
}

#[test]
fn a_long_line_that_is_fed_byte_by_byte_takes_linear_time() {
    let mut scanner = LineScanner::new();
    for _ in 0..1 << 20 {
        scanner.push(b"a");
        assert_eq!(scanner.next_item(), None);
    }
    assert_eq!(scanner.buffered(), 1 << 20);
}
