use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params,
};
use proptest::prelude::*;
use pushspec_wire::deflate::{Inflater, LARGEST_WINDOW, Limits, NotDeflate, TAIL};

/// Bytes as another library compresses them: at a level, by a strategy, with this end.
fn deflated(compressor: &mut CompressorOxide, bytes: &[u8], flush: TDEFLFlush) -> Vec<u8> {
    let mut out = Vec::new();
    compress_to_output(compressor, bytes, flush, |bytes| {
        out.extend_from_slice(bytes);
        true
    });
    out
}

fn compressor(level: i32, strategy: i32) -> CompressorOxide {
    CompressorOxide::new(create_comp_flags_from_zip_params(level, -15, strategy))
}

fn hello() -> Vec<u8> {
    [&b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..], &TAIL].concat()
}

#[test]
fn the_examples_of_the_specification_are_read() {
    let mut inflater = Inflater::new(LARGEST_WINDOW);
    let fixed = inflater.inflate(&hello(), Limits::of_bytes(5)).expect("section 7.2.3.1");
    assert_eq!((fixed.data.as_slice(), fixed.blocks, fixed.farthest), (&b"Hello"[..], [1, 1, 0], 0));
    let again = inflater
        .inflate(&[&b"\xf2\x00\x11\x00\x00"[..], &TAIL].concat(), Limits::of_bytes(5))
        .expect("section 7.2.3.2");
    assert_eq!((again.data.as_slice(), again.farthest), (&b"Hello"[..], 5));
    let stored = b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00";
    let stored =
        inflater.inflate(&[&stored[..], &TAIL].concat(), Limits::of_bytes(5)).expect("section 7.2.3.3");
    assert_eq!((stored.data.as_slice(), stored.blocks), (&b"Hello"[..], [2, 0, 0]));
    let last = b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
    let last = inflater.inflate(&[&last[..], &TAIL].concat(), Limits::of_bytes(5)).expect("section 7.2.3.4");
    assert!(last.is_final && !last.has_padding_set);
    let two = b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00";
    let two = inflater.inflate(&[&two[..], &TAIL].concat(), Limits::of_bytes(5)).expect("section 7.2.3.5");
    assert_eq!((two.data.as_slice(), two.blocks), (&b"Hello"[..], [2, 2, 0]));
    assert_eq!(
        inflater.inflate(&[&[0][..], &TAIL].concat(), Limits::of_bytes(0)).expect("section 7.2.3.6").data,
        b""
    );
}

#[test]
fn what_is_no_deflate_is_told() {
    let tail = |bytes: &[u8]| [bytes, &TAIL].concat();
    for (bytes, why) in [
        (tail(b""), NotDeflate::Incomplete),
        (b"\xf2\x48".to_vec(), NotDeflate::Incomplete),
        (b"\x00\x05\x00\xfa\xff\x48".to_vec(), NotDeflate::Incomplete),
        (tail(b"\x06\x00"), NotDeflate::ReservedType),
        (tail(b"\x00\x05\x00\xfa\xfe\x48"), NotDeflate::StoredLength),
        (tail(b"\xf2\x00\x11\x00\x00"), NotDeflate::BeforeTheStart { distance: 5, available: 1 }),
        (tail(b"\xfc\xff\xff\xff\xff"), NotDeflate::NoCode),
    ] {
        assert_eq!(
            Inflater::new(LARGEST_WINDOW).inflate(&bytes, Limits::of_bytes(100)).map_err(|broken| broken.why),
            Err(why),
            "{bytes:x?}"
        );
    }
}

#[test]
fn a_reference_goes_no_further_back_than_the_window() {
    for bits in 8..=15_u32 {
        let window = 1_usize << bits;
        // No three bytes stand twice in it, but the first ones once more a window later.
        let counted: Vec<u8> = (0_u32..)
            .flat_map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes())
            .take(window)
            .collect();
        for (gap, distance) in [(0, window), (1, window + 1)] {
            let text = [&counted[..], &vec![0xaa; gap], &counted[..]].concat();
            let bytes = deflated(&mut compressor(9, 0), &text, TDEFLFlush::Sync);
            let result = Inflater::new(window)
                .inflate(&bytes, Limits::of_bytes(usize::MAX))
                .map_err(|broken| broken.why);
            if distance >= LARGEST_WINDOW {
                // The library does not refer so far back.
                assert_eq!(result.expect("no reference").data, text);
            } else if distance > window {
                assert_eq!(result, Err(NotDeflate::BeyondTheWindow { distance, window }));
            } else {
                let inflated = result.expect("a reference of a window");
                assert_eq!((inflated.data, inflated.farthest), (text, distance));
            }
        }
    }
}

