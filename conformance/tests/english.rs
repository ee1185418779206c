//! The documents and the help use the words of the glossary, and not those that it has replaced.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// More words than this are more than a reader learns.
const MOST_WORDS: usize = 30;

/// Phrases with the words that stand in their place. They are in small letters.
const REPLACED: &[(&str, &str)] = &[
    ("blank", "space"),
    ("blanks", "spaces"),
    ("facts", "front matter"),
    ("sanity case", "precondition"),
    ("sanity cases", "preconditions"),
    ("sanity =", "precondition ="),
    ("is left over", "is not expected here"),
    ("what is said of it", "what the profile says"),
    ("clients are to come no more", "the server tells clients not to reconnect"),
    ("to come no more", "not to reconnect"),
    ("when all is said", "when the response is complete"),
    ("takes turns", "runs one at a time"),
    ("take turns", "run one at a time"),
    ("has to get it", "must receive it"),
];

/// The documents outside `docs/`.
const DOCUMENTS: [&str; 5] =
    ["README.md", "CONTRIBUTING.md", "fixtures/README.md", "reference-server/README.md", "reports/README.md"];

/// It consists of the summaries of the faults, which stand beside the faults.
const OTHERS: &str = "docs/faults.md";

/// The folder of the snapshots, among them those of all mistakes that the program finds.
const SNAPSHOTS: &str = "conformance/tests/snapshots";

const COMMANDS: [&[&str]; 13] = [
    &[],
    &["run"],
    &["init"],
    &["list"],
    &["explain"],
    &["load"],
    &["report"],
    &["diff"],
    &["matrix"],
    &["merge"],
    &["replay"],
    &["proxy"],
    &["serve"],
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn document(path: &str) -> Result<String> {
    Ok(fs::read_to_string(root().join(path))?)
}

/// The files of a folder, as paths from the root.
fn files(folder: &str) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root().join(folder))? {
        files.push(format!("{folder}/{}", entry?.file_name().to_string_lossy()));
    }
    // Pictures and schemas are no prose.
    let is_prose =
        |file: &String| Path::new(file).extension().is_some_and(|kind| kind == "md" || kind == "snap");
    files.retain(is_prose);
    files.sort();
    Ok(files)
}

/// All texts, each with its name.
fn texts() -> Result<Vec<(String, String)>> {
    let documents = files("docs")?.into_iter().filter(|path| path != OTHERS);
    let mistakes = files(SNAPSHOTS)?.into_iter().filter(|path| path.contains("mistakes__"));
    let mut texts = Vec::new();
    for path in DOCUMENTS.map(str::to_owned).into_iter().chain(documents).chain(mistakes) {
        texts.push((path.clone(), document(&path)?));
    }
    for arguments in COMMANDS {
        let output = Command::new(env!("CARGO_BIN_EXE_pushspec")).args(arguments).arg("--help").output()?;
        texts.push((format!("{arguments:?} --help"), String::from_utf8(output.stdout)?));
    }
    Ok(texts)
}

/// The entries of the glossary: word and meaning.
fn glossary() -> Result<Vec<(String, String)>> {
    let text = document("docs/glossary.md")?;
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    Ok(rows.skip(1).map(|(word, meaning)| (word.to_owned(), meaning.to_owned())).collect())
}

/// A text in small letters, with one space between words, as if it had no lines.
fn flat(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a phrase occurs in a flat text as words of their own. "Blank line" is the term of the HTML standard, and a
/// part of a name with hyphens is no word.
fn says(text: &str, phrase: &str) -> bool {
    let is_word = |character: char| character.is_alphanumeric() || "-_`".contains(character);
    text.match_indices(phrase).any(|(at, _)| {
        let (before, behind) = (&text[..at], &text[at + phrase.len()..]);
        !before.ends_with(is_word) && !behind.starts_with(is_word) && !behind.starts_with(" line")
    })
}

#[test]
fn no_document_uses_a_replaced_phrase() -> Result {
    let mut found = Vec::new();
    for (name, text) in texts()? {
        let text = flat(&text);
        for (phrase, instead) in REPLACED.iter().filter(|(phrase, _)| says(&text, phrase)) {
            found.push(format!("{name}: write `{instead}` for `{phrase}`"));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    Ok(())
}

#[test]
fn a_replaced_phrase_is_found_where_it_stands_and_a_name_is_none() {
    let says = |text: &str, phrase| says(&flat(text), phrase);
    assert!(says("A line ends with\nblanks.", "blanks"));
    assert!(says("The case takes\n  turns with others", "takes turns"));
    assert!(!says("An event ends with a blank line.", "blank"));
    assert!(!says("http/9112-3-request-line/blank-in-target", "blank"));
    assert!(!says("The `blank` of the notation", "blank"));
}

#[test]
fn the_glossary_is_short_and_in_order() -> Result {
    let words = glossary()?;
    assert!((1..=MOST_WORDS).contains(&words.len()), "the glossary has {} words", words.len());
    let sorted: BTreeSet<&str> = words.iter().map(|(word, _)| word.as_str()).collect();
    assert!(sorted.iter().eq(words.iter().map(|(word, _)| word)), "sort the words, and write each once");
    for (word, meaning) in &words {
        let sentences = meaning.matches(". ").count() + 1;
        assert!(sentences <= 2 && meaning.ends_with('.'), "`{word}` has one or two sentences");
    }
    Ok(())
}

/// A word that nobody uses needs no explanation.
#[test]
fn every_word_of_the_glossary_is_used() -> Result {
    let texts: Vec<String> = texts()?
        .into_iter()
        .filter(|(name, _)| name != "docs/glossary.md")
        .map(|(_, text)| flat(&text))
        .collect();
    for (word, _) in glossary()? {
        assert!(texts.iter().any(|text| text.contains(&word)), "no document uses `{word}`");
    }
    Ok(())
}

#[test]
fn the_readme_leads_to_the_glossary() -> Result {
    assert!(document("README.md")?.contains("(docs/glossary.md)"), "README.md does not name the glossary");
    Ok(())
}
