//! Answers that say nothing of the clause on which a case rests: the target is busy, wants something that the profile does
//! not give, or writes what the suite cannot read. Nobody is accused for them.

use crate::case::statement::{ExpectItem, Procedure};
use crate::catalogue::Level;
use crate::transcript::ConnectionId;

use super::item::{Item, shown};
use super::machine::Machine;
use super::plan::{Step, StepKind};

impl Machine {
    /// Why messages cannot be told: the answer is coded although the suite asks for none, and the suite decodes
    /// nothing. That it is coded is for one case to find, not for all that wait for messages.
    pub(super) fn coded(&self, id: ConnectionId, candidates: &[Step]) -> Option<String> {
        let coding = self.connections[id.0].coding.as_ref()?;
        let told = |item: &ExpectItem| {
            matches!(item, ExpectItem::Message(_) | ExpectItem::Comment | ExpectItem::NoMessages)
        };
        let decoded = |step: &Step| match &step.kind {
            StepKind::Expect(_, expectation) => expectation.items.iter().any(told),
            _ => false,
        };
        candidates.iter().any(decoded).then(|| {
            format!(
                "the content comes in the coding {coding}, and the suite, which takes none, cannot read it"
            )
        })
    }

    /// Why an answer says nothing of the clause: the target is busy, or wants something that the profile does not
    /// give.
    pub(super) fn refusal(&self, step: &Step, id: ConnectionId, index: usize) -> Option<String> {
        let Item::Head(head) = &self.connections[id.0].arrivals[index].item else { return None };
        let code = head.status_line()?.code;
        // A choice that is left open is not made by a server that asks for something else first.
        let open_choice = self.clause_of(step.line).1 == Level::May;
        let opening =
            matches!(step.kind, StepKind::Opened(..)) || self.case.section().facts.sanity || open_choice;
        match code {
            429 | 503 => Some(format!("the target refuses more work with {code}; try fewer --jobs")),
            401 | 403 | 407 if opening => Some(format!(
                "the target wants credentials, or another origin, and answers {code}; see [headers] in the profile"
            )),
            301 | 302 | 303 | 307 | 308 if opening => {
                let location = head.value("Location").unwrap_or_default();
                Some(format!(
                    "the target redirects with {code} to {}; name that path in the profile",
                    shown(&location)
                ))
            }
            _ => None,
        }
    }

    /// Why what came says nothing of the clause: it cannot be read. That it is so is for an invariant to say.
    pub(super) fn garbled(&self, id: ConnectionId, index: usize) -> Option<String> {
        let connection = &self.connections[id.0];
        match &connection.arrivals[index].item {
            Item::Unreadable(why) if connection.is_websocket() => {
                Some(format!("what the target sends cannot be read: {why}"))
            }
            _ => None,
        }
    }

    /// Why a WebSocket that does not open says nothing of the clause: it was asked for as in the sanity case, which has
    /// opened, or the case would not run.
    pub(super) fn shut(&self, step: &Step, received: &str) -> Option<String> {
        let StepKind::Opened(procedure @ Procedure::OpenWebSocket, name) = &step.kind else { return None };
        let asked = self.steps.iter().find_map(|step| match &step.kind {
            StepKind::Procedure(asked, on, attributes) if asked == procedure && on == name => {
                Some(attributes)
            }
            _ => None,
        });
        let is_sanity = self.case.section().facts.sanity;
        (!is_sanity && asked.is_some_and(Vec::is_empty)).then(|| {
            format!(
                "the target opens a WebSocket for the sanity case and not for this one ({received}); if it limits how many are open, try fewer --jobs"
            )
        })
    }

    /// Whether the target has refused a request that the case writes out, which may have no place for the fields that
    /// the profile gives.
    pub(super) fn misses_the_headers(&self, id: ConnectionId, index: usize) -> bool {
        let Item::Head(head) = &self.connections[id.0].arrivals[index].item else { return false };
        let refused = head.status_line().is_some_and(|line| matches!(line.code, 401 | 403 | 407));
        refused && !self.procedures.contains_key(&id) && !self.target.profile.headers.is_empty()
    }
}

/// Why a close frame says nothing of the clause: the target has more connections than it wants, or is going down.
pub(super) fn busy(came: &Item) -> Option<String> {
    let Item::Frame(frame) = came else { return None };
    let again = frame.close_code().filter(|code| matches!(code, 1012 | 1013))?;
    Some(format!("the target sends clients away with the close code {again}; try fewer --jobs"))
}
