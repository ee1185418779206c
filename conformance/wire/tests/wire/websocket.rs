use std::borrow::Cow;
use std::ops::Range;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use pushspec_wire::websocket::{
    FactKind, Frame, FrameHeader, FrameScanner, LengthForm, Opcode, Truncated, apply_mask,
};

use crate::promises::{Facts, Scanner, as_in_tables, assert_promises, bytes, config, cuts, scan};

/// A frame or, at the end of the input, what there is of one.
#[derive(Debug, PartialEq)]
pub(crate) enum Item {
    Frame(Frame),
    Truncated(Truncated),
}

impl Scanner for FrameScanner {
    type Item = Item;

    fn push(&mut self, bytes: &[u8]) {
        self.push(bytes);
    }
    fn next(&mut self) -> Option<Item> {
        self.next_frame().map(Item::Frame)
    }
    fn finish(&mut self) -> Option<Item> {
        self.finish().map(Item::Truncated)
    }
    fn buffered(&self) -> usize {
        self.buffered()
    }
    fn offset(item: &Item) -> usize {
        match item {
            Item::Frame(frame) => frame.offset,
            Item::Truncated(truncated) => truncated.offset,
        }
    }
    fn encode(item: &Item) -> Vec<u8> {
        match item {
            Item::Frame(frame) => frame.encode(),
            Item::Truncated(truncated) => truncated.bytes.clone(),
        }
    }
    fn fact_ranges(item: &Item) -> Vec<Range<usize>> {
        match item {
            Item::Frame(frame) => frame.placed_facts().iter().map(pushspec_wire::Fact::range).collect(),
            Item::Truncated(_) => Vec::new(),
        }
    }
}

/// The only frame of the input.
fn frame(input: &[u8]) -> Frame {
    let mut scanner = FrameScanner::new();
    scanner.push(input);
    let frame = scanner.next_frame().expect("a complete frame");
    assert_eq!(scanner.buffered(), 0);
    frame
}

/// Frames whose length is true, in any form that has room for it.
fn frames() -> impl Strategy<Value = Frame> {
    let form =
        prop_oneof![Just(LengthForm::Short), Just(LengthForm::Extended16), Just(LengthForm::Extended64)];
    let bits = (any::<bool>(), 0..8_u8, 0..16_u8);
    (bits, form, option::of(any::<[u8; 4]>()), vec(any::<u8>(), 0..140)).prop_map(
        |((fin, rsv, opcode), form, mask, payload)| {
            let length = payload.len() as u64;
            let length_form =
                if length > 125 && form == LengthForm::Short { LengthForm::Extended16 } else { form };
            Frame { offset: 0, fin, rsv, opcode: Opcode(opcode), length_form, length, mask, payload }
        },
    )
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_keep_the_promises(input in bytes(), cuts in cuts()) {
        assert_promises::<FrameScanner>(&input, &cuts);
    }

    #[test]
    fn frames_with_a_stray_end_keep_the_promises(frames in vec(frames(), 0..4), end in bytes(), cuts in cuts()) {
        let mut input: Vec<u8> = frames.iter().flat_map(Frame::encode).collect();
        input.extend(end);
        assert_promises::<FrameScanner>(&input, &cuts);
    }

    #[test]
    fn a_frame_with_a_true_length_comes_out_as_it_went_in(sent in frames()) {
        prop_assert_eq!(frame(&sent.encode()), sent);
    }

    #[test]
    fn masking_changes_what_is_on_the_wire_and_not_what_is_meant(
        payload in bytes(),
        keys in any::<[[u8; 4]; 2]>(),
    ) {
        let sent = Frame::new(Opcode::BINARY, &payload).masked(keys[0]).masked(keys[1]);
        prop_assert_eq!(sent.mask, Some(keys[1]));
        let received = frame(&sent.encode());
        prop_assert_eq!(received.unmasked_payload(), Cow::Borrowed(&payload));
    }

    #[test]
    fn a_payload_can_be_masked_piece_by_piece(payload in bytes(), key in any::<[u8; 4]>(), cut in 0..200_usize) {
        let mut whole = payload.clone();
        apply_mask(&mut whole, key, 0);
        let mut pieces = payload;
        let cut = cut.min(pieces.len());
        apply_mask(&mut pieces[..cut], key, 0);
        apply_mask(&mut pieces[cut..], key, cut);
        prop_assert_eq!(whole, pieces);
    }
}

