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
    mistakes.extend(side_mistake(&statements));
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
        if other == name && begins_or_continues_a_head(head));
    let hint = "put `< HTTP/1.1 200 *`, or `< HTTP/1.x 2xx *`, before it";
    (!belongs).then(|| said.mistake("a field is expected without a status line above it", hint))
}

fn begins_or_continues_a_head(expectation: &Expectation) -> bool {
    let item = expectation.items.first();
    matches!(item, Some(ExpectItem::Status(_) | ExpectItem::Request(_) | ExpectItem::Field(_)))
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
        Statement::Connect(name) | Statement::Accept(name) | Statement::Procedure(_, name, _) => {
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

/// Where the suite is the server in one line and the client in another: the first such line. A case has one side, and its
/// first statement says which.
fn side_mistake(statements: &[Said<'_>]) -> Option<(usize, Mistake)> {
    let is_accept = |said: &&Said<'_>| matches!(said.statement, Statement::Accept(_));
    let first = statements.first()?;
    if is_accept(&first) {
        return statements.iter().find_map(of_a_client);
    }
    let Some(accept) = statements.iter().find(is_accept) else {
        return statements.iter().find_map(of_a_server);
    };
    let connects =
        |said: &Said<'_>| matches!(said.statement, Statement::Connect(_) | Statement::Procedure(..));
    Some(if statements.iter().take_while(|said| said.index < accept.index).any(connects) {
        accept.mistake("a case that opens a connection accepts none", ONE_SIDE)
    } else {
        accept.mistake("`accept` is not the first statement", "put it above all that the case says")
    })
}

const ONE_SIDE: &str = "the suite is either the client or the server of a case: write two cases";

/// What only a client says, in a case in which the suite is the server.
fn of_a_client(said: &Said<'_>) -> Option<(usize, Mistake)> {
    match said.statement {
        Statement::Connect(_) | Statement::Procedure(..) => {
            Some(said.mistake("a case that begins with `accept` opens no connection", ONE_SIDE))
        }
        Statement::Publish(..) => {
            let hint = "send what is to arrive with `>`";
            Some(said.mistake("a case that begins with `accept` has no server that publishes", hint))
        }
        Statement::Expect(_, Expectation { items, .. })
            if items.iter().any(|item| matches!(item, ExpectItem::Status(_))) =>
        {
            Some(said.mistake("a client sends no status line", "expect a request, as in `< GET * HTTP/1.1`"))
        }
        Statement::Expect(_, Expectation { items, .. })
            if items.iter().any(|item| matches!(item, ExpectItem::Reply(_))) =>
        {
            let hint = "name the message itself, as in `< message \"Hello\"`";
            Some(said.mistake("a client has no reply of the profile", hint))
        }
        _ => None,
    }
}

/// What only a server can be sent, in a case in which the suite is the client.
fn of_a_server(said: &Said<'_>) -> Option<(usize, Mistake)> {
    let Statement::Expect(_, Expectation { items, .. }) = said.statement else { return None };
    let is_request = items.iter().any(|item| matches!(item, ExpectItem::Request(_)));
    let hint = "expect a status line, as in `< HTTP/1.1 200 *`, or begin the case with `accept`";
    is_request.then(|| said.mistake("a server sends no request", hint))
}

fn clause_mistake(said: &Said<'_>) -> Option<(usize, Mistake)> {
    let judges = matches!(
        said.statement,
        Statement::Expect(..) | Statement::Silent(..) | Statement::Procedure(..) | Statement::Publish(..)
    );
    let hint = "put the clause after the line that judges it";
    (said.line.clause.is_some() && !judges).then(|| {
        said.mistake("a clause can only follow `<`, `<?`, `silent`, `mute`, `publish` or a procedure", hint)
    })
}
