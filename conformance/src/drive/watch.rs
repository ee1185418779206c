//! What ends a run before its time: nothing listens at the target any more, or somebody asks the run to stop.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::route::Route;
use super::stream::Stream;

/// The pauses before the connections that are tried after one was refused. A server whose backlog was full for a moment,
/// or that is started again at once, is there again after one of them.
const PROBES: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(300),
    Duration::from_millis(400),
];

/// Ends a run before its time: what was judged until then is what the run came to. Clones end the same run.
#[derive(Debug, Clone)]
pub struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Stop {
        Stop(watch::Sender::new(false))
    }
}

impl Stop {
    /// Ends the run.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Whether the run is to end.
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the run is to end.
    pub(crate) async fn stopped(&self) {
        // This holds a sender, so that the value does not end.
        let _ = self.0.subscribe().wait_for(|stopped| *stopped).await;
    }
}

/// Whether the target is there, as far as it is known.
#[derive(Debug, Clone)]
enum State {
    Here,
    /// A connection was refused, and others are tried.
    Doubtful,
    Gone(Refusal),
}

/// The first of the connections that were refused.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    /// When it was asked for.
    pub(super) at: Instant,
    /// Why it was not opened.
    pub(super) why: String,
}

/// Watches a run.
#[derive(Debug)]
pub(crate) struct Watch {
    route: Route,
    stop: Stop,
    state: watch::Sender<State>,
    /// When the last connection on which the target said something was asked for: it was there then. That a connection
    /// opens says less, as it may do so while the target ends.
    alive: Mutex<Instant>,
}

impl Watch {
    /// Watches a run against a target that listens.
    pub(super) fn new(route: Route, stop: Stop) -> Arc<Watch> {
        let alive = Mutex::new(Instant::now());
        Arc::new(Watch { route, stop, state: watch::Sender::new(State::Here), alive })
    }

    /// Opens a connection to the target, and says when it was asked for. When it is refused, others are tried.
    pub(super) async fn connect(self: &Arc<Watch>) -> io::Result<(Instant, Stream)> {
        let at = Instant::now();
        let opened = self.route.open().await;
        if let Some(error) = opened.as_ref().err().filter(|error| means_gone(error)) {
            self.doubt(Refusal { at, why: error.to_string() });
        }
        opened.map(|stream| (at, stream))
    }

    /// The target says something on a connection that was asked for at this time.
    pub(super) fn hear(&self, at: Instant) {
        let mut alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        // Not now: this task may be late, and the target is gone in the meantime.
        *alive = at.max(*alive);
    }

    /// Looks whether the target still listens: a case that allows the connection to end sees no difference.
    pub(super) async fn check(self: &Arc<Watch>) {
        drop(self.connect().await);
        self.settled().await;
    }

    /// Waits while it is in doubt whether the target is there.
    pub(super) async fn settled(&self) {
        let _ = self.state.subscribe().wait_for(|state| !matches!(state, State::Doubtful)).await;
    }

    /// Whether nothing more is to be run.
    pub(super) fn has_ended(&self) -> bool {
        self.stop.is_stopped() || self.gone().is_some()
    }

    /// Waits until nothing more is to be run.
    pub(super) async fn ended(&self) {
        let mut state = self.state.subscribe();
        tokio::select! {
            () = self.stop.stopped() => {}
            _ = state.wait_for(|state| matches!(state, State::Gone(_))) => {}
        }
    }

    /// Since when nothing listens at the target any more.
    pub(super) fn gone(&self) -> Option<Refusal> {
        match &*self.state.borrow() {
            State::Gone(refusal) => Some(refusal.clone()),
            _ => None,
        }
    }

    /// A time at which the target was there.
    pub(super) fn alive(&self) -> Instant {
        *self.alive.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn doubt(self: &Arc<Watch>, refusal: Refusal) {
        let is_first = self.state.send_if_modified(|state| {
            let was_here = matches!(state, State::Here);
            if was_here {
                *state = State::Doubtful;
            }
            was_here
        });
        if is_first {
            let watch = Arc::clone(self);
            tokio::spawn(async move {
                let found = watch.confirm(refusal).await;
                watch.state.send_replace(found);
            });
        }
    }

    /// Tries a few times more.
    async fn confirm(&self, refusal: Refusal) -> State {
        for pause in PROBES {
            tokio::time::sleep(pause).await;
            match self.route.open().await {
                Err(error) if means_gone(&error) => {}
                // What else keeps a connection from being opened says nothing of the target.
                Ok(_) | Err(_) => return State::Here,
            }
        }
        State::Gone(refusal)
    }
}

/// Whether an error says that nobody listens, rather than that this machine has no file left, or that nobody answers.
fn means_gone(error: &io::Error) -> bool {
    // The last one is that of a Unix socket that was taken away.
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, NotFound};
    matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable | NotFound)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_target_that_listens_again_is_not_gone() -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let watch = Watch::new(Route::in_the_clear(address), Stop::default());
        drop(listener);
        assert!(watch.connect().await.is_err());
        let _listener = TcpListener::bind(address).await?;
        watch.settled().await;
        assert!(watch.gone().is_none() && !watch.has_ended());
        Ok(())
    }

    #[tokio::test]
    async fn a_target_at_which_nothing_listens_for_a_second_is_gone() -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let watch = Watch::new(Route::in_the_clear(listener.local_addr()?), Stop::default());
        let before = watch.alive();
        let (asked, _stream) = watch.connect().await?;
        assert_eq!(watch.alive(), before, "nothing was said");
        watch.hear(asked);
        watch.check().await;
        assert!(watch.gone().is_none());
        drop(listener);
        watch.check().await;
        let refusal = watch.gone().expect("nothing listens");
        assert!(refusal.at >= asked && watch.alive() == asked);
        watch.ended().await;
        Ok(())
    }

    #[tokio::test]
    async fn a_run_ends_when_it_is_asked_to() -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let stop = Stop::default();
        let watch = Watch::new(Route::in_the_clear(listener.local_addr()?), stop.clone());
        assert!(!watch.has_ended());
        stop.stop();
        watch.ended().await;
        assert!(watch.has_ended() && watch.gone().is_none());
        Ok(())
    }
}
