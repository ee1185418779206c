//! Whether what a case waits for has come in another spelling: then there is nothing more to wait for.

use std::time::Duration;

use crate::case::statement::{ExpectItem, Expectation};
use crate::judge::receive::item::Item;
use crate::transcript::ConnectionId;

use super::likes::{Likes, Respelled, Wanted};
use super::machine::Machine;
use super::plan::{Step, StepKind};

/// How long the text itself is waited for where its like has come.
const GRACE: Duration = Duration::from_secs(1);

impl Machine {
    /// When a step need not wait any longer. What is found is the same as if it waited on.
    pub(super) fn respelled_until(&mut self, id: ConnectionId, step: &Step) -> Option<Duration> {
        let mut known = std::mem::take(&mut self.memory.respelled);
        let mark = self.script.mark(id);
        if known.mark != Some(mark) {
            known = Respelled { mark: Some(mark), wanted: self.wanted(step), likes: Likes::default() };
        }
        let found = if known.wanted.is_empty() { None } else { self.respelled_since(id, &mut known) };
        self.memory.respelled = known;
        Some(found? + self.clock.patient(GRACE))
    }

    fn respelled_since(&self, id: ConnectionId, known: &mut Respelled) -> Option<Duration> {
        let context = self.context(id);
        let arrivals = &self.connections.of(id).arrivals;
        let Respelled { wanted, likes, .. } = known;
        likes.since(self.script.base, arrivals.len(), |index| match &arrivals[index].item {
            Item::Message(message) => {
                let is_like = wanted.iter().any(|wanted| wanted.is_like(&message.data));
                (is_like && context.own_since(&message.data).is_none()).then_some(arrivals[index].at)
            }
            _ => None,
        })
    }

    /// The texts that a step waits for and that have more than one spelling.
    fn wanted(&self, step: &Step) -> Vec<Wanted> {
        let StepKind::Expect(_, Expectation { items, .. }) = &step.kind else { return Vec::new() };
        let texts = items.iter().filter_map(|item| match item {
            ExpectItem::Message(pattern) => pattern.data.bytes(&self.memory.scope).ok(),
            _ => None,
        });
        texts.filter_map(|text| Wanted::of(&text)).collect()
    }
}
