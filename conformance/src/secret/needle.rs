//! What is looked for: each secret, and the ways in which it stands in base64.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Found;
use super::sorted::{Direction, Needle, Sorted, Work};

/// The shortest value that is a secret, in bytes.
const SHORTEST: usize = 4;

/// What is shorter, in bytes, is looked for as a word of its own.
const WORD: usize = 8;

/// The shortest rest of a secret that is hidden beside the end of a text, in bytes.
const REST: usize = 6;

/// By how many bytes at the beginning, or at the end, needles are found.
const KEY: usize = 4;

/// How much of a value is looked for, in bytes. Where that stands, as many bytes are hidden as the value has.
const LOOKED_FOR: usize = 4096;

/// How many needles that sessions give are kept, and how many bytes of them: a target that hands out more gives tokens that
/// nobody has seen for a while. A value has up to nine needles.
const KEPT: usize = 36 * 1024;
const KEPT_BYTES: usize = 8 * 1024 * 1024;

/// How many bytes are compared for each byte of a text, and beside that for each text. A text of which every part is like a
/// secret takes more: what is left of it is hidden.
const WORK: u64 = 32;
const WORK_BESIDE: u64 = 4096;

/// What is shown in place of the rest of a text in which too much is like a secret.
const UNREAD: &str = "too much like secrets";

/// Needles by the bytes at their beginning, or at their end.
#[derive(Debug, Default)]
struct ByKey {
    sorted: HashMap<[u8; KEY], Sorted>,
    /// For each pair of bytes whether a key begins with it: most places of a text need no look beyond.
    pairs: Vec<bool>,
}

impl ByKey {
    fn of(&mut self, key: [u8; KEY]) -> &mut Sorted {
        self.pairs.resize(1 << 16, false);
        self.pairs[pair(key)] = true;
        self.sorted.entry(key).or_default()
    }

    fn get(&self, key: [u8; KEY]) -> Option<&Sorted> {
        if self.pairs.get(pair(key)) == Some(&true) { self.sorted.get(&key) } else { None }
    }
}

fn pair([first, second, ..]: [u8; KEY]) -> usize {
    usize::from(u16::from_be_bytes([first, second]))
}

/// All that is looked for.
#[derive(Debug, Default)]
pub(super) struct Needles {
    all: Vec<Needle>,
    known: HashSet<Arc<[u8]>>,
    by_start: ByKey,
    by_end: ByKey,
    /// How many values sessions gave, how many needles are kept of them, and how many bytes.
    values: u64,
    of_sessions: usize,
    bytes_of_sessions: usize,
}

impl Needles {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many bytes the needles have, and what keeps them in order.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.all.iter().map(|needle| needle.bytes.len() + size_of::<Needle>() + 2 * size_of::<usize>()).sum()
    }

    pub(super) fn add(&mut self, name: &str, value: &str) {
        self.add_of(name, value, None);
    }

    /// Adds a value of a session. Only so many are kept.
    pub(super) fn add_of_session(&mut self, name: &str, value: &str) {
        self.values += 1;
        self.add_of(name, value, Some(self.values));
        if self.of_sessions > KEPT || self.bytes_of_sessions > KEPT_BYTES {
            self.forget();
        }
    }

    fn add_of(&mut self, name: &str, value: &str, session: Option<u64>) {
        let value = value.trim().as_bytes();
        if value.len() < SHORTEST {
            return;
        }
        let (bytes, rest) = value.split_at(value.len().min(LOOKED_FOR));
        let name: Arc<str> = name.into();
        let mut push = |bytes: Vec<u8>, is_base64: bool, more: usize| {
            let name = Arc::clone(&name);
            self.push(Needle { bytes: bytes.into(), name, is_base64, more, session });
        };
        push(bytes.to_vec(), false, rest.len());
        if bytes.contains(&b' ') {
            // As a form has it.
            let plus = bytes.iter().map(|byte| if *byte == b' ' { b'+' } else { *byte });
            push(plus.collect(), false, rest.len());
        }
        if value.len() >= WORD {
            for part in in_base64(bytes) {
                let url_safe = part.iter().map(|byte| match byte {
                    b'+' => b'-',
                    b'/' => b'_',
                    other => *other,
                });
                let url_safe: Vec<u8> = url_safe.collect();
                push(part, true, 0);
                push(url_safe, true, 0);
            }
        }
    }

    fn push(&mut self, needle: Needle) {
        if needle.bytes.len() < SHORTEST || self.known.contains(&needle.bytes) {
            return;
        }
        let at = self.all.len();
        if let (Some(start), Some(end)) = (needle.bytes.first_chunk(), needle.bytes.last_chunk()) {
            self.by_start.of(*start).insert(&self.all, at, &needle.bytes, Direction::Ahead);
            self.by_end.of(*end).insert(&self.all, at, &needle.bytes, Direction::Back);
        }
        if needle.session.is_some() {
            self.of_sessions += 1;
            self.bytes_of_sessions += needle.bytes.len();
        }
        self.known.insert(Arc::clone(&needle.bytes));
        self.all.push(needle);
    }

    /// Forgets the older half of what sessions gave.
    fn forget(&mut self) {
        let given: Vec<u64> = self.all.iter().filter_map(|needle| needle.session).collect();
        let middle = given.get(given.len() / 2).copied().unwrap_or_default();
        let kept = std::mem::take(&mut self.all);
        *self = Needles { values: self.values, ..Needles::default() };
        let kept = kept.into_iter().filter(|needle| needle.session.is_none_or(|session| session > middle));
        kept.for_each(|needle| self.push(needle));
    }

    /// Where needles stand; with `is_cut`, also what is left of them beside the end of a text.
    pub(super) fn find(&self, bytes: &[u8], is_cut: bool) -> Vec<Found> {
        self.find_counting(bytes, is_cut, &mut Work::default())
    }

    /// The same; counts the bytes that are compared.
    pub(super) fn find_counting(&self, bytes: &[u8], is_cut: bool, work: &mut Work) -> Vec<Found> {
        let most = WORK * bytes.len() as u64 + WORK_BESIDE;
        let mut places = Places { bytes, is_cut, found: Vec::new(), run: 0..0 };
        for at in 0..bytes.len().saturating_sub(KEY - 1) {
            let Some(key) = bytes[at..].first_chunk::<KEY>().copied() else { break };
            if let Some(sorted) = self.by_start.get(key) {
                places.begins(&self.all, sorted, at, work);
            }
            if let Some(sorted) = self.by_end.get(key).filter(|_| is_cut) {
                places.ends(&self.all, sorted, at + KEY, work);
            }
            if work.0 > most {
                places.found.push(Found { range: at..bytes.len(), name: UNREAD.to_owned() });
                break;
            }
        }
        places.found
    }
}

