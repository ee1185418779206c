//! Many waiting clients: how a server holds them, and what a message takes to reach them all.
//!
//! It is a measurement and not a verdict. All clients subscribe to one channel by the profile's paths, messages are
//! published by the profile's recipe, and every client counts what it gets. Clients and server share the machine where
//! the server is local: then the latency is that of both.
//!
//! Not supported: clients that come back after their connection broke, channels of their own for the clients, and
//! messages of a size.

mod client;
mod gone;
mod measurement;
mod process;
mod reader;
mod tally;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use self::client::Plan;
pub use self::measurement::{Clients, Ended, Latency, Measurement, Memory, Messages, SCHEMA, Thresholds};
use self::tally::Tally;
use crate::case::statement::Procedure;
use crate::drive::schedule::{RunError, reach, tag};
use crate::drive::{Publisher, Sessions};
use crate::judge::Quota;
use crate::profile::publish::Publication;
use crate::profile::{CAPABILITIES, Target};

/// How many clients are on their way to the server at once.
const OPENING: usize = 256;

/// How long no client may get through before those that are not connected are given up.
const STUCK: Duration = Duration::from_secs(30);

/// How long after the last client is connected the first message is published: a long poll that was sent may still lie
/// in the server's queue, and a server may answer a subscriber a moment before it delivers to it.
const SETTLE: Duration = Duration::from_millis(500);

/// How long the first long poll is watched: one that is refused is answered at once.
const REFUSED: Duration = Duration::from_millis(200);

/// How often what waits for the clients looks at their counts.
const TICK: Duration = Duration::from_millis(20);

/// How long messages on their way are waited for after an interrupt.
const INTERRUPTED: Duration = Duration::from_secs(1);

/// How long in all clients may take to end.
const ENDING: Duration = Duration::from_secs(5);

/// After so many publications in a row that failed there will be none.
const FAILURES: usize = 5;

/// By which technique the clients wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Technique {
    /// Long polls, one after another
    LongPolling,
    /// Event streams
    Sse,
    /// Iframe streams
    Iframe,
    /// WebSockets
    #[value(name = "websocket")]
    WebSocket,
    /// One poll in each interval
    Polling,
}

/// What is measured.
#[derive(Debug, Clone)]
pub struct Options {
    /// The technique by which the clients wait.
    pub technique: Technique,
    /// How many clients.
    pub clients: usize,
    /// How many messages are published.
    pub messages: usize,
    /// How many messages are published a second, at most.
    pub rate: f64,
    /// The time from one poll of a client to the next, for polling.
    pub interval: Duration,
    /// How long messages are waited for after the last one that came.
    pub wait: Duration,
    /// How much memory this process may take for what comes, in bytes, half of which is for what it is made of.
    pub memory: usize,
    /// The process whose memory is looked at.
    pub pid: Option<u32>,
}

/// Why there is no measurement.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The profile does not say how.
    #[error("to measure {technique}, the profile needs {what}; see docs/profile.md")]
    Lacks {
        /// The technique.
        technique: &'static str,
        /// What is missing.
        what: &'static str,
    },
    /// The limit of open files, which is that of connections, is too low and cannot be raised from here.
    #[error(
        "{clients} clients need {needed} open files, and this process may open {limit}: raise the limit (`ulimit -Hn`), or use fewer --clients"
    )]
    OpenFiles {
        /// How many clients were asked for.
        clients: usize,
        /// How many files that makes.
        needed: u64,
        /// The hard limit.
        limit: u64,
    },
    /// Nothing is known of the process.
    #[error("failed to read the memory of process {pid}: {error}")]
    Process {
        /// Its id.
        pid: u32,
        /// Why.
        error: std::io::Error,
    },
    /// The server takes none of the messages.
    #[error("{target} accepts no message: {why}; check [publish] in the profile")]
    Unpublished {
        /// The URL of the target.
        target: String,
        /// What it answered.
        why: String,
    },
    /// Nothing listens there.
    #[error("{target} is not reachable: {why}")]
    Unreachable {
        /// The URL of the target.
        target: String,
        /// Why.
        why: String,
    },
    /// The first client does not get through.
    #[error("{target} has no {technique} at {path}: {why}")]
    Refused {
        /// The URL of the target.
        target: String,
        /// The technique.
        technique: &'static str,
        /// The path of the profile.
        path: String,
        /// What it answered.
        why: String,
    },
    /// Something in the program itself.
    #[error("{0}")]
    Internal(String),
}

/// How far a measurement has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Clients are connected, and messages published, from here on.
    pub publishing: bool,
    /// Clients that are connected or given up; then deliveries.
    pub done: u64,
    /// Of how many.
    pub total: u64,
}

