//! SIGINT and SIGTERM while a server is judged.

use std::io;
use std::sync::{Arc, OnceLock};

use crate::drive::schedule::Stop;

/// The exit code of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// The exit code of a program that was asked to terminate.
#[cfg(unix)]
const TERMINATED: u8 = 143;

/// The exit code of a run that a signal ended; empty as long as none came.
pub(super) type Ended = Arc<OnceLock<u8>>;

/// From now on the first signal ends the run, whose report has what was judged until then; the second ends the program.
pub(super) fn watch(stop: Stop, is_told: bool) -> io::Result<Ended> {
    let mut signals = Signals::new()?;
    let ended = Ended::default();
    let code = Arc::clone(&ended);
    tokio::spawn(async move {
        let _ = code.set(signals.next().await);
        if is_told {
            super::note(
                "interrupted: the report has everything judged so far; a second signal ends the program at once",
            );
        }
        stop.stop();
        std::process::exit(i32::from(signals.next().await));
    });
    Ok(ended)
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// The exit code that stands for the next signal.
    async fn next(&mut self) -> u8 {
        let received = tokio::select! {
            received = self.interrupt.recv() => received.map(|()| INTERRUPTED),
            received = self.terminate.recv() => received.map(|()| TERMINATED),
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
