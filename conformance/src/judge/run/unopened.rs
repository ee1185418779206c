//! Procedures that do not open what they should, and the clause that this breaks: the one about how they are answered, and not
//! the one that the case is about, to which it never came.

use std::time::Duration;

use crate::case::statement::{Attribute, ConnectionName, Procedure, Statement};
use crate::judge::receive::item::Item;
use crate::judge::verdict::inconclusive;
use crate::transcript::ConnectionId;

use super::expecting::is_any_success;
use super::machine::Machine;
use super::plan::{Step, StepKind};

/// The clause about how a procedure is answered.
pub(crate) fn clause_of_opening(procedure: Procedure) -> &'static str {
    match procedure {
        Procedure::OpenWebSocket | Procedure::SubscribeWebSocket => "rfc6455/4.2.2/status",
        Procedure::OpenSse => "html-sse/9.2.3/status-200",
        Procedure::OpenIframe => "iframe/1/status-200",
        Procedure::Poll => "rfc6202/2.1/short-poll-brings-news",
        Procedure::LongPoll => "rfc6202/2.1/news-is-answer",
    }
}

/// The clause about offers that a server does not take: the connection opens without them.
const DECLINES: &str = "rfc6455/9.1/decline";

/// The clause about identifiers that are there to come back with.
const RESUMES: &str = "html-sse/9.2.4/resumes";

/// The clause about requests that make no condition.
const ANSWERS_A_CONDITION: &str = "rfc9110/15.4.5/answers-a-condition";

impl Machine {
    /// The clause that is broken by what came in the place of a success, whatever the step rests on: a 304 says that there was
    /// a condition. Where the profile says that it means something else, nothing is known of it.
    pub(super) fn unasked(&self, id: ConnectionId, step: &Step, came: &Item) -> Option<&'static str> {
        let Item::Head(head) = came else { return None };
        let is_304 = head.status_line().is_some_and(|line| line.code == 304);
        let is_success = match &step.kind {
            StepKind::Opened(..) => true,
            kind => {
                kind.expectation().is_some_and(|expectation| expectation.items.iter().any(is_any_success))
            }
        };
        let profile = &self.subject.target.profile;
        let polling = profile.polling.as_ref().map(|poll| &poll.answer);
        let long_polling = profile.long_polling.as_ref().map(|poll| &poll.answer);
        let means_no_news = [polling, long_polling].into_iter().flatten().any(|it| it.empty.contains(&304));
        (is_304 && is_success && !means_no_news && !self.connections.of(id).is_conditional())
            .then_some(ANSWERS_A_CONDITION)
    }

    /// Notes a step that was not met, or that the case has nothing to ask because of that. `came` is what came in its stead, and
    /// nothing where the time is over.
    pub(super) fn miss(&mut self, step: &Step, at: Duration, received: String, came: Option<&Item>) {
        let expected = self.told(step);
        if step.kind.skips() {
            return self.record.skip(format!("it rests on {expected}, and {received} was received"));
        }
        match self.broken_by(step, came).or_else(|| self.unended(step, came)) {
            Some(clause) => self.find_against(clause, step.line, at, expected, received),
            None => self.find(step.line, at, expected, received),
        }
    }

    /// The clause that a procedure breaks whose line names none: `None` where it is that of the case.
    fn broken_by(&self, step: &Step, came: Option<&Item>) -> Option<&'static str> {
        let StepKind::Opened(procedure, name) = &step.kind else { return None };
        // A time that the case sets is what the case is about. A long poll that is not answered has no news, and whether
        // others have some is what the case asks; the first one has them whatever the case is about.
        let waits = *procedure == Procedure::LongPoll && !self.is_first_long_poll(step);
        let is_late = came.is_none() && (step.bound.is_some() || waits);
        let offers = self.attributes(*procedure, name).iter().any(|attribute| attribute.key == "offer");
        let clause = if offers { DECLINES } else { clause_of_opening(*procedure) };
        (!self.subject.names_a_clause(step.line) && !is_late).then_some(clause)
    }

    fn is_first_long_poll(&self, step: &Step) -> bool {
        let lines = self.subject.case.section().conversation.as_deref().unwrap_or_default();
        !lines
            .iter()
            .take(step.line)
            .any(|line| matches!(line.statement, Some(Statement::Procedure(Procedure::LongPoll, ..))))
    }

    /// A client cannot come back where no event had an identifier. The profile says that the server resumes, and then its
    /// events have them.
    pub(super) fn miss_identifier(&mut self, now: Duration, line: usize) {
        let expected = "an event with an identifier after which to resume".to_owned();
        let received = "no event with one".to_owned();
        if self.subject.names_a_clause(line) {
            self.find(line, now, expected, received);
        } else {
            self.find_against(RESUMES, line, now, expected, received);
        }
        self.record.stop();
    }

    /// Why what does not open says nothing of the clause: it was asked for as in the precondition. An answer of another status
    /// to those who ask for a stream or a page is one, though, and a client is done with it.
    pub(super) fn shut(&self, step: &Step, came: Option<&Item>, received: &str) -> Option<String> {
        let StepKind::Opened(procedure, name) = &step.kind else { return None };
        let is_answered = matches!(came, Some(Item::Head(_)));
        let what = match procedure {
            Procedure::OpenWebSocket | Procedure::SubscribeWebSocket => "a WebSocket",
            Procedure::OpenSse if !is_answered => "an event stream",
            Procedure::OpenIframe if !is_answered => "a page",
            _ => return None,
        };
        let is_plain = self.attributes(*procedure, name).iter().all(|attribute| attribute.key == "channel");
        let is_told = self.subject.names_a_clause(step.line) || self.subject.case.checks_the_profile();
        (is_plain && !is_told).then(|| inconclusive::shut(what, received))
    }

    /// What was asked of the procedure that a step waits for.
    fn attributes(&self, procedure: Procedure, name: &ConnectionName) -> &[Attribute] {
        self.script.asked(procedure, name).unwrap_or_default()
    }

    /// Whether a step waits for what another path than that of the technique opens.
    pub(super) fn is_elsewhere(&self, step: &Step) -> bool {
        let StepKind::Opened(procedure, name) = &step.kind else { return false };
        self.attributes(*procedure, name).iter().any(|attribute| attribute.key == "path")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Suite;

    #[test]
    fn every_procedure_has_a_clause_about_its_answer() {
        let suite = Suite::embedded().expect("the pages are in order");
        let clauses = Procedure::ALL.map(|(procedure, _)| clause_of_opening(procedure));
        for clause in clauses.into_iter().chain([RESUMES, ANSWERS_A_CONDITION, DECLINES]) {
            assert!(suite.catalogue.clause(clause).is_some_and(|clause| clause.waived.is_none()), "{clause}");
        }
    }
}
