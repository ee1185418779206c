//! Representations with a validator, and the requests that are conditional on it (RFC 9110, section 13).
//!
//! The validator is a digest of the bytes of the representation, so that it changes exactly when they do, whatever
//! happened in between: also after a restart, and also for a channel that was forgotten and made again.
//!
//! There is no modification date, so `If-Modified-Since` and `If-Unmodified-Since` are ignored, as section 13.1.3
//! and 13.1.4 ask.

use std::fmt::Write;

use bytes::Bytes;
use hyper::{
    HeaderMap, StatusCode,
    header::{CACHE_CONTROL, ETAG, HeaderValue, IF_MATCH, IF_NONE_MATCH},
};
use sha2::{Digest, Sha256};

use crate::{
    pieces::{self, Pieces},
    response::{self, Answer, Body, Refusal, VALIDATED, empty, full},
};

/// Answers a GET or HEAD request with a representation, or with 304 or 412 where the request asks for it.
pub(crate) fn answer(
    request: &HeaderMap,
    content_type: &'static str,
    content: Content,
) -> Result<Answer, Refusal> {
    let tag = content.tag.clone();
    let mut answer = match evaluate(request, &tag) {
        Outcome::Proceed => response::answer(StatusCode::OK, content_type, content.body),
        Outcome::NotModified => {
            let mut answer = Answer::new(empty());
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            answer
        }
        Outcome::Failed => {
            return Err(Refusal::new(
                StatusCode::PRECONDITION_FAILED,
                "no entity tag of If-Match is the current one",
            ));
        }
    };
    let fields = answer.headers_mut();
    // A quoted hexadecimal number is within the grammar of field values.
    fields.extend(HeaderValue::try_from(tag).ok().map(|tag| (ETAG, tag)));
    fields.insert(CACHE_CONTROL, VALIDATED);
    Ok(answer)
}

/// The content of a representation, of which the length and the entity tag are known before it is sent.
pub(crate) struct Content {
    tag: String,
    body: Body,
}

impl Content {
    /// Content that is there.
    pub(crate) fn of(bytes: Bytes) -> Self {
        Self { tag: entity_tag(Sha256::digest(&bytes).as_slice()), body: full(bytes) }
    }

    /// Content that is made from segments: once to measure it, and once more while it is sent.
    pub(crate) fn made<S: Iterator<Item = String> + Send + 'static>(segments: impl Fn() -> S) -> Self {
        let mut digest = Sha256::new();
        let mut length = 0;
        for segment in segments() {
            digest.update(segment.as_bytes());
            length += segment.len() as u64;
        }
        let body = pieces::body(length, Pieces::new(segments()));
        Self { tag: entity_tag(digest.finalize().as_slice()), body }
    }
}

