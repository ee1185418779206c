//! How the suite compresses what a case says: as was agreed on, or just not so (RFC 7692 section 7.2.1).

use std::collections::BTreeMap;

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params,
};
use pushspec_wire::deflate::{LARGEST_WINDOW, TAIL};

use crate::case::statement::{ConnectionName, DeflateWord};
use crate::extension::Compressor;

/// How large the blocks of `blocks` are, in bytes of the text.
const BLOCK: usize = 16;

/// The level, and the strategies, as zlib numbers them.
const LEVEL: i32 = 9;
const LITERALS: i32 = 2;
const FIXED: i32 = 4;

/// Data of DEFLATE without a header, as zlib numbers it.
const RAW: i32 = -15;

/// The compressors of the connections of a case.
#[derive(Debug, Default)]
pub(crate) struct Compression {
    /// Every message of the case is compressed, whatever it says of that.
    is_everywhere: bool,
    connections: BTreeMap<ConnectionName, Said>,
}

/// What was said on a connection.
#[derive(Debug, Default)]
struct Said {
    /// The end of it: a window at most.
    before: Vec<u8>,
    /// How much of that the message under way may refer to.
    reach: usize,
    /// Whether a message is under way that is compressed.
    is_begun: bool,
}

/// A payload that was compressed.
pub(crate) struct Compressed {
    pub(crate) payload: Vec<u8>,
    /// Whether the frame has RSV1.
    pub(crate) is_marked: bool,
}

/// The part of a message that a frame carries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) is_first: bool,
    pub(crate) is_last: bool,
}

impl Compression {
    /// `is_everywhere` says whether every message is compressed that a case does not say otherwise of.
    pub(crate) fn new(is_everywhere: bool) -> Compression {
        Compression { is_everywhere, connections: BTreeMap::new() }
    }

    /// Whether a part of a message is compressed that says nothing of it.
    pub(crate) fn is_meant(&self, on: &ConnectionName, is_first: bool, continues: bool) -> bool {
        let is_begun = self.connections.get(on).is_some_and(|said| said.is_begun);
        self.is_everywhere && (is_first || (continues && is_begun))
    }

    /// Compresses a part of a message, as was agreed on and as the words say.
    pub(crate) fn compress(
        &mut self,
        on: &ConnectionName,
        agreed: Compressor,
        words: &[DeflateWord],
        text: &[u8],
        part: Part,
    ) -> Compressed {
        let has = |word: DeflateWord| words.contains(&word);
        let said = self.connections.entry(on.clone()).or_default();
        if part.is_first {
            let takes_over = (agreed.takeover || has(DeflateWord::Taken)) && !has(DeflateWord::Fresh);
            said.reach = if takes_over { said.before.len() } else { 0 };
        }
        said.is_begun = !part.is_last;
        let window = if has(DeflateWord::Wide) { LARGEST_WINDOW } else { agreed.window() };
        let known = &said.before[said.before.len() - said.reach..];
        let mut payload = deflated(words, window, known, text);
        said.note(text);
        if part.is_last && !has(DeflateWord::Untrimmed) {
            // Behind a block with BFINAL comes an empty one, of which the first octet is left.
            match payload.strip_suffix(&TAIL) {
                Some(trimmed) => payload = trimmed.to_vec(),
                None => payload.push(0),
            }
        }
        if has(DeflateWord::Cut) {
            payload.truncate(payload.len() / 2);
        }
        Compressed { payload, is_marked: part.is_first && !has(DeflateWord::Unmarked) }
    }
}

impl Said {
    fn note(&mut self, text: &[u8]) {
        self.before.extend_from_slice(text);
        let beyond = self.before.len().saturating_sub(LARGEST_WINDOW);
        self.before.drain(..beyond);
        self.reach = (self.reach + text.len()).min(self.before.len());
    }
}

/// A text in blocks that end at a byte, behind what may be referred to.
fn deflated(words: &[DeflateWord], window: usize, known: &[u8], text: &[u8]) -> Vec<u8> {
    let has = |word: DeflateWord| words.contains(&word);
    let level = if has(DeflateWord::Stored) { 0 } else { LEVEL };
    let strategy = match () {
        () if has(DeflateWord::Literals) => LITERALS,
        () if has(DeflateWord::Fixed) => FIXED,
        () => 0,
    };
    let mut compressor = CompressorOxide::new(create_comp_flags_from_zip_params(level, RAW, strategy));
    let size = if has(DeflateWord::Blocks) { BLOCK } else { window };
    // The compressor knows one window alone, the largest. It forgets what it has seen before more than a smaller one has
    // gone by.
    let known =
        if window < LARGEST_WINDOW { &known[known.len().saturating_sub(window / 2)..] } else { known };
    let mut seen = known.len();
    drop(pressed(&mut compressor, known, TDEFLFlush::Sync));
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(size.min(window - seen % window).min(rest.len()));
        rest = behind;
        seen += piece.len();
        let is_full = window < LARGEST_WINDOW && seen % window == 0;
        let flush = match () {
            () if rest.is_empty() && has(DeflateWord::Final) => TDEFLFlush::Finish,
            () if is_full => TDEFLFlush::Full,
            () if has(DeflateWord::Blocks) || rest.is_empty() => TDEFLFlush::Sync,
            () => TDEFLFlush::None,
        };
        out.extend(pressed(&mut compressor, piece, flush));
    }
    if text.is_empty() {
        let flush = if has(DeflateWord::Final) { TDEFLFlush::Finish } else { TDEFLFlush::Sync };
        out = pressed(&mut compressor, b"", flush);
        // A compressor that has just flushed may have nothing to say: an empty stored block then.
        if out.is_empty() {
            out = [&[0][..], &TAIL].concat();
        }
    }
    out
}