#[test]
fn the_examples_of_the_standard_are_encoded_and_scanned() {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let first = Frame { fin: false, ..Frame::new(Opcode::TEXT, b"Hel") };
    let table: [(&[u8], Frame); 6] = [
        (&[0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f], Frame::new(Opcode::TEXT, b"Hello")),
        (
            &[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58],
            Frame::new(Opcode::TEXT, b"Hello").masked(key),
        ),
        (&[0x01, 0x03, 0x48, 0x65, 0x6c], first),
        (&[0x80, 0x02, 0x6c, 0x6f], Frame::new(Opcode::CONTINUATION, b"lo")),
        (&[0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f], Frame::new(Opcode::PING, b"Hello")),
        (
            &[0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58],
            Frame::new(Opcode::PONG, b"Hello").masked(key),
        ),
    ];
    for (bytes, expected) in table {
        assert_eq!(expected.encode(), bytes);
        assert_eq!(frame(bytes), expected);
    }
}

#[test]
fn the_length_has_the_shortest_form_that_fits() {
    let table: [(usize, &[u8]); 6] = [
        (0, &[0x82, 0x00]),
        (125, &[0x82, 0x7d]),
        (126, &[0x82, 0x7e, 0x00, 0x7e]),
        (256, &[0x82, 0x7e, 0x01, 0x00]),
        (0xffff, &[0x82, 0x7e, 0xff, 0xff]),
        (0x1_0000, &[0x82, 0x7f, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00]),
    ];
    for (len, header) in table {
        let frame = Frame::new(Opcode::BINARY, &vec![0xab; len]);
        assert_eq!(frame.header().encode(), header);
        assert_eq!(frame.encode().len(), header.len() + len);
        assert_eq!(frame.facts(), []);
    }
}

#[test]
fn a_frame_can_lie_about_every_field() {
    let lie = Frame {
        fin: false,
        rsv: 0b101,
        opcode: Opcode(0xf),
        length_form: LengthForm::Extended64,
        length: u64::MAX,
        mask: Some([1, 2, 3, 4]),
        ..Frame::new(Opcode::TEXT, b"a")
    };
    let header = [0x5f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4];
    assert_eq!(lie.encode(), [&header[..], b"a"].concat());
    let mut scanner = FrameScanner::starting_at(7);
    scanner.push(&lie.encode());
    assert_eq!(scanner.next_frame(), None);
    assert_eq!(scanner.pending(), Some(FrameHeader { offset: 7, header_len: 14, ..lie.header() }));
    assert_eq!(scanner.pending_payload(), b"a");
}

#[test]
fn a_length_that_has_no_room_in_its_form_loses_its_high_bits() {
    let frame = |length_form, length| Frame { length_form, length, ..Frame::new(Opcode::TEXT, b"") };
    assert_eq!(frame(LengthForm::Short, 0x185).encode(), [0x81, 0x05]);
    assert_eq!(frame(LengthForm::Extended16, 0x1_0005).encode(), [0x81, 0x7e, 0x00, 0x05]);
}

#[test]
fn a_frame_is_pending_between_its_header_and_the_end_of_its_payload() {
    let mut scanner = FrameScanner::new();
    let sent = Frame::new(Opcode::TEXT, b"ab");
    let states: Vec<_> = sent
        .encode()
        .iter()
        .map(|byte| {
            scanner.push(&[*byte]);
            scanner.pending().is_some()
        })
        .collect();
    assert_eq!(states, [false, true, true, false]);
    assert_eq!(scanner.next_frame(), Some(sent));
    assert_eq!(scanner.finish(), None);
}

