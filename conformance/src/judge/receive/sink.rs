//! Where the layers put what they make of their bytes.

use std::collections::VecDeque;
use std::time::Duration;

use crate::judge::verdict::invariant::{Invariant, Watch};

use super::item::{Arrival, Item};
use super::meter::Meter;

/// Takes the items of one connection, and what is seen of the invariants, at one time.
pub(crate) struct Sink<'a> {
    now: Duration,
    items: &'a mut VecDeque<Arrival>,
    watch: &'a mut Watch,
    meter: &'a mut Meter,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(
        now: Duration,
        items: &'a mut VecDeque<Arrival>,
        watch: &'a mut Watch,
        meter: &'a mut Meter,
    ) -> Sink<'a> {
        Sink { now, items, watch, meter }
    }

    /// When the bytes came that are read.
    pub(super) fn now(&self) -> Duration {
        self.now
    }

    /// Something is complete. It is dropped where there is no room for it, which the meter tells.
    pub(super) fn item(&mut self, item: Item) {
        if let Some(held) = self.meter.hold(&item) {
            self.items.push_back(Arrival { at: self.now, item, _held: held });
        }
    }

    /// An answer has begun: one that leaves others to come, or not.
    pub(super) fn answered(&mut self, is_interim: bool) {
        self.meter.answered(is_interim);
    }

    /// A line, a chunk, a frame or an element was read.
    pub(super) fn step(&mut self) {
        self.meter.step();
    }

    /// So many blocks of a compressed message were read, and have become so many bytes.
    pub(super) fn inflated(&mut self, blocks: usize, bytes: usize) {
        self.meter.inflated(blocks, bytes);
    }

    /// How many bytes more compressed messages may become.
    pub(super) fn inflated_left(&self) -> usize {
        self.meter.inflated_left()
    }

    /// How many steps more are taken.
    pub(super) fn steps_left(&self) -> usize {
        self.meter.steps_left()
    }

    /// Whether more came than is read: the rest need not be looked at.
    pub(super) fn is_full(&self) -> bool {
        self.meter.is_over(self.items.len())
    }

    /// How much memory there is left, in bytes.
    pub(super) fn room(&self) -> usize {
        self.meter.room()
    }

    /// Whether there is room for something that is there for a moment, in bytes.
    pub(super) fn has_room_for(&mut self, bytes: usize) -> bool {
        self.meter.has_room_for(bytes)
    }

    /// There was something to judge.
    pub(super) fn relevant(&mut self, invariants: &[Invariant]) {
        self.watch.relevant(invariants);
    }

    /// An invariant does not hold.
    pub(super) fn breach(&mut self, invariant: Invariant, seen: impl Into<String>) {
        self.watch.breach(invariant, self.now, seen);
    }

    /// The same, of which a flood may bring many: what was seen is put into words only where it is kept.
    pub(super) fn breach_of(&mut self, invariant: Invariant, seen: impl FnOnce() -> String) {
        if self.watch.keeps(invariant) {
            self.watch.breach(invariant, self.now, seen());
        }
    }
}
