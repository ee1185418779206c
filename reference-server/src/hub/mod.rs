//! The hub: named channels, each with a bounded history. Every technique reads from it, one publisher writes to it.
//!
//! A publication is appended to the history of its channel and wakes all subscribers; it never waits for one of them.
//! A subscriber is a cursor into the history. It reads at its own pace, and where it is so slow that messages it has
//! not read are no longer retained, it is told so ([`Batch::missed`]).

mod channel;
mod message;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use thiserror::Error;
use tokio::time::Instant;

use self::channel::Channel;
pub(crate) use self::{
    channel::{Batch, Retention, Subscription},
    message::{ChannelName, Draft, Line, Message, NameError},
};
use crate::{
    memory::{Held, Memory},
    response::Refusal,
};

/// All channels.
#[derive(Debug)]
pub(crate) struct Hub {
    channels: Mutex<HashMap<ChannelName, Arc<Channel>>>,
    limits: Limits,
    /// What all channels retain together.
    memory: Memory,
}

/// What bounds the memory of a hub.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How many channels exist at a time.
    pub(crate) channels: usize,
    /// How long a channel that nobody uses is kept when room is needed.
    pub(crate) channel_idle: Duration,
    /// What each channel retains.
    pub(crate) retention: Retention,
    /// What all channels retain together, in bytes.
    pub(crate) memory: usize,
}

/// What a message takes beside its texts.
const OVERHEAD: usize = 256;

/// Where a subscription begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// With the next message.
    Now,
    /// After the message of this sequence number; 0 is the beginning. A number that the channel has not reached is
    /// from an earlier life of the channel, so it says nothing about this one and counts as 0.
    After(u64),
    /// After the newest message with this id. An id that is not retained may be older than everything that is, so
    /// it counts as the beginning: a message may come twice, but none is lost.
    AfterId(String),
}

/// Why the hub refuses.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum HubError {
    /// All channels are in use.
    #[error("the limit of {limit} channels is reached")]
    TooManyChannels { limit: usize, retry_after: Duration },
    /// What all channels retain is as much as they may.
    #[error("the limit of {limit} bytes for what all channels retain is reached")]
    TooMuch { limit: usize, retry_after: Duration },
}

impl From<HubError> for Refusal {
    fn from(error: HubError) -> Self {
        let (HubError::TooManyChannels { retry_after, .. } | HubError::TooMuch { retry_after, .. }) = error;
        Refusal::unavailable(&error, retry_after)
    }
}

impl Hub {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { channels: Mutex::default(), limits, memory: Memory::new(limits.memory) }
    }

    /// Appends a message to a channel, which is made when it does not exist, and wakes its subscribers.
    pub(crate) fn publish(&self, name: &ChannelName, draft: Draft) -> Result<Arc<Message>, HubError> {
        // The channel is used outside of the lock. It cannot be forgotten meanwhile, because it is shared.
        let held = self.hold(&draft)?;
        Ok(self.channel(name)?.publish(draft, held))
    }

    /// Room for a message. Where there is none, channels that nobody uses are forgotten.
    fn hold(&self, draft: &Draft) -> Result<Held, HubError> {
        let Limits { channel_idle, memory: limit, .. } = self.limits;
        let size = OVERHEAD + draft.size();
        self.memory
            .hold(size)
            .or_else(|| {
                self.forget_unused(&mut self.lock());
                self.memory.hold(size)
            })
            .ok_or(HubError::TooMuch { limit, retry_after: channel_idle })
    }

    /// What a channel retains after a cursor. A channel that does not exist is empty, and is not made.
    pub(crate) fn retained(&self, name: &ChannelName, after: u64) -> Batch {
        let channel = self.lock().get(name).cloned();
        channel.map(|channel| channel.after(after)).unwrap_or_default()
    }

    /// Begins to read a channel, which is made when it does not exist.
    pub(crate) fn subscribe(&self, name: &ChannelName, start: &Start) -> Result<Subscription, HubError> {
        Ok(Subscription::new(self.channel(name)?, start))
    }

    fn channel(&self, name: &ChannelName) -> Result<Arc<Channel>, HubError> {
        let mut channels = self.lock();
        if let Some(channel) = channels.get(name) {
            return Ok(Arc::clone(channel));
        }
        self.make_room(&mut channels)?;
        let channel = Arc::new(Channel::new(self.limits.retention));
        channels.insert(name.clone(), Arc::clone(&channel));
        Ok(channel)
    }

    /// Forgets channels that nobody uses, but only when there is no room for another one.
    fn make_room(&self, channels: &mut HashMap<ChannelName, Arc<Channel>>) -> Result<(), HubError> {
        let Limits { channels: limit, channel_idle, .. } = self.limits;
        if channels.len() < limit {
            return Ok(());
        }
        self.forget_unused(channels);
        if channels.len() < limit {
            Ok(())
        } else {
            Err(HubError::TooManyChannels { limit, retry_after: channel_idle })
        }
    }

    /// Forgets the channels that nobody uses.
    fn forget_unused(&self, channels: &mut HashMap<ChannelName, Arc<Channel>>) {
        let now = Instant::now();
        // Subscribers and publishers share the channel, and can only get it under the lock that is held here.
        channels.retain(|_, channel| {
            Arc::strong_count(channel) > 1 || channel.idle(now) < self.limits.channel_idle
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ChannelName, Arc<Channel>>> {
        // No code under the lock can leave the map half changed, so a poisoned lock is as good as another.
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
