//! A place in a line, and what can be wrong there.

use super::{SUBSTITUTIONS, TWO_BLANKS};
use crate::mistake::did_you_mean;

/// What is wrong in a line; columns count characters from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) column: usize,
    /// `usize::MAX` for the whole line.
    pub(crate) width: usize,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Mistake {
    pub(crate) fn at(column: usize, width: usize, message: impl Into<String>) -> Mistake {
        Mistake { column, width, message: message.into(), hint: None }
    }

    pub(crate) fn whole(message: impl Into<String>) -> Mistake {
        Mistake::at(0, usize::MAX, message)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Mistake {
        self.hint = Some(hint.into());
        self
    }
}

/// Reads a line from left to right.
pub(crate) struct Cursor<'a> {
    characters: &'a [char],
    position: usize,
    parameters: &'a [String],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(characters: &'a [char], position: usize, parameters: &'a [String]) -> Self {
        Cursor { characters, position, parameters }
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    pub(crate) fn set_position(&mut self, position: usize) {
        self.position = position;
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.characters.get(self.position).copied()
    }

    pub(crate) fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.position += 1;
        Some(character)
    }

    pub(crate) fn at_end(&self) -> bool {
        self.position >= self.characters.len()
    }

    /// What is left of the statement.
    pub(crate) fn rest(&self) -> String {
        self.characters[self.position.min(self.characters.len())..].iter().collect()
    }

    /// Takes the rest of the statement.
    pub(crate) fn take_rest(&mut self) -> String {
        let rest = self.rest();
        self.position = self.characters.len();
        rest
    }

    pub(crate) fn starts_with(&self, text: &str) -> bool {
        let mut ahead = self.characters[self.position.min(self.characters.len())..].iter();
        text.chars().all(|character| ahead.next() == Some(&character))
    }

    /// Takes `text` if it comes next.
    pub(crate) fn take(&mut self, text: &str) -> bool {
        let found = self.starts_with(text);
        if found {
            self.position += text.chars().count();
        }
        found
    }

    /// The word that comes next, up to a space or one of `stops`, without taking it.
    pub(crate) fn peek_word(&self, stops: &[char]) -> String {
        self.characters[self.position.min(self.characters.len())..]
            .iter()
            .take_while(|character| **character != ' ' && !stops.contains(character))
            .collect()
    }

    /// Takes the word that comes next.
    pub(crate) fn word(&mut self, stops: &[char]) -> String {
        let word = self.peek_word(stops);
        self.position += word.chars().count();
        word
    }

    /// Takes exactly one space, after which something stands; `example` shows what.
    pub(crate) fn blank(&mut self, example: &str) -> Result<(), Mistake> {
        let from = self.position;
        if self.rest().trim().is_empty() {
            return Err(Mistake::at(from, 1, "something is missing here").hint(format!("as in `{example}`")));
        }
        if !self.take(" ") {
            return Err(Mistake::at(from, 1, "a space is expected here").hint(format!("as in `{example}`")));
        }
        let more = self.rest().chars().take_while(|character| *character == ' ').count();
        if more > 0 {
            let mistake = Mistake::at(from, more + 1, "a single space is expected here");
            return Err(mistake.hint("remove all spaces but one"));
        }
        Ok(())
    }

    pub(crate) fn mistake(&self, from: usize, message: impl Into<String>) -> Mistake {
        Mistake::at(from, self.position.saturating_sub(from).max(1), message)
    }

    pub(crate) fn expect_end(&self) -> Result<(), Mistake> {
        if self.at_end() {
            return Ok(());
        }
        let width = self.characters.len() - self.position;
        let rest = self.rest();
        if rest.trim().is_empty() {
            return Err(Mistake::at(self.position, width, "the line ends with spaces").hint("remove them"));
        }
        let mistake = Mistake::at(self.position, width, format!("`{}` is not expected here", rest.trim()));
        Err(mistake.hint(if rest.trim_start().starts_with(['#', '@']) {
            TWO_BLANKS
        } else if rest.trim() == "or" {
            "name another item after it, as in `< eof or reset`"
        } else {
            "a line has one statement: put the rest on another line, or after `  #` as a comment"
        }))
    }

    /// Checks the name of a substitution.
    pub(crate) fn check_name(&self, from: usize, name: &str) -> Result<(), Mistake> {
        if SUBSTITUTIONS.contains(&name) || self.is_parameter(name) {
            return Ok(());
        }
        let known = SUBSTITUTIONS.into_iter().chain(self.parameters.iter().map(String::as_str));
        let mut mistake =
            Mistake::at(from, name.chars().count() + 2, format!("unknown substitution `{{{name}}}`"));
        mistake.hint = did_you_mean(name, known).or_else(|| {
            Some(format!("add `each.{name} = […]` to the front matter, or write a literal brace as `\\{{`"))
        });
        Err(mistake)
    }

    pub(crate) fn is_parameter(&self, name: &str) -> bool {
        self.parameters.iter().any(|parameter| parameter == name)
    }

    /// A name in braces, if one begins here: small letters, digits and hyphens.
    pub(crate) fn braced_name(&self) -> Option<String> {
        let mut ahead = self.characters[self.position.min(self.characters.len())..].iter();
        if ahead.next() != Some(&'{') {
            return None;
        }
        let name: String = ahead
            .clone()
            .take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || **c == '-')
            .collect();
        let closed = ahead.nth(name.len()) == Some(&'}');
        (closed && !name.is_empty()).then_some(name)
    }
}
