//! What waits to be written to one side.

use std::collections::VecDeque;

use tokio::time::Instant;

/// How a direction of a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// In order, with a FIN.
    Fin,
    /// Abruptly, with a RST.
    Reset,
}

/// Something to be written.
#[derive(Debug)]
enum Parcel {
    Bytes(Vec<u8>),
    End(End),
}

/// What may leave now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due<'a> {
    Bytes(&'a [u8]),
    End(End),
}

/// Parcels in the order in which they leave, none before its time.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    parcels: VecDeque<(Instant, Parcel)>,
    /// How many bytes of the first parcel have left.
    left: usize,
    waiting: usize,
}

impl Outbox {
    /// Adds bytes that do not leave before the time. Those behind them wait as well.
    pub(super) fn push(&mut self, due: Instant, bytes: impl Into<Vec<u8>>) {
        let bytes = bytes.into();
        if bytes.is_empty() {
            return;
        }
        self.waiting += bytes.len();
        match self.parcels.back_mut() {
            Some((last, Parcel::Bytes(before))) if due <= *last => before.extend(bytes),
            _ => self.add(due, Parcel::Bytes(bytes)),
        }
    }

    /// Ends the direction behind all that waits.
    pub(super) fn end(&mut self, due: Instant, end: End) {
        self.add(due, Parcel::End(end));
    }

    fn add(&mut self, due: Instant, parcel: Parcel) {
        let due = self.parcels.back().map_or(due, |(last, _)| due.max(*last));
        self.parcels.push_back((due, parcel));
    }

    /// How many bytes wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }

    /// When the first parcel may leave.
    pub(super) fn due(&self) -> Option<Instant> {
        self.parcels.front().map(|(due, _)| *due)
    }

    /// The next parcel that may leave now; bytes that may leave together are one.
    pub(super) fn front(&mut self, now: Instant) -> Option<Due<'_>> {
        while let Some(((_, Parcel::Bytes(_)), (due, Parcel::Bytes(_)))) =
            self.parcels.front().zip(self.parcels.get(1))
            && *due <= now
        {
            let Some((due, Parcel::Bytes(second))) = self.parcels.remove(1) else { break };
            if let Some((first_due, Parcel::Bytes(first))) = self.parcels.front_mut() {
                *first_due = due;
                first.extend(second);
            }
        }
        let (_, parcel) = self.parcels.front().filter(|(due, _)| *due <= now)?;
        Some(match parcel {
            Parcel::Bytes(bytes) => Due::Bytes(bytes.get(self.left..).unwrap_or_default()),
            Parcel::End(end) => Due::End(*end),
        })
    }

    /// So many bytes of the first parcel have left.
    pub(super) fn written(&mut self, count: usize) {
        self.waiting -= count;
        self.left += count;
        if let Some((_, Parcel::Bytes(bytes))) = self.parcels.front()
            && self.left >= bytes.len()
        {
            self.pop();
        }
    }

    /// The first parcel has left.
    pub(super) fn pop(&mut self) {
        self.left = 0;
        self.parcels.pop_front();
    }

    /// Nothing of it can leave any more.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
