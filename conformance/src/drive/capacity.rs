//! How much a target serves at once. A server with few workers is found before it is run into: what waits for a worker is
//! late, and no clause says that it may not be.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};

use super::route::Route;
use super::stream::Stream;

/// How long the first answer is waited for. A target that takes longer is not measured.
const FIRST: Duration = Duration::from_secs(3);

/// How much longer than alone an answer may take beside others.
const LATER: Duration = Duration::from_millis(500);

/// An answer that takes so long alone is late.
pub(super) const LATE: Duration = Duration::from_secs(1);

/// How long those that are held may take to answer, until the next one is asked for.
const SETTLE: Duration = Duration::from_millis(100);

/// How many connections are opened at a time. What does not fit into the backlog of a listener opens a second later.
const AT_A_TIME: usize = 16;

/// How long a target may take until it has seen that those that were held are gone.
const RECOVERY: Duration = Duration::from_secs(10);

/// What the target is asked.
pub(super) struct Probe<'a> {
    /// The way to the target.
    pub(super) route: &'a Route,
    /// A request that is answered at once.
    pub(super) question: &'a [u8],
    /// A request whose answer goes on, or is held; what keeps a worker.
    pub(super) held: &'a [u8],
    /// Factor for the times.
    pub(super) patience: f64,
}

impl Probe<'_> {
    /// How long an answer takes where nothing else is asked; `None` where it takes too long to tell.
    pub(super) async fn alone(&self) -> Option<Duration> {
        self.ask(self.patient(FIRST)).await
    }

    /// How many connections are served at once by a target that takes so long to answer alone, where it is no more than this
    /// many; `None` where all are, or where it cannot be told.
    pub(super) async fn limit(&self, alone: Duration, most: usize) -> Option<usize> {
        let limit = alone + self.patient(LATER);
        let mut held = Vec::new();
        let mut served = 0;
        // Few at first: what waits in the backlog of a server with one worker is in the way of all that follows. Each step
        // takes an answer, and one that comes late is asked for less often.
        let few = if alone < LATE { &[1, 4, 16, 64][..] } else { &[16] };
        for next in few.iter().copied().chain([most.saturating_sub(1)]) {
            if next <= served || next >= most {
                continue;
            }
            if !self.is_served_beside(next, &mut held, limit).await? {
                drop(held);
                self.ask(self.patient(RECOVERY)).await?;
                return self.between(served, next, limit).await;
            }
            served = next;
        }
        None
    }

    /// How many connections are served at once, where so many can be held beside another one, and so many cannot.
    async fn between(&self, mut served: usize, mut too_many: usize, limit: Duration) -> Option<usize> {
        while served + 1 < too_many {
            let next = usize::midpoint(served, too_many);
            let mut held = Vec::new();
            if self.is_served_beside(next, &mut held, limit).await? {
                served = next;
            } else {
                too_many = next;
                drop(held);
                self.ask(self.patient(RECOVERY)).await?;
            }
        }
        Some(served + 1)
    }

    /// Whether the question is answered in time while so many requests are held. `None` where this process has no more
    /// open files.
    async fn is_served_beside(&self, count: usize, held: &mut Vec<Stream>, limit: Duration) -> Option<bool> {
        let mut opening = tokio::task::JoinSet::new();
        let start = Instant::now();
        while held.len() < count {
            while opening.len() < AT_A_TIME.min(count - held.len()) {
                // Those that wait for a worker are waited for together.
                let moment = self.patient(SETTLE).saturating_sub(start.elapsed());
                opening.spawn(timeout(limit + moment, hold(self.route.clone(), self.held.to_vec(), moment)));
            }
            match opening.join_next().await?.ok()? {
                Ok(Ok(stream)) => held.push(stream),
                _ if self.route.has_run_out() => return None,
                _ => return Some(false),
            }
        }
        Some(self.ask(limit).await.is_some())
    }

    /// Asks the question. How long the answer takes; `None` where there is none in time, or where it turns the client away
    /// because of the others.
    async fn ask(&self, limit: Duration) -> Option<Duration> {
        let start = Instant::now();
        let answer = async {
            let mut stream = self.route.open().await.ok()?;
            stream.write_all(self.question).await.ok()?;
            stream.flush().await.ok()?;
            let mut head = [0; 16];
            let mut length = 0;
            while length < head.len() {
                match stream.read(&mut head[length..]).await {
                    Ok(more @ 1..) => length += more,
                    // An end is an answer, too.
                    Ok(0) | Err(_) => break,
                }
            }
            Some(head)
        };
        let head = timeout(limit, answer).await.ok()??;
        let turned_away = matches!(&head[8..12], b" 429" | b" 503");
        (!turned_away).then(|| start.elapsed())
    }

    fn patient(&self, time: Duration) -> Duration {
        time.mul_f64(self.patience.max(1.0))
    }
}

/// Sends a request whose answer goes on, and gives its connection once the answer has begun, or a moment is over.
async fn hold(route: Route, request: Vec<u8>, moment: Duration) -> std::io::Result<Stream> {
    let mut stream = route.open().await?;
    stream.write_all(&request).await?;
    stream.flush().await?;
    let _ = timeout(moment, stream.read(&mut [0; 64])).await;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use tokio::net::TcpListener;
    use tokio::sync::Semaphore;

    use super::*;

    /// A server with so many workers. It holds what asks for `/held`, and answers what asks for anything else.
    async fn limit(workers: usize, most: usize) -> io::Result<Option<usize>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let route = Route::in_the_clear(listener.local_addr()?);
        let workers = Arc::new(Semaphore::new(workers));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Ok(worker) = Arc::clone(&workers).acquire_owned().await else { break };
                tokio::spawn(async move {
                    let mut request = [0; 256];
                    let length = stream.read(&mut request).await.unwrap_or_default();
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await;
                    if request[..length].starts_with(b"GET /held") {
                        let _ = stream.read(&mut request).await;
                    }
                    drop(worker);
                });
            }
        });
        let probe = Probe {
            route: &route,
            question: b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            held: b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n",
            patience: 1.0,
        };
        let alone = probe.alone().await.ok_or(io::ErrorKind::TimedOut)?;
        Ok(probe.limit(alone, most).await)
    }

    #[tokio::test]
    async fn the_workers_of_a_server_are_counted() -> io::Result<()> {
        assert_eq!(limit(1, 32).await?, Some(1));
        assert_eq!(limit(6, 32).await?, Some(6));
        assert_eq!(limit(64, 32).await?, None);
        Ok(())
    }

    #[tokio::test]
    async fn nothing_is_said_of_a_server_that_does_not_answer() -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let route = Route::in_the_clear(listener.local_addr()?);
        let probe = Probe { route: &route, question: b"GET /", held: b"GET /", patience: 1.0 };
        assert_eq!(probe.alone().await, None);
        Ok(())
    }
}
