//! Holds the reader of scripts against a tokenizer of HTML and a parser of ECMAScript that are not ours.
//!
//! The two are what a browser has: html5gum passes the tests of the HTML standard, and oxc those of ECMAScript. They are
//! here and not in the judge for their weight, a hundred crates, and because they read whole documents while the judge
//! reads streams that never end. What matters is one question: does exactly the published text arrive, in one script?

use std::collections::VecDeque;
use std::time::Duration;

use oxc_ast::ast::{Argument, Expression, ObjectPropertyKind, Statement};
use proptest::prelude::*;

use super::*;
use crate::judge::receive::meter::Meter;
use crate::judge::verdict::invariant::Watch;
use crate::profile::parts::Parts;

/// What is hard in a message, and what is not.
const PIECES: [&str; 40] = [
    "one",
    "</script>",
    "</SCRIPT >",
    "</script/>",
    "</script",
    "<script>",
    "<script",
    "<!--",
    "-->",
    "--!>",
    "<!-->",
    "<!--->",
    "]]>",
    "<![CDATA[",
    "\"",
    "'",
    "`",
    "\\",
    "\\\\",
    "\n",
    "\r",
    "\r\n",
    "\u{2028}",
    "\u{2029}",
    "\0",
    "😀",
    "é",
    "\u{feff}",
    "&lt;",
    "&#60;",
    "${1}",
    "\\u0041",
    "\\x41",
    "/*",
    "*/",
    "//",
    ")",
    ");x(\"",
    "{\"data\":1}",
    " ",
];

/// What careless servers leave out: an escape, and the text that then stands in its place.
const SLIPS: [(&str, &str); 12] = [
    ("\\u003c", "<"),
    ("\\u003e", ">"),
    ("\\u0026", "&"),
    ("\\u003c", "&lt;"),
    ("\\\"", "\""),
    ("\\\\", "\\"),
    ("\\n", "\n"),
    ("\\r", "\r"),
    ("\\u0000", "\0"),
    ("\\u2028", "\u{2028}"),
    ("\\u003c/", "</"),
    ("\\u003c!", "<!"),
];

/// A document with one message, written by a server that escapes everything but for its slips.
fn document(text: &str, slips: &[usize]) -> String {
    let json = serde_json::json!({ "data": text }).to_string();
    let escaped = [
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
        ("\u{2028}", "\\u2028"),
        ("\u{2029}", "\\u2029"),
    ]
    .iter()
    .fold(json, |json, (from, to)| json.replace(from, to));
    let argument =
        slips.iter().map(|slip| SLIPS[*slip]).fold(escaped, |json, (from, to)| json.replace(from, to));
    format!(
        "<!doctype html><title>x</title><!-- {0:40} -->\n<script>parent.push.deliver({argument})</script>\n",
        ""
    )
}

/// The texts that the suite reads, and whether it could read everything.
fn read_by_the_suite(document: &str, cuts: usize) -> Vec<String> {
    let parts = Parts { data: Some("/data".into()), ..Parts::default() };
    let mut reader = ScriptReader::new(Iframe { parts, ..Iframe::at("/", "push.deliver") });
    let mut out = VecDeque::new();
    for piece in document.as_bytes().chunks(cuts) {
        let mut watch = Watch::default();
        reader.push(piece, &mut Sink::new(Duration::ZERO, &mut out, &mut watch, &mut Meter::default()));
    }
    let texts = out.into_iter().filter_map(|arrival| match arrival.item {
        Item::Message(message) => Some(String::from_utf8_lossy(&message.data).into_owned()),
        Item::Unreadable(why) => Some(why),
        Item::Undecoded(why) => Some(why.to_string()),
        _ => None,
    });
    texts.collect()
}

