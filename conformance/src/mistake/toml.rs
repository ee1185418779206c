//! What the TOML reader says, with a way out for people.

use std::ops::Range;

use super::error::{Wrong, meant_or_known};

/// The keys of a table, each with a line as it should be.
pub(crate) type Examples = [(&'static str, &'static str)];

/// Where the reader stopped, and what is wrong there.
pub(crate) fn wrong(error: &toml::de::Error, text: &str, examples: &Examples) -> (Range<usize>, Wrong) {
    let range = error.span().unwrap_or(0..0);
    // Some of its messages have a second line with the same in other words.
    let message = error.message().lines().next().unwrap_or_default();
    let (said, expected) = match message.split_once(", expected ") {
        // A closed list: it is the way out, and not part of what is wrong.
        Some((said, expected)) if said.starts_with("unknown ") => (said, Some(expected)),
        _ => (message, None),
    };
    let hint = match expected {
        Some(list) => {
            let known: Vec<&str> = quoted(list).collect();
            meant_or_known(quoted(said).next().unwrap_or_default(), known.iter().copied())
        }
        None if said.starts_with("duplicate key") => "remove one of the two".to_owned(),
        None if said.starts_with("missing field") => {
            let key = quoted(said).next().unwrap_or_default();
            let example = examples.iter().find(|(known, _)| *known == key);
            format!("add `{}`", example.map_or(key, |(_, line)| line))
        }
        None => {
            let example = example_at(text, range.start, examples).or_else(|| examples.first());
            example.map_or_else(String::new, |(_, line)| format!("as in `{line}`"))
        }
    };
    (range, Wrong::new(said, hint))
}

/// The words between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The example for the entry at a place: where a value goes over several lines, its key stands above.
fn example_at<'e>(text: &str, at: usize, examples: &'e Examples) -> Option<&'e (&'static str, &'static str)> {
    let end = text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |end| at + end);
    text.get(..end)?.lines().rev().find_map(|line| {
        let entry = line.trim_start_matches('[').trim_start();
        let belongs = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
        let key = entry.split(|character| !belongs(character)).next();
        examples.iter().find(|(known, _)| Some(*known) == key)
    })
}
