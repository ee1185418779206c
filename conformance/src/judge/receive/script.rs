//! The content of an iframe: script elements to messages.

use crate::judge::verdict::invariant::Invariant;
use crate::profile::decode;
use crate::profile::iframe::Iframe;
use crate::transcript::shown::shown;

use super::item::Item;
use super::literal::{self, Argument};
use super::sink::Sink;

/// Reads a document as far as script elements go, the way an HTML tokenizer ends them.
#[derive(Debug)]
pub(super) struct ScriptReader {
    iframe: Iframe,
    buffer: Vec<u8>,
    /// How many bytes before the first message were read.
    before: usize,
    message_seen: bool,
}

/// Where a document stands.
enum Found {
    /// Bytes before the next script element that are no part of one.
    Other(usize),
    /// A complete element: where its content begins and ends, and where the element ends.
    Script { content: std::ops::Range<usize>, end: usize },
    /// A comment, complete.
    Comment(usize),
    /// More bytes are needed.
    Incomplete,
}

impl ScriptReader {
    pub(super) fn new(iframe: Iframe) -> ScriptReader {
        ScriptReader { iframe, buffer: Vec::new(), before: 0, message_seen: false }
    }

    pub(super) fn push(&mut self, bytes: &[u8], sink: &mut Sink<'_>) {
        self.buffer.extend_from_slice(bytes);
        let mut position = 0;
        loop {
            let rest = &self.buffer[position..];
            let taken = match next(rest) {
                Found::Incomplete => break,
                Found::Other(end) => {
                    let other = &rest[..end];
                    let blank = other.iter().all(u8::is_ascii_whitespace);
                    // The end tags of the page are no heartbeat.
                    if self.message_seen && !blank && !other.starts_with(b"</") {
                        sink.breach(Invariant::IframeBetween, shown(other));
                    }
                    if blank {
                        sink.item(Item::Comment);
                    }
                    end
                }
                Found::Comment(end) => {
                    sink.item(Item::Comment);
                    end
                }
                Found::Script { content, end } => {
                    sink.relevant(&[Invariant::IframeScripts, Invariant::IframeBetween]);
                    let calls = calls(&self.iframe, &preprocessed(&rest[content]));
                    self.message_seen |= !calls.is_empty();
                    for item in calls {
                        sink.item(item);
                    }
                    end
                }
            };
            position += taken;
            self.before += if self.message_seen { 0 } else { taken };
        }
        self.buffer.drain(..position);
    }

    /// How many bytes of the document came before the first message.
    pub(super) fn prelude(&self) -> usize {
        self.before + if self.message_seen { 0 } else { self.buffer.len() }
    }

    /// The document is complete.
    pub(super) fn finish(&mut self, sink: &mut Sink<'_>) {
        if opens_script(&self.buffer) {
            let seen = format!("the document ends within {}", shown(&self.buffer));
            sink.breach(Invariant::IframeScripts, seen);
        }
    }
}

fn next(bytes: &[u8]) -> Found {
    let Some(open) = bytes.iter().position(|byte| *byte == b'<') else {
        return if bytes.is_empty() { Found::Incomplete } else { Found::Other(bytes.len()) };
    };
    if open > 0 {
        return Found::Other(open);
    }
    if bytes.starts_with(b"<!--") {
        return find(bytes, b"-->", 4).map_or(Found::Incomplete, |at| Found::Comment(at + 3));
    }
    if opens_script(bytes) {
        return script(bytes);
    }
    // Any other tag, or the beginning of one that cannot be told yet.
    if bytes.len() < b"<script>".len() && (starts_like(b"<script", bytes) || b"<!--".starts_with(bytes)) {
        return Found::Incomplete;
    }
    find(bytes, b">", 1).map_or(Found::Incomplete, |at| Found::Other(at + 1))
}