/// The contents of all script elements that are closed.
fn scripts(document: &str) -> Vec<String> {
    let mut emitter = html5gum::emitters::default::DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let mut scripts = Vec::new();
    let mut open: Option<String> = None;
    for token in html5gum::Tokenizer::new_with_emitter(document, emitter) {
        match token.unwrap_or_else(|never| match never {}) {
            html5gum::Token::StartTag(tag) if tag.name.as_slice() == b"script" => open = Some(String::new()),
            html5gum::Token::String(text) => {
                if let Some(script) = &mut open {
                    script.push_str(&String::from_utf8_lossy(&text));
                }
            }
            html5gum::Token::EndTag(tag) if tag.name.as_slice() == b"script" => scripts.extend(open.take()),
            _ => {}
        }
    }
    scripts
}

/// The texts with which a script calls `parent.push.deliver`; none where it does not parse, for then nothing of it runs.
fn called_with(script: &str) -> Vec<String> {
    let allocator = oxc_allocator::Allocator::default();
    let parsed = oxc_parser::Parser::new(&allocator, script, oxc_span::SourceType::cjs()).parse();
    if parsed.panicked || !parsed.errors.is_empty() {
        return Vec::new();
    }
    let calls = parsed.program.body.iter().filter_map(|statement| match statement {
        Statement::ExpressionStatement(statement) => match &statement.expression {
            Expression::CallExpression(call) => Some(call),
            _ => None,
        },
        _ => None,
    });
    let argument = calls.filter_map(|call| match call.arguments.first() {
        Some(Argument::ObjectExpression(object)) => Some(object),
        _ => None,
    });
    let properties = argument.flat_map(|object| &object.properties);
    let texts = properties.filter_map(|property| match property {
        ObjectPropertyKind::ObjectProperty(property) => match &property.value {
            Expression::StringLiteral(text) => Some(text.value.to_string()),
            _ => None,
        },
        ObjectPropertyKind::SpreadProperty(_) => None,
    });
    texts.collect()
}

/// What the tokens of a script are made of.
const TOKENS: [&str; 36] = [
    "a", "1", "'", "\"", "`", "\\", "\\u0061", "/", "/a/", "[/]", "(", ")", "[", "]", "{", "}", "${", "\n",
    "\r", "\r\n", "//", "/*", "*/", "<!--", "-->", "++", "--", "=", ";", ",", " ", "return ", "typeof ",
    "\u{2028}", "\u{201c}", "#",
];

fn is_parsed(source: &str) -> bool {
    let allocator = oxc_allocator::Allocator::default();
    let parsed = oxc_parser::Parser::new(&allocator, source, oxc_span::SourceType::cjs()).parse();
    !parsed.panicked && parsed.errors.is_empty()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]

    #[test]
    fn a_message_arrives_where_it_would_arrive_in_a_browser(
        pieces in proptest::collection::vec(0..PIECES.len(), 0..6),
        slips in proptest::collection::vec(0..SLIPS.len(), 0..3),
        cuts in 1..200_usize,
    ) {
        let text: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
        let document = document(&text, &slips);
        let scripts = scripts(&document);
        let in_a_browser = scripts.len() == 1 && called_with(&scripts[0]) == [text.as_str()];
        let in_the_suite = read_by_the_suite(&document, cuts) == [text.as_str()];
        prop_assert_eq!(in_the_suite, in_a_browser, "{}", document);
    }

    #[test]
    fn a_script_with_a_defect_is_one_that_no_parser_takes(tokens in proptest::collection::vec(0..TOKENS.len(), 0..12)) {
        let source: String = tokens.iter().map(|token| TOKENS[*token]).collect();
        if let Some(why) = crate::judge::receive::ecmascript::defect(&source) {
            prop_assert!(!is_parsed(&source), "{}: {:?}", why, source);
        }
    }

    #[test]
    fn a_message_that_is_escaped_always_arrives(pieces in proptest::collection::vec(0..PIECES.len(), 0..8), cuts in 1..200_usize) {
        let text: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
        let document = document(&text, &[]);
        prop_assert_eq!(scripts(&document).len(), 1);
        prop_assert_eq!(called_with(&scripts(&document)[0]), [text.as_str()]);
        prop_assert_eq!(read_by_the_suite(&document, cuts), [text.as_str()]);
    }
}