/// A measurement that can be watched.
#[derive(Debug)]
pub struct Load {
    plan: Arc<Plan>,
    publisher: Publisher,
    stop: watch::Sender<bool>,
    publishing: AtomicBool,
}

/// What became of the publications.
#[derive(Debug, Default)]
struct Published {
    accepted: usize,
    failed: usize,
    error: Option<String>,
}

impl Technique {
    /// The name, as in the profile.
    pub fn name(self) -> &'static str {
        match self {
            Technique::LongPolling => "long-polling",
            Technique::Sse => "sse",
            Technique::Iframe => "iframe",
            Technique::WebSocket => "websocket",
            Technique::Polling => "polling",
        }
    }

    fn procedure(self) -> Procedure {
        match self {
            Technique::LongPolling => Procedure::LongPoll,
            Technique::Sse => Procedure::OpenSse,
            Technique::Iframe => Procedure::OpenIframe,
            Technique::WebSocket => Procedure::SubscribeWebSocket,
            Technique::Polling => Procedure::Poll,
        }
    }

    /// What a target must be able to do.
    fn needs(self) -> [&'static str; 2] {
        let subscription = match self {
            Technique::WebSocket => "websocket.subscribe",
            other => other.name(),
        };
        [subscription, "publish"]
    }
}

impl Load {
    /// Makes sure that there is something to measure: the profile says how, this process may open as many connections,
    /// and the target answers.
    pub async fn prepare(target: Target, options: Options) -> Result<Load, LoadError> {
        let technique = options.technique;
        if let Some(need) = technique.needs().into_iter().find(|need| !target.can(need)) {
            let what = CAPABILITIES.iter().find(|(name, _)| *name == need).map_or(need, |(_, what)| what);
            return Err(LoadError::Lacks { technique: technique.name(), what });
        }
        process::allow_files(options.clients)?;
        options.pid.map(process::resident).transpose()?;
        let route = reach(&target, Duration::ZERO).await.map_err(|error| match error {
            RunError::Unreachable { target, why } => LoadError::Unreachable { target, why },
            other => LoadError::Internal(other.to_string()),
        })?;
        let publisher = Publisher::new(&target, route.clone()).await;
        let publisher = publisher.map_err(|error| LoadError::Internal(format!("[publish] url: {error}")))?;
        let (stop, stopped) = watch::channel(false);
        let tag = tag();
        let plan = Plan {
            channel: format!("load-{tag}"),
            tally: Tally::new(&tag, options.messages),
            quota: Quota::new(options.memory / 2, options.clients),
            slots: Semaphore::new(OPENING),
            stop: stopped,
            sessions: Sessions::new(route.clone(), target.profile.secrets()),
            target: Arc::new(target),
            options,
            route,
        };
        Ok(Load { plan: Arc::new(plan), publisher, stop, publishing: AtomicBool::new(false) })
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        let Plan { tally, options, .. } = &*self.plan;
        if self.publishing.load(Relaxed) {
            let total = tally.opened.load(Relaxed) * options.messages;
            Progress { publishing: true, done: tally.delivered(), total: total as u64 }
        } else {
            let done = tally.opened.load(Relaxed) + tally.failed.load(Relaxed);
            Progress { publishing: false, done: done as u64, total: options.clients as u64 }
        }
    }

    /// Measures. `interrupts` counts: at the first interrupt nothing more is opened or published, at the second nothing
    /// is waited for either.
    pub async fn measure(&self, mut interrupts: watch::Receiver<usize>) -> Result<Measurement, LoadError> {
        let start = Instant::now();
        let mut clients = JoinSet::new();
        let before = self.resident()?;
        self.open(&mut clients, &mut interrupts).await?;
        let opening = start.elapsed();
        sleep_unless_interrupted(self.settle(), &mut interrupts).await;
        // Those who leave later have cost what they cost.
        let (held, clients_held) = (self.resident()?, self.plan.tally.open());
        self.publishing.store(true, Relaxed);
        let publishing = Instant::now();
        let published = self.publish(&mut interrupts).await?;
        let publishing = publishing.elapsed();
        self.await_deliveries(published.accepted, &interrupts).await;
        let memory = Memory::new(self.plan.options.pid, [before, held, self.resident()?], clients_held);
        let interrupted = *interrupts.borrow() > 0;
        let measurement =
            Measurement::new(&self.plan, &published, [opening, publishing], memory, interrupted);
        self.end(&mut clients).await;
        Ok(measurement)
    }