/// Whether one is the beginning of the other, whatever the case of the letters.
fn starts_like(whole: &[u8], start: &[u8]) -> bool {
    whole.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

fn opens_script(bytes: &[u8]) -> bool {
    is_tag(bytes, b"<script")
}

/// A tag's name and what ends a name: white space, `/` or `>` (HTML section 13.2.5).
fn is_tag(bytes: &[u8], tag: &[u8]) -> bool {
    starts_like(bytes, tag)
        && bytes.get(tag.len()).is_some_and(|byte| byte.is_ascii_whitespace() || b"/>".contains(byte))
}

fn script(bytes: &[u8]) -> Found {
    let Some(start) = find(bytes, b">", 0).map(|at| at + 1) else { return Found::Incomplete };
    match content_end(&bytes[start..]) {
        None => Found::Incomplete,
        Some(length) => {
            let close = start + length;
            find(bytes, b">", close)
                .map_or(Found::Incomplete, |at| Found::Script { content: start..close, end: at + 1 })
        }
    }
}

/// What a tokenizer hands to the script engine: line breaks are normalised (HTML section 13.2.3.5), and U+0000 is
/// replaced (section 13.2.5.4).
fn preprocessed(content: &[u8]) -> String {
    String::from_utf8_lossy(content).replace("\r\n", "\n").replace('\r', "\n").replace('\0', "\u{fffd}")
}

/// How far the content of a script element goes: a comment in it can hide an end tag (HTML section 13.2.5.15 ff.).
fn content_end(bytes: &[u8]) -> Option<usize> {
    #[derive(PartialEq)]
    enum State {
        Data,
        Escaped,
        DoubleEscaped,
    }
    let mut state = State::Data;
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        if rest.starts_with(b"-->") {
            state = State::Data;
        } else if state == State::Data && rest.starts_with(b"<!--") {
            state = State::Escaped;
            // The hyphens that open may also close: `<!-->`.
            at += 1;
        } else if state == State::Escaped && is_tag(rest, b"<script") {
            state = State::DoubleEscaped;
        } else if is_tag(rest, b"</script") {
            if state != State::DoubleEscaped {
                return Some(at);
            }
            state = State::Escaped;
        }
        at += 1;
    }
    None
}

fn find(bytes: &[u8], what: &[u8], from: usize) -> Option<usize> {
    bytes.get(from..)?.windows(what.len()).position(|window| window == what).map(|at| from + at)
}

/// The messages that a script delivers: the arguments of its calls of the callback. A call with a name or an expression
/// in it is the page's own affair: its head may define what the later scripts call.
fn calls(iframe: &Iframe, source: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(&iframe.callback) {
        let within_a_name =
            rest[..at].ends_with(|before: char| before.is_alphanumeric() || "_$".contains(before));
        rest = &rest[at + iframe.callback.len()..];
        let Some(text) = rest.trim_start().strip_prefix('(').filter(|_| !within_a_name) else { continue };
        match literal::argument(text) {
            Argument::Literal(value, length) => {
                items.push(match decode::argument(iframe, &value) {
                    Ok(message) => Item::Message(message),
                    Err(error) => Item::Undecoded(error),
                });
                rest = &text[length..];
            }
            Argument::Expression => {}
            Argument::Broken => {
                let seen = shown(source.as_bytes());
                items.push(Item::Unreadable(format!("the argument in the script {seen} is no literal")));
                break;
            }
        }
    }
    items
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod against_a_browser;

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::Duration;

    use super::*;
    use crate::judge::verdict::invariant::Watch;

    fn items(chunks: &[&str]) -> Vec<String> {
        let iframe = Iframe::at("/".into(), "push.deliver".into());
        let mut reader = ScriptReader::new(iframe);
        let mut out = VecDeque::new();
        for chunk in chunks {
            let mut watch = Watch::default();
            reader.push(chunk.as_bytes(), &mut Sink::new(Duration::ZERO, &mut out, &mut watch));
        }
        out.iter().map(|arrival| arrival.item.to_string()).collect()
    }

    #[test]
    fn a_call_in_a_script_is_a_message_however_the_document_is_cut() {
        let document = "<!doctype html><p><SCRIPT type=x>parent.push.deliver(\"a\\u003cb\")</script >";
        for cut in 0..document.len() {
            assert_eq!(items(&[&document[..cut], &document[cut..]]), ["message \"a<b\""], "cut at {cut}");
        }
    }

    #[test]
    fn single_quotes_escapes_and_surrogates_are_read() {
        let script = r"<script>parent.push.deliver('it\'s \ud83d\ude00\x21')</script>";
        assert_eq!(items(&[script]), ["message \"it's \\u{1f600}!\""]);
    }

    #[test]
    fn a_comment_with_a_script_tag_hides_the_end_tag() {
        assert!(items(&["<script>parent.push.deliver(\"<!--<script>\")</script>"]).is_empty());
        assert_eq!(items(&["<script>parent.push.deliver(\"<!--\")</script>"]), ["message \"<!--\""]);
    }

    #[test]
    fn the_page_may_define_what_its_scripts_call() {
        let head = "<script>function deliver(m) { push.deliver(m) }; push.deliver = (m) => log(m)</script>";
        assert!(items(&[head]).is_empty());
        assert_eq!(items(&[head, "<script>push.deliver ( 'a' )</script>"]), ["message \"a\""]);
        assert!(items(&["<script>ipush.deliver('a')</script>"]).is_empty());
    }

    #[test]
    fn an_end_tag_in_the_data_ends_the_script() {
        let found = items(&["<script>parent.push.deliver(\"a</script>b\")</script>"]);
        assert!(found[0].contains("no literal"), "{found:?}");
    }

    #[test]
    fn white_space_and_comments_are_heartbeats() {
        assert_eq!(items(&["\n", "<!-- . -->"]), ["comment", "comment"]);
    }
}
