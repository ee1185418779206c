//! Keeps a target up: starts it, and brings it back where it goes away in mid-run.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::time::Instant;

use super::options::{Options, RunError};
#[cfg(feature = "program")]
use super::process::{Launch, Started};
use super::reach::reach;
#[cfg(feature = "program")]
use super::reach::ready;
use super::watch::Stop;
use super::{Route, watch::Watch};
use crate::profile::Target;

/// How long a server that has fallen silent may take to answer once all connections to it are closed.
const ANSWER: Duration = Duration::from_secs(2);

/// How long a server that the suite starts may take to listen, where nothing else is said.
#[cfg(feature = "program")]
const STARTING: Duration = Duration::from_secs(30);

/// How long a server that listens may take to answer, until it is judged as one that does not.
#[cfg(feature = "program")]
const READY: Duration = Duration::from_secs(5);

/// How long a server takes to end at most once it goes away. What it writes to its output then is what it ends with.
#[cfg(feature = "program")]
const LEAVING: Duration = Duration::from_secs(1);

/// Keeps a target up.
pub(crate) struct Keeper {
    stop: Stop,
    wait: Duration,
    /// A request that the target answers.
    #[cfg(feature = "program")]
    question: Vec<u8>,
    #[cfg(feature = "program")]
    launch: Option<Launch>,
    #[cfg(feature = "program")]
    started: tokio::sync::Mutex<Option<Started>>,
    /// Whether the process that was started last has ended.
    has_exited: Arc<AtomicBool>,
}

/// A target went away, and is back.
#[derive(Debug, Clone)]
pub(super) struct Death {
    /// How it looked from outside, or how its process ended.
    pub(super) how: String,
    /// The last lines of its output.
    pub(super) output: Vec<String>,
}

impl Keeper {
    /// `question` is a request that the target answers.
    #[cfg_attr(not(feature = "program"), expect(unused_variables, reason = "nothing is started"))]
    pub(crate) fn new(options: &Options, question: Vec<u8>) -> Keeper {
        Keeper {
            stop: options.stop.clone(),
            wait: options.wait,
            #[cfg(feature = "program")]
            question,
            #[cfg(feature = "program")]
            launch: options.start.clone(),
            #[cfg(feature = "program")]
            started: tokio::sync::Mutex::default(),
            has_exited: Arc::default(),
        }
    }

    /// Starts the target, where that is what was asked for, and waits until something listens.
    pub(crate) async fn begin(&self, target: &Target) -> Result<Route, RunError> {
        #[cfg(feature = "program")]
        if let Some(launch) = &self.launch {
            if reach(target, Duration::ZERO).await.is_ok() {
                return Err(RunError::Occupied { target: target.url() });
            }
            return self.start(launch, target).await;
        }
        self.unless_stopped(reach(target, self.wait)).await
    }

    /// Brings a target back that went away. `None` where it stays away.
    pub(super) async fn revive(&self, target: &Target, watch: &Watch) -> Result<Option<Death>, RunError> {
        let Some(refusal) = watch.gone() else { return Ok(None) };
        let mut death = Death { how: refusal.why, output: Vec::new() };
        #[cfg(feature = "program")]
        if let Some(launch) = &self.launch {
            self.bury(&mut death).await;
            return match self.start(launch, target).await {
                Ok(_) => {
                    watch.revive();
                    Ok(Some(death))
                }
                // It has come up before: what is known of it until now is worth a report.
                Err(RunError::NotStarted { .. } | RunError::Stopped) => Ok(None),
                Err(error) => Err(error),
            };
        }
        let since = Instant::now();
        let is_back = if refusal.is_silent {
            // The connections of the cases are closed by now, which may be what it has waited for.
            watch.answers(self.wait.max(ANSWER)).await
        } else {
            !self.wait.is_zero() && self.unless_stopped(reach(target, self.wait)).await.is_ok()
        };
        if !is_back {
            return Ok(None);
        }
        death.how = format!("{}; it was back after {:.1} s", death.how, since.elapsed().as_secs_f64());
        watch.revive();
        Ok(Some(death))
    }

    /// Ends a target that was started.
    pub(crate) async fn end(&self) {
        #[cfg(feature = "program")]
        if let Some(started) = self.started.lock().await.take() {
            started.end().await;
        }
    }

    /// Whether something else may bring the target back.
    pub(super) fn is_supervised(&self) -> bool {
        #[cfg(feature = "program")]
        if self.launch.is_some() {
            return false;
        }
        !self.wait.is_zero()
    }

    /// Whether the process of the target has ended.
    pub(super) fn has_exited(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.has_exited)
    }

    async fn unless_stopped<T>(
        &self,
        work: impl Future<Output = Result<T, RunError>>,
    ) -> Result<T, RunError> {
        tokio::select! {
            done = work => done,
            () = self.stop.stopped() => Err(RunError::Stopped),
        }
    }

    /// Takes what is to be said of a target that has gone, and what is left of it away.
    #[cfg(feature = "program")]
    async fn bury(&self, death: &mut Death) {
        let Some(mut started) = self.started.lock().await.take() else { return };
        if let Ok(exit) = tokio::time::timeout(LEAVING, started.ended()).await {
            death.how = format!("its process ended ({exit})");
        }
        death.output = started.last_lines().await;
        started.end().await;
    }

    /// Waits until a server that was started answers.
    #[cfg(feature = "program")]
    async fn until_ready(&self, route: &Route, wait: Duration) {
        tokio::select! {
            () = ready(route, &self.question, wait.min(READY)) => {}
            () = self.stop.stopped() => {}
        }
    }

    #[cfg(feature = "program")]
    async fn start(&self, launch: &Launch, target: &Target) -> Result<Route, RunError> {
        let failed = |why: String, output: Vec<String>| RunError::NotStarted {
            command: launch.command.clone(),
            why,
            output,
        };
        let mut started =
            launch.start(self.has_exited()).map_err(|error| failed(error.to_string(), Vec::new()))?;
        let wait = if self.wait.is_zero() { STARTING } else { self.wait };
        let ended = tokio::select! {
            reached = self.unless_stopped(reach(target, wait)) => match reached {
                Ok(route) => {
                    *self.started.lock().await = Some(started);
                    self.until_ready(&route, wait).await;
                    return Ok(route);
                }
                Err(RunError::Unreachable { why, .. }) => why,
                Err(error) => return Err(error),
            },
            // A command may leave its server behind and end well.
            exit = started.ended() => {
                match reach(target, if exit.ends_with(": 0") { wait } else { Duration::ZERO }).await {
                    Ok(route) => {
                        *self.started.lock().await = Some(started);
                        self.until_ready(&route, wait).await;
                        return Ok(route);
                    }
                    Err(_) => format!("it ended ({exit})"),
                }
            }
        };
        let output = started.last_lines().await;
        started.end().await;
        Err(failed(ended, output))
    }
}
