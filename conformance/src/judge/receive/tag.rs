//! Where a tag ends: a `>` within the quotes of an attribute does not end it (HTML sections 13.2.5.8 and 13.2.5.32 ff.).

/// Where a tag stands that is not complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// In its name.
    #[default]
    Name,
    /// Before the name of an attribute; also behind a `/`.
    Between,
    /// Behind a `/`, with which a tag may close itself.
    Slash,
    /// In the name of an attribute.
    Attribute,
    /// Behind the name of an attribute and white space.
    Named,
    /// Behind a sign of equality.
    Equal,
    /// In a value, with the quote that ends it.
    Quoted(u8),
    /// In a value that white space ends.
    Unquoted,
}

/// A tag as far as it was looked at.
#[derive(Debug, Default)]
pub(super) struct Tag {
    state: State,
    /// How many bytes were looked at.
    read: usize,
}

impl Tag {
    /// Looks at what has come of a tag since the last time: where it ends, counted from its `<`.
    pub(super) fn end(&mut self, tag: &[u8]) -> Option<usize> {
        self.read = self.read.max(if tag.starts_with(b"</") { 2 } else { 1 });
        while let Some(byte) = tag.get(self.read) {
            let state = self.state;
            if *byte == b'>' && !matches!(state, State::Quoted(_)) {
                return Some(self.read + 1);
            }
            self.read += 1;
            self.state = next(state, *byte);
        }
        None
    }

    /// How many bytes were looked at.
    pub(super) fn looked_at(&self) -> usize {
        self.read
    }
}

fn next(state: State, byte: u8) -> State {
    let is_blank = byte.is_ascii_whitespace();
    match (state, byte) {
        (State::Quoted(quote), byte) if byte == quote => State::Between,
        (State::Quoted(_), _) => state,
        (State::Unquoted, _) => {
            if is_blank {
                State::Between
            } else {
                state
            }
        }
        (State::Equal, b'"' | b'\'') => State::Quoted(byte),
        (State::Equal, _) => {
            if is_blank {
                state
            } else {
                State::Unquoted
            }
        }
        (State::Attribute | State::Named, b'=') => State::Equal,
        (_, b'/') => State::Slash,
        (State::Attribute, _) if is_blank => State::Named,
        (State::Named, _) if is_blank => state,
        (_, _) if is_blank => State::Between,
        (State::Name, _) => state,
        _ => State::Attribute,
    }
}

/// Whether a complete tag closes itself, as elements of SVG and `MathML` may.
pub(super) fn closes_itself(tag: &[u8]) -> bool {
    let mut reader = Tag::default();
    reader.end(tag).is_some() && reader.state == State::Slash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_ends_outside_of_quotes() {
        for (tag, expected) in [
            ("<a>b>", "<a>"),
            ("</a b>c>", "</a b>"),
            ("<a title=\">\">b>", "<a title=\">\">"),
            ("<a title='>\">'>b", "<a title='>\">'>"),
            ("<a title = '>' b>c", "<a title = '>' b>"),
            ("<a '>b'>", "<a '>"),
            ("<a b'=\">\"c>", "<a b'=\">\"c>"),
            ("<a =\">\">b", "<a =\">"),
            ("<a b=c'>'>", "<a b=c'>"),
            ("<a b=''c='>'>d", "<a b=''c='>'>"),
            ("<a b/='>'>", "<a b/='>"),
        ] {
            for cut in 0..tag.len() {
                let mut reader = Tag::default();
                let end = reader.end(&tag.as_bytes()[..cut]).or_else(|| reader.end(tag.as_bytes()));
                assert_eq!(end.map(|end| &tag[..end]), Some(expected), "{tag} cut at {cut}");
            }
        }
        assert_eq!(Tag::default().end(b"<a b=\">"), None);
    }

    #[test]
    fn a_tag_closes_itself_with_a_slash_of_its_own() {
        for tag in ["<svg/>", "<svg />", "<svg a=b />", "<svg a='b'/>", "<svg a/>", "<svg a //>"] {
            assert!(closes_itself(tag.as_bytes()), "{tag}");
        }
        for tag in ["<svg>", "<svg a=b/>", "<svg / >", "<svg a='/'>"] {
            assert!(!closes_itself(tag.as_bytes()), "{tag}");
        }
    }
}
