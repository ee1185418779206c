//! SIGINT, SIGTERM and SIGHUP while a server is judged.

use std::io;
use std::sync::{Arc, OnceLock};

use crate::drive::schedule::Stop;

/// The exit code of a program that Ctrl-C ended.
pub(super) const INTERRUPTED: u8 = 130;

/// The exit code of a program that was asked to terminate.
#[cfg(unix)]
const TERMINATED: u8 = 143;

/// The exit code of a program whose terminal is gone.
#[cfg(unix)]
const HUNG_UP: u8 = 129;

/// The exit code of a run that a signal ended; empty as long as none came.
pub(super) type Ended = Arc<OnceLock<u8>>;

/// From now on the first signal ends the run, whose report has what was judged until then; the second ends the program.
pub(super) fn watch(stop: Stop, is_told: bool) -> io::Result<Ended> {
    let ended = Ended::default();
    let code = Arc::clone(&ended);
    let first = move |signal| {
        let _ = code.set(signal);
        stop.stop();
        if is_told {
            // Where nobody reads what is said, the second signal is served all the same.
            std::thread::spawn(|| {
                super::note(
                    "interrupted: the report has everything judged so far; a second signal ends the program at once",
                );
            });
        }
    };
    serve(first, crate::drive::process::end_all)?;
    Ok(ended)
}

/// Serves signals on a thread of its own, which nothing else can keep busy: the first one by `first`, which is told its
/// exit code; the second by `last`, and with it the program is over.
pub(super) fn serve(
    first: impl FnOnce(u8) + Send + 'static,
    last: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let mut signals = {
        let _entered = runtime.enter();
        Signals::new()?
    };
    let served = async move {
        first(signals.next().await);
        let code = signals.next().await;
        last();
        std::process::exit(i32::from(code));
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || runtime.block_on(served))?;
    Ok(())
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The exit code that stands for the next signal.
    async fn next(&mut self) -> u8 {
        let received = tokio::select! {
            received = self.interrupt.recv() => received.map(|()| INTERRUPTED),
            received = self.terminate.recv() => received.map(|()| TERMINATED),
            received = self.hangup.recv() => received.map(|()| HUNG_UP),
        };
        match received {
            Some(code) => code,
            // There are no more of them.
            None => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Signals> {
        Ok(Signals)
    }

    /// The exit code that stands for the next signal.
    async fn next(&mut self) -> u8 {
        match tokio::signal::ctrl_c().await {
            Ok(()) => INTERRUPTED,
            Err(_) => std::future::pending().await,
        }
    }
}
