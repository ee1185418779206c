//! What is wrong with a page, where, and what may have been meant.

use std::fmt;
use std::ops::Range;

use super::place::Place;
use crate::escape::visible;
use crate::secret::Secrets;

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

impl PageError {
    /// A mistake at a range of bytes of a file.
    pub(crate) fn in_text(file: String, text: &str, range: &Range<usize>, wrong: Wrong) -> PageError {
        let place = Place::of(text, range);
        PageError {
            file,
            line: place.line + 1,
            column: place.column + 1,
            width: place.width,
            source: text.lines().nth(place.line).unwrap_or_default().to_owned(),
            message: wrong.message,
            hint: Some(wrong.hint),
        }
    }

    /// The same mistake without what nobody is to see.
    pub(crate) fn without(self, secrets: &Secrets) -> PageError {
        // A line that is shown in part may be cut within a secret: of one that is that long nothing is shown.
        if self.source.len() > LONGEST {
            let source = format!("… {} bytes …", self.source.len());
            let (column, width) = (1, source.chars().count());
            return PageError { column, width, source, ..self }.without(secrets);
        }
        let hidden = secrets.hide(&self.source);
        let error = PageError {
            message: secrets.hide(&self.message),
            hint: self.hint.as_deref().map(|hint| secrets.hide(hint)),
            ..self
        };
        if hidden == error.source {
            return error;
        }
        let part = |from: usize, count: usize| {
            secrets.hide(&error.source.chars().skip(from).take(count).collect::<String>())
        };
        let start = error.column.saturating_sub(1);
        let (before, marked) = (part(0, start), part(start, error.width));
        let behind = part(start + error.width, usize::MAX);
        // What is marked may be a part of what is hidden.
        let (column, width) = if format!("{before}{marked}{behind}") == hidden {
            (before.chars().count() + 1, marked.chars().count().max(1))
        } else {
            (1, hidden.chars().count().max(1))
        };
        PageError { source: hidden, column, width, ..error }
    }

    /// The first byte that no text in UTF-8 has there.
    pub(crate) fn not_utf8(file: String, error: &std::string::FromUtf8Error) -> PageError {
        let bytes = error.as_bytes();
        let at = error.utf8_error().valid_up_to();
        let start = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |before| before + 1);
        let end =
            bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |behind| at + behind);
        PageError {
            file,
            line: bytes[..start].split(|byte| *byte == b'\n').count(),
            column: String::from_utf8_lossy(&bytes[start..at]).chars().count() + 1,
            width: 1,
            source: String::from_utf8_lossy(&bytes[start..end]).into_owned(),
            message: format!(
                "the byte 0x{:02x} is not UTF-8 here",
                bytes.get(at).copied().unwrap_or_default()
            ),
            hint: Some("save the file as UTF-8".to_owned()),
        }
    }
}

/// How many characters of a line are shown, and of a message; and how many of them stand before the place concerned.
const SHOWN: usize = 240;

/// The longest line in which secrets are searched for.
const LONGEST: usize = 16 * 1024;
const BEFORE: usize = 80;

impl PageError {
    /// As much of the line as is shown, how many characters stand before the place concerned, and how many are concerned.
    fn excerpt(&self) -> (String, usize, usize) {
        let column = self.column.saturating_sub(1);
        if self.source.chars().nth(SHOWN).is_none() {
            let length = self.source.chars().count();
            let column = column.min(length);
            return (self.source.clone(), column, self.width.min(length - column));
        }
        let left_out = column.saturating_sub(BEFORE);
        let mut rest = self.source.chars().skip(left_out);
        let mut shown: String = rest.by_ref().take(SHOWN).collect();
        let column = column - left_out;
        let width = self.width.min(shown.chars().count().saturating_sub(column));
        if rest.next().is_some() {
            shown.push('…');
        }
        if left_out > 0 {
            return (format!("…{shown}"), column + 1, width);
        }
        (shown, column, width)
    }
}

/// As much of a text as is shown.
fn cut(text: &str) -> String {
    let mut characters = text.chars();
    let shown: String = characters.by_ref().take(SHOWN).collect();
    if characters.next().is_some() { shown + "…" } else { shown }
}

/// What is wrong, and a way out, without a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// A way out.
    pub hint: String,
}

impl Wrong {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Wrong {
        Wrong { message: message.into(), hint: hint.into() }
    }
}

impl fmt::Display for PageError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gutter = self.line.to_string();
        let blank = " ".repeat(gutter.len());
        let (source, column, width) = self.excerpt();
        // What is escaped in the line above takes more room than in the file: the carets move along.
        let before: String = source.chars().take(column).collect();
        let marked: String = source.chars().skip(column).take(width).collect();
        let before = " ".repeat(visible(&before).chars().count());
        let carets = "^".repeat(visible(&marked).chars().count().max(1));
        writeln!(out, "{}", visible(&cut(&self.message)))?;
        writeln!(out, "{blank}--> {}:{}:{}", visible(&self.file), self.line, self.column)?;
        writeln!(out, "{blank} |")?;
        writeln!(out, "{gutter} | {}", visible(&source))?;
        write!(out, "{blank} | {before}{carets}")?;
        if let Some(hint) = &self.hint {
            write!(out, "\n{blank} = hint: {}", visible(hint))?;
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
    nearest(written, known).map(|word| format!("did you mean `{word}`?"))
}

/// The word that is nearest to what was written, if one is near.
pub(crate) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(written, word), word))
        .filter(|(distance, word)| *distance <= (word.len().max(written.len()) / 3).max(1))
        .min()
        .map(|(_, word)| word)
}

/// The word of a closed list that is nearest to what was written, or else the whole list.
pub fn meant_or_known<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str, IntoIter: Clone>,
) -> String {
    let known = known.into_iter();
    did_you_mean(written, known.clone()).unwrap_or_else(|| format!("known are {}", listed(known)))
}

/// `a`, `b`, `c`
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
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
    fn a_long_line_is_cut_around_the_place() {
        let error = PageError {
            file: "a\u{1b}.md".into(),
            line: 1,
            column: 1001,
            width: 5000,
            source: "a".repeat(1000) + "b" + &"c".repeat(9000),
            message: "m".repeat(9000),
            hint: None,
        };
        let printed = error.to_string();
        let lines: Vec<&str> = printed.lines().collect();
        assert!(lines[1].starts_with(" --> a\\u{1b}.md:1:1001"), "{}", lines[1]);
        assert!(lines.iter().all(|line| line.chars().count() < 260), "{printed}");
        let place = lines[3].chars().position(|character| character == 'b');
        assert_eq!(place, lines[4].chars().position(|character| character == '^'));
    }

    #[test]
    fn a_far_word_gives_no_hint_or_the_whole_list() {
        assert_eq!(did_you_mean("banana", ["text", "close"]), None);
        assert_eq!(meant_or_known("banana", ["text", "close"]), "known are `text`, `close`");
    }
}
