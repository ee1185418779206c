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

/// How long a write takes at most with such pauses, which a busy machine draws out: a server gives a head a few seconds.
const WITH_PAUSES: Duration = Duration::from_secs(1);

/// How often it is said that pieces are being written.
const PROGRESS: Duration = Duration::from_millis(100);

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
                    let _ = happened.send((Instant::now(), Input::Writing(id))).await;
                    serve(id, stream, queue, is_read, happened, heard).await;
                }
                Err(error) if watch.was_open(&error) => {
                    let now = Instant::now();
                    let _ = happened.send((now, Input::Writing(id))).await;
                    let _ = happened.send((now, Input::Reset(id))).await;
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
        () = read(id, &mut reading, is_read, happened.clone(), heard) => {}
        () = write(id, &mut writing, queue, happened) => reading.unsplit(writing).abort(),
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
            // TLS without a closure alert.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Input::Cut(id),
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

/// Takes one byte at a time, as long as there are any; the judge gets them together. It takes its turn once for all of them,
/// where the runtime would else go on to another task every hundred bytes.
async fn read_bytes(reading: &mut ReadHalf<Stream>, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = reading.read(&mut buffer[..1]).await?;
    while (1..buffer.len()).contains(&length) {
        let mut next = pin!(tokio::task::unconstrained(reading.read(&mut buffer[length..=length])));
        match std::future::poll_fn(|context| Poll::Ready(next.as_mut().poll(context))).await {
            Poll::Ready(Ok(1)) => length += 1,
            // Nothing more for now, or the end, which the next read finds again.
            _ => break,
        }
    }
    Ok(length)
}

/// Writes what is asked for. Returns, and with it ends the connection, only for a RST.
async fn write(
    id: ConnectionId,
    writing: &mut WriteHalf<Stream>,
    mut queue: mpsc::UnboundedReceiver<Command>,
    happened: mpsc::Sender<Happening>,
) {
    while let Some(command) = queue.recv().await {
        match command {
            Command::Write(pieces) => {
                let begun = write_pieces(id, writing, &pieces, &happened).await;
                let now = Instant::now();
                let _ = happened.send((now, Input::Written(id, now - begun))).await;
                if pieces.len() > 1 {
                    tokio::time::sleep(BETWEEN_PIECES).await;
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

/// Writes pieces, and says now and then that it goes on. Gives when the last one was begun.
async fn write_pieces(
    id: ConnectionId,
    writing: &mut WriteHalf<Stream>,
    pieces: &[Vec<u8>],
    happened: &mpsc::Sender<Happening>,
) -> Instant {
    // Time for the other end to see each piece by itself; a turn of the scheduler where they are very many.
    let few = (2..=FEW_PIECES).contains(&pieces.len());
    let first = Instant::now();
    let (mut told, mut begun) = (first, first);
    for (index, piece) in pieces.iter().enumerate() {
        match index {
            0 => {}
            _ if few && first.elapsed() < WITH_PAUSES => tokio::time::sleep(BETWEEN_PIECES).await,
            _ => tokio::task::yield_now().await,
        }
        begun = Instant::now();
        if begun - told >= PROGRESS {
            told = begun;
            let _ = happened.send((told, Input::Writing(id))).await;
        }
        let written = async {
            writing.write_all(piece).await?;
            // TLS keeps what does not fit into the socket.
            writing.flush().await
        };
        if written.await.is_err() {
            break;
        }
    }
    begun
}
