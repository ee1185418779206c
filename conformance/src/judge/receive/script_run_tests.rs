//! Holds the reader of scripts against a tree builder of HTML that is not ours: which scripts does a browser run?
//!
//! html5ever builds the tree that the HTML standard describes. It is here and not in the judge because it builds a tree of all
//! that came, while the judge reads pages that never end.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Tokenizer};
use html5ever::tree_builder::TreeBuilder;
use html5ever::{LocalName, TokenizerResult, local_name, ns};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use proptest::prelude::*;

use super::*;
use crate::judge::receive::meter::Meter;
use crate::judge::verdict::invariant::Watch;

/// What pages are made of. Three kinds of elements are left out, since the judge does not follow them, and no page that
/// pushes has them around its scripts: `select` and `frameset`, within which a tree builder passes over the start tags of
/// others, and elements of SVG and `MathML` that have a script in them or that the start tag of another element ends.
const PIECES: [&str; 62] = [
    "one ",
    "<p>",
    "</p>",
    "<br/>",
    "<div title=\">\">",
    "<div title='",
    "<div title=\"",
    "<a b=c>",
    "<a b=/>",
    "\"",
    "'",
    "=",
    "<",
    ">",
    "/",
    " ",
    "\n",
    "<3 ",
    "</3>",
    "</>",
    "< script>",
    "<?x>",
    "<!x>",
    "<!doctype html>",
    "<!--",
    "-->",
    "--!>",
    "<!-->",
    "<!--->",
    "<!-- - -- -->",
    "<html>",
    "<head>",
    "</head>",
    "<body>",
    "</body>",
    "</html>",
    "<table>",
    "<tr><td>",
    "</table>",
    "<template>",
    "<template id='a>b'>",
    "</template>",
    "<TEXTAREA>",
    "</textarea>",
    "<title/>",
    "</title >",
    "<style>",
    "</style>",
    "<noscript>",
    "</noscript>",
    "<iframe src=x>",
    "</iframe>",
    "<xmp>",
    "</xmp>",
    "<plaintext>",
    "<svg/>",
    "<svg><style></svg>",
    "<math><title></math>",
    "<textareas>",
    "<script",
    "</script>",
    "<script src=a>//</script>",
];

/// The start tags of scripts.
const SCRIPTS: [&str; 8] = [
    "<script>",
    "<script >",
    "<SCRIPT type=text/javascript>",
    "<script type=x>",
    "<script src>",
    "<script data-a='>'>",
    "<script data-a=\"type=x\" defer>",
    "<script/>",
];

/// A piece, or a script that says which one it is.
fn piece(choice: usize, number: usize) -> String {
    match PIECES.get(choice) {
        Some(piece) => (*piece).to_owned(),
        None => format!("{}push.deliver(\"{number}\")</script>", SCRIPTS[choice - PIECES.len()]),
    }
}

/// The scripts that the suite takes for run, as far as they deliver something.
fn run_by_the_suite(document: &str, cuts: usize) -> Vec<String> {
    let mut reader = ScriptReader::new(Iframe::at("/", "push.deliver"));
    for piece in document.as_bytes().chunks(cuts) {
        let (mut out, mut watch) = (VecDeque::new(), Watch::default());
        reader.push(piece, &mut Sink::new(Duration::ZERO, &mut out, &mut watch, &mut Meter::default()));
    }
    reader.run.into_iter().filter(|script| script.contains("deliver")).collect()
}

/// The scripts that a browser runs: those that are complete, in the document, classic and without a source.
fn run_by_a_browser(document: &str) -> Vec<String> {
    let builder = TreeBuilder::new(RcDom::default(), html5ever::tree_builder::TreeBuilderOpts::default());
    let tokenizer = Tokenizer::new(builder, html5ever::tokenizer::TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(document));
    let mut run = Vec::new();
    while let TokenizerResult::Script(script) = tokenizer.feed(&input) {
        if is_run(&script, &tokenizer.sink.sink.document) {
            run.push(text(&script));
        }
    }
    run.into_iter().filter(|script| script.contains("deliver")).collect()
}

fn is_run(script: &Handle, document: &Handle) -> bool {
    let NodeData::Element { name, attrs, .. } = &script.data else { return false };
    let attrs = attrs.borrow();
    let attribute =
        |wanted: LocalName| attrs.iter().find(|attr| attr.name.local == wanted).map(|attr| &*attr.value);
    let is_classic = attribute(local_name!("type")).is_none_or(|kind| kind == "text/javascript");
    let has_source = attribute(local_name!("src")).is_some();
    name.ns == ns!(html) && is_classic && !has_source && Rc::ptr_eq(&root(script), document)
}

/// The root of the tree of a node: of the content of a template it is one of its own.
fn root(node: &Handle) -> Handle {
    let mut node = node.clone();
    loop {
        let parent = node.parent.take();
        node.parent.set(parent.clone());
        match parent.and_then(|parent| parent.upgrade()) {
            Some(parent) => node = parent,
            None => return node,
        }
    }
}

fn text(node: &Handle) -> String {
    let children = node.children.borrow();
    let texts = children.iter().filter_map(|child| match &child.data {
        NodeData::Text { contents } => Some(contents.borrow().to_string()),
        _ => None,
    });
    texts.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]

    #[test]
    fn a_script_is_run_where_a_browser_runs_it(
        choices in proptest::collection::vec(0..PIECES.len() + 2 * SCRIPTS.len(), 0..12),
        cuts in 1..200_usize,
    ) {
        let choice = |choice: usize| if choice < PIECES.len() { choice } else { PIECES.len() + (choice - PIECES.len()) % SCRIPTS.len() };
        let document: String = choices.iter().enumerate().map(|(at, one)| piece(choice(*one), at)).collect();
        prop_assert_eq!(run_by_the_suite(&document, cuts), run_by_a_browser(&document), "{}", document);
    }
}

/// The two agree on these, and what they agree on is what the standard says.
#[test]
fn a_script_is_run_by_where_it_stands_and_by_its_tag() {
    const SCRIPT: &str = "<script>push.deliver(\"1\")</script>";
    for (before, after, is_run) in [
        ("<p>", "", true),
        ("<template>", "</template>", false),
        ("<template></template>", "", true),
        ("<textarea>", "</textarea>", false),
        ("<plaintext></plaintext>", "", false),
        ("<!--", "-->", false),
        ("<!-->", "", true),
        ("<!-- --!>", "", true),
        ("<3 ", "", true),
        ("<a title=\"", "\">", false),
        ("<a title=\">\">", "", true),
        ("<svg/><style>", "</style>", false),
    ] {
        let document = format!("{before}{SCRIPT}{after}");
        let run = run_by_a_browser(&document);
        assert_eq!(!run.is_empty(), is_run, "{document}");
        for cuts in [1, 2, 7, 1000] {
            assert_eq!(run_by_the_suite(&document, cuts), run, "{document} in pieces of {cuts}");
        }
    }
}
