//! Answers that say nothing of the clause on which a case rests: the target is busy, wants something that the profile does
//! not give, or writes what the suite cannot read. Nobody is accused for them.

use std::time::Duration;

use pushspec_wire::websocket::Opcode;

use crate::case::front_matter::Precondition;
use crate::case::statement::{ExpectItem, Expectation, Procedure, Statement};
use crate::case::text::Text;
use crate::catalogue::Level;
use crate::profile::decode::DecodeError;
use crate::transcript::ConnectionId;

use super::body_state::has_ended;
use super::connection::Connection;
use super::fit::answer;
use super::item::{Arrival, Item, readable_line, shown};
use super::machine::{DEADLINE, Machine};
use super::plan::{Step, StepKind};
use super::request::technique;

/// How long the precondition of event streams waits for the first bytes: many a stream ticks once a second.
const FIRST_BYTES: Duration = Duration::from_secs(2);

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
        let opening = matches!(step.kind, StepKind::Opened(..)) || self.case.is_precondition() || open_choice;
        match code {
            429 | 503 => Some(format!("the target refuses more work with {code}; try fewer --jobs")),
            401 | 403 | 407 if opening => Some(format!(
                "the target wants credentials, or another origin, and answers {code}; see [headers] in the profile"
            )),
            404 | 405 if self.case.is_precondition() => Some(format!(
                "{} is answered with {code}; is that the path of `[{}]` in the profile?",
                self.without_channel(&readable_line(self.connections[id.0].asked_for())),
                self.case.technique
            )),
            301 | 302 | 303 | 307 | 308 if opening => {
                let location = head.value("Location").unwrap_or_default();
                Some(format!(
                    "the target redirects with {code} to {}; name that path in the profile",
                    shown(&location)
                ))
            }
            400..=499 if self.case.is_precondition() && self.offers_nothing() => Some(format!(
                "the target answers {code} to a handshake that offers no subprotocol; if it wants one, name it in \
                 [headers] of the profile, as Sec-WebSocket-Protocol"
            )),
            _ => None,
        }
    }

    /// Whether the profile names subprotocols of the target and has none of them offered.
    fn offers_nothing(&self) -> bool {
        let profile = &self.target.profile;
        let offers = |name: &String| name.eq_ignore_ascii_case("Sec-WebSocket-Protocol");
        self.case.technique == "websocket"
            && profile.websocket.as_ref().is_some_and(|websocket| !websocket.subprotocols.is_empty())
            && !profile.headers.keys().any(offers)
    }

    /// Why silence says nothing of the clause: where the precondition gets no byte, there may be no server at all. One
    /// that answers the recipe of the profile is there.
    pub(super) fn nobody_answers(&self, window: Duration) -> Option<String> {
        let quiet = self.connections.iter().all(Connection::is_untouched);
        let publishes = super::plan::publishes(&self.case);
        (self.case.is_precondition() && quiet && !publishes)
            .then(|| format!("the target takes the connection and answers nothing within {window:?}"))
    }

    /// Why nothing can be said of a technique that ends what it has just opened: the target does not know what is asked
    /// for, or whom it talks to.
    pub(super) fn closed_at_once(&self, arrival: &Arrival) -> Option<String> {
        let how = match &arrival.item {
            Item::Frame(frame) if frame.opcode == Opcode::CLOSE => {
                format!("with the close frame {}", arrival.item)
            }
            Item::Eof | Item::Reset => format!("with {}", arrival.item),
            _ => return None,
        };
        (self.case.section().front_matter.precondition == Some(Precondition::Technique)).then(|| {
            format!(
                "the target opens the connection and ends it at once {how}; is the path right, and does it want \
                 credentials? see [headers] in the profile"
            )
        })
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

    /// Why a WebSocket that does not open says nothing of the clause: it was asked for as in the precondition, which has
    /// opened, or the case would not run.
    pub(super) fn shut(&self, step: &Step, received: &str) -> Option<String> {
        let StepKind::Opened(procedure @ Procedure::OpenWebSocket, name) = &step.kind else { return None };
        let asked = self.steps.iter().find_map(|step| match &step.kind {
            StepKind::Procedure(asked, on, attributes) if asked == procedure && on == name => {
                Some(attributes)
            }
            _ => None,
        });
        (!self.case.is_precondition() && asked.is_some_and(Vec::is_empty)).then(|| {
            format!(
                "the target opens a WebSocket for the precondition and not for this one ({received}); if it limits how many are open, try fewer --jobs"
            )
        })
    }

    /// At the end of the precondition of event streams: until when there is something to wait for. Bytes of which no client
    /// makes an event say nothing of all that is asked of events. A stream on which nothing comes is merely quiet.
    pub(super) fn reading_events(&mut self, now: Duration) -> Option<Duration> {
        // What is published comes as an event, or a case says that it does not.
        let is_asked = self.case.technique == "sse"
            && !self.target.can("publish")
            && self.case.section().front_matter.precondition == Some(Precondition::Technique)
            && self.is_without_findings();
        let connection = self.connections.last().filter(|_| is_asked)?;
        let ended = has_ended(connection);
        let Some((at, what)) = &connection.unmade else {
            let until = self.base + self.patient(FIRST_BYTES);
            return (connection.body_at.is_none() && !ended && now < until).then_some(until);
        };
        let until = *at + self.patient(DEADLINE);
        if !ended && now < until {
            return Some(until);
        }
        let why = format!(
            "what comes makes no event: {what}; an event is a line `data: …` with an empty line behind it"
        );
        self.fail_to_run(why);
        None
    }

    /// What the profile says and the target does not do, where a precondition asks for just that.
    pub(super) fn untrue_profile(&self, line: usize, expected: &str, received: &str) -> Option<String> {
        let Some(Precondition::Capability(capability, _)) = &self.case.section().front_matter.precondition
        else {
            return None;
        };
        let by_the_profile = self.reply_by_the_profile(line).unwrap_or_else(|| expected.to_owned());
        Some(format!(
            "`{capability}` of the profile does not hold: expected {by_the_profile}, received {received}"
        ))
    }

    /// The reply that a line expects, as the profile has it.
    fn reply_by_the_profile(&self, line: usize) -> Option<String> {
        let Some(Statement::Expect(_, Expectation { items, .. })) = &self.line(line)?.statement else {
            return None;
        };
        let Some(ExpectItem::Reply(pattern)) = items.first() else { return None };
        let sent = pattern.data.bytes(&self.scope).ok()?;
        let answer = answer(self.context().websocket, &sent, pattern.binary);
        Some(format!("the answer {} to {}", shown(&answer), Text::from_bytes(&sent)))
    }

    /// Why a body that is not what the profile says of it says nothing of the clause. One that is no JSON at all is the
    /// server's, unless none was.
    pub(super) fn undecoded(&self, came: &Item, id: ConnectionId) -> Option<String> {
        let Item::Undecoded(why) = came else { return None };
        let shape = !matches!(why, DecodeError::Json(_));
        let procedure = self.procedures.get(&id);
        let technique = procedure.map_or(self.case.technique.as_str(), |procedure| technique(*procedure));
        (shape || self.case.is_precondition()).then(|| format!("{why}; see [{technique}] in the profile"))
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