#[test]
fn no_more_is_inflated_than_there_is_room_for() {
    let zeros = deflated(&mut compressor(9, 0), &vec![0; 1 << 20], TDEFLFlush::Sync);
    assert!(zeros.len() < 2048);
    let room = NotDeflate::TooLong { room: (1 << 20) - 1 };
    let broken =
        Inflater::new(LARGEST_WINDOW).inflate(&zeros, Limits::of_bytes((1 << 20) - 1)).expect_err("no room");
    assert!(broken.why == room && broken.data.len() < 1 << 20);
    assert!(Inflater::new(LARGEST_WINDOW).inflate(&zeros, Limits::of_bytes(1 << 20)).is_ok());
}

#[test]
fn no_more_blocks_are_read_than_are_wanted() {
    let empty = [0x00, 0x00, 0x00, 0xff, 0xff].repeat(100);
    let read = |blocks| Inflater::new(LARGEST_WINDOW).inflate(&empty, Limits { bytes: 0, blocks });
    assert_eq!(read(100).map(|inflated| inflated.blocks), Ok([100, 0, 0]));
    assert_eq!(read(99).map_err(|broken| broken.why), Err(NotDeflate::TooManyBlocks { most: 99 }));
}

#[test]
fn a_forgotten_message_is_not_referred_to() {
    let mut inflater = Inflater::new(LARGEST_WINDOW);
    inflater.inflate(&hello(), Limits::of_bytes(5)).expect("a message");
    inflater.forget();
    let again = [&b"\xf2\x00\x11\x00\x00"[..], &TAIL].concat();
    let before = NotDeflate::BeforeTheStart { distance: 5, available: 1 };
    let broken = inflater.inflate(&again, Limits::of_bytes(5)).expect_err("a reference to nothing");
    assert_eq!((broken.why, broken.data.as_slice()), (before, &b"H"[..]));
}

#[test]
fn padding_behind_a_last_block_is_looked_at() {
    // A last block with the fixed code that ends at once takes ten bits; six are padding.
    for (padding, set) in [(0x00, false), (0x04, true), (0x80, true)] {
        let bytes = [&[0x03, padding, 0x00][..], &TAIL].concat();
        let inflated =
            Inflater::new(LARGEST_WINDOW).inflate(&bytes, Limits::of_bytes(0)).expect("an empty message");
        assert_eq!((inflated.is_final, inflated.has_padding_set), (true, set), "{padding:x}");
    }
}

fn texts() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let random = prop::collection::vec(any::<u8>(), 0..3000);
    let repeated = (prop::collection::vec(any::<u8>(), 1..9), 0..2000_usize)
        .prop_map(|(unit, times)| unit.repeat(times));
    prop::collection::vec(prop_oneof![random, repeated], 1..6)
}

proptest! {
    #[test]
    fn what_another_library_compresses_is_read(texts in texts(), level in 0..10, strategy in 0..5, blocks in 1..500_usize) {
        let mut compressor = compressor(level, strategy);
        let mut inflater = Inflater::new(LARGEST_WINDOW);
        for text in texts {
            let mut bytes = Vec::new();
            for piece in text.chunks(blocks) {
                bytes.extend(deflated(&mut compressor, piece, TDEFLFlush::Sync));
            }
            let inflated = inflater.inflate(&bytes, Limits::of_bytes(text.len())).expect("compressed data");
            prop_assert_eq!(inflated.data, text);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), begin in prop::sample::select(vec![0_u8, 2, 4])) {
        let mut inflater = Inflater::new(LARGEST_WINDOW);
        let _ = inflater.inflate(&bytes, Limits::of_bytes(4096));
        // Most bytes begin with a block that is none.
        let begun: Vec<u8> = [begin | bytes.first().copied().unwrap_or_default() & 0xf8].into_iter().chain(bytes).collect();
        let _ = inflater.inflate(&begun, Limits::of_bytes(4096));
    }
}
