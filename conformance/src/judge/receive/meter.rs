//! What a connection costs the suite: the memory of what has come, and the work that it makes.

use super::item::Item;
use super::quota::{Held, Part, Quota};

/// How many lines, chunks, frames and elements are read on a connection beyond a multiple of the bytes that the case sent
/// or published: what is as small as it can be costs the most for each byte.
const MAX_STEPS: usize = 16 * 1024;

/// How many bytes compressed messages may become beyond a multiple of the bytes that the case sent: a few that come can
/// stand for a thousand times as many.
const MAX_INFLATED: usize = 8 * 1024 * 1024;

/// The multiple of the bytes.
const PER_SENT: usize = 4;

/// How many interim answers a request may have.
const MAX_INTERIM: usize = 64;

/// The meter of a connection.
#[derive(Debug)]
pub(crate) struct Meter {
    part: Part,
    /// What the layers hold that is no item yet.
    layers: Held,
    steps: usize,
    interim: usize,
    /// How many bytes compressed messages have become.
    inflated: usize,
    /// How many items may wait, and how many bytes the case has sent.
    most_items: usize,
    sent: usize,
    full: bool,
    /// More came than is read: the rest is left in the socket.
    flooded: bool,
}

impl Default for Meter {
    fn default() -> Meter {
        Meter::new(Quota::default().part())
    }
}

impl Meter {
    pub(crate) fn new(part: Part) -> Meter {
        Meter {
            layers: part.hold(0).unwrap_or_default(),
            part,
            steps: 0,
            interim: 0,
            inflated: 0,
            most_items: usize::MAX,
            sent: 0,
            full: false,
            flooded: false,
        }
    }

    /// Room for an item, for as long as it waits; `None` where there is none left.
    pub(super) fn hold(&mut self, item: &Item) -> Option<Held> {
        let held = self.part.hold(item.size());
        self.full |= held.is_none();
        held
    }

    /// How much memory there is left, in bytes.
    pub(super) fn room(&self) -> usize {
        self.part.room()
    }

    /// Whether there is room for something that is there for a moment.
    pub(super) fn has_room_for(&mut self, bytes: usize) -> bool {
        let has_room = self.part.hold(bytes).is_some();
        self.full |= !has_room;
        has_room
    }

    /// The layers hold so many bytes by now.
    pub(crate) fn layers_hold(&mut self, bytes: usize) {
        self.full |= !self.layers.resize(bytes);
    }

    /// A line, a chunk, a frame or an element was read.
    pub(super) fn step(&mut self) {
        self.steps += 1;
    }

    /// So many blocks of a compressed message were read, and have become so many bytes.
    pub(super) fn inflated(&mut self, blocks: usize, bytes: usize) {
        self.steps = self.steps.saturating_add(blocks);
        self.inflated = self.inflated.saturating_add(bytes);
    }

    /// How many bytes more compressed messages may become.
    pub(super) fn inflated_left(&self) -> usize {
        (MAX_INFLATED + PER_SENT * self.sent).saturating_sub(self.inflated)
    }

    /// How many steps more are taken.
    pub(super) fn steps_left(&self) -> usize {
        (MAX_STEPS + PER_SENT * self.sent).saturating_sub(self.steps)
    }

    /// An answer has begun: with a status that leaves others to come, or not.
    pub(crate) fn answered(&mut self, is_interim: bool) {
        self.interim = if is_interim { self.interim + 1 } else { 0 };
    }

    /// Something came that was asked for: what led to it is not counted any more.
    #[cfg(feature = "program")]
    pub(crate) fn forget_steps(&mut self) {
        self.steps = 0;
    }

    /// So many items may wait by now, and the case has sent so many bytes.
    pub(super) fn allow(&mut self, most_items: usize, sent: usize) {
        (self.most_items, self.sent) = (most_items, sent);
    }

    /// Whether more came than is read, where so many items wait.
    pub(super) fn is_over(&self, items: usize) -> bool {
        self.full || items > self.most_items || self.steps > MAX_STEPS + PER_SENT * self.sent
    }

    /// More came than is read.
    pub(super) fn flood(&mut self) {
        self.flooded = true;
    }

    /// Whether more came than is read.
    pub(super) fn is_flooded(&self) -> bool {
        self.flooded
    }

    /// Why there is no room for what comes: the suite's own affair, and no fault of the target.
    pub(crate) fn shortage(&self) -> Option<String> {
        self.full.then(|| {
            let limit = self.part.limit() / 1024 / 1024;
            format!(
                "what comes takes more memory than is left of the {limit} MB for all that is open; see --max-memory and --connections"
            )
        })
    }

    /// Why no more is read of what comes, where the case has sent so many bytes.
    pub(crate) fn excess(&self, sent: usize) -> Option<String> {
        let most = MAX_STEPS + PER_SENT * sent;
        if self.interim > MAX_INTERIM {
            return Some(format!("more than {MAX_INTERIM} interim answers came before the answer"));
        }
        (self.steps > most).then(|| {
            format!(
                "more than {most} lines, chunks or frames came, far more than what the suite sent can ask for"
            )
        })
    }
}
