//! What is judged: a case, the target that it judges, and what each of its lines rests on.

use std::sync::Arc;
use std::time::Duration;

use crate::case::Case;
use crate::case::statement::Line;
use crate::catalogue::{Catalogue, Level};
use crate::profile::Target;

use super::finding::{Finding, Place, Verdict};

/// How a case is judged beyond what its page says.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Factor for all upper bounds.
    pub patience: f64,
    /// The channel of the case's own.
    pub channel: String,
}

/// A case and its target.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) case: Case,
    pub(crate) target: Arc<Target>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) settings: Settings,
}

impl Subject {
    /// A line of the conversation.
    pub(crate) fn line(&self, index: usize) -> Option<&Line> {
        self.case.section().conversation.as_ref().and_then(|lines| lines.get(index))
    }

    /// Whether a line names a clause of its own.
    pub(crate) fn names_a_clause(&self, index: usize) -> bool {
        self.line(index).is_some_and(|line| line.clause.is_some())
    }

    /// The clause on which a line rests, and its level.
    pub(crate) fn clause_of(&self, line: usize) -> (String, Level) {
        let note = self.line(line).and_then(|line| line.clause.as_ref());
        let id = note.map_or_else(|| self.case.clause().to_owned(), |note| note.text.trim().to_owned());
        // A page with a clause that does not exist is refused before any case runs.
        let level = self.catalogue.clause(&id).map_or(Level::Must, |clause| clause.level);
        (id, level)
    }

    /// An expectation that was not met: it breaks this clause, where the catalogue has it, or else that of its line.
    pub(crate) fn finding(
        &self,
        clause: Option<&str>,
        line: usize,
        at: Duration,
        expected: String,
        received: String,
    ) -> Finding {
        let known = clause.and_then(|clause| self.catalogue.clause(clause));
        let (clause, level) =
            known.map_or_else(|| self.clause_of(line), |clause| (clause.id.clone(), clause.level));
        let verdict = Verdict::from(level);
        Finding { clause, level, verdict, place: self.place(line), expected, received, at, seen_in: None }
    }

    fn place(&self, line: usize) -> Place {
        let file = self.case.page.file();
        match self.line(line) {
            Some(line) => Place {
                file,
                line: line.number,
                column: line.columns.start,
                width: line.columns.len(),
                source: line.source.clone(),
            },
            None => {
                Place { file, line: self.case.section().line, column: 1, width: 1, source: String::new() }
            }
        }
    }

    /// A reason that is the same for all cases, whichever channel each has.
    pub(crate) fn without_channel(&self, why: &str) -> String {
        match self.settings.channel.as_str() {
            "" => why.to_owned(),
            channel => why.replace(channel, "{channel}"),
        }
    }
}
