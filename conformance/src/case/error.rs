//! What is wrong with a page, where, and what may have been meant.

use std::fmt;

use crate::report::escape::visible;

/// A mistake in a fixture page, a catalogue or a profile, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageError {
    /// The file as the reader knows it, for instance `fixtures/websocket/5.1-masking.md`.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column of the first character concerned, counted in characters from 1.
    pub column: usize,
    /// How many characters are concerned; at least 1.
    pub width: usize,
    /// The text of the line.
    pub source: String,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// A way out, if one is known.
    pub hint: Option<String>,
}

impl fmt::Display for PageError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gutter = self.line.to_string();
        let blank = " ".repeat(gutter.len());
        // What is escaped in the line above takes more room than in the file: the caret moves along.
        let prefix: String = self.source.chars().take(self.column.saturating_sub(1)).collect();
        let before = " ".repeat(visible(&prefix).chars().count());
        writeln!(out, "{}", self.message)?;
        writeln!(out, "{blank}--> {}:{}:{}", self.file, self.line, self.column)?;
        writeln!(out, "{blank} |")?;
        writeln!(out, "{gutter} | {}", visible(&self.source))?;
        write!(out, "{blank} | {before}{}", "^".repeat(self.width.max(1)))?;
        if let Some(hint) = &self.hint {
            write!(out, "\n{blank} = hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PageError {}

/// Several mistakes at once, so that a page is mended in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageErrors(pub Vec<PageError>);

impl fmt::Display for PageErrors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                out.write_str("\n\n")?;
            }
            write!(out, "error: {error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PageErrors {}

/// The word of a closed list that is nearest to what was written, as a hint.
pub fn did_you_mean<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let nearest = known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(written, word), word))
        .filter(|(distance, word)| *distance <= (word.len().max(written.len()) / 3).max(1))
        .min()?;
    Some(format!("did you mean `{}`?", nearest.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_word() {
        let error = PageError {
            file: "fixtures/a.md".into(),
            line: 7,
            column: 4,
            width: 5,
            source: "<? [cloze]".into(),
            message: "unknown opcode `cloze`".into(),
            hint: did_you_mean("cloze", ["text", "close"]),
        };
        assert_eq!(
            error.to_string(),
            "unknown opcode `cloze`\n --> fixtures/a.md:7:4\n  |\n7 | <? [cloze]\n  |    ^^^^^\n  = hint: did you mean `close`?"
        );
    }

    #[test]
    fn a_far_word_gives_no_hint() {
        assert_eq!(did_you_mean("banana", ["text", "close"]), None);
    }
}
