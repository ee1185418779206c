use proptest::prelude::*;
use pushspec_wire::utf8::{NotUtf8, Utf8Validator};

use crate::promises::{bytes, config, sequence_of};

/// What the standard library says about all beginnings of the text.
fn expected(text: &[u8]) -> Result<(), NotUtf8> {
    let invalid = |end: &usize| str::from_utf8(&text[..*end]).is_err_and(|error| error.error_len().is_some());
    if let Some(end) = (1..=text.len()).find(invalid) {
        return Err(NotUtf8::InvalidByte { offset: end - 1 });
    }
    str::from_utf8(text).map_err(|error| NotUtf8::Incomplete { offset: error.valid_up_to() }).map(|_| ())
}

fn validate(pieces: &[&[u8]]) -> Result<(), NotUtf8> {
    let mut validator = Utf8Validator::new();
    for piece in pieces {
        if let Err(invalid) = validator.push(piece) {
            assert_eq!(validator.finish(), Err(invalid), "the first error stays");
            return Err(invalid);
        }
    }
    validator.finish()
}

fn assert_as_expected(text: &[u8]) {
    let expected = expected(text);
    assert_eq!(validate(&[text]), expected);
    for cut in 0..=text.len() {
        let (first, second) = text.split_at(cut);
        assert_eq!(validate(&[first, second]), expected, "cut at {cut}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_are_judged_as_by_the_standard_library(text in bytes()) {
        assert_as_expected(&text);
    }

    #[test]
    fn text_with_stray_bytes_is_judged_as_by_the_standard_library(
        text in sequence_of(&["a", "\u{7f}", "\u{80}", "\u{7ff}", "\u{800}", "\u{d7ff}", "\u{ffff}", "\u{10000}",
            "\u{10ffff}", "κόσμε"]),
    ) {
        assert_as_expected(&text);
    }
}

#[test]
fn each_pair_of_bytes_is_judged_as_by_the_standard_library() {
    for first in 0..=u8::MAX {
        for second in 0..=u8::MAX {
            let text = [first, second];
            assert_eq!(validate(&[&text]), expected(&text), "{text:02x?}");
            let text = [0xf0, 0x90, first, second];
            assert_eq!(validate(&[&text]), expected(&text), "{text:02x?}");
        }
    }
}

#[test]
fn a_byte_that_cannot_be_part_of_a_sequence_is_reported_at_once() {
    let table: [(&[u8], usize); 7] = [
        (b"\x80", 0),
        (b"a\xc0", 1),
        (b"\xe0\x80", 1),
        (b"\xed\xa0", 1),
        (b"\xf4\x90", 1),
        (b"\xf5", 0),
        (b"\xe2\x82a", 2),
    ];
    for (text, offset) in table {
        let invalid = Err(NotUtf8::InvalidByte { offset });
        assert_eq!(Utf8Validator::new().push(text), invalid, "{text:02x?}");
    }
}

#[test]
fn a_text_that_ends_within_a_sequence_is_incomplete_where_the_sequence_begins() {
    assert_eq!(validate(&[b"ab\xf0", b"\x9f\x98"]), Err(NotUtf8::Incomplete { offset: 2 }));
}
