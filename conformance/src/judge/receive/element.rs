//! One element of the content of an iframe, or what stands between two, looked at once however it comes.

use std::ops::Range;

use super::tag::Tag;

/// How much of an element that is not complete was looked at: it is not looked at again when more of it has come.
#[derive(Debug, Default)]
pub(super) struct Element {
    /// So many of its bytes need not be searched again.
    searched: usize,
    /// Where the content of a script begins, and where it ends.
    start: Option<usize>,
    close: Option<usize>,
    /// The tag that is not complete.
    tag: Tag,
    escape: Escape,
    /// Where the end tag of the text around it is, and how far it was searched for.
    text_end: Option<usize>,
    text_searched: usize,
    /// How many bytes were looked at so far, over all elements.
    pub(super) work: u64,
}

/// How far the content of a script is hidden by a comment in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Escape {
    #[default]
    None,
    Once,
    Twice,
}

/// How many bytes the longest tag has that is looked for within a script, with what ends its name.
const LONGEST_TAG: usize = b"</script>".len();

/// Where a document stands.
pub(super) enum Found {
    /// Bytes before the next script element that are no part of one.
    Other(usize),
    /// A complete element: where its content begins and ends, and where the element ends.
    Script { content: Range<usize>, end: usize },
    /// A comment, complete.
    Comment(usize),
    /// More bytes are needed.
    Incomplete,
}

impl Element {
    /// The next one begins.
    pub(super) fn is_over(&mut self) {
        *self = Element { work: self.work, ..Element::default() };
    }

    /// What comes next. The bytes begin with it, and more of them may have come since the last time. `text` is the element
    /// around it that has nothing but text, if there is one.
    pub(super) fn next(&mut self, bytes: &[u8], text: Option<&str>) -> Found {
        if let Some(element) = text {
            return self.within_text(bytes, element);
        }
        let Some(open) = bytes.iter().position(|byte| *byte == b'<') else {
            return if bytes.is_empty() { Found::Incomplete } else { Found::Other(bytes.len()) };
        };
        if open > 0 {
            return Found::Other(open);
        }
        if opens_script(bytes) {
            return self.script(bytes);
        }
        match bytes {
            // The beginning of something that cannot be told yet.
            [] | [_] | [_, b'/' | b'!'] | [_, b'!', b'-'] => Found::Incomplete,
            [_, b'!', b'-', b'-', ..] => self.comment(bytes),
            [_, b'!' | b'?', ..] => self.bogus_comment(bytes),
            [_, b'/', name, ..] if !name.is_ascii_alphabetic() => self.bogus_comment(bytes),
            [_, b'/', ..] => self.tag(bytes),
            [_, name, ..] if name.is_ascii_alphabetic() => self.tag(bytes),
            // It is part of the text.
            [_, rest @ ..] => {
                Found::Other(rest.iter().position(|byte| *byte == b'<').map_or(bytes.len(), |at| at + 1))
            }
        }
    }

    /// A tag that is none of a script, or the beginning of one that cannot be told yet.
    fn tag(&mut self, bytes: &[u8]) -> Found {
        if bytes.len() < b"<script>".len() && starts_like(b"<script", bytes) {
            return Found::Incomplete;
        }
        self.tag_end(bytes, 0).map_or(Found::Incomplete, Found::Other)
    }

    /// What ends with the next `>`, such as a document type.
    fn bogus_comment(&mut self, bytes: &[u8]) -> Found {
        self.find(bytes, b">", 2).map_or(Found::Incomplete, |at| Found::Other(at + 1))
    }

    /// A comment (HTML section 13.2.5.43 ff.). The hyphens that open it may also close it.
    fn comment(&mut self, bytes: &[u8]) -> Found {
        let mut at = self.searched.max(2);
        while at < bytes.len() {
            let rest = &bytes[at..];
            self.work += 1;
            if rest.starts_with(b"-->") {
                return Found::Comment(at + 3);
            }
            if at >= 4 && rest.starts_with(b"--!>") {
                return Found::Comment(at + 4);
            }
            // The beginning of its end may have come.
            if b"-->".starts_with(rest) || b"--!>".starts_with(rest) {
                break;
            }
            at += 1;
        }
        self.searched = at;
        Found::Incomplete
    }

