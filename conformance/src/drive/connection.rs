//! One connection: one direction that is written, one that is read, in a task.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Happening;
use super::stream::Stream;
use super::watch::Watch;
use crate::judge::{Input, Intake};
use crate::transcript::ConnectionId;

/// How much is read at once.
const READ: usize = 16 * 1024;

/// How many pieces at most are written with a pause behind each: a request in single bytes, not a megabyte.
const FEW_PIECES: usize = 300;

/// The pause: on loopback the other end reads several pieces at once if it does not come to run in between.
const BETWEEN_PIECES: Duration = Duration::from_millis(1);

enum Command {
    Write(Vec<Vec<u8>>),
    Finish,
    Abort,
}

/// A connection that is open, or on its way. Dropping it closes it.
pub(crate) struct Opened {
    commands: mpsc::UnboundedSender<Command>,
    /// How what comes is read.
    reads: watch::Sender<Intake>,
    task: JoinHandle<()>,
}

impl Opened {
    /// Opens a connection; what comes on it goes to `happened`.
    pub(crate) fn new(id: ConnectionId, watch: Arc<Watch>, happened: mpsc::Sender<Happening>) -> Opened {
        // What a case sends is bounded by its page, so the queue needs no bound of its own.
        let (commands, queue) = mpsc::unbounded_channel();
        let (reads, is_read) = watch::channel(Intake::All);
        let task = tokio::spawn(async move {
            match watch.connect().await {
                Ok((asked, stream)) => {
                    let heard = || watch.hear(asked);
                    serve(id, stream, queue, is_read, happened, heard).await;
                }
                Err(error) => {
                    let _ = happened.send((Instant::now(), Input::Refused(id, error.to_string()))).await;
                }
            }
        });
        Opened { commands, reads, task }
    }

    /// Queues a write of each piece. A server that is gone shows in what is read, not here.
    pub(crate) fn write(&self, pieces: Vec<Vec<u8>>) {
        let _ = self.commands.send(Command::Write(pieces));
    }

    /// Reads what comes in this way.
    pub(crate) fn read(&self, reads: Intake) {
        let _ = self.reads.send(reads);
    }

    /// Queues a FIN.
    pub(crate) fn finish(&self) {
        let _ = self.commands.send(Command::Finish);
    }

    /// Queues a RST.
    pub(crate) fn abort(&self) {
        let _ = self.commands.send(Command::Abort);
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    id: ConnectionId,
    stream: Stream,
    queue: mpsc::UnboundedReceiver<Command>,
    is_read: watch::Receiver<Intake>,
    happened: mpsc::Sender<Happening>,
    heard: impl Fn(),
) {
    let (mut reading, mut writing) = tokio::io::split(stream);
    // Both directions live in one task: aborting it closes the socket.
    tokio::select! {
        () = read(id, &mut reading, is_read, happened, heard) => {}
        () = write(&mut writing, queue) => reading.unsplit(writing).abort(),
    }
}

/// Reads to the end; then stays, so that the other direction is not closed with it.
async fn read(
    id: ConnectionId,
    reading: &mut ReadHalf<Stream>,
    mut is_read: watch::Receiver<Intake>,
    happened: mpsc::Sender<Happening>,
    heard: impl Fn(),
) {
    let mut buffer = vec![0; READ];
    loop {
        // The other side is dropped together with this task.
        let intake =
            is_read.wait_for(|intake| *intake != Intake::Nothing).await.map_or(Intake::All, |intake| *intake);
        let received = match intake {
            Intake::Bytes => read_bytes(reading, &mut buffer).await,
            _ => reading.read(&mut buffer).await,
        };
        let input = match received {
            Ok(0) => Input::Eof(id),
            // TLS without a closure alert: the connection has ended in order, and the end of the data is not vouched for
            // (RFC 8446 section 6.1).
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Input::Eof(id),
            Ok(length) => {
                heard();
                Input::Received(id, buffer[..length].to_vec())
            }
            Err(_) => Input::Reset(id),
        };
        let ended = !matches!(input, Input::Received(..));
        let delivered = happened.send((Instant::now(), input)).await;
        if ended || delivered.is_err() {
            break;
        }
    }
    std::future::pending::<()>().await;
}

/// Takes one byte at a time, as long as there are any; the judge gets them together.
async fn read_bytes(reading: &mut ReadHalf<Stream>, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = reading.read(&mut buffer[..1]).await?;
    while (1..buffer.len()).contains(&length) {
        let mut next = pin!(reading.read(&mut buffer[length..=length]));
        match std::future::poll_fn(|context| Poll::Ready(next.as_mut().poll(context))).await {
            Poll::Ready(Ok(1)) => length += 1,
            // Nothing more for now, or the end, which the next read finds again.
            _ => break,
        }
    }
    Ok(length)
}

/// Writes what is asked for. Returns, and with it ends the connection, only for a RST.
async fn write(writing: &mut WriteHalf<Stream>, mut queue: mpsc::UnboundedReceiver<Command>) {
    while let Some(command) = queue.recv().await {
        match command {
            Command::Write(pieces) => {
                // Time for the other end to see each piece by itself; a turn of the scheduler where they are very many.
                let few = (2..=FEW_PIECES).contains(&pieces.len());
                for piece in pieces {
                    let written = async {
                        writing.write_all(&piece).await?;
                        // TLS keeps what does not fit into the socket.
                        writing.flush().await
                    };
                    if written.await.is_err() {
                        break;
                    }
                    if few {
                        tokio::time::sleep(BETWEEN_PIECES).await;
                    } else {
                        tokio::task::yield_now().await;
                    }
                }
            }
            Command::Finish => {
                let _ = writing.shutdown().await;
            }
            Command::Abort => return,
        }
    }
    std::future::pending::<()>().await;
}
