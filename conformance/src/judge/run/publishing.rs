//! Steps that make the server send, by the recipe of the profile.

use std::time::Duration;

use crate::case::statement::Attribute;
use crate::case::text::Text;
use crate::judge::expect::attribute::attribute_text;
use crate::judge::receive::connection::Left;
use crate::judge::receive::item::Item;
use crate::judge::verdict::inconclusive;
use crate::profile::publish;
use crate::transcript::shown::shown_briefly;
use crate::transcript::{ConnectionId, Unpublished};

use super::machine::Machine;
use super::publication::{Publication, Underway};
use super::vocabulary::Action;

/// How long the recipe of a publication may take to answer.
pub(super) const PUBLISH: Duration = Duration::from_secs(12);

/// How long it may take from then on, where the polls are given up that may block it. Some servers see only at the end of a
/// hold that its client has gone, and 30 s are a usual hold.
pub(super) const RELEASE: Duration = Duration::from_secs(22);

/// What is answered sooner has waited for nothing that is worth a word.
const MEANWHILE: Duration = Duration::from_secs(3);

/// How long a server may take from the answer to a subscriber until it delivers to it, unless the profile says.
const SETTLE: Duration = Duration::from_millis(20);

impl Machine {
    /// Publishes, and waits until the recipe is answered.
    pub(super) fn publish(
        &mut self,
        now: Duration,
        data: &Text,
        attributes: &[Attribute],
    ) -> Option<Duration> {
        match std::mem::replace(&mut self.publication, Publication::Idle) {
            Publication::Idle => {
                let settled = self.script.opened_at + self.clock.pause(self.settle(attributes));
                if let Some(until) = self.leaving().filter(|until| now < *until) {
                    return Some(until);
                }
                if now < settled && self.script.opened_at > Duration::ZERO {
                    return Some(settled);
                }
                match self.publication_of(data, attributes) {
                    Ok(publication) => self.send_publication(now, &publication, attributes),
                    Err(why) => self.record.fail_to_run(why),
                }
                None
            }
            Publication::Waiting(underway) => self.unanswered(now, underway),
            Publication::Answered(Ok(id), Some(underway)) => {
                self.answered(now, id, underway);
                None
            }
            Publication::Answered(Ok(id), None) => {
                self.is_published(now, id);
                None
            }
            Publication::Answered(Err(unpublished), _) => {
                self.not_published(&unpublished);
                None
            }
        }
    }

    /// The recipe is not answered yet. Where a clause says that held polls block nobody, they are given up in the end, to see
    /// whether the server has waited for them.
    fn unanswered(&mut self, now: Duration, mut underway: Underway) -> Option<Duration> {
        let deadline = self.script.base + self.clock.patient(PUBLISH);
        let may_wait = self.judges_waiting() && !underway.held.is_empty() && underway.has_waited.is_none();
        let last = if may_wait { deadline + self.clock.patient(RELEASE) } else { deadline };
        if now >= last {
            let why = format!("what was to be published was not answered within {PUBLISH:?}");
            self.held_up(now, why);
            return None;
        }
        if may_wait && now >= deadline && !underway.given_up {
            underway.given_up = true;
            underway.held.iter().for_each(|id| self.act(Action::Abort(*id)));
        }
        let until = if underway.given_up { last } else { deadline };
        self.publication = Publication::Waiting(underway);
        Some(until)
    }

    /// The recipe is answered. Where the answer has come late, and when the polls had ended that were held, it is sent once
    /// more: a recipe that is always slow has waited for none of them.
    fn answered(&mut self, now: Duration, id: Option<String>, mut underway: Underway) {
        let is_late = now >= self.script.base + self.clock.patient(MEANWHILE);
        if let Some(received) = underway.has_waited.take() {
            let line = self.script.step().map_or(0, |step| step.line);
            if !is_late {
                let expected = "an answer to the publication while a poll is held".to_owned();
                self.find(line, now, expected, received);
            } else if underway.given_up {
                let why = format!("what was to be published was not answered within {PUBLISH:?}");
                self.record.published = Some(Err(why.clone()));
                return self.record.fail_to_run(why);
            }
        } else if is_late && let Some(received) = self.has_waited(&underway) {
            self.script.count_from(now);
            self.act(Action::Publish(underway.request.clone()));
            underway.has_waited = Some(received);
            self.publication = Publication::Waiting(underway);
            return;
        }
        if underway.given_up {
            self.record.stop();
        }
        self.is_published(now, id);
    }

    fn is_published(&mut self, now: Duration, id: Option<String>) {
        self.memory.published_id = id;
        self.record.published = Some(Ok(()));
        self.script.pass(1, now);
    }

