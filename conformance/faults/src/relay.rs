//! The relay: a listener between suite and server.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::Fault;
use super::connection;
use super::engine::Engine;
use super::request::Memory;

/// How long accepting pauses when the system has no more sockets.
const PAUSE: Duration = Duration::from_millis(50);

/// How many bytes the system holds for a client, and how many clients wait to be accepted.
const SEND_BUFFER: u32 = 64 * 1024;
const BACKLOG: u32 = 1024;

/// Stands between a client and a server, and makes the server look as if it had a fault.
///
/// It listens on a port of its own on the loopback interface, and stops with all its connections when it is dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Relay {
    /// Starts a relay to a server, on the present Tokio runtime. It accepts connections when this returns.
    pub fn start(upstream: SocketAddr, fault: &'static Fault) -> io::Result<Relay> {
        let listener = listen()?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(accept(listener, upstream, fault));
        Ok(Relay { address, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Listens on a free port. The connections take over what is set here.
fn listen() -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // A client that stops reading has the relay go on for no more than this.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    socket.listen(BACKLOG)
}

async fn accept(listener: TcpListener, upstream: SocketAddr, fault: &'static Fault) {
    let memory = Arc::<Memory>::default();
    // Dropped together with the task, which ends the connections.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _peer)) => {
                    connections.spawn(serve(client, upstream, Engine::new(fault, memory.clone())));
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(client: TcpStream, upstream: SocketAddr, engine: Engine) {
    match TcpStream::connect(upstream).await {
        Ok(server) => connection::run(client, server, engine).await,
        // The nearest thing to a refused connection that is left.
        Err(_) => drop(client.set_zero_linger()),
    }
}