/// A strong entity tag: half of the digest, in quotes. 128 bits never collide by chance.
fn entity_tag(digest: &[u8]) -> String {
    let mut tag = String::from('"');
    for byte in &digest[..16] {
        // Writing to a string does not fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag + "\""
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Proceed,
    NotModified,
    Failed,
}

/// The order of evaluation is that of RFC 9110, section 13.2.2.
fn evaluate(request: &HeaderMap, current: &str) -> Outcome {
    if let Some(tags) = Tags::of(request, IF_MATCH)
        && !tags.contain(current, Comparison::Strong)
    {
        return Outcome::Failed;
    }
    match Tags::of(request, IF_NONE_MATCH) {
        Some(tags) if tags.contain(current, Comparison::Weak) => Outcome::NotModified,
        _ => Outcome::Proceed,
    }
}

/// How entity tags are compared (RFC 9110, section 8.8.3.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

/// The value of `If-Match` or `If-None-Match`.
#[derive(Debug, PartialEq, Eq)]
enum Tags {
    Any,
    List(Vec<Tag>),
}

#[derive(Debug, PartialEq, Eq)]
struct Tag {
    weak: bool,
    /// With its quotes.
    opaque: Vec<u8>,
}

impl Tags {
    /// The value over all lines of the field. One that breaks the grammar is treated as absent.
    fn of(request: &HeaderMap, name: hyper::header::HeaderName) -> Option<Self> {
        let lines: Vec<&[u8]> = request.get_all(name).iter().map(HeaderValue::as_bytes).collect();
        if lines.is_empty() { None } else { Self::parse(&lines.join(&b","[..])) }
    }

    fn parse(value: &[u8]) -> Option<Self> {
        if value.trim_ascii() == b"*" {
            return Some(Self::Any);
        }
        let mut tags = Vec::new();
        let mut rest = value;
        loop {
            // Empty elements are allowed (section 5.6.1.2), so any run of commas and white space is skipped.
            let skipped = rest.iter().take_while(|byte| b", \t".contains(byte)).count();
            rest = &rest[skipped..];
            if rest.is_empty() {
                return Some(Self::List(tags));
            }
            if !tags.is_empty() && !value[..value.len() - rest.len()].trim_ascii_end().ends_with(b",") {
                return None;
            }
            let (tag, remaining) = Tag::parse(rest)?;
            tags.push(tag);
            rest = remaining;
        }
    }

    fn contain(&self, current: &str, comparison: Comparison) -> bool {
        match self {
            Self::Any => true,
            Self::List(tags) => tags
                .iter()
                .any(|tag| tag.opaque == current.as_bytes() && (comparison == Comparison::Weak || !tag.weak)),
        }
    }
}

impl Tag {
    fn parse(value: &[u8]) -> Option<(Self, &[u8])> {
        let (weak, quoted) = value.strip_prefix(b"W/").map_or((false, value), |rest| (true, rest));
        let opaque = quoted.strip_prefix(b"\"")?;
        let length = opaque.iter().take_while(|&&byte| is_tag_byte(byte)).count();
        let rest = opaque[length..].strip_prefix(b"\"")?;
        Some((Self { weak, opaque: quoted[..length + 2].to_vec() }, rest))
    }
}

/// `etagc` of RFC 9110, section 8.8.3; a comma is one.
fn is_tag_byte(byte: u8) -> bool {
    byte == 0x21 || (0x23..=0x7e).contains(&byte) || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURRENT: &str = "\"current\"";

    fn fields(name: &'static str, lines: &[&'static str]) -> HeaderMap {
        lines.iter().map(|line| (name.parse().expect("a name"), HeaderValue::from_static(line))).collect()
    }

    #[test]
    fn if_none_match_compares_weakly() {
        for value in ["\"current\"", "W/\"current\"", "\"a,b\", \"current\"", ",,\"a\" ,W/\"current\" ,", "*"]
        {
            assert_eq!(
                evaluate(&fields("if-none-match", &[value]), CURRENT),
                Outcome::NotModified,
                "{value}"
            );
        }
        for value in
            ["", "\"other\"", "\"\"", "w/\"current\"", "current", "\"a\" \"current\"", "\"current", "*, *"]
        {
            assert_eq!(evaluate(&fields("if-none-match", &[value]), CURRENT), Outcome::Proceed, "{value}");
        }
    }

    #[test]
    fn the_lines_of_a_field_are_one_list() {
        let fields = fields("if-none-match", &["\"a\"", "\"current\", \"b\""]);
        assert_eq!(evaluate(&fields, CURRENT), Outcome::NotModified);
    }

    #[test]
    fn if_match_compares_strongly_and_comes_first() {
        assert_eq!(evaluate(&fields("if-match", &["\"current\""]), CURRENT), Outcome::Proceed);
        assert_eq!(evaluate(&fields("if-match", &["*"]), CURRENT), Outcome::Proceed);
        assert_eq!(evaluate(&fields("if-match", &["W/\"current\""]), CURRENT), Outcome::Failed);
        let mut both = fields("if-match", &["\"other\""]);
        both.extend(fields("if-none-match", &["*"]));
        assert_eq!(evaluate(&both, CURRENT), Outcome::Failed);
    }

    #[test]
    fn the_tag_depends_on_the_bytes_alone() {
        let tag = |text: &'static str| Content::of(Bytes::from_static(text.as_bytes())).tag;
        assert_eq!(tag("ab"), Content::made(|| ["a", "b"].map(str::to_owned).into_iter()).tag);
        assert_ne!(tag("a"), tag("b"));
        assert_eq!(tag("").len(), 34);
    }
}
