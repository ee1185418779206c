//! Frames of clients, in one piece and byte by byte.

use super::*;

/// Scans in one piece and byte by byte, which have to agree on what is wrong.
fn scan(bytes: &[u8]) -> Option<FrameError> {
    let whole = Scanner::default().scan(&mut bytes.to_vec()).err().map(|(_, error)| error);
    let mut scanner = Scanner::default();
    let pieces = bytes.iter().find_map(|byte| scanner.scan(&mut [*byte]).err()).map(|(_, error)| error);
    assert_eq!(whole, pieces);
    whole
}

#[test]
fn sound_frames_pass() {
    assert_eq!(scan(b"\x81\x85\0\0\0\0Hello\x89\x80mask\x01\x80mask\x80\x81\0\0\0\0x\x88\x82maskab"), None);
    assert_eq!(scan(&[&b"\x82\xfe\x00\x7emask"[..], &[0; 126], b"\x82\x80mask"].concat()), None);
    assert_eq!(scan(b"\x82\xff\0\0\0\0\0\x01\0\0mask"), None);
    // A binary message and a control frame within a text are not text.
    assert_eq!(
        scan(b"\x82\x81\0\0\0\0\xff\x01\x81\0\0\0\0\xc3\x89\x81\0\0\0\0\xff\x80\x81\0\0\0\0\xa9"),
        None
    );
}

#[test]
fn text_is_unmasked_before_it_is_judged() {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let text = "é\u{10ffff} and more";
    let masked: Vec<u8> = text.bytes().zip(key.iter().cycle()).map(|(a, b)| a ^ b).collect();
    let length = 0x80 | u8::try_from(text.len()).expect("short");
    assert_eq!(scan(&[&[0x81, length][..], &key, &masked].concat()), None);
}

#[test]
fn each_fault_is_found_as_soon_as_its_byte_is_there() {
    for (bytes, error) in [
        (&b"\xc1"[..], FrameError::Reserved),
        (b"\xa1", FrameError::Reserved),
        (b"\x91", FrameError::Reserved),
        (b"\x83", FrameError::Opcode),
        (b"\x8b", FrameError::Opcode),
        (b"\x8f", FrameError::Opcode),
        (b"\x09", FrameError::FragmentedControl),
        (b"\x80", FrameError::Continuation),
        (b"\x00", FrameError::Continuation),
        (b"\x01\x80\0\0\0\0\x81", FrameError::Interruption),
        (b"\x02\x80\0\0\0\0\x02", FrameError::Interruption),
        (b"\x81\x05", FrameError::Unmasked),
        (b"\x89\xfe", FrameError::LongControl),
        (b"\x88\xff", FrameError::LongControl),
        (b"\x81\xfe\x00\x7d", FrameError::Length),
        (b"\x81\xff\0\0\0\0\0\0\xff\xff", FrameError::Length),
        (b"\x81\xff\x80\0\0\0\0\x01\0\0", FrameError::LengthOf64Bits),
        (b"\x81\x85\0\0\0\0a\xff", FrameError::Text),
        (b"\x81\x85\0\0\0\0\xed\xa0", FrameError::Text),
        (b"\x81\x81\0\0\0\0\xc3", FrameError::Text),
        (b"\x01\x81\0\0\0\0\xc3\x80\x80\0\0\0\0", FrameError::Text),
    ] {
        assert_eq!(scan(bytes), Some(error), "{bytes:x?}");
        assert_eq!(scan(&bytes[..bytes.len() - 1]), None, "{bytes:x?}");
        assert_eq!(scan(&[b"\x81\x82\0\0\0\0ab", bytes].concat()), Some(error), "{bytes:x?}");
    }
}

#[test]
fn compressed_messages_go_on_as_binary_ones_and_are_noted() {
    let sent = b"\xc1\x81\0\0\0\0\xff\x42\x80mask\x89\x80mask\x80\x80mask\x81\x80mask\x01\x80mask\x80\x80mask\xc2\x80mask";
    let passed = b"\x82\x81\0\0\0\0\xff\x02\x80mask\x89\x80mask\x80\x80mask\x81\x80mask\x01\x80mask\x80\x80mask\x82\x80mask";
    let (mut whole, mut pieces) = (sent.to_vec(), sent.to_vec());
    let (mut scanner, mut other) = (Scanner::new(true), Scanner::new(true));
    assert_eq!(scanner.scan(&mut whole), Ok(()));
    pieces.chunks_mut(1).for_each(|byte| assert_eq!(other.scan(byte), Ok(())));
    assert_eq!((whole, pieces), (passed.to_vec(), passed.to_vec()));
    for coding in [Coding::Text, Coding::Binary, Coding::Plain, Coding::Plain, Coding::Binary] {
        assert_eq!((scanner.next_coding(), other.next_coding()), (coding, coding));
    }
}

