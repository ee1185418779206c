//! Where the scripts of a page stand, and which of them a browser runs (HTML sections 4.12.1 and 13.2).

use super::tag::closes_itself;

/// Elements whose content is text up to their own end tag, tags of scripts included. A browser that runs scripts takes the
/// content of `noscript` for text as well.
const TEXT_ALONE: [&str; 9] =
    ["textarea", "title", "style", "xmp", "iframe", "noembed", "noframes", "noscript", "plaintext"];

/// The types of scripts that are no modules (MIME Sniffing, JavaScript MIME type).
const CLASSIC: [&str; 16] = [
    "application/ecmascript",
    "application/javascript",
    "application/x-ecmascript",
    "application/x-javascript",
    "text/ecmascript",
    "text/javascript",
    "text/javascript1.0",
    "text/javascript1.1",
    "text/javascript1.2",
    "text/javascript1.3",
    "text/javascript1.4",
    "text/javascript1.5",
    "text/jscript",
    "text/livescript",
    "text/x-ecmascript",
    "text/x-javascript",
];

/// How many characters of a value a sentence shows.
const BRIEF: usize = 100;

/// The elements that are open, as far as they keep a browser from running a script.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    templates: usize,
    /// Elements of SVG and `MathML`, in which the names mean other elements.
    foreign: usize,
    text: Option<&'static str>,
}

impl Surroundings {
    /// The element that is open and has nothing but text, if there is one.
    pub(super) fn text(&self) -> Option<&'static str> {
        self.text
    }

    /// Takes note of a tag, or of what else begins like one.
    pub(super) fn note(&mut self, tag: &[u8]) {
        let closes = tag.starts_with(b"</");
        let name = name(tag.get(if closes { 2 } else { 1 }..).unwrap_or_default());
        let step = |depth: usize| if closes { depth.saturating_sub(1) } else { depth + 1 };
        match name.as_str() {
            "template" => self.templates = step(self.templates),
            "svg" | "math" if !closes && closes_itself(tag) => return,
            "svg" | "math" => self.foreign = step(self.foreign),
            _ if self.foreign > 0 => return,
            _ => {}
        }
        match TEXT_ALONE.into_iter().find(|alone| *alone == name) {
            Some("plaintext") if closes => {}
            Some(alone) if closes => self.text = self.text.filter(|open| *open != alone),
            Some(alone) => self.text = Some(alone),
            None => {}
        }
    }

    /// Why no browser runs the script with this start tag, as a fragment of a sentence.
    pub(super) fn why_not_run(&self, start_tag: &[u8]) -> Option<String> {
        if let Some(text) = self.text {
            return Some(format!("stands in a `{text}` element, where it is text"));
        }
        if self.templates > 0 {
            return Some("stands in a `template` element, where no browser runs it".to_owned());
        }
        let tag = String::from_utf8_lossy(start_tag);
        let [source, kind, language, no_module] = telling(&tag);
        if source.is_some() {
            return Some("has a `src`, and then no browser runs what stands in it".to_owned());
        }
        match (kind, language) {
            (Some(kind), _) if is_module(kind) => {
                Some("is a module, which runs when the page is complete".to_owned())
            }
            (Some(kind), _) if !kind.is_empty() && !is_classic(kind.trim_ascii()) => {
                Some(format!("has the type `{}`, which no browser runs", brief(kind)))
            }
            (None, Some(language)) if !language.is_empty() && !is_classic(&format!("text/{language}")) => {
                Some(format!("has the language `{}`, which no browser runs", brief(language)))
            }
            _ if no_module.is_some() => {
                Some("has `nomodule`, with which no browser that has modules runs it".to_owned())
            }
            _ => None,
        }
    }
}

fn is_module(kind: &str) -> bool {
    kind.eq_ignore_ascii_case("module")
}

fn is_classic(kind: &str) -> bool {
    CLASSIC.iter().any(|known| known.eq_ignore_ascii_case(kind))
}

/// The name of a tag in small letters: what comes up to white space, `/` or `>`.
fn name(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| byte.is_ascii_whitespace() || b"/>".contains(byte));
    String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]).to_ascii_lowercase()
}

/// The attributes that say whether a browser runs a script.
const TELLING: [&str; 4] = ["src", "type", "language", "nomodule"];

