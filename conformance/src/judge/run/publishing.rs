//! Steps that make the server send, by the recipe of the profile.

use std::time::Duration;

use crate::case::statement::Attribute;
use crate::case::text::Text;
use crate::judge::expect::attribute::attribute_text;
use crate::judge::receive::item::Item;
use crate::judge::verdict::inconclusive;
use crate::profile::publish;
use crate::transcript::Unpublished;
use crate::transcript::shown::shown_briefly;

use super::machine::Machine;
use super::publication::Publication;
use super::vocabulary::Action;

/// How long the recipe of a publication may take to answer.
pub(super) const PUBLISH: Duration = Duration::from_secs(12);

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
            Publication::Waiting => {
                let deadline = self.script.base + self.clock.patient(PUBLISH);
                if now >= deadline {
                    let why = format!("what was to be published was not answered within {PUBLISH:?}");
                    self.held_up(now, why);
                    return None;
                }
                self.publication = Publication::Waiting;
                Some(deadline)
            }
            Publication::Answered(Ok(id)) => {
                self.memory.published_id = id;
                self.record.published = Some(Ok(()));
                self.script.pass(1, now);
                None
            }
            Publication::Answered(Err(unpublished)) => {
                self.not_published(&unpublished);
                None
            }
        }
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
    /// on, which is what such a case looks for.
    fn held_up(&mut self, now: Duration, why: String) {
        let Some(step) = self.script.step().filter(|_| self.connections.iter().any(|one| one.paused)) else {
            self.record.published = Some(Err(why.clone()));
            return self.record.fail_to_run(why);
        };
        let expected = "an answer to the publication while a client takes nothing".to_owned();
        self.find(step.line, now, expected, why);
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
            self.publication = Publication::Waiting;
            self.script.count_from(now);
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