    /// Connects the first client, and if it gets through all others.
    async fn open(
        &self,
        clients: &mut JoinSet<()>,
        interrupts: &mut watch::Receiver<usize>,
    ) -> Result<(), LoadError> {
        let Plan { tally, options, .. } = &*self.plan;
        clients.spawn(client::live(0, Arc::clone(&self.plan)));
        self.await_clients(1, interrupts).await;
        if options.technique == Technique::LongPolling {
            sleep_unless_interrupted(REFUSED, interrupts).await;
        }
        if let Some((why, _)) = tally.reasons().into_iter().next() {
            return Err(LoadError::Refused {
                target: self.plan.target.url(),
                technique: options.technique.name(),
                path: self.plan.path(),
                why,
            });
        }
        if *interrupts.borrow() == 0 {
            for index in 1..options.clients {
                clients.spawn(client::live(index, Arc::clone(&self.plan)));
            }
            self.await_clients(options.clients, interrupts).await;
        }
        Ok(())
    }

    /// Waits until so many clients are connected or have failed, or none gets through any more.
    async fn await_clients(&self, clients: usize, interrupts: &mut watch::Receiver<usize>) {
        let tally = &self.plan.tally;
        let (mut before, mut since) = (0, Instant::now());
        while *interrupts.borrow() == 0 && since.elapsed() < STUCK {
            let done = tally.opened.load(Relaxed) + tally.failed.load(Relaxed);
            if done >= clients {
                break;
            }
            if done > before {
                (before, since) = (done, Instant::now());
            }
            sleep(TICK).await;
        }
    }

    /// Publishes one message after the other: only then there is an order.
    async fn publish(&self, interrupts: &mut watch::Receiver<usize>) -> Result<Published, LoadError> {
        let Plan { tally, options, target, channel, sessions, .. } = &*self.plan;
        let session = sessions.open(target, channel).await;
        let session = session.map_err(|why| LoadError::Unpublished { target: target.url(), why })?;
        let Some(recipe) = &session.target.profile.publish else { return Ok(Published::default()) };
        let mut published = Published::default();
        let mut in_a_row = 0;
        let mut due = Instant::now();
        for number in 0..options.messages {
            tokio::select! {
                biased;
                _ = interrupts.wait_for(|interrupts| *interrupts > 0) => break,
                () = sleep_until(due) => {}
            }
            due += Duration::from_secs_f64(options.rate.recip());
            let data = tally.begin(number);
            let publication =
                Publication { channel: channel.clone(), data, id: None, event: None, comment: None };
            match self.publisher.publish(&recipe.request(&publication)).await {
                Ok(_) => (published.accepted, in_a_row) = (published.accepted + 1, 0),
                Err(error) => {
                    (published.failed, in_a_row) = (published.failed + 1, in_a_row + 1);
                    published.error.get_or_insert(error.why);
                    tally.refused(number);
                }
            }
            if in_a_row == FAILURES {
                break;
            }
        }
        match &published {
            Published { accepted: 0, error: Some(why), .. } => {
                Err(LoadError::Unpublished { target: target.url(), why: why.clone() })
            }
            _ => Ok(published),
        }
    }

    /// Waits until all clients that are connected have all messages, or nothing has come for the time that was set.
    async fn await_deliveries(&self, messages: usize, interrupts: &watch::Receiver<usize>) {
        let tally = &self.plan.tally;
        let (mut before, mut since) = (0, Instant::now());
        let patience = |interrupts: usize| match interrupts {
            0 => self.plan.options.wait,
            1 => self.plan.options.wait.min(INTERRUPTED),
            _ => Duration::ZERO,
        };
        while !tally.is_complete(messages) && since.elapsed() < patience(*interrupts.borrow()) {
            let delivered = tally.delivered();
            if delivered > before {
                (before, since) = (delivered, Instant::now());
            }
            sleep(TICK).await;
        }
        // What comes twice comes late.
        sleep(TICK).await;
    }

    async fn end(&self, clients: &mut JoinSet<()>) {
        let _ = self.stop.send(true);
        let _ = timeout(ENDING, async { while clients.join_next().await.is_some() {} }).await;
        clients.shutdown().await;
    }

    fn settle(&self) -> Duration {
        let recipe = self.plan.target.profile.publish.as_ref();
        recipe.and_then(|publish| publish.settle).unwrap_or_default().max(SETTLE)
    }

    fn resident(&self) -> Result<Option<u64>, LoadError> {
        self.plan.options.pid.map(process::resident).transpose()
    }
}

async fn sleep_unless_interrupted(duration: Duration, interrupts: &mut watch::Receiver<usize>) {
    tokio::select! {
        _ = interrupts.wait_for(|interrupts| *interrupts > 0) => {}
        () = sleep(duration) => {}
    }
}
