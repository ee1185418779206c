//! Where the layers put what they make of their bytes.

use std::collections::VecDeque;
use std::time::Duration;

use crate::judge::verdict::invariant::{Invariant, Watch};

use super::item::{Arrival, Item};

/// Takes the items of one connection, and what is seen of the invariants, at one time.
pub(crate) struct Sink<'a> {
    now: Duration,
    items: &'a mut VecDeque<Arrival>,
    watch: &'a mut Watch,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(now: Duration, items: &'a mut VecDeque<Arrival>, watch: &'a mut Watch) -> Sink<'a> {
        Sink { now, items, watch }
    }

    /// When the bytes came that are read.
    pub(super) fn now(&self) -> Duration {
        self.now
    }

    /// Something is complete.
    pub(super) fn item(&mut self, item: Item) {
        self.items.push_back(Arrival { at: self.now, item });
    }

    /// There was something to judge.
    pub(super) fn relevant(&mut self, invariants: &[Invariant]) {
        self.watch.relevant(invariants);
    }

    /// An invariant does not hold.
    pub(super) fn breach(&mut self, invariant: Invariant, seen: impl Into<String>) {
        self.watch.breach(invariant, self.now, seen);
    }
}
