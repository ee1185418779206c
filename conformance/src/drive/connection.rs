//! One TCP connection: a task that writes, a task that reads.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Happening;
use super::watch::Watch;
use crate::judge::{Input, Intake};
use crate::transcript::ConnectionId;

/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(10);

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

/// The addresses of a host.
pub(crate) async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the host has no address"));
    }
    Ok(addresses)
}

/// Opens a connection to the first address that answers.
pub(crate) async fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let stream = tokio::time::timeout(CONNECT, TcpStream::connect(addresses))
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, format!("no response within {CONNECT:?}")))??;
    // Pieces are to arrive as pieces, and at once.
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn serve(
    id: ConnectionId,
    stream: TcpStream,
    queue: mpsc::UnboundedReceiver<Command>,
    is_read: watch::Receiver<Intake>,
    happened: mpsc::Sender<Happening>,
    heard: impl Fn(),
) {
    let (reading, writing) = stream.into_split();
    // Both directions live in one task: aborting it closes the socket.
    tokio::select! {
        () = read(id, reading, is_read, happened, heard) => {}
        () = write(writing, queue) => {}
    }
}

/// Reads to the end; then stays, so that the other direction is not closed with it.
async fn read(
    id: ConnectionId,
    mut reading: OwnedReadHalf,
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
            Intake::Bytes => read_bytes(&mut reading, &mut buffer).await,
            _ => reading.read(&mut buffer).await,
        };
        let input = match received {
            Ok(0) => Input::Eof(id),
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
async fn read_bytes(reading: &mut OwnedReadHalf, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = reading.read(&mut buffer[..1]).await?;
    while (1..buffer.len()).contains(&length) {
        match reading.try_read(&mut buffer[length..=length]) {
            Ok(1) => length += 1,
            // Nothing more for now, or the end, which the next read finds again.
            _ => break,
        }
    }
    Ok(length)
}

/// Writes what is asked for. Returns, and with it ends the connection, only for a RST.
async fn write(mut writing: OwnedWriteHalf, mut queue: mpsc::UnboundedReceiver<Command>) {
    while let Some(command) = queue.recv().await {
        match command {
            Command::Write(pieces) => {
                // Time for the other end to see each piece by itself; a turn of the scheduler where they are very many.
                let few = (2..=FEW_PIECES).contains(&pieces.len());
                for piece in pieces {
                    if writing.write_all(&piece).await.is_err() {
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
            Command::Abort => {
                let _ = SockRef::from(writing.as_ref()).set_linger(Some(Duration::ZERO));
                writing.forget();
                return;
            }
        }
    }
    std::future::pending::<()>().await;
}
