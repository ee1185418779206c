//! The two sockets of a relayed connection.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::{Instant, sleep_until};

use super::engine::Engine;
use super::outbox::{Due, End, Outbox};

/// How many bytes may wait for one side before the other side is no longer read: what a server floods with is taken apart
/// frame by frame, and much of it for nobody.
const LIMIT: usize = 256 * 1024;

/// How many bytes are read at once from a client.
const READ_OF_CLIENT: usize = 128 * 1024;

/// How many bytes are read at once from a server. All of them are worked through, also where the client takes no more: of a
/// server that floods this is what each connection costs in vain.
const READ_OF_SERVER: usize = 16 * 1024;

/// Passes bytes on in both directions until both have ended.
pub(super) async fn run(mut client: TcpStream, mut server: TcpStream, engine: Engine) {
    // Whoever sends small pieces wants them to arrive so.
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let ends = Ends {
        client: Side::new(from_client, to_client, READ_OF_CLIENT),
        server: Side::new(from_server, to_server, READ_OF_SERVER),
    };
    match ends.exchange(engine).await {
        // An abrupt end is passed on as such. Where the socket does not take the option the end is orderly.
        Some(Which::Client) => drop(client.set_zero_linger()),
        Some(Which::Server) => drop(server.set_zero_linger()),
        None => {}
    }
}

#[derive(Debug, Clone, Copy)]
enum Which {
    Client,
    Server,
}

struct Ends<'a> {
    client: Side<'a>,
    server: Side<'a>,
}

struct Side<'a> {
    read: ReadHalf<'a>,
    write: WriteHalf<'a>,
    buffer: Vec<u8>,
    /// Nothing more comes from it.
    ended: bool,
    /// Nothing more goes to it.
    broken: bool,
}

impl<'a> Side<'a> {
    fn new(read: ReadHalf<'a>, write: WriteHalf<'a>, size: usize) -> Self {
        Self { read, write, buffer: vec![0; size], ended: false, broken: false }
    }

    /// Ends the direction to this side where its turn has come; says whether it is a reset.
    async fn end(&mut self, outbox: &mut Outbox, now: Instant) -> bool {
        if self.broken {
            outbox.clear();
        }
        match outbox.front(now) {
            Some(Due::End(End::Reset)) => return true,
            Some(Due::End(End::Fin)) => {
                self.broken |= self.write.shutdown().await.is_err();
                outbox.pop();
            }
            _ => {}
        }
        false
    }
}

/// Writes what is due; waits for ever if there is nothing.
async fn write(to: &mut WriteHalf<'_>, due: Option<Due<'_>>) -> io::Result<usize> {
    match due {
        Some(Due::Bytes(bytes)) => to.write(bytes).await,
        _ => std::future::pending().await,
    }
}

impl Ends<'_> {
    /// Says which socket is to be reset, if one is.
    async fn exchange(mut self, mut engine: Engine) -> Option<Which> {
        loop {
            let now = Instant::now();
            if engine.wake().is_some_and(|wake| wake <= now) {
                engine.woken(now);
            }
            if self.client.end(&mut engine.down, now).await {
                return Some(Which::Client);
            }
            if self.server.end(&mut engine.up, now).await {
                return Some(Which::Server);
            }
            // Nobody is there to hear a server that goes on for ever.
            if self.client.ended && self.client.broken {
                return Some(Which::Server);
            }
            let ended = self.client.ended && self.server.ended;
            if ended && engine.up.is_empty() && engine.down.is_empty() {
                return None;
            }
            self.step(&mut engine, now).await;
            if !engine.fits() {
                return Some(Which::Client);
            }
        }
    }

    /// Waits for something to happen on either side.
    async fn step(&mut self, engine: &mut Engine, now: Instant) {
        let Self { client, server } = self;
        let hears_client = !client.ended && engine.up.waiting() < LIMIT && engine.hears_client();
        let hears_server = !server.ended && engine.down.waiting() < LIMIT;
        let later = |due: Option<Instant>| due.filter(|due| *due > now);
        let times = [engine.wake(), later(engine.up.due()), later(engine.down.due())];
        let time = times.into_iter().flatten().min();
        tokio::select! {
            read = client.read.read(&mut client.buffer), if hears_client => {
                let bytes = heard(&read, &client.buffer);
                match bytes {
                    Ok(bytes) => engine.client_sent(Instant::now(), bytes),
                    Err(end) => {
                        client.ended = true;
                        engine.client_ended(Instant::now(), end);
                    }
                }
            }
            read = server.read.read(&mut server.buffer), if hears_server => {
                match heard(&read, &server.buffer) {
                    Ok(bytes) => engine.server_sent(Instant::now(), bytes),
                    Err(end) => {
                        server.ended = true;
                        engine.server_ended(Instant::now(), end);
                    }
                }
            }
            written = write(&mut server.write, engine.up.front(now)) => {
                told(server, &mut engine.up, &mut engine.down, &written);
            }
            written = write(&mut client.write, engine.down.front(now)) => {
                told(client, &mut engine.down, &mut engine.up, &written);
            }
            () = sleep_until(time.unwrap_or(now)), if time.is_some() => {}
        }
    }
}

/// What a read brought: bytes, or how the direction ended.
fn heard<'a>(read: &io::Result<usize>, buffer: &'a [u8]) -> Result<&'a [u8], End> {
    match read {
        Ok(0) => Err(End::Fin),
        Ok(count) => buffer.get(..*count).ok_or(End::Fin),
        Err(_) => Err(End::Reset),
    }
}

/// What became of a write to one side.
fn told(side: &mut Side<'_>, outbox: &mut Outbox, other: &mut Outbox, written: &io::Result<usize>) {
    match written {
        Ok(count) => outbox.written(*count),
        // The next read says so too, unless this side has ended its direction before.
        Err(_) => {
            side.broken = true;
            if side.ended {
                other.end(Instant::now(), End::Reset);
            }
        }
    }
}
