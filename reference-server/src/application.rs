//! What all connections share.

use std::{sync::Arc, time::Duration};

use tokio::sync::OwnedSemaphorePermit;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::Config,
    hub::{Hub, Limits, Retention},
    memory::Memory,
};

/// The shortest pause between heartbeats, so that none can be asked for that does nothing else.
pub(crate) const SHORTEST_HEARTBEAT: Duration = Duration::from_millis(50);

/// The longest time that is added to an instant: far longer than a connection lives, and far from where the addition
/// overflows.
pub(crate) const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The state of a running server.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) config: Config,
    pub(crate) hub: Hub,
    /// What is held for the connections: what they have begun to send, and what waits for them.
    pub(crate) memory: Memory,
    /// Cancelled when the server shuts down: streams end, polls are answered, WebSocket connections are closed.
    pub(crate) closing: CancellationToken,
    /// Cancelled when the time for an orderly end is over.
    pub(crate) aborting: CancellationToken,
    /// Every task that a shutdown waits for.
    pub(crate) tasks: TaskTracker,
}

/// A place among the connections that the server serves at a time. It is free again when all clones are gone: a
/// WebSocket keeps the place of the connection that it was made from.
pub(crate) type Seat = Arc<OwnedSemaphorePermit>;

impl Application {
    pub(crate) fn new(config: Config) -> Self {
        let limits = Limits {
            channels: config.channels,
            channel_idle: config.channel_idle,
            retention: Retention { messages: config.history, size: config.history_size },
            memory: config.memory / 2,
        };
        let memory = Memory::new(config.memory / 2);
        Self {
            config,
            hub: Hub::new(limits),
            memory,
            closing: CancellationToken::new(),
            aborting: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// The pause between heartbeats where the client asks for none, or for a longer one.
    pub(crate) fn heartbeat(&self) -> Duration {
        self.config.heartbeat.clamp(SHORTEST_HEARTBEAT, LONGEST)
    }

    /// Runs a task that a shutdown waits for, and that it drops when it has waited long enough.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let aborting = self.aborting.clone();
        self.tasks.spawn(async move { aborting.run_until_cancelled(task).await });
    }
}