#[test]
fn each_fact_has_its_kind_and_place() {
    use FactKind as Kind;
    let text = Frame::new(Opcode::TEXT, b"a");
    let ping = Frame::new(Opcode::PING, b"");
    let table: [(Frame, Facts<FactKind>); 15] = [
        (text.clone(), &[]),
        (text.clone().masked([0; 4]), &[(1, 1, Kind::Masked)]),
        (Frame { rsv: 0b110, ..text.clone() }, &[(0, 1, Kind::ReservedBits(0b110))]),
        (Frame { opcode: Opcode(0x3), ..text.clone() }, &[(0, 1, Kind::ReservedOpcode)]),
        (Frame { opcode: Opcode(0xb), ..text.clone() }, &[(0, 1, Kind::ReservedOpcode)]),
        (Frame { length_form: LengthForm::Extended16, ..text.clone() }, &[(2, 2, Kind::NotMinimalLength)]),
        (Frame { length_form: LengthForm::Extended64, ..text.clone() }, &[(2, 8, Kind::NotMinimalLength)]),
        (
            Frame { length_form: LengthForm::Extended64, length: 1 << 63, ..text },
            &[(2, 8, Kind::TopBitOfLength)],
        ),
        (Frame { fin: false, ..ping.clone() }, &[(0, 1, Kind::FragmentedControl)]),
        (Frame::new(Opcode::PONG, &[b'a'; 125]), &[]),
        (Frame::new(Opcode::PONG, &[b'a'; 126]), &[(2, 2, Kind::OversizedControl)]),
        (Frame::new(Opcode::CLOSE, b"a"), &[(2, 1, Kind::OneByteClose)]),
        (Frame::close(1000, "schön".as_bytes()), &[]),
        (Frame::close(1000, b"a\xff!"), &[(5, 2, Kind::CloseReasonNotUtf8)]),
        (
            Frame::close(5000, b"").masked([0; 4]),
            &[(1, 1, Kind::Masked), (6, 2, Kind::CloseCodeOutOfRange(5000))],
        ),
    ];
    for (frame, expected) in table {
        let facts = as_in_tables(frame.placed_facts());
        assert_eq!(facts, expected, "{frame:?}");
        assert_eq!(frame.facts(), expected.iter().map(|fact| fact.2).collect::<Vec<_>>());
    }
}

#[test]
fn a_close_frame_has_a_code_and_a_reason_or_neither() {
    let close = Frame::close(1001, b"bye");
    for close in [close.clone(), close.masked([9, 8, 7, 6])] {
        assert_eq!(close.close_code(), Some(1001));
        assert_eq!(close.close_reason().as_deref(), Some(&b"bye"[..]));
    }
    for other in
        [Frame::new(Opcode::CLOSE, b""), Frame::new(Opcode::CLOSE, b"a"), Frame::new(Opcode::PING, b"abc")]
    {
        assert_eq!((other.close_code(), other.close_reason()), (None, None));
    }
}

#[test]
fn each_close_code_is_usable_or_has_one_fact() {
    use FactKind as Kind;
    for code in 0..=u16::MAX {
        let expected = match code {
            1000..=1003 | 1007..=1011 | 3000..=4999 => None,
            1005 | 1006 | 1015 => Some(Kind::CloseCodeNotForTheWire(code)),
            1004 | 1012..=2999 => Some(Kind::CloseCodeReserved(code)),
            0..=999 | 5000..=u16::MAX => Some(Kind::CloseCodeOutOfRange(code)),
        };
        let facts = Frame::close(code, b"").placed_facts();
        assert_eq!(as_in_tables(facts), Vec::from_iter(expected.map(|kind| (2, 2, kind))));
    }
}

#[test]
fn opcodes_have_names_unless_they_are_reserved() {
    let name = |code| Opcode(code).name();
    assert_eq!([0x0, 0x1, 0x2].map(name), [Some("continuation"), Some("text"), Some("binary")]);
    assert_eq!([0x8, 0x9, 0xa].map(name), [Some("close"), Some("ping"), Some("pong")]);
    assert!((0x3..=0x7).chain(0xb..=0xf).all(|code| Opcode(code).is_reserved() && name(code).is_none()));
    assert!((0x0..=0xf).all(|code| Opcode(code).is_control() == (code >= 0x8)));
}

#[test]
fn a_frame_of_16_mebibytes_in_small_pieces_takes_linear_time() {
    let sent = Frame::new(Opcode::BINARY, &vec![0xab; 1 << 24]);
    let bytes = sent.encode();
    let pieces: Vec<_> = bytes.chunks(1 << 16).collect();
    assert!(scan::<FrameScanner>(&pieces) == [Item::Frame(sent)]);
}

#[test]
fn many_frames_in_one_piece_take_linear_time() {
    let bytes = Frame::new(Opcode::TEXT, b"a").encode().repeat(1 << 18);
    assert_eq!(scan::<FrameScanner>(&[&bytes]).len(), 1 << 18);
}

#[test]
fn small_pieces_behind_a_large_backlog_take_linear_time() {
    let frame = Frame::new(Opcode::TEXT, b"a").encode();
    let mut scanner = FrameScanner::new();
    scanner.push(&frame.repeat(1 << 20));
    for _ in 0..1 << 17 {
        assert!(scanner.next_frame().is_some());
        scanner.push(&frame);
    }
    assert_eq!(scanner.buffered(), frame.len() << 20);
}
