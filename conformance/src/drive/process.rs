//! A server that the suite starts itself: in a process group of its own, which ends with the run, whatever ends the run.

use std::collections::VecDeque;
use std::io;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How many of the last lines of a server's output are kept.
const LINES: usize = 30;

/// How much of a line is kept, in bytes.
const LINE: u64 = 1024;

/// How long a server may take to end in order.
const ENDING: Duration = Duration::from_secs(2);

/// How long the last lines of a server that has ended are waited for. A child of it may hold its output open.
const LAST_LINES: Duration = Duration::from_millis(200);

/// The groups that run now, for an end of the program that drops nothing.
static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// How a server is started: a line for the shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// As in `node server.js`.
    pub command: String,
}

/// A server that was started. Dropping it ends it with all its children.
#[derive(Debug)]
pub(super) struct Started {
    id: u32,
    exit: watch::Receiver<Option<String>>,
    output: Arc<Mutex<VecDeque<String>>>,
    /// Waits for the end of the process, and for the ends of its output.
    tasks: Vec<JoinHandle<()>>,
}

impl Launch {
    /// Starts the server; the flag is lowered now, and raised when its process has ended.
    pub(super) fn start(&self, has_exited: Arc<AtomicBool>) -> io::Result<Started> {
        let mut child =
            self.shell().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let id = child.id().ok_or_else(|| io::Error::other("it ended at once"))?;
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        let output = Arc::<Mutex<VecDeque<String>>>::default();
        let mut tasks = Vec::new();
        tasks.extend(child.stdout.take().map(|out| tokio::spawn(keep(out, Arc::clone(&output)))));
        tasks.extend(child.stderr.take().map(|out| tokio::spawn(keep(out, Arc::clone(&output)))));
        let (ended, exit) = watch::channel(None);
        has_exited.store(false, Ordering::Relaxed);
        tasks.push(tokio::spawn(wait(child, ended, has_exited)));
        Ok(Started { id, exit, output, tasks })
    }

    #[cfg(unix)]
    fn shell(&self) -> Command {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(&self.command).kill_on_drop(true).process_group(0);
        command
    }

    #[cfg(not(unix))]
    fn shell(&self) -> Command {
        let mut command = Command::new("cmd");
        command.arg("/C").arg(&self.command).kill_on_drop(true);
        command
    }
}

impl Started {
    /// Waits until it has ended.
    pub(super) async fn ended(&self) -> String {
        let mut exit = self.exit.clone();
        let ended = exit.wait_for(Option::is_some).await.ok().and_then(|exit| exit.clone());
        match ended {
            Some(exit) => exit,
            // The task that waits for it was ended with this.
            None => std::future::pending().await,
        }
    }

    /// The last lines of its output, as bytes that are no UTF-8 allow.
    pub(super) fn output(&self) -> Vec<String> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Waits until what it has written is read.
    pub(super) async fn last_lines(&mut self) -> Vec<String> {
        let read = async {
            for task in &mut self.tasks {
                let _ = task.await;
            }
        };
        let _ = timeout(LAST_LINES, read).await;
        self.output()
    }

    /// Ends it in order, with all its children, or by force where that takes too long.
    pub(super) async fn end(self) {
        signal(self.id, Signal::Terminate);
        let _ = timeout(ENDING, self.ended()).await;
        drop(self);
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        signal(self.id, Signal::Kill);
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).retain(|id| *id != self.id);
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Ends every server that was started, for an end of the program that drops nothing.
pub(crate) fn end_all() {
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    running.drain(..).for_each(|id| signal(id, Signal::Kill));
}

#[derive(Clone, Copy)]
enum Signal {
    Terminate,
    Kill,
}

#[cfg(unix)]
fn signal(group: u32, signal: Signal) {
    use rustix::process::{Pid, Signal as Number, kill_process_group};
    let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) else { return };
    // A group that has ended by itself is none any more.
    let _ = kill_process_group(
        group,
        match signal {
            Signal::Terminate => Number::TERM,
            Signal::Kill => Number::KILL,
        },
    );
}

#[cfg(not(unix))]
fn signal(id: u32, signal: Signal) {
    if matches!(signal, Signal::Kill) {
        let _ = std::process::Command::new("taskkill")
            .args(["/T", "/F", "/PID", &id.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

async fn wait(mut child: Child, ended: watch::Sender<Option<String>>, has_exited: Arc<AtomicBool>) {
    let exit = match child.wait().await {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    has_exited.store(true, Ordering::Relaxed);
    ended.send_replace(Some(exit));
}

/// Keeps the last lines. All is read: a server whose output nobody takes would stand still.
async fn keep(out: impl AsyncRead + Unpin, lines: Arc<Mutex<VecDeque<String>>>) {
    let mut out = BufReader::new(out);
    loop {
        let mut line = Vec::new();
        match (&mut out).take(LINE).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LINES {
            lines.pop_front();
        }
        lines.push_back(text);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Instant;

    use super::*;

    /// A shell with a child, both of which would stay for long; the child's id comes out.
    const FAMILY: &str = "sleep 300 & echo $!; wait";

    async fn family() -> io::Result<(Started, i32)> {
        let started = Launch { command: FAMILY.to_owned() }.start(Arc::default())?;
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(id) = started.output().first().and_then(|line| line.parse().ok()) {
                return Ok((started, id));
            }
            assert!(Instant::now() < until, "it says nothing");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Whether a process ends within a while. One that waits for its parent to look has ended.
    fn ends(id: i32) -> bool {
        let is_there = || {
            let status = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            status
                .rsplit(')')
                .next()
                .is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
        };
        let until = Instant::now() + Duration::from_secs(20);
        while is_there() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        !is_there()
    }

    #[tokio::test]
    async fn an_end_in_order_takes_the_children_along() -> io::Result<()> {
        let (started, child) = family().await?;
        let shell = i32::try_from(started.id).map_err(io::Error::other)?;
        started.end().await;
        assert!(ends(child) && ends(shell));
        Ok(())
    }

    #[tokio::test]
    async fn a_server_that_does_not_listen_to_a_request_to_end_is_killed() -> io::Result<()> {
        let started = Launch { command: "trap '' TERM; echo up; while :; do sleep 1; done".to_owned() }
            .start(Arc::default())?;
        let shell = i32::try_from(started.id).map_err(io::Error::other)?;
        while started.output().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        started.end().await;
        assert!(ends(shell));
        Ok(())
    }

    #[tokio::test]
    async fn a_panic_of_the_suite_leaves_no_process() -> io::Result<()> {
        let (started, child) = family().await?;
        let panicked = tokio::spawn(async move {
            let _held = started;
            panic!("provoked");
        });
        assert!(panicked.await.is_err_and(|error| error.is_panic()));
        assert!(ends(child));
        Ok(())
    }

    #[tokio::test]
    async fn the_last_lines_are_kept_and_no_more() -> io::Result<()> {
        let command = "seq 1 1000; head -c 5000 /dev/zero | tr '\\0' x; echo >&2; exit 7".to_owned();
        let mut started = Launch { command }.start(Arc::default())?;
        assert!(started.ended().await.contains('7'));
        let lines = started.last_lines().await;
        assert_eq!(lines.len(), LINES);
        assert!(lines.iter().all(|line| line.len() <= 1024));
        assert!(lines.contains(&"1000".to_owned()), "{lines:?}");
        Ok(())
    }
}
