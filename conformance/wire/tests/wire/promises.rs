//! The promises of all scanners, stated once.

use std::fmt::Debug;
use std::iter;
use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use pushspec_wire::Fact;

/// The longest input that is cut at every place; longer ones have only the random cuts.
const SHORT: usize = 64;

/// A scanner, as far as it is like the others.
pub(crate) trait Scanner: Default {
    type Item: Debug + PartialEq;

    fn push(&mut self, bytes: &[u8]);
    fn next(&mut self) -> Option<Self::Item>;
    fn finish(&mut self) -> Option<Self::Item>;
    fn buffered(&self) -> usize;
    fn offset(item: &Self::Item) -> usize;
    fn encode(item: &Self::Item) -> Vec<u8>;
    /// The places of the facts about the item.
    fn fact_ranges(item: &Self::Item) -> Vec<Range<usize>>;
    /// Removes the differences that the cutting is allowed to make.
    fn normalise(items: Vec<Self::Item>) -> Vec<Self::Item> {
        items
    }
}

/// Feeds the pieces and takes each item as soon as it is there.
pub(crate) fn scan<S: Scanner>(pieces: &[&[u8]]) -> Vec<S::Item> {
    let mut scanner = S::default();
    let mut items = Vec::new();
    let (mut fed, mut handed_out) = (0, 0);
    for piece in pieces {
        scanner.push(piece);
        fed += piece.len();
        while let Some(item) = scanner.next() {
            handed_out += S::encode(&item).len();
            items.push(item);
        }
        assert_eq!(handed_out + scanner.buffered(), fed, "the scanner miscounts what it holds");
    }
    items.extend(iter::from_fn(|| scanner.finish()));
    assert_eq!(scanner.buffered(), 0, "the scanner keeps bytes after the end");
    S::normalise(items)
}

pub(crate) fn assert_promises<S: Scanner>(input: &[u8], cuts: &[Index]) {
    let whole = scan::<S>(&[input]);
    assert_lossless::<S>(input, &whole);
    assert_eq!(scan::<S>(&pieces(input, cuts)), whole, "random cuts");
    assert_eq!(scan::<S>(&input.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
    for cut in 0..input.len().min(SHORT) {
        let (first, second) = input.split_at(cut);
        assert_eq!(scan::<S>(&[first, second]), whole, "cut at {cut}");
    }
}

fn assert_lossless<S: Scanner>(input: &[u8], items: &[S::Item]) {
    let mut encoded = Vec::new();
    for item in items {
        assert_eq!(S::offset(item), encoded.len(), "the offset of {item:?}");
        encoded.extend(S::encode(item));
        let ranges = S::fact_ranges(item);
        let inside = |range: &Range<usize>| {
            S::offset(item) <= range.start && range.start < range.end && range.end <= encoded.len()
        };
        assert!(ranges.iter().all(inside), "{ranges:?} is not within {item:?}");
        assert!(ranges.is_sorted_by_key(|range| range.start), "{ranges:?} is not in order");
    }
    assert_eq!(encoded, input);
}

fn pieces<'a>(input: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
    places.extend([0, input.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect()
}

/// Facts as tables write them: offset, length and kind.
pub(crate) type Facts<K> = &'static [(usize, usize, K)];

pub(crate) fn as_in_tables<K>(facts: Vec<Fact<K>>) -> Vec<(usize, usize, K)> {
    facts.into_iter().map(|fact| (fact.offset, fact.len, fact.kind)).collect()
}

/// Failing inputs are not kept in files: each deserves a test of its own. `PROPTEST_CASES` sets how many are tried.
pub(crate) fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

pub(crate) fn cuts() -> impl Strategy<Value = Vec<Index>> {
    vec(any::<Index>(), 0..6)
}

/// Any bytes.
pub(crate) fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..200)
}

/// A sequence of these fragments, with now and then a few stray bytes among them.
pub(crate) fn sequence_of(fragments: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let fragment = prop_oneof![
        9 => select(fragments).prop_map(|fragment| fragment.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..4),
    ];
    vec(fragment, 0..16).prop_map(|fragments| fragments.concat())
}
