//! What is to be done and was not told yet.

use std::collections::VecDeque;

use super::vocabulary::Action;

/// Actions, in order.
#[derive(Debug, Default)]
pub(super) struct Outbox(VecDeque<Action>);

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn put(&mut self, action: Action) {
        self.0.push_back(action);
    }

    pub(super) fn take(&mut self) -> Option<Action> {
        self.0.pop_front()
    }
}