fn pressed(compressor: &mut CompressorOxide, bytes: &[u8], flush: TDEFLFlush) -> Vec<u8> {
    let mut out = Vec::new();
    compress_to_output(compressor, bytes, flush, |bytes| {
        out.extend_from_slice(bytes);
        true
    });
    out
}

#[cfg(test)]
mod tests {
    use pushspec_wire::deflate::{Inflated, Inflater, Limits};
    use rstest::rstest;

    use super::*;

    const WHOLE: Part = Part { is_first: true, is_last: true };

    fn agreed(bits: u8, takeover: bool) -> Compressor {
        Compressor { takeover, bits }
    }

    fn inflated(inflater: &mut Inflater, payload: &[u8]) -> Inflated {
        inflater
            .inflate(&[payload, &TAIL].concat(), Limits::of_bytes(usize::MAX))
            .expect("a compressed message")
    }

    fn text(length: usize) -> Vec<u8> {
        (0_u32..)
            .flat_map(|at| format!("{:x} and ", at.wrapping_mul(2_654_435_761) >> 12).into_bytes())
            .take(length)
            .collect()
    }

    #[rstest]
    fn what_is_said_is_read_with_the_window_and_the_context_that_were_agreed_on(
        #[values(8, 9, 12, 15)] bits: u8,
        #[values(false, true)] takeover: bool,
        #[values(&[], &[DeflateWord::Stored], &[DeflateWord::Fixed], &[DeflateWord::Literals], &[DeflateWord::Blocks], &[DeflateWord::Final], &[DeflateWord::Fresh], &[DeflateWord::Blocks, DeflateWord::Final])]
        words: &[DeflateWord],
    ) {
        let agreed = agreed(bits, takeover);
        let mut compression = Compression::default();
        let mut inflater = Inflater::new(agreed.window());
        let on = ConnectionName::default();
        for length in [0, 5, 300, 5, 0, 70_000, 300] {
            let text = text(length);
            let compressed = compression.compress(&on, agreed, words, &text, WHOLE);
            if !takeover {
                inflater.forget();
            }
            assert_eq!(inflated(&mut inflater, &compressed.payload).data, text, "{length}");
            assert!(compressed.is_marked);
        }
    }

    #[test]
    fn a_message_in_parts_is_one_and_its_end_alone_is_trimmed() {
        let mut compression = Compression::default();
        let on = ConnectionName::default();
        let mut parts = Vec::new();
        for (at, text) in ["Hello, ", "", "Hello, world"].iter().enumerate() {
            let part = Part { is_first: at == 0, is_last: at == 2 };
            let compressed = compression.compress(&on, agreed(15, false), &[], text.as_bytes(), part);
            assert_eq!(compressed.is_marked, at == 0);
            assert_eq!(compressed.payload.ends_with(&TAIL), at != 2);
            parts.extend(compressed.payload);
        }
        let inflated = inflated(&mut Inflater::new(LARGEST_WINDOW), &parts);
        assert_eq!((inflated.data.as_slice(), inflated.farthest), (&b"Hello, Hello, world"[..], 7));
    }

    #[test]
    fn the_lies_are_none_that_a_right_reader_takes() {
        let on = ConnectionName::default();
        let said = |bits, words: &[DeflateWord]| {
            let mut compression = Compression::default();
            let text = [text(3000), text(3000)].concat();
            let first = compression.compress(&on, agreed(bits, false), &[], &text, WHOLE);
            let second = compression.compress(&on, agreed(bits, false), words, &text, WHOLE);
            (first.payload, second)
        };
        let read = |bits: u8, payload: &[u8]| {
            Inflater::new(1 << bits).inflate(&[payload, &TAIL].concat(), Limits::of_bytes(usize::MAX))
        };
        assert!(read(10, &said(10, &[]).1.payload).is_ok());
        assert!(read(10, &said(10, &[DeflateWord::Wide]).1.payload).is_err());
        assert!(read(15, &said(15, &[DeflateWord::Taken]).1.payload).is_err());
        assert!(read(15, &said(15, &[DeflateWord::Cut]).1.payload).is_err());
        assert!(said(15, &[DeflateWord::Untrimmed]).1.payload.ends_with(&TAIL));
        assert!(!said(15, &[DeflateWord::Unmarked]).1.is_marked);
        let (first, second) = said(15, &[DeflateWord::Final]);
        let read = read(15, &second.payload).expect("a message with BFINAL");
        assert!(read.is_final && read.farthest > 0 && !first.is_empty());
    }
}
