//! The content of an iframe: script elements to messages.

use serde_json::Value;

use crate::judge::verdict::invariant::Invariant;
use crate::profile::decode;
use crate::profile::iframe::Iframe;
use crate::transcript::shown::shown;

use pushspec_wire::utf8::Utf8Validator;

use super::ecmascript;
use super::element::{Element, Found, is_tag, opens_script};
use super::inert::Surroundings;
use super::item::Item;
use super::literal::{self, Argument};
use super::sink::Sink;

/// Reads a document as far as script elements go, the way an HTML tokenizer ends them.
#[derive(Debug)]
pub(super) struct ScriptReader {
    iframe: Iframe,
    buffer: Vec<u8>,
    /// What is known of the element with which the buffer begins.
    element: Element,
    /// How many bytes before the first message were read.
    before: usize,
    message_seen: bool,
    /// What is open around the next script.
    surroundings: Surroundings,
    /// The characters so far; `None` where they were none.
    characters: Option<Utf8Validator>,
    /// The scripts that a browser runs.
    #[cfg(test)]
    run: Vec<String>,
}

/// How many bytes of room are kept whatever waits.
const ROOM: usize = 64 * 1024;

/// What is made of a script takes so many times its bytes while it is read.
const READING: usize = 8;

impl ScriptReader {
    pub(super) fn new(iframe: Iframe) -> ScriptReader {
        ScriptReader {
            iframe,
            buffer: Vec::new(),
            element: Element::default(),
            before: 0,
            message_seen: false,
            surroundings: Surroundings::default(),
            characters: Some(Utf8Validator::new()),
            #[cfg(test)]
            run: Vec::new(),
        }
    }

    /// How many bytes it holds.
    pub(super) fn held(&self) -> usize {
        2 * self.buffer.len()
    }

    pub(super) fn push(&mut self, bytes: &[u8], sink: &mut Sink<'_>) {
        self.validate(bytes, sink);
        self.buffer.extend_from_slice(bytes);
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut position = 0;
        loop {
            let rest = &buffer[position..];
            let taken = match self.element.next(rest, self.surroundings.text()) {
                Found::Incomplete => break,
                Found::Other(end) => {
                    self.other(&rest[..end], sink);
                    end
                }
                Found::Comment(end) => {
                    sink.item(Item::Comment);
                    end
                }
                Found::Script { content, end } => {
                    if !sink.has_room_for(READING * content.len()) {
                        break;
                    }
                    self.script(&rest[..content.start], &preprocessed(&rest[content]), sink);
                    end
                }
            };
            sink.step();
            self.element.is_over();
            position += taken;
            self.before += if self.message_seen { 0 } else { taken };
        }
        buffer.drain(..position);
        // What was long once does not hold its room for ever.
        if buffer.capacity() > ROOM && buffer.capacity() / 4 > buffer.len() {
            buffer.shrink_to(2 * buffer.len());
        }
        self.buffer = buffer;
    }

    /// A page is UTF-8, as its type says: told once.
    fn validate(&mut self, bytes: &[u8], sink: &mut Sink<'_>) {
        sink.relevant(&[Invariant::IframeUtf8]);
        if self.characters.as_mut().is_some_and(|characters| characters.push(bytes).is_err()) {
            self.characters = None;
            sink.breach(Invariant::IframeUtf8, format!("no UTF-8 in {}", shown(bytes)));
        }
    }

    fn other(&mut self, other: &[u8], sink: &mut Sink<'_>) {
        let is_its_end = |text: &str| is_tag(other, format!("</{text}").as_bytes());
        if other.starts_with(b"<") && self.surroundings.text().is_none_or(is_its_end) {
            self.surroundings.note(other);
        }
        let blank = other.iter().all(u8::is_ascii_whitespace);
        // The end tags of the page are no heartbeat.
        if self.message_seen && !blank && !other.starts_with(b"</") {
            sink.breach_of(Invariant::IframeBetween, || shown(other));
        }
        if blank {
            sink.item(Item::Comment);
        }
    }

