use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;
use pushspec_wire::chunked::{ChunkScanner, Data, FactKind, Item, encode_chunk, encode_last, facts};
use pushspec_wire::http1;

use crate::promises::{
    Facts, Scanner, as_in_tables, assert_promises, bytes, config, cuts, scan, sequence_of,
};

impl Scanner for ChunkScanner {
    type Item = Item;

    fn push(&mut self, bytes: &[u8]) {
        self.push(bytes);
    }
    fn next(&mut self) -> Option<Item> {
        self.next_item()
    }
    /// What follows the end of the body is given as unreadable, so that nothing is missing.
    fn finish(&mut self) -> Option<Item> {
        self.finish().or_else(|| {
            let (offset, bytes) = (self.offset(), self.rest());
            (!bytes.is_empty()).then_some(Item::Unreadable(Data { offset, bytes }))
        })
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
        facts(item).iter().map(pushspec_wire::Fact::range).collect()
    }
    fn normalise(items: Vec<Item>) -> Vec<Item> {
        items.into_iter().fold(Vec::new(), |mut items, item| {
            match (items.last_mut(), item) {
                (Some(Item::Data(last)), Item::Data(next))
                | (Some(Item::Unreadable(last)), Item::Unreadable(next)) => last.bytes.extend(next.bytes),
                (_, item) => items.push(item),
            }
            items
        })
    }
}

fn items(input: &[u8]) -> Vec<Item> {
    scan::<ChunkScanner>(&[input])
}

/// The items in short: what they are and their bytes.
fn summary(input: &str) -> String {
    let part = |item: Item| {
        let name = match item {
            Item::Size(_) => "size",
            Item::Data(_) => "data",
            Item::AfterData(_) => "after",
            Item::Trailer(_) => "trailer",
            Item::End(_) => "end",
            Item::Unreadable(_) => "unreadable",
        };
        format!("{name} {}", item.encode().escape_ascii())
    };
    items(input.as_bytes()).into_iter().map(part).collect::<Vec<_>>().join(" | ")
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_keep_the_promises(input in bytes(), cuts in cuts()) {
        assert_promises::<ChunkScanner>(&input, &cuts);
    }

    #[test]
    fn parts_of_chunks_keep_the_promises(
        input in sequence_of(&["5\r\nhello\r\n", "3;a=\"b\"\r\nabc\r\n", "001\nx\n", "a\r\n0123456789", "2\r\n",
            "ab", "\r\n", "\n", "\r", "0\r\n\r\n", "0\r\n", "Name: value\r\n", ";", "ffffffffffffffff\r\n", " "]),
        cuts in cuts(),
    ) {
        assert_promises::<ChunkScanner>(&input, &cuts);
    }

    #[test]
    fn the_data_of_encoded_chunks_comes_out_again(pieces in vec(bytes(), 0..8), cuts in cuts()) {
        let mut body: Vec<u8> = pieces.iter().flat_map(|piece| encode_chunk(piece)).collect();
        body.extend(encode_last());
        assert_promises::<ChunkScanner>(&body, &cuts);
        let items = items(&body);
        let data: Vec<u8> = items.iter().filter(|item| matches!(item, Item::Data(_))).flat_map(Item::encode).collect();
        prop_assert_eq!(data, pieces.concat());
        prop_assert!(matches!(items.last(), Some(Item::End(_))));
        prop_assert!(items.iter().all(|item| facts(item).is_empty()));
    }
}

#[test]
fn a_body_is_sizes_data_and_trailers_up_to_an_empty_line() {
    assert_eq!(
        summary("4\r\nnews\r\n0A;x\r\n0123456789\r\n000\r\nA: b\r\n\r\nHTTP"),
        r"size 4\r\n | data news | after \r\n | size 0A;x\r\n | data 0123456789 | after \r\n | size 000\r\n | trailer A: b\r\n | end \r\n | unreadable HTTP",
    );
}

#[test]
fn what_follows_the_end_of_the_body_is_left_for_the_next_scanner() {
    let mut scanner = ChunkScanner::starting_at(40);
    scanner.push(b"0\r\n\r\nHTTP/1.1");
    while scanner.next_item().is_some() {}
    assert!(scanner.is_ended());
    assert_eq!((scanner.finish(), scanner.offset(), scanner.rest()), (None, 45, b"HTTP/1.1".to_vec()));
}

#[test]
fn data_is_handed_out_before_its_chunk_is_complete() {
    let mut scanner = ChunkScanner::new();
    scanner.push(b"ffffffffffffffff\r\nab");
    assert!(matches!(scanner.next_item(), Some(Item::Size(line)) if line.size == Some(u64::MAX)));
    assert_eq!(scanner.next_item(), Some(Item::Data(Data { offset: 18, bytes: b"ab".to_vec() })));
    assert_eq!((scanner.next_item(), scanner.finish()), (None, None));
}

