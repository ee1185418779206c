//! One line of a conversation: text in, [`Line`] or [`Mistake`] out.

mod attribute;
mod cursor;
mod expect;
mod frame;
mod order;
mod send;
mod span;
mod statement;
mod text;

use super::statement::{Line, Note};
pub(crate) use cursor::{Cursor, Mistake};
pub(crate) use frame::parse_word as parse_frame_word;
pub(crate) use order::{check_order, expects_something};
pub(crate) use span::duration;

/// The names that can stand in braces anywhere, and where they come from.
pub(crate) const SUBSTITUTIONS: [&str; 26] = [
    "scheme",
    "authority",
    "host",
    "port",
    "method",
    "path",
    "path-for-query",
    "subscribe-path",
    "ending-path",
    "gone-path",
    "moved-path",
    "checkpoints-path",
    "known-subprotocol",
    "message-limit",
    "channel",
    "origin",
    "key",
    "accept",
    "etag",
    "last-modified",
    "opaque-tag",
    "last-event-id",
    "cursor",
    "first-cursor",
    "start",
    "length",
];

/// Reads a line. `parameters` are the names that `each` adds to the substitutions.
pub(crate) fn parse_line(text: &str, number: usize, parameters: &[String]) -> Result<Line, Mistake> {
    let characters: Vec<char> = text.chars().collect();
    let indent = characters.iter().take_while(|character| **character == ' ').count();
    if characters.get(indent) == Some(&'\t') {
        return Err(Mistake::at(indent, 1, "the line begins with a tab").hint("remove it, or write spaces"));
    }
    let notes = split_notes(&characters, indent);
    let mut cursor = Cursor::new(&characters[..notes.end], indent, parameters);
    let statement = if indent == notes.end { None } else { Some(statement::parse(&mut cursor)) };
    let statement = statement.transpose().map_err(|mistake| at_note(mistake, &characters))?;
    cursor.expect_end()?;
    if let Some(clause) = &notes.clause {
        one_clause(clause, notes.end)?;
    }
    Ok(Line {
        number,
        source: text.to_owned(),
        indent: characters[..indent].iter().collect(),
        statement,
        clause: notes.clause,
        comment: notes.comment,
        columns: indent + 1..notes.end + 1,
    })
}

/// A mistake where a comment or a clause was meant, and one space stands before it.
fn at_note(mistake: Mistake, characters: &[char]) -> Mistake {
    let before = mistake.column.checked_sub(1).and_then(|column| characters.get(column));
    match (before, characters.get(mistake.column)) {
        (Some(' '), Some('#' | '@')) => mistake.hint(TWO_BLANKS),
        _ => mistake,
    }
}

/// What keeps a comment or a clause apart from what stands before it.
const TWO_BLANKS: &str = "put at least two spaces before a comment or a clause";

/// A line is about one clause.
fn one_clause(note: &Note, end: usize) -> Result<(), Mistake> {
    let first = note.text.trim_end().split(' ').next().unwrap_or_default().chars().count();
    let rest: String = note.text.trim_end().chars().skip(first).collect();
    if rest.is_empty() {
        return Ok(());
    }
    let blanks = rest.chars().take_while(|character| *character == ' ').count();
    let column = end + note.gap.len() + 1 + first + blanks;
    let width = rest.chars().count() - blanks;
    Err(Mistake::at(column, width, "a line names one clause")
        .hint("keep the one that the line judges; write a clause that the whole case judges in `covers`"))
}

struct Notes {
    /// Where the statement ends.
    end: usize,
    clause: Option<Note>,
    comment: Option<Note>,
}

/// Cuts `@clause` and `# comment` off the end of a line.
fn split_notes(characters: &[char], indent: usize) -> Notes {
    let (comment_at, quotes_closed) = note_start(characters, indent, '#', true);
    // An HTTP line may hold a single quote character: then quotes protect nothing.
    let comment_at = if quotes_closed { comment_at } else { note_start(characters, indent, '#', false).0 };
    let end = comment_at.unwrap_or(characters.len());
    let clause_at = note_start(&characters[..end], indent, '@', quotes_closed).0;
    let note = |from: usize, to: usize| {
        let gap: String = characters[from..to].iter().take_while(|character| **character == ' ').collect();
        let text = characters[from + gap.len() + 1..to].iter().collect();
        Note { gap, text }
    };
    Notes {
        end: clause_at.unwrap_or(end),
        clause: clause_at.map(|from| note(from, end)),
        comment: comment_at.map(|from| note(from, characters.len())),
    }
}

/// Where the spaces before a note begin, and whether every quote on the line is closed.
fn note_start(characters: &[char], indent: usize, sign: char, respect_quotes: bool) -> (Option<usize>, bool) {
    let mut quoted = false;
    let mut found = None;
    let mut index = indent;
    while index < characters.len() {
        match characters[index] {
            '\\' if quoted => index += 1,
            '"' if respect_quotes => quoted = !quoted,
            character if character == sign && !quoted && found.is_none() => {
                let blanks = characters[indent..index].iter().rev().take_while(|c| **c == ' ').count();
                if blanks >= 2 || index == indent {
                    found = Some(index - blanks);
                    break;
                }
            }
            _ => {}
        }
        index += 1;
    }
    (found, !quoted)
}

/// A number as it is printed again: without a sign, and without zeros before it.
fn canonical<T: std::str::FromStr + std::fmt::Display>(digits: &str) -> Option<T> {
    digits.parse().ok().filter(|number: &T| number.to_string() == digits)
}

/// Reads a byte string alone, as transcripts have it.
pub(crate) fn parse_text(source: &str) -> Result<super::text::Text, String> {
    let characters: Vec<char> = source.chars().collect();
    let mut cursor = Cursor::new(&characters, 0, &[]);
    let text = text::parse(&mut cursor).map_err(|mistake| mistake.message)?;
    cursor.expect_end().map_err(|mistake| mistake.message)?;
    Ok(text)
}