    /// Where the tag ends that begins at a place.
    fn tag_end(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        let before = self.tag.looked_at();
        let end = self.tag.end(&bytes[from..]);
        self.work += (self.tag.looked_at() - before) as u64;
        end.map(|end| {
            self.tag = Tag::default();
            from + end
        })
    }

    /// Within an element that has nothing but text: its end tag, or what would be a script elsewhere.
    fn within_text(&mut self, bytes: &[u8], element: &str) -> Found {
        let tag = format!("</{element}");
        let longest = tag.len().max(b"<script".len()) + 1;
        while self.text_end.is_none() && self.text_searched + longest <= bytes.len() {
            let at = self.text_searched;
            self.work += 1;
            // Nothing ends plain text.
            if element != "plaintext" && is_tag(&bytes[at..], tag.as_bytes()) {
                self.text_end = Some(at);
            } else if at > 0 && opens_script(&bytes[at..]) {
                return Found::Other(at);
            } else {
                self.text_searched += 1;
            }
        }
        let end = self.text_end;
        if opens_script(bytes) {
            return match self.script(bytes) {
                Found::Script { content, end: whole } if end.is_none_or(|end| content.end < end) => {
                    Found::Script { content, end: whole }
                }
                _ => end.map_or(Found::Incomplete, Found::Other),
            };
        }
        match end {
            Some(0) => self.tag_end(bytes, 0).map_or(Found::Incomplete, Found::Other),
            end => end.map_or(Found::Incomplete, Found::Other),
        }
    }

    fn script(&mut self, bytes: &[u8]) -> Found {
        let start = match self.start {
            Some(start) => start,
            None => {
                let Some(end) = self.tag_end(bytes, 0) else { return Found::Incomplete };
                self.searched = end;
                *self.start.insert(end)
            }
        };
        let close = match self.close {
            Some(close) => close,
            None => {
                let Some(close) = self.content_end(bytes) else { return Found::Incomplete };
                *self.close.insert(close)
            }
        };
        self.tag_end(bytes, close)
            .map_or(Found::Incomplete, |end| Found::Script { content: start..close, end })
    }

    /// Where something stands behind a place, which is always the same for what is searched for.
    fn find(&mut self, bytes: &[u8], what: &[u8], from: usize) -> Option<usize> {
        let from = from.max(self.searched);
        let found = bytes.get(from..)?.windows(what.len()).position(|window| window == what);
        let looked_at = found.map_or(bytes.len() - from, |at| at + what.len());
        self.work += looked_at as u64;
        // The beginning of it may have come.
        self.searched = from.max((bytes.len() + 1).saturating_sub(what.len()));
        found.map(|at| from + at)
    }

    /// How far the content of a script element goes: a comment in it can hide an end tag (HTML section 13.2.5.15 ff.).
    fn content_end(&mut self, bytes: &[u8]) -> Option<usize> {
        // What cannot be told yet is looked at again when more has come.
        while self.searched + LONGEST_TAG <= bytes.len() {
            let at = self.searched;
            let rest = &bytes[at..];
            self.work += 1;
            self.searched += 1;
            if rest.starts_with(b"-->") {
                self.escape = Escape::None;
            } else if self.escape == Escape::None && rest.starts_with(b"<!--") {
                self.escape = Escape::Once;
                // The hyphens that open may also close: `<!-->`.
                self.searched += 1;
            } else if self.escape == Escape::Once && is_tag(rest, b"<script") {
                self.escape = Escape::Twice;
            } else if is_tag(rest, b"</script") {
                if self.escape != Escape::Twice {
                    self.searched = at;
                    return Some(at);
                }
                self.escape = Escape::Once;
            }
        }
        None
    }
}

/// Whether one is the beginning of the other, whatever the case of the letters.
fn starts_like(whole: &[u8], start: &[u8]) -> bool {
    whole.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

pub(super) fn opens_script(bytes: &[u8]) -> bool {
    is_tag(bytes, b"<script")
}

/// A tag's name and what ends a name: white space, `/` or `>` (HTML section 13.2.5).
pub(super) fn is_tag(bytes: &[u8], tag: &[u8]) -> bool {
    starts_like(bytes, tag)
        && bytes.get(tag.len()).is_some_and(|byte| byte.is_ascii_whitespace() || b"/>".contains(byte))
}
