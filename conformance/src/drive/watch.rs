//! What ends a run before its time: the target does not listen or not answer any more, somebody asks the run to stop, or
//! its time is over.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
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

/// How long no new connection may be answered before the target is asked whether it still answers.
const SILENCE: Duration = Duration::from_secs(5);

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
    /// The target takes connections, and answers nothing.
    pub(super) is_silent: bool,
}

/// On what terms a run is watched.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    /// When the run ends, whatever it has come to.
    pub(super) deadline: Option<Instant>,
    /// How long no new connection may be answered before the target is asked whether it still answers, and how long it may
    /// take to answer that.
    pub(super) silence: Duration,
    /// What asks the target whether it still answers.
    pub(super) question: Vec<u8>,
    /// Something else may bring the target back at once: a connection that is refused says that it has ended.
    pub(super) is_supervised: bool,
    /// Whether the process of the target has ended. A connection that is refused needs no others then.
    pub(super) has_exited: Arc<AtomicBool>,
}

/// The time after which a target is silent, where deadlines are multiplied by a factor.
pub(super) fn silence(patience: f64) -> Duration {
    SILENCE.mul_f64(patience.max(1.0))
}

/// How many times longer a target may be silent that is kept busy.
const BUSY: u32 = 10;

/// Watches a run.
#[derive(Debug)]
pub(crate) struct Watch {
    route: Route,
    stop: Stop,
    terms: Terms,
    state: watch::Sender<State>,
    /// The target is kept busy by one case after the other: it may have no time for anybody else.
    is_busy: AtomicBool,
    /// When the last connection on which the target said something was asked for: it was there then. That a connection
    /// opens says less, as it may do so while the target ends.
    alive: Mutex<Instant>,
}

impl Watch {
    /// Watches a run against a target that listens.
    pub(super) fn new(route: Route, stop: Stop, terms: Terms) -> Arc<Watch> {
        let alive = Mutex::new(Instant::now());
        let state = watch::Sender::new(State::Here);
        Arc::new(Watch { route, stop, terms, state, is_busy: AtomicBool::default(), alive })
    }

    /// Whether what runs from here on keeps the target busy.
    pub(super) fn keep_busy(&self, is_busy: bool) {
        self.is_busy.store(is_busy, Ordering::Relaxed);
    }

    /// The time after which the target is silent.
    fn silence(&self) -> Duration {
        self.terms.silence * if self.is_busy.load(Ordering::Relaxed) { BUSY } else { 1 }
    }

    /// Opens a connection to the target, and says when it was asked for. When it is refused, others are tried.
    pub(super) async fn connect(self: &Arc<Watch>) -> io::Result<(Instant, Stream)> {
        let at = Instant::now();
        let opened = self.route.open().await;
        if let Some(error) = opened.as_ref().err().filter(|error| means_gone(error)) {
            self.doubt(Refusal { at, why: error.to_string(), is_silent: false });
        }
        opened.map(|stream| (at, stream))
    }

