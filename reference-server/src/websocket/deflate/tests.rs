//! Messages through both directions, and what clients can do wrong.

mod blocks;

use flate2::{Compress, Compression, FlushCompress};

use super::{
    super::extensions::{Offer, Parameter},
    *,
};

const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

/// The size of what a message may inflate to.
const LARGEST: usize = 1 << 20;

fn memory() -> Memory {
    Memory::new(64 << 20)
}

/// Both directions, with parameters that are written as in an offer.
fn deflate(parameters: &[(&str, Option<u8>)]) -> Deflate {
    let parameters = parameters.iter().map(|(name, value)| Parameter {
        name: (*name).to_owned(),
        value: value.map(|value| value.to_string()),
    });
    let offer = Offer { name: "permessage-deflate".to_owned(), parameters: parameters.collect() };
    Deflate::new(Agreement::on(&[offer]).expect("acceptable"), LARGEST, &memory())
}

async fn inflate(inflater: &mut Inflater, payload: &[u8]) -> Result<Vec<u8>, InflateError> {
    inflater.inflate(payload, &mut memory().nothing()).await
}

async fn compressed(deflater: &mut Deflater, message: &[u8]) -> Vec<u8> {
    deflater.deflate(message).await.expect("the library compresses")
}

/// Bytes in which nothing repeats.
fn noise(length: usize, mut seed: u32) -> Vec<u8> {
    let next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// Messages with references at all distances, within one and into those before.
fn messages() -> Vec<Vec<u8>> {
    let mut messages = vec![b"".to_vec(), b"Hello".to_vec(), b"Hello".to_vec(), b"".to_vec()];
    for period in [1, 100, 249, 250, 251, 255, 256, 257, 300, 511, 512, 600, 5_000, 32_000, 32_768, 40_000] {
        let unit = noise(period, 7);
        messages.push(unit.repeat(3));
        messages.push(unit);
    }
    messages.push(noise(200_000, 1));
    messages.push(b"all work and no play ".repeat(20_000));
    messages.push(vec![0; LARGEST]);
    messages
}

#[tokio::test]
async fn messages_of_every_window_come_back_and_refer_within_it() {
    for bits in 8..=15 {
        for takeover in [true, false] {
            let mut server = vec![("server_max_window_bits", Some(bits))];
            let mut client = vec![("client_max_window_bits", Some(bits))];
            if !takeover {
                server.push(("server_no_context_takeover", None));
                client.push(("client_no_context_takeover", None));
            }
            let (mut deflater, mut inflater) = (deflate(&server).deflater, deflate(&client).inflater);
            for message in messages() {
                let payload = compressed(&mut deflater, &message).await;
                assert!(inflate(&mut inflater, &payload).await.as_ref() == Ok(&message), "{bits} bits");
                let blocks = blocks::read(&[&payload[..], &TAIL].concat());
                assert_eq!(blocks.length, message.len());
                assert!(blocks.furthest <= 1 << bits, "{bits} bits: {blocks:?}");
                assert!(bits > 8 || blocks.furthest <= 250, "{blocks:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_window_is_taken_over_unless_that_was_excluded() {
    let unit = noise(200, 3);
    for bits in [8, 9, 15] {
        let mut taken = deflate(&[("server_max_window_bits", Some(bits))]).deflater;
        let first = compressed(&mut taken, &unit).await;
        let second = compressed(&mut taken, &unit).await;
        assert!(first.len() > 200 && second.len() < 50, "{bits} bits: {}, {}", first.len(), second.len());
        let parameters = [("server_max_window_bits", Some(bits)), ("server_no_context_takeover", None)];
        let mut fresh = deflate(&parameters).deflater;
        for _ in 0..3 {
            assert_eq!(compressed(&mut fresh, &unit).await, first);
        }
    }
}

#[tokio::test]
async fn an_empty_message_is_one_octet() {
    let mut deflater = deflate(&[]).deflater;
    assert_eq!(compressed(&mut deflater, b"").await, [0]);
    compressed(&mut deflater, b"Hello").await;
    assert_eq!(compressed(&mut deflater, b"").await, [0]);
}

#[tokio::test]
async fn the_examples_of_the_specification_are_inflated() {
    let mut inflater = deflate(&[]).inflater;
    for payload in [
        &HELLO[..],
        b"\xf2\x00\x11\x00\x00",
        b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
        b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
        b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
        // Behind a block with BFINAL the window is still that of the messages before.
        b"\xf2\x00\x11\x00\x00",
    ] {
        assert_eq!(inflate(&mut inflater, payload).await.as_deref(), Ok(&b"Hello"[..]), "{payload:x?}");
    }
    assert_eq!(inflate(&mut inflater, &[0]).await.as_deref(), Ok(&b""[..]));
}

#[tokio::test]
async fn a_context_that_is_not_taken_over_cannot_be_referred_to() {
    let mut inflater = deflate(&[("client_no_context_takeover", None)]).inflater;
    assert_eq!(inflate(&mut inflater, &HELLO).await.as_deref(), Ok(&b"Hello"[..]));
    assert_eq!(inflate(&mut inflater, b"\xf2\x00\x11\x00\x00").await, Err(InflateError::Broken));
    // Nor one that is further back than the window that was agreed.
    let mut inflater = deflate(&[("client_max_window_bits", Some(8))]).inflater;
    let mut taken = deflate(&[]).deflater;
    let unit = noise(200, 3);
    for message in [&unit, &noise(256, 4)] {
        let payload = compressed(&mut taken, message).await;
        assert_eq!(inflate(&mut inflater, &payload).await.as_ref(), Ok(message));
    }
    let payload = compressed(&mut taken, &unit).await;
    assert_eq!(inflate(&mut inflater, &payload).await, Err(InflateError::Broken));
}

/// Blocks that refer into what was before them, of which the last one has BFINAL or the tail is missing.
fn blocks_of(message: &[u8], before: &[u8], last: bool) -> Vec<u8> {
    let mut stream = Compress::new(Compression::default(), false);
    if !before.is_empty() {
        stream.set_dictionary(before).expect("it is raw");
    }
    let mut output = Vec::with_capacity(message.len() + 1000);
    let flush = if last { FlushCompress::Finish } else { FlushCompress::Sync };
    stream.compress_vec(message, &mut output, flush).expect("it compresses");
    if !last {
        output.truncate(output.len() - TAIL.len());
    }
    output
}

#[tokio::test]
async fn blocks_with_bfinal_end_neither_the_message_nor_its_window() {
    let (first, second) = (noise(20_000, 5), noise(20_000, 6));
    let mut inflater = deflate(&[]).inflater;
    // The second part of the message is the first, and the next message is both.
    let payload = [blocks_of(&first, b"", true), blocks_of(&first, &first, false)].concat();
    assert!(payload.len() < 25_000);
    assert!(inflate(&mut inflater, &payload).await == Ok(first.repeat(2)));
    let mut before = first.repeat(2);
    for message in [&second, &first] {
        let payload = [blocks_of(message, &before, true), vec![0]].concat();
        assert!(inflate(&mut inflater, &payload).await.as_ref() == Ok(message));
        before.extend(message);
    }
    // Within a message there is a window also where none is taken over.
    let mut fresh = deflate(&[("client_no_context_takeover", None)]).inflater;
    let payload = [blocks_of(&first, b"", true), blocks_of(&first, &first, true), vec![0]].concat();
    assert!(inflate(&mut fresh, &payload).await == Ok(first.repeat(2)));
    // Blocks of nothing, each with BFINAL.
    let payload = [&b"\x03\x00".repeat(1000)[..], &HELLO].concat();
    assert_eq!(inflate(&mut fresh, &payload).await.as_deref(), Ok(&b"Hello"[..]));
}

#[tokio::test]
async fn broken_data_is_found() {
    for payload in [
        &b""[..],
        b"\x07",
        b"\xff\xff\xff",
        b"\x00\x05\x00\x00\x00Hello\x00",
        b"\x00\x05\x00\xfa\xff",
        b"\x00\x05\x00\xfa\xffHe",
        b"\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff",
        b"\xf3\x48\xcd\xc9\xc9\x07\x00",
        b"\xf3\x48\xcd\xc9\xc9\x07\x00\x07",
        b"\x02\x13\x00",
        b"\x04\x00\x00",
    ] {
        let mut inflater = deflate(&[]).inflater;
        assert_eq!(inflate(&mut inflater, payload).await, Err(InflateError::Broken), "{payload:x?}");
    }
    let text =
        b"all work and no play makes a dull message, and no work and all play makes a mere toy".repeat(5);
    let payload = compressed(&mut deflate(&[]).deflater, &text).await;
    for length in 0..payload.len() {
        let mut inflater = deflate(&[]).inflater;
        let cut = inflate(&mut inflater, &payload[..length]).await;
        assert_eq!(cut, Err(InflateError::Broken), "{length} of {payload:x?}");
    }
}

#[tokio::test]
async fn a_bomb_is_inflated_to_the_limit_and_no_further() {
    let mut deflater = deflate(&[]).deflater;
    let just = compressed(&mut deflater, &vec![0; LARGEST]).await;
    let over = compressed(&mut deflate(&[]).deflater, &vec![0; LARGEST + 1]).await;
    let bomb = compressed(&mut deflate(&[]).deflater, &vec![0; 256 << 20]).await;
    assert!(bomb.len() < LARGEST);
    let mut inflater = deflate(&[]).inflater;
    assert_eq!(inflate(&mut inflater, &just).await.map(|message| message.len()), Ok(LARGEST));
    for payload in [over, bomb] {
        let (memory, mut inflater) = (Memory::new(3 * LARGEST), deflate(&[]).inflater);
        let mut held = memory.nothing();
        assert_eq!(inflater.inflate(&payload, &mut held).await, Err(InflateError::TooBig));
    }
}

#[tokio::test]
async fn what_there_is_no_room_for_is_not_inflated() {
    let payload = compressed(&mut deflate(&[]).deflater, &vec![0; LARGEST]).await;
    let memory = Memory::new(LARGEST);
    let mut inflater = deflate(&[]).inflater;
    let mut held = memory.nothing();
    assert_eq!(inflater.inflate(&payload, &mut held).await, Err(InflateError::NoRoom));
    drop(held);
    assert!(memory.hold(LARGEST).is_some());
    // The window is a part of it.
    let mut inflater = Inflater::new(History::new(LARGEST_WINDOW, Memory::new(4).nothing()), LARGEST);
    assert_eq!(inflate(&mut inflater, &HELLO).await, Err(InflateError::NoRoom));
}

#[tokio::test]
async fn without_room_for_its_window_a_message_is_compressed_alone() {
    let history = History::new(LARGEST_WINDOW, Memory::new(4).nothing());
    let mut deflater = Deflater::new(agreement::WindowBits::default(), history);
    let first = compressed(&mut deflater, b"Hello").await;
    assert_eq!(compressed(&mut deflater, b"Hello").await, first);
    let mut inflater = deflate(&[("client_no_context_takeover", None)]).inflater;
    assert_eq!(inflate(&mut inflater, &first).await.as_deref(), Ok(&b"Hello"[..]));
}
