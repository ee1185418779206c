//! Patterns of ids.

use crate::profile::is_endpoint_name as is_name;

/// What `--select` takes: a part of an id from its beginning (`websocket/5.2`), or with `*` for any characters. Behind an
/// `@` stands the only endpoint at which a case is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    id: String,
    endpoint: Option<String>,
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.id)?;
        self.endpoint.iter().try_for_each(|endpoint| write!(out, "@{endpoint}"))
    }
}

impl Pattern {
    /// A pattern as it was written.
    pub fn new(text: &str) -> Pattern {
        let (id, endpoint) = parts(text);
        Pattern { id: id.trim_end_matches('/').to_owned(), endpoint: endpoint.map(ToOwned::to_owned) }
    }

    /// The only endpoint at which it holds.
    pub(crate) fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// Whether it asks for the page of a case that matches, and not for all of a technique.
    pub(crate) fn asks_for(&self, id: &str) -> bool {
        self.id.contains('/') && self.matches_id(id)
    }

    /// Whether an id matches, with the endpoint behind it where the case has one.
    pub fn matches(&self, name: &str) -> bool {
        let (id, endpoint) = parts(name);
        (self.endpoint.is_none() || self.endpoint.as_deref() == endpoint) && self.matches_id(id)
    }

    /// Whether an id matches: the whole of it, or up to a `/` or `[`.
    fn matches_id(&self, id: &str) -> bool {
        let ends =
            id.char_indices().filter(|(_, character)| matches!(character, '/' | '[')).map(|(at, _)| at);
        ends.chain([id.len()]).any(|end| glob(self.id.as_bytes(), &id.as_bytes()[..end]))
            // A part of a heading's name, as in `websocket/5.`
            || (!self.id.contains('*') && self.id.contains('/') && id.starts_with(&self.id))
    }
}

/// An id, and the endpoint behind it.
fn parts(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('@') {
        Some((id, endpoint)) if is_name(endpoint) => (id, Some(endpoint)),
        _ => (name, None),
    }
}

/// Matches with `*` for any characters, in linear time in the length of the text for each star.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut position) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        if pattern.get(position) == Some(&b'*') {
            star = Some((position + 1, at));
            position += 1;
        } else if pattern.get(position) == Some(&text[at]) {
            position += 1;
            at += 1;
        } else if let Some((after, from)) = star {
            star = Some((after, from + 1));
            position = after;
            at = from + 1;
        } else {
            return false;
        }
    }
    pattern[position..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_parts_and_stars() {
        let id = "websocket/5.2-base-framing/echo-of-size[126]";
        for pattern in [
            "websocket",
            "websocket/5.2",
            "websocket/5.2-base-framing",
            "*/echo-of-size",
            id,
            "*[126]",
            "web*",
        ] {
            assert!(Pattern::new(pattern).matches(id), "{pattern}");
        }
        for pattern in ["web", "sse", "echo-of-size", "websocket/5.3", "*[127]"] {
            assert!(!Pattern::new(pattern).matches(id), "{pattern}");
        }
    }

    #[test]
    fn what_stands_behind_an_at_is_the_only_endpoint() {
        for (pattern, name, matches) in [
            ("sse/9.2@ticker", "sse/9.2-page/case@ticker", true),
            ("*@ticker", "sse/9.2-page/case@ticker", true),
            ("sse/9.2", "sse/9.2-page/case@ticker", true),
            ("sse/9.2@ticker", "sse/9.2-page/case@news", false),
            ("sse/9.2@ticker", "sse/9.2-page/case", false),
            ("sse/9.2@tick", "sse/9.2-page/case@ticker", false),
            ("sse/9.2-page/case[a@b]", "sse/9.2-page/case[a@b]@ticker", true),
        ] {
            assert_eq!(Pattern::new(pattern).matches(name), matches, "{pattern} {name}");
        }
        assert_eq!(Pattern::new("sse/@ticker").to_string(), "sse@ticker");
    }

    #[test]
    fn a_page_is_asked_for_by_its_name_and_not_by_that_of_its_technique() {
        let id = "websocket/10.4-limits/huge-text[4MiB]";
        for pattern in ["websocket/10.4-limits", "websocket/10.4", id] {
            assert!(Pattern::new(pattern).asks_for(id), "{pattern}");
        }
        for pattern in ["websocket", "websocket/", "*", "sse/9.2.3-processing-model"] {
            assert!(!Pattern::new(pattern).asks_for(id), "{pattern}");
        }
    }
}
