//! One line of a conversation: text in, [`Line`] or [`Mistake`] out.

mod cursor;
mod expect;
mod frame;
mod send;
mod statement;
mod text;

use super::statement::{ExpectItem, Line, Note, Statement};
pub(crate) use cursor::{Cursor, Mistake};
pub(crate) use frame::parse_word as parse_frame_word;
pub(crate) use statement::duration;

/// The names that can stand in braces anywhere, and where they come from.
pub(crate) const SUBSTITUTIONS: [&str; 16] = [
    "authority",
    "host",
    "port",
    "path",
    "subscribe-path",
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
];

/// Reads a line. `parameters` are the names that `each` adds to the substitutions.
pub(crate) fn parse_line(text: &str, number: usize, parameters: &[String]) -> Result<Line, Mistake> {
    let characters: Vec<char> = text.chars().collect();
    let indent = characters.iter().take_while(|character| **character == ' ').count();
    let notes = split_notes(&characters, indent);
    let mut cursor = Cursor::new(&characters[..notes.end], indent, parameters);
    let statement = if indent == notes.end { None } else { Some(statement::parse(&mut cursor)?) };
    cursor.expect_end()?;
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

/// Where the blanks before a note begin, and whether every quote on the line is closed.
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

/// Mistakes that only show between lines: a field without a status line, a bound that nothing follows.
pub(crate) fn check_order(lines: &[Line]) -> Vec<(usize, Mistake)> {
    let mut mistakes = Vec::new();
    let statements: Vec<(usize, &Line, &Statement)> = lines
        .iter()
        .enumerate()
        .filter_map(|(index, line)| line.statement.as_ref().map(|statement| (index, line, statement)))
        .collect();
    for (position, (index, line, statement)) in statements.iter().enumerate() {
        let before = position.checked_sub(1).map(|before| statements[before].2);
        let after = statements.get(position + 1).map(|(_, _, statement)| *statement);
        let column = line.columns.start - 1;
        let width = line.columns.len();
        match statement {
            Statement::Expect(name, expectation) if is_field(expectation.items.first()) => {
                let belongs = matches!(before, Some(Statement::Expect(other, head))
                    if other == name && head.items.first().is_some_and(|item| matches!(item, ExpectItem::Status(_) | ExpectItem::Field(_))));
                if !belongs {
                    let mistake =
                        Mistake::at(column, width, "a field is expected without a status line above it")
                            .hint("put `< HTTP/1.1 200 *`, or `< HTTP/1.x 2xx *`, before it");
                    mistakes.push((*index, mistake));
                }
            }
            Statement::Within(_) | Statement::After(..) if !matches!(after, Some(Statement::Expect(..))) => {
                mistakes.push((*index, Mistake::at(column, width, "no `<` follows this bound")));
            }
            _ => {}
        }
        if line.clause.is_some() && !matches!(statement, Statement::Expect(..) | Statement::Silent(..)) {
            let mistake =
                Mistake::at(column, width, "a clause can stand behind `<`, `<?`, `silent` and `mute` only");
            mistakes.push((*index, mistake));
        }
    }
    mistakes
}

fn is_field(item: Option<&ExpectItem>) -> bool {
    matches!(item, Some(ExpectItem::Field(_)))
}

/// Reads a byte string alone, as transcripts have it.
pub(crate) fn parse_text(source: &str) -> Result<super::text::Text, String> {
    let characters: Vec<char> = source.chars().collect();
    let mut cursor = Cursor::new(&characters, 0, &[]);
    let text = text::parse(&mut cursor).map_err(|mistake| mistake.message)?;
    cursor.expect_end().map_err(|mistake| mistake.message)?;
    Ok(text)
}