    /// Whether a clause stands behind the publication: it says that polls which are held block nobody.
    fn judges_waiting(&self) -> bool {
        self.script.step().is_some_and(|step| self.subject.names_a_clause(step.line))
    }

    /// For which polls a publication has waited, as it seems.
    fn has_waited(&self, underway: &Underway) -> Option<String> {
        let brings_nothing = |id: &ConnectionId| self.connections.of(*id).has_ended_without_news();
        if underway.given_up {
            return Some(format!("no answer within {PUBLISH:?}, and one when the poll was given up"));
        }
        let has_ended = self.judges_waiting() && underway.held.iter().any(brings_nothing);
        has_ended.then(|| "an answer when the poll had ended without news".to_owned())
    }

    /// The recipe is answered, and nothing is published.
    fn not_published(&mut self, unpublished: &Unpublished) {
        let why = self.subject.without_channel(&unpublished.why);
        if let Some(why) = self.refused_before() {
            self.record.fail_to_run(why);
        } else if unpublished.refused && !self.subject.case.checks_the_profile() {
            self.record.skip(format!("the target does not publish what the case needs: {why}"));
        } else {
            self.record.published = Some(Err(why.clone()));
            self.record.fail_to_run(inconclusive::unpublished(&why));
        }
    }

    /// Why what would be published would reach nobody: where a case asks whether the profile is true, its technique was
    /// refused already.
    fn refused_before(&self) -> Option<String> {
        let line = self.script.step().filter(|_| self.subject.case.checks_the_profile())?.line;
        self.connections.iter().find_map(|connection| {
            let head = connection.arrivals.iter().find_map(|arrival| match &arrival.item {
                Item::Head(head) => Some(head),
                _ => None,
            })?;
            inconclusive::refusal(&self.subject, line, true, head, connection.asked_for())
        })
    }

    /// The recipe is not answered. Where a client of the case takes nothing, the server may wait for it before it goes
    /// on, which is what such a case looks for. Which of several publications finds no more room in the sockets is chance:
    /// the finding is where the client stops.
    fn held_up(&mut self, now: Duration, why: String) {
        let takes_nothing = self.connections.iter().any(|one| one.left != Left::Nothing);
        let Some(line) = self.script.pause().filter(|_| takes_nothing) else {
            self.record.published = Some(Err(why.clone()));
            return self.record.fail_to_run(why);
        };
        let expected = "an answer to the publication while a client takes nothing".to_owned();
        self.find(line, now, expected, why);
        self.record.stop();
    }

    fn send_publication(
        &mut self,
        now: Duration,
        publication: &publish::Publication,
        attributes: &[Attribute],
    ) {
        let may_be_refused = attributes.iter().any(|attribute| attribute.key == "refusal");
        for connection in self.connections.iter_mut() {
            connection.note_published(publication, may_be_refused);
        }
        self.memory.note_published(now, &publication.data);
        self.record.trace.note(format!("publish {}", shown_briefly(publication.data.as_bytes())));
        let recipe = self.subject.target.profile.publish.as_ref();
        if let Some(mut request) = recipe.map(|publish| publish.request(publication)) {
            request.may_be_refused = may_be_refused;
            self.script.count_from(now);
            let held = self.connections.held_polls();
            let underway = Underway { request: request.clone(), held, given_up: false, has_waited: None };
            self.publication = Publication::Waiting(underway);
            self.act(Action::Publish(request));
        }
    }

    /// How long to wait after the last subscription: as the case says, or the profile.
    fn settle(&self, attributes: &[Attribute]) -> Duration {
        let word = attributes.iter().find(|attribute| attribute.key == "settle");
        let own = word.and_then(|word| attribute_text(&word.value, &self.memory.scope).ok());
        own.and_then(|word| crate::case::parse_duration(&word))
            .or(self.subject.target.profile.publish.as_ref().and_then(|publish| publish.settle))
            .unwrap_or(SETTLE)
    }

    fn publication_of(&self, data: &Text, attributes: &[Attribute]) -> Result<publish::Publication, String> {
        let scope = &self.memory.scope;
        let data = data.bytes(scope).map_err(|error| error.to_string())?;
        let data = String::from_utf8(data).map_err(|_| "only text can be published".to_owned())?;
        let channel = scope.text("channel").unwrap_or_default();
        let mut publication = publish::Publication { channel, data, id: None, event: None, comment: None };
        for attribute in attributes {
            let value = attribute_text(&attribute.value, scope).map_err(|error| error.to_string())?;
            match attribute.key.as_str() {
                "id" => publication.id = Some(value),
                "event" => publication.event = Some(value),
                "comment" => publication.comment = Some(value),
                "channel" => publication.channel = value,
                _ => {}
            }
        }
        Ok(publication)
    }
}
