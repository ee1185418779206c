use core::ops::Range;

/// Something worth knowing about the bytes that were scanned, and where it stands.
///
/// Each module has its own kinds and an alias for its own facts. A fact is no judgement: whether a folded line or
/// a reserved bit is wrong depends on what was agreed, and that is not known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact<K> {
    /// Place of the first byte concerned, counted like all offsets of the scanner.
    pub offset: usize,
    /// Number of bytes concerned.
    pub len: usize,
    /// What was seen there.
    pub kind: K,
}

impl<K> Fact<K> {
    /// A fact about the `place` within an item that begins at `base`.
    pub(crate) fn within(base: usize, place: Range<usize>, kind: K) -> Self {
        Self { offset: base.saturating_add(place.start), len: place.len(), kind }
    }

    /// The bytes concerned, as a range of offsets.
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset.saturating_add(self.len)
    }
}

/// The runs of consecutive bytes that fit, as ranges.
pub(crate) fn runs(bytes: &[u8], fits: impl Fn(u8) -> bool) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    core::iter::from_fn(move || {
        let rest = bytes.get(from..)?;
        let start = from + rest.iter().position(|&byte| fits(byte))?;
        let end =
            bytes.iter().skip(start).position(|&byte| !fits(byte)).map_or(bytes.len(), |len| start + len);
        from = end;
        Some(start..end)
    })
}