#[test]
fn a_broken_coding_makes_the_rest_unreadable() {
    let table = [
        ("x\r\n0\r\n", r"size x\r\n | unreadable 0\r\n"),
        ("\r\n0\r\n", r"size \r\n | unreadable 0\r\n"),
        ("0x5\r\nhello", r"size 0x5\r\n | unreadable hello"),
        ("1 2\r\nab", r"size 1 2\r\n | unreadable ab"),
        ("10000000000000000\r\nab", r"size 10000000000000000\r\n | unreadable ab"),
        ("1\r\nabc", r"size 1\r\n | data a | after b | unreadable c"),
        ("1\r\na\rbc", r"size 1\r\n | data a | after \rb | unreadable c"),
        ("1\r\na\r\r\n", r"size 1\r\n | data a | after \r\r | unreadable \n"),
    ];
    for (input, expected) in table {
        assert_eq!(summary(input), expected, "{input:?}");
    }
}

#[test]
fn an_unfinished_part_is_handed_out_at_the_end_without_facts() {
    for (input, expected) in [
        ("1\r\na\r", r"size 1\r\n | data a | after \r"),
        ("1\r", r"size 1\r"),
        ("0\r\nTrail", r"size 0\r\n | trailer Trail"),
    ] {
        assert_eq!(summary(input), expected, "{input:?}");
        assert!(items(input.as_bytes()).iter().all(|item| facts(item).is_empty()), "{input:?}");
    }
    assert!(matches!(items(b"12").as_slice(), [Item::Size(line)] if line.size.is_none()));
}

#[test]
fn extensions_begin_with_their_semicolon() {
    for (input, expected) in [("5;a=b\r\n", ";a=b"), (" 5\t;a \r\n", ";a "), ("5 \r\n", ""), ("x;a\r\n", "")]
    {
        let items = items(input.as_bytes());
        assert!(
            matches!(items.first(), Some(Item::Size(line)) if line.extensions() == expected.as_bytes()),
            "{input:?}"
        );
    }
}

#[test]
fn each_fact_has_its_kind_and_place() {
    use FactKind as Kind;
    let table: [(&str, Facts<FactKind>); 25] = [
        ("0\r\n\r\n", &[]),
        ("0001\r\na\r\n", &[]),
        ("1;a;b=c;d=\"e;\\\" \"\r\n", &[]),
        (
            "1\na\n0\n\n",
            &[
                (1, 1, Kind::BareLineFeed),
                (3, 1, Kind::BareLineFeed),
                (5, 1, Kind::BareLineFeed),
                (6, 1, Kind::BareLineFeed),
            ],
        ),
        (" 1\t \r\n", &[(0, 1, Kind::WhitespaceAroundSize), (2, 2, Kind::WhitespaceAroundSize)]),
        ("1 ;a\r\n", &[(1, 1, Kind::BadWhitespace)]),
        (
            "1; a =\tb ;c\r\n",
            &[
                (2, 1, Kind::BadWhitespace),
                (4, 1, Kind::BadWhitespace),
                (6, 1, Kind::BadWhitespace),
                (8, 1, Kind::BadWhitespace),
            ],
        ),
        ("xyz\r\n", &[(0, 3, Kind::SizeNotHex)]),
        ("\r\n", &[(0, 2, Kind::SizeNotHex)]),
        ("-1\n", &[(0, 2, Kind::SizeNotHex), (2, 1, Kind::BareLineFeed)]),
        ("1\r\r\n", &[(0, 2, Kind::SizeNotHex)]),
        (" fffffffffffffffff;a\r\n", &[(0, 1, Kind::WhitespaceAroundSize), (1, 17, Kind::SizeOverflow)]),
        ("1;\r\n", &[(1, 1, Kind::MalformedExtension)]),
        ("1;a=\r\n", &[(3, 1, Kind::MalformedExtension)]),
        ("1;=b\r\n", &[(2, 2, Kind::MalformedExtension)]),
        ("1;a b\r\n", &[(3, 2, Kind::MalformedExtension)]),
        ("1;a \r\n", &[(3, 1, Kind::MalformedExtension)]),
        ("1;a=\"b\r\n", &[(5, 1, Kind::MalformedExtension)]),
        ("1;a=\"b\\\r\n", &[(6, 1, Kind::MalformedExtension)]),
        ("1;a=\"b\x01\"\r\n", &[(6, 2, Kind::MalformedExtension)]),
        ("1;a=\"\\\x01\"\r\n", &[(5, 3, Kind::MalformedExtension)]),
        ("1;a=\"b\"c\r\n", &[(7, 1, Kind::MalformedExtension)]),
        ("1\r\nab", &[(4, 1, Kind::MissingLineEnd)]),
        ("1\r\na\rb", &[(4, 2, Kind::MissingLineEnd)]),
        (
            "0\r\nA : b\n\r\n",
            &[
                (4, 1, Kind::Trailer(http1::FactKind::SpaceBeforeColon)),
                (8, 1, Kind::Trailer(http1::FactKind::BareLineFeed)),
            ],
        ),
    ];
    for (input, expected) in table {
        let facts = as_in_tables(items(input.as_bytes()).iter().flat_map(facts).collect());
        assert_eq!(facts, expected, "{input:?}");
    }
}

#[test]
fn no_chunk_is_made_of_no_data() {
    assert_eq!(encode_chunk(b""), b"");
    assert_eq!(encode_chunk(b"0123456789abcdef!"), b"11\r\n0123456789abcdef!\r\n");
}