/// What is found in a text.
struct Places<'t> {
    bytes: &'t [u8],
    is_cut: bool,
    found: Vec<Found>,
    /// The last text in base64 that has a part of a secret: all of it is hidden already.
    run: Range<usize>,
}

impl Places<'_> {
    /// The longest needle, or its beginning where a text was cut, at a place where its first bytes stand.
    fn begins(&mut self, all: &[Needle], sorted: &Sorted, at: usize, work: &mut Work) {
        let text = &self.bytes[at..];
        let near = sorted.near(all, text, Direction::Ahead, work);
        let mut before = near[0];
        while let Some((index, length)) = before {
            let needle = &all[index];
            let is_whole = length == needle.bytes.len();
            if is_whole && needle.is_apart(self.bytes, &(at..at + length)) {
                self.add(needle, at..at.saturating_add(length + needle.more).min(self.bytes.len()));
                break;
            }
            // What else is whole here is the beginning of this one.
            let shorter = &text[..length - usize::from(is_whole)];
            before = sorted.near(all, shorter, Direction::Ahead, work)[0];
        }
        if !self.is_cut {
            return;
        }
        for (index, length) in near.into_iter().flatten() {
            let needle = &all[index];
            if needle.is_part(length) && is_border(&text[length..]) {
                self.add(needle, at..at + length);
            }
        }
    }

    /// The end of a needle, at the beginning of a text, that ends at a place.
    fn ends(&mut self, all: &[Needle], sorted: &Sorted, end: usize, work: &mut Work) {
        for (index, length) in
            sorted.near(all, &self.bytes[..end], Direction::Back, work).into_iter().flatten()
        {
            let start = end - length;
            let is_first = self.bytes[..start].last().is_none_or(|byte| matches!(byte, b'"' | b'\'' | b'`'));
            if is_first && all[index].is_part(length) {
                self.add(&all[index], start..end);
            }
        }
    }

    fn add(&mut self, needle: &Needle, range: Range<usize>) {
        let name = needle.name.to_string();
        if !needle.is_base64 {
            return self.found.push(Found { range, name });
        }
        if self.run.contains(&range.start) {
            return;
        }
        let before = self.bytes[..range.start].iter().rev().take_while(|byte| is_of_base64(**byte)).count();
        let behind = self.bytes[range.end..].iter().take_while(|byte| is_of_base64(**byte)).count();
        self.run = range.start - before..range.end + behind;
        self.found.push(Found { range: self.run.clone(), name });
    }
}

impl Needle {
    /// Whether so many bytes are a part of it that is hidden.
    fn is_part(&self, length: usize) -> bool {
        let is_long = self.bytes.len() >= WORD && length >= REST.max(self.bytes.len() / 4);
        is_long && length < self.bytes.len()
    }

    /// Whether a short one is a word of its own.
    fn is_apart(&self, bytes: &[u8], range: &Range<usize>) -> bool {
        let is_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        self.bytes.len() >= WORD || (!is_word(bytes[..range.start].last()) && !is_word(bytes.get(range.end)))
    }
}

/// Whether a text ends here, or a part of it that is quoted.
fn is_border(rest: &[u8]) -> bool {
    rest.is_empty()
        || rest.starts_with(b"\"")
        || rest.starts_with(" …".as_bytes())
        || rest.starts_with("…".as_bytes())
}

fn is_of_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte)
}

/// The characters that a value has in base64 wherever it stands in what is encoded: for each of the three places that its
/// first byte can have in a group, those that depend on nothing else (RFC 4648 section 4).
fn in_base64(value: &[u8]) -> Vec<Vec<u8>> {
    let part = |offset: usize| {
        let padded = [&[0; 2][..offset], value].concat();
        let encoded = STANDARD.encode(&padded).into_bytes();
        let first = (offset * 8).div_ceil(6);
        let last = padded.len() * 8 / 6;
        encoded.get(first..last).map(<[u8]>::to_vec).unwrap_or_default()
    };
    (0..3).map(part).collect()
}