    /// Whether an error says that a connection was open and was reset at once.
    pub(super) fn was_open(&self, error: &io::Error) -> bool {
        self.route.was_open(error)
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

    /// Looks whether the target still answers.
    pub(super) async fn examine(self: &Arc<Watch>) {
        self.check().await;
        if self.gone().is_none() {
            self.expect_answer().await;
        }
    }

    /// From now on a target that takes connections and answers none any more is noticed, as long as the task lives.
    pub(super) async fn notice_silence(self: Arc<Watch>) {
        loop {
            let silence = self.silence();
            tokio::time::sleep_until(self.alive() + silence).await;
            if self.alive().elapsed() < silence {
                continue;
            }
            if matches!(*self.state.borrow(), State::Here) {
                self.expect_answer().await;
            }
            // A target that is gone may be back.
            tokio::time::sleep(PROBES[0]).await;
        }
    }

    /// Asks the target something, and takes it for gone where neither this nor anything else is answered.
    async fn expect_answer(&self) {
        let at = Instant::now();
        let is_silent = tokio::time::timeout(self.silence(), self.ask()).await.is_err();
        if !is_silent {
            self.hear(at);
        } else if self.alive() < at {
            let silent = self.alive().elapsed().as_secs_f64();
            let why = format!("it takes connections, and has answered none for {silent:.0} s");
            let refusal = Refusal { at: self.alive(), why, is_silent: true };
            self.state.send_if_modified(|state| {
                let was_here = matches!(state, State::Here);
                if was_here {
                    *state = State::Gone(refusal);
                }
                was_here
            });
        }
    }

    /// Whether the target answers within a time that is not multiplied.
    pub(super) async fn answers(&self, limit: Duration) -> bool {
        tokio::time::timeout(limit, self.ask()).await.is_ok_and(|asked| asked.is_ok())
    }

    /// Asks the target something. Any answer will do, and the end of the connection is one.
    async fn ask(&self) -> io::Result<()> {
        let mut stream = self.route.open().await?;
        stream.write_all(&self.terms.question).await?;
        stream.flush().await?;
        let _ = stream.read(&mut [0; 1024]).await;
        Ok(())
    }

    /// The target that was gone is back.
    pub(super) fn revive(&self) {
        self.hear(Instant::now());
        self.state.send_replace(State::Here);
    }

    /// Whether a connection could not be opened for want of open files.
    pub(super) fn has_run_out(&self) -> bool {
        self.route.has_run_out()
    }

    /// Whether nothing more is to be run, however the target is.
    pub(super) fn is_over(&self) -> bool {
        self.has_run_out() || self.stop.is_stopped() || self.is_overdue()
    }

    /// Whether the time of the run is over.
    pub(super) fn is_overdue(&self) -> bool {
        self.terms.deadline.is_some_and(|deadline| deadline <= Instant::now())
    }

    /// Whether nothing more is to be run.
    pub(super) fn has_ended(&self) -> bool {
        self.is_over() || self.gone().is_some()
    }

    /// Waits until nothing more is to be run.
    pub(super) async fn ended(&self) {
        let mut state = self.state.subscribe();
        tokio::select! {
            () = self.stop.stopped() => {}
            () = over(self.terms.deadline) => {}
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

    /// The earliest time at which a target that is silent may have become so: a case waits for so long, and then the target
    /// was asked.
    pub(super) fn silent_since(&self) -> Instant {
        // A case waits twice as long at most: for the end of a WebSocket.
        self.alive().checked_sub(self.terms.silence * 3).unwrap_or(self.alive())
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
            if self.terms.is_supervised || self.terms.has_exited.load(Ordering::Relaxed) {
                break;
            }
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

/// Waits until a time has come.
async fn over(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
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

    fn terms() -> Terms {
        let question = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec();
        let silence = Duration::from_millis(50);
        Terms { deadline: None, silence, question, is_supervised: false, has_exited: Arc::default() }
    }

    #[tokio::test]
    async fn a_target_that_takes_connections_and_answers_none_is_gone() -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let watch = Watch::new(Route::in_the_clear(listener.local_addr()?), Stop::default(), terms());
        let noticing = tokio::spawn(Arc::clone(&watch).notice_silence());
        watch.ended().await;
        assert!(watch.gone().is_some_and(|refusal| refusal.is_silent));
        assert!(!watch.answers(Duration::from_secs(1)).await);
        noticing.abort();
        watch.revive();
        assert!(watch.gone().is_none());
        tokio::spawn(async move { while listener.accept().await.is_ok() {} });
        watch.examine().await;
        assert!(watch.gone().is_none(), "the end of a connection is an answer");
        Ok(())
    }

    #[tokio::test]
    async fn a_target_that_is_kept_busy_may_be_silent_for_longer() -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let watch = Watch::new(Route::in_the_clear(listener.local_addr()?), Stop::default(), terms());
        watch.keep_busy(true);
        let noticing = tokio::spawn(Arc::clone(&watch).notice_silence());
        let silent = tokio::time::timeout(terms().silence * 5, watch.ended()).await;
        assert!(silent.is_err() && watch.gone().is_none());
        watch.ended().await;
        assert!(watch.gone().is_some_and(|refusal| refusal.is_silent));
        noticing.abort();
        Ok(())
    }

    #[tokio::test]
    async fn a_run_ends_when_its_time_is_over() -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let deadline = Some(Instant::now() + Duration::from_millis(20));
        let terms = Terms { deadline, ..terms() };
        let watch = Watch::new(Route::in_the_clear(listener.local_addr()?), Stop::default(), terms);
        assert!(!watch.has_ended());
        watch.ended().await;
        assert!(watch.is_overdue() && watch.gone().is_none());
        Ok(())
    }

    #[tokio::test]
    async fn a_target_that_listens_again_is_not_gone() -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let watch = Watch::new(Route::in_the_clear(address), Stop::default(), terms());
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
        let watch = Watch::new(Route::in_the_clear(listener.local_addr()?), Stop::default(), terms());
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
        let watch = Watch::new(Route::in_the_clear(listener.local_addr()?), stop.clone(), terms());
        assert!(!watch.has_ended());
        stop.stop();
        watch.ended().await;
        assert!(watch.has_ended() && watch.gone().is_none());
        Ok(())
    }
}