/// The telling attributes of a start tag, the first of each name (HTML section 13.2.5.32 ff.). No other is kept: a tag may
/// have a million of them.
fn telling(start_tag: &str) -> [Option<&str>; TELLING.len()] {
    let tag = start_tag.strip_suffix('>').unwrap_or(start_tag);
    let is_gap = |character: char| character.is_ascii_whitespace() || character == '/';
    let mut rest = tag.find(is_gap).map_or("", |at| &tag[at..]);
    let mut kept = [None; TELLING.len()];
    loop {
        rest = rest.trim_start_matches(is_gap);
        if rest.is_empty() {
            return kept;
        }
        let end = rest.find(|character: char| is_gap(character) || character == '=').unwrap_or(rest.len());
        // A sign of equality in front of everything else is part of the name.
        let end = end.max(rest.chars().next().map_or(1, char::len_utf8));
        let name = &rest[..end];
        rest = rest[end..].trim_start();
        let mut value = "";
        if let Some(behind) = rest.strip_prefix('=') {
            (value, rest) = attribute_value(behind.trim_start());
        }
        if let Some(at) = TELLING.iter().position(|telling| telling.eq_ignore_ascii_case(name)) {
            kept[at].get_or_insert(value);
        }
    }
}

/// The beginning of a value, as a sentence has room for it.
fn brief(value: &str) -> String {
    let mut characters = value.char_indices().skip(BRIEF);
    let more = if characters.next().is_some() { "…" } else { "" };
    let beginning: String = value.chars().take(BRIEF).collect();
    format!("{}{more}", beginning.escape_debug())
}

/// The value at the beginning of a text, and what stands behind it.
fn attribute_value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.split_once(quote).unwrap_or((inner, ""));
        }
    }
    text.split_at(text.find(|character: char| character.is_ascii_whitespace()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_runs_by_its_attributes() {
        let runs = |tag: &str| Surroundings::default().why_not_run(tag.as_bytes()).is_none();
        for tag in [
            "<script>",
            "<SCRIPT >",
            "<script type=\"\">",
            "<script type=text/javascript>",
            "<script type=' Text/JavaScript '>",
            "<script async defer data-type=x>",
            "<script language=JavaScript>",
            "<script/nonce='a/b'>",
        ] {
            assert!(runs(tag), "{tag}");
        }
        for tag in [
            "<script type=x>",
            "<script type=\"text/javascript; charset=utf-8\">",
            "<script TYPE = 'text/template'>",
            "<script type=module>",
            "<script src=\"/a.js\">",
            "<script src>",
            "<script language=VBScript>",
            "<script nomodule>",
        ] {
            assert!(!runs(tag), "{tag}");
        }
    }

    #[test]
    fn nothing_is_kept_of_attributes_that_say_nothing() {
        let many: String = (0..100_000).map(|number| format!(" a{number}=b")).collect();
        assert_eq!(telling(&format!("<script{many}>")), [None; 4]);
        let among_others = format!("<script{many} TYPE=x{many} type=y src>");
        assert_eq!(telling(&among_others), [Some(""), Some("x"), None, None]);
        let long = format!("<script type={}>", "x".repeat(1 << 20));
        let why = Surroundings::default().why_not_run(long.as_bytes()).expect("no browser runs it");
        assert!(why.len() < 200, "{}", why.len());
    }

    #[test]
    fn a_script_runs_by_where_it_stands() {
        let runs = |tags: &[&str]| {
            let mut surroundings = Surroundings::default();
            for tag in tags {
                surroundings.note(tag.as_bytes());
            }
            surroundings.why_not_run(b"<script>").is_none()
        };
        assert!(runs(&["<!doctype html>", "<html>", "<title>", "</title>", "<div>"]));
        assert!(runs(&["<template>", "</template>"]));
        assert!(runs(&["</template>"]));
        assert!(!runs(&["<template id=a>"]));
        assert!(!runs(&["<template>", "<template>", "</template>"]));
        assert!(!runs(&["<textarea rows=2>"]));
        assert!(runs(&["<templates>"]));
        assert!(runs(&["<svg>", "<style/>", "</svg>"]));
        assert!(!runs(&["<svg>", "</svg>", "<style/>"]));
        assert!(!runs(&["<svg/>", "<style>"]));
        assert!(!runs(&["<plaintext>", "</plaintext>"]));
    }
}