    /// A script, told once where no browser runs it: what it says is read all the same.
    fn script(&mut self, start_tag: &[u8], source: &str, sink: &mut Sink<'_>) {
        sink.relevant(&[Invariant::IframeScripts, Invariant::IframeBetween]);
        let (items, is_idle) = calls(&self.iframe, source);
        let script = || shown(&[start_tag, source.as_bytes()].concat());
        match self.surroundings.why_not_run(start_tag) {
            // Data for other scripts is not meant to run.
            Some(why) if !items.is_empty() => {
                sink.breach(Invariant::IframeScripts, format!("the script {} {why}", shown(start_tag)));
            }
            Some(_) => {}
            None => {
                #[cfg(test)]
                self.run.push(source.to_owned());
                if let Some(why) = ecmascript::defect(source) {
                    let seen = format!("no browser can parse the script {}: {why}", script());
                    sink.breach(Invariant::IframeScripts, seen);
                }
            }
        }
        if is_idle {
            sink.breach(Invariant::IframeBetween, format!("a call without a message, {}", script()));
        }
        self.message_seen |= !items.is_empty();
        for item in items {
            sink.item(item);
        }
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

/// What a tokenizer hands to the script engine: line breaks are normalised (HTML section 13.2.3.5), and U+0000 is
/// replaced (section 13.2.5.4).
fn preprocessed(content: &[u8]) -> String {
    String::from_utf8_lossy(content).replace("\r\n", "\n").replace('\r', "\n").replace('\0', "\u{fffd}")
}

/// The messages that a script delivers, and whether it calls without one: the arguments of its calls of the callback. A call
/// with a name or an expression in it is the page's own affair: its head may define what the later scripts call.
fn calls(iframe: &Iframe, source: &str) -> (Vec<Item>, bool) {
    let mut items = Vec::new();
    let mut is_idle = false;
    let mut rest = source;
    while let Some(at) = rest.find(&iframe.callback) {
        let within_a_name =
            rest[..at].ends_with(|before: char| before.is_alphanumeric() || "_$".contains(before));
        rest = &rest[at + iframe.callback.len()..];
        let Some(text) = rest.trim_start().strip_prefix('(').filter(|_| !within_a_name) else { continue };
        if text.trim_start().starts_with(')') {
            is_idle = true;
            continue;
        }
        match literal::argument(text) {
            Argument::Literal(Value::Null, length) => {
                is_idle = true;
                rest = &text[length..];
            }
            Argument::Literal(value, length) => {
                match decode::argument(iframe, &value) {
                    Ok(Some(messages)) => items.extend(messages.into_iter().map(Item::Message)),
                    Ok(None) => items.push(Item::Foreign(value.to_string().into_bytes())),
                    Err(error) => items.push(Item::Undecoded(error)),
                }
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
    (items, is_idle)
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod against_a_browser;

#[cfg(test)]
#[path = "script_run_tests.rs"]
mod against_a_tree_builder;

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::Duration;

    use super::*;
    use crate::judge::receive::meter::Meter;
    use crate::judge::verdict::invariant::Watch;

    fn items(chunks: &[&str]) -> Vec<String> {
        let iframe = Iframe::at("/", "push.deliver");
        let mut reader = ScriptReader::new(iframe);
        let mut out = VecDeque::new();
        for chunk in chunks {
            let mut watch = Watch::default();
            reader.push(
                chunk.as_bytes(),
                &mut Sink::new(Duration::ZERO, &mut out, &mut watch, &mut Meter::default()),
            );
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
    fn an_element_that_does_not_end_is_looked_at_once_however_it_is_cut() {
        let work = |beginning: &str, unit: &str, count: usize| {
            let mut reader = ScriptReader::new(Iframe::at("/", "push.deliver"));
            let mut out = VecDeque::new();
            let document = beginning.to_owned() + &unit.repeat(count);
            for piece in document.as_bytes().chunks(1) {
                let (mut watch, mut meter) = (Watch::default(), Meter::default());
                reader.push(piece, &mut Sink::new(Duration::ZERO, &mut out, &mut watch, &mut meter));
            }
            assert!(out.is_empty(), "{beginning}{unit}");
            reader.element.work
        };
        for (beginning, unit) in [
            ("<script>", "a"),
            ("<script>", "<b"),
            ("<script>", "</script"),
            ("<script>", "<!--<script>"),
            ("<script>//</script ", "a"),
            ("<script ", "a"),
            ("<!--", "-"),
            ("<!--", "a"),
            ("<b", "a"),
            ("<textarea>", "a"),
            ("<textarea>", "</textare"),
            ("<textarea><script>", "<b"),
        ] {
            let (once, twice) = (work(beginning, unit, 1000), work(beginning, unit, 2000));
            assert!(once <= 4 * (1000 * unit.len() + beginning.len()) as u64, "{beginning}{unit}: {once}");
            assert!(twice <= 2 * once + 16, "{beginning}{unit}: {once}, then {twice}");
        }
    }

    #[test]
    fn an_element_that_was_long_holds_no_room() {
        let mut reader = ScriptReader::new(Iframe::at("/", "push.deliver"));
        let mut out = VecDeque::new();
        let document = format!("<script{}></script>", " a".repeat(1 << 20));
        for piece in document.as_bytes().chunks(1024) {
            let (mut watch, mut meter) = (Watch::default(), Meter::default());
            reader.push(piece, &mut Sink::new(Duration::ZERO, &mut out, &mut watch, &mut meter));
        }
        assert!(reader.buffer.is_empty() && reader.buffer.capacity() <= ROOM, "{}", reader.buffer.capacity());
    }

    #[test]
    fn white_space_and_comments_are_heartbeats() {
        assert_eq!(items(&["\n", "<!-- . -->"]), ["comment", "comment"]);
    }
}