#[test]
fn rsv1_stands_only_where_a_compressed_message_begins() {
    for (bytes, error) in [
        (&b"\xc0"[..], FrameError::Reserved),
        (b"\xc8", FrameError::Reserved),
        (b"\xc9", FrameError::Reserved),
        (b"\xca", FrameError::Reserved),
        (b"\xc3", FrameError::Reserved),
        (b"\xe1", FrameError::Reserved),
        (b"\xd2", FrameError::Reserved),
        (b"\x41\x80mask\xc0", FrameError::Reserved),
        (b"\x41\x80mask\x40", FrameError::Reserved),
        (b"\x01\x80mask\x40", FrameError::Reserved),
        (b"\x41\x80mask\xc1", FrameError::Interruption),
        (b"\x41\x80mask\x81", FrameError::Interruption),
        (b"\xc1\x05", FrameError::Unmasked),
        (b"\xc1\x80mask\x81\x81\0\0\0\0\xff", FrameError::Text),
    ] {
        let found = Scanner::new(true).scan(&mut bytes.to_vec()).map_err(|(_, error)| error);
        assert_eq!(found, Err(error), "{bytes:x?}");
        assert_eq!(Scanner::new(true).scan(&mut bytes[..bytes.len() - 1].to_vec()), Ok(()), "{bytes:x?}");
    }
}

#[test]
fn what_stands_before_the_bad_frame_is_counted() {
    let unmasked = b"\x82\x82maskab\x81\x05";
    assert_eq!(Scanner::default().scan(&mut unmasked.to_vec()), Err((8, FrameError::Unmasked)));
    let mut scanner = Scanner::default();
    assert_eq!(scanner.scan(&mut unmasked[..9].to_vec()), Ok(()));
    assert_eq!(scanner.scan(&mut [0x05]), Err((0, FrameError::Unmasked)));
}

#[test]
fn the_code_1014_becomes_1000_and_nothing_else_changes() {
    let close = |code: u16| {
        let [high, low] = code.to_be_bytes();
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let payload = [high, low, 0x03, 0xf6].into_iter().zip(key).map(|(byte, key)| byte ^ key);
        let frames = [&b"\x82\x82\0\0\0\0\x03\xf6\x88\x84"[..], &key].concat();
        frames.into_iter().chain(payload).collect::<Vec<u8>>()
    };
    for (code, passed) in [(1014, 1000), (1013, 1013), (1015, 1015), (1000, 1000), (0x04f6, 0x04f6)] {
        let mut whole = close(code);
        assert_eq!(Scanner::default().scan(&mut whole), Ok(()));
        assert_eq!(whole, close(passed), "{code}");
        let mut scanner = Scanner::default();
        let mut bytes = close(code);
        bytes.chunks_mut(1).for_each(|byte| assert_eq!(scanner.scan(byte), Ok(())));
        assert_eq!(bytes, close(passed), "{code} byte by byte");
    }
    // A frame without a code, or with half of one.
    assert_eq!(scan(b"\x88\x80mask\x88\x81\0\0\0\0\x03"), None);
}

#[test]
fn each_byte_makes_so_much_work_however_many_there_are() {
    let work = |beginning: &[u8], unit: &[u8], count: usize| {
        let mut scanner = Scanner::default();
        for byte in [beginning, &unit.repeat(count / unit.len())].concat() {
            assert_eq!(scanner.scan(&mut [byte]), Ok(()), "{beginning:x?} {unit:x?}");
        }
        scanner.work
    };
    let endless: &[u8] = b"\x81\xff\0\0\0\0\x7f\xff\xff\xff\0\0\0\0";
    let binary = [b"\x82", &endless[1..]].concat();
    for (beginning, unit) in [
        (endless, &b"a"[..]),
        (endless, "é".as_bytes()),
        (endless, "\u{10ffff}".as_bytes()),
        (&binary, b"\xff"),
        (b"", b"\x81\x80\0\0\0\0"),
        (b"", b"\x81\x81\0\0\0\0a"),
        (b"", b"\x89\x80\0\0\0\0"),
        (b"", b"\x88\x82\0\0\0\0\x03\xe8"),
        (b"\x01\x80\0\0\0\0", b"\0\x81\0\0\0\0a"),
        (b"\x02\x80\0\0\0\0", b"\0\x80\0\0\0\0"),
    ] {
        let (once, twice) = (work(beginning, unit, 20_000), work(beginning, unit, 40_000));
        assert!(once <= 8 * (20_000 + beginning.len() as u64), "{unit:x?}: {once}");
        assert!(twice <= 2 * once + 8, "{unit:x?}: {once}, then {twice}");
    }
}
