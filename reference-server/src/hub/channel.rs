//! One channel: its history, and the subscriptions that read it.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use super::{Draft, Line, Message, Start};
use crate::memory::Held;

/// What a channel retains. The newest message is always retained.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retention {
    /// How many messages.
    pub(crate) messages: usize,
    /// How many bytes of data, ids and events.
    pub(crate) size: usize,
}

/// A history, and the bell that rings when it grows.
#[derive(Debug)]
pub(super) struct Channel {
    history: watch::Sender<History>,
}

impl Channel {
    pub(super) fn new(retention: Retention) -> Self {
        Self { history: watch::Sender::new(History::new(retention)) }
    }

    pub(super) fn publish(&self, draft: Draft, held: Held) -> Arc<Message> {
        let mut published = None;
        self.history.send_modify(|history| published = Some(history.push(draft, held)));
        published.expect("send_modify runs its closure")
    }

    pub(super) fn after(&self, cursor: u64) -> Batch {
        self.history.borrow().after(cursor)
    }

    /// How long ago the channel was last published to.
    pub(super) fn idle(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.history.borrow().changed)
    }
}

/// Messages that follow a cursor, in order and without gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    /// The messages.
    pub(crate) messages: Vec<Arc<Message>>,
    /// The cursor after them: the sequence number of the last one.
    pub(crate) cursor: u64,
    /// Whether messages between the cursor and the first one here are no longer retained.
    pub(crate) missed: bool,
}

/// A reader of a channel with its own cursor.
#[derive(Debug)]
pub(crate) struct Subscription {
    history: watch::Receiver<History>,
    cursor: u64,
    /// Keeps the channel from being forgotten.
    channel: Arc<Channel>,
}

impl Subscription {
    pub(super) fn new(channel: Arc<Channel>, start: &Start) -> Self {
        let history = channel.history.subscribe();
        // Whoever begins before what is retained begins with the oldest message: only what goes later is missed.
        let cursor = {
            let history = history.borrow();
            history.position(start).max(history.first() - 1)
        };
        Self { history, cursor, channel }
    }

    /// The messages after the cursor; waits until there is one. Nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> Batch {
        let cursor = self.cursor;
        let news = self.history.wait_for(|history| history.last > cursor).await;
        // Waiting only fails when the sender is gone, and this subscription holds the channel that has it.
        let batch = news.map(|history| history.after(cursor)).unwrap_or_default();
        self.cursor = batch.cursor;
        batch
    }

    /// The messages after the cursor, which may be none.
    pub(crate) fn ready(&self) -> Batch {
        self.channel.after(self.cursor)
    }
}

#[derive(Debug)]
struct History {
    messages: VecDeque<Arc<Message>>,
    /// The sequence number of the newest message, 0 before the first.
    last: u64,
    size: usize,
    changed: Instant,
    retention: Retention,
}

impl History {
    fn new(retention: Retention) -> Self {
        Self { messages: VecDeque::new(), last: 0, size: 0, changed: Instant::now(), retention }
    }

    fn push(&mut self, draft: Draft, held: Held) -> Arc<Message> {
        let Draft { data, event, id, comment } = draft;
        self.last += 1;
        let id = id.unwrap_or_else(|| Line::number(self.last));
        let message = Arc::new(Message { sequence: self.last, id, event, comment, data, held: Some(held) });
        self.size += size(&message);
        self.messages.push_back(Arc::clone(&message));
        self.changed = Instant::now();
        self.forget();
        message
    }

    fn forget(&mut self) {
        let Retention { messages, size: bytes } = self.retention;
        while self.messages.len() > 1 && (self.messages.len() > messages || self.size > bytes) {
            if let Some(oldest) = self.messages.pop_front() {
                self.size -= size(&oldest);
            }
        }
    }

    /// The sequence number of the oldest message that is retained, or of the next one.
    fn first(&self) -> u64 {
        self.messages.front().map_or(self.last + 1, |oldest| oldest.sequence)
    }

    fn position(&self, start: &Start) -> u64 {
        match start {
            Start::Now => self.last,
            Start::After(cursor) if *cursor > self.last => 0,
            Start::After(cursor) => *cursor,
            Start::AfterId(id) => self.sequence_of(id).unwrap_or(0),
        }
    }

    fn sequence_of(&self, id: &str) -> Option<u64> {
        // A header field loses the white space around its value, so it cannot be part of the comparison.
        let trimmed = |text| str::trim_matches(text, [' ', '\t']);
        let newest = self.messages.iter().rev().find(|message| trimmed(message.id.as_str()) == trimmed(id));
        newest.map(|message| message.sequence)
    }

    fn after(&self, cursor: u64) -> Batch {
        let cursor = self.position(&Start::After(cursor));
        let first = self.first();
        let known = usize::try_from((cursor + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        Batch {
            messages: self.messages.iter().skip(known).cloned().collect(),
            cursor: self.last,
            missed: first > cursor + 1,
        }
    }
}

fn size(message: &Message) -> usize {
    message.data.len()
        + message.comment.as_ref().map_or(0, String::len)
        + message.id.as_str().len()
        + message.event.as_ref().map_or(0, |event| event.as_str().len())
}
