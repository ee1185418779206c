//! Mistakes that only show between lines: a field without a status line, a bound that nothing follows, a connection
//! that nothing opens.

use super::Mistake;
use crate::case::statement::{ConnectionName, ExpectItem, Expectation, Line, Statement};

/// A line that says something: its index, the columns of its statement, and what it says.
struct Said<'a> {
    index: usize,
    line: &'a Line,
    statement: &'a Statement,
}

impl Said<'_> {
    fn mistake(&self, message: impl Into<String>, hint: impl Into<String>) -> (usize, Mistake) {
        let column = self.line.columns.start - 1;
        (self.index, Mistake::at(column, self.line.columns.len(), message).hint(hint))
    }
}

/// The mistakes of a conversation in which every line is in order; each with the index of its line.
pub(crate) fn check_order(lines: &[Line]) -> Vec<(usize, Mistake)> {
    let statements: Vec<Said<'_>> = lines
        .iter()
        .enumerate()
        .filter_map(|(index, line)| Some(Said { index, line, statement: line.statement.as_ref()? }))
        .collect();
    let mut open: Vec<&ConnectionName> = Vec::new();
    let mut mistakes = Vec::new();
    for (position, said) in statements.iter().enumerate() {
        let before = position.checked_sub(1).map(|before| statements[before].statement);
        let after = statements.get(position + 1).map(|said| said.statement);
        mistakes.extend(field_mistake(said, before));
        mistakes.extend(bound_mistake(said, after));
        mistakes.extend(connection_mistake(said, &mut open));
        mistakes.extend(clause_mistake(said));
    }
    mistakes
}

/// Whether a conversation can fail: procedures look at the answer by themselves.
pub(crate) fn expects_something(lines: &[Line]) -> bool {
    lines.iter().any(|line| match &line.statement {
        Some(Statement::Expect(_, expectation)) => {
            !expectation.optional || line.clause.is_some() || field_of(expectation)
        }
        Some(Statement::Silent(..) | Statement::Procedure(..)) => true,
        _ => false,
    })
}

fn field_of(expectation: &Expectation) -> bool {
    matches!(expectation.items.first(), Some(ExpectItem::Field(_)))
}

fn field_mistake(said: &Said<'_>, before: Option<&Statement>) -> Option<(usize, Mistake)> {
    let Statement::Expect(name, expectation) = said.statement else { return None };
    if !field_of(expectation) {
        return None;
    }
    let belongs = matches!(before, Some(Statement::Expect(other, head))
        if other == name && matches!(head.items.first(), Some(ExpectItem::Status(_) | ExpectItem::Field(_))));
    let hint = "put `< HTTP/1.1 200 *`, or `< HTTP/1.x 2xx *`, before it";
    (!belongs).then(|| said.mistake("a field is expected without a status line above it", hint))
}

fn bound_mistake(said: &Said<'_>, after: Option<&Statement>) -> Option<(usize, Mistake)> {
    let is_bound = matches!(said.statement, Statement::Within(_) | Statement::After(..));
    let hint = "put it directly above the `<` to which it applies";
    (is_bound && !matches!(after, Some(Statement::Expect(..))))
        .then(|| said.mistake("no `<` follows this time bound", hint))
}

/// A line about a connection that no line above opens; each such name is told once.
fn connection_mistake<'a>(said: &Said<'a>, open: &mut Vec<&'a ConnectionName>) -> Option<(usize, Mistake)> {
    let name = match said.statement {
        Statement::Connect(name) | Statement::Procedure(_, name, _) => {
            open.push(name);
            return None;
        }
        Statement::Send(name, _) | Statement::Expect(name, _) | Statement::Silent(_, _, name) => name,
        _ => return None,
    };
    if open.contains(&name) {
        return None;
    }
    open.push(name);
    Some(if name.0.is_empty() {
        said.mistake("nothing is connected yet", "put `connect` above it, or a procedure such as `open sse`")
    } else {
        let ConnectionName(name) = name;
        let hint = format!("put `connect {name}` above it, or a procedure such as `open sse {name}`");
        said.mistake(format!("there is no connection `{name}` yet"), hint)
    })
}

fn clause_mistake(said: &Said<'_>) -> Option<(usize, Mistake)> {
    let judges =
        matches!(said.statement, Statement::Expect(..) | Statement::Silent(..) | Statement::Procedure(..));
    let hint = "put the clause after the line that judges it";
    (said.line.clause.is_some() && !judges)
        .then(|| said.mistake("a clause can only follow `<`, `<?`, `silent`, `mute` or a procedure", hint))
}
