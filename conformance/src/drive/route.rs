//! The way to a target: its addresses, and what is spoken before HTTP.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[cfg(feature = "program")]
use tokio::net::TcpSocket;
use tokio::net::TcpStream;

use super::stream::Stream;
#[cfg(feature = "tls")]
use super::tls::Handshake;
use crate::profile::Target;

/// How long a connection may take to open, the handshake of TLS included.
const CONNECT: Duration = Duration::from_secs(10);

/// The way to a target.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    end: End,
    /// A connection could not be opened, for want of open files. Clones share it.
    has_run_out: Arc<AtomicBool>,
    #[cfg(feature = "tls")]
    tls: Option<Handshake>,
}

#[derive(Debug, Clone)]
enum End {
    Tcp(Vec<SocketAddr>),
    #[cfg(unix)]
    Unix(std::path::PathBuf),
}

impl Route {
    /// Finds the addresses of a target.
    pub(crate) async fn to(target: &Target) -> io::Result<Route> {
        #[cfg(unix)]
        if let Some(path) = &target.socket {
            return Ok(Route {
                end: End::Unix(path.clone()),
                has_run_out: Arc::default(),
                #[cfg(feature = "tls")]
                tls: None,
            });
        }
        let addresses = resolve(target.connect_host(), target.port).await?;
        Ok(Route {
            end: End::Tcp(addresses),
            has_run_out: Arc::default(),
            #[cfg(feature = "tls")]
            tls: Handshake::with(target)?,
        })
    }

    /// A way to an address, in the clear.
    #[cfg(test)]
    pub(super) fn in_the_clear(address: SocketAddr) -> Route {
        Route {
            end: End::Tcp(vec![address]),
            has_run_out: Arc::default(),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// The addresses that bytes of HTTP go to as they are; empty where they go another way.
    #[cfg(feature = "program")]
    pub(crate) fn clear_addresses(&self) -> &[SocketAddr] {
        match &self.end {
            End::Tcp(addresses) if self.tls.is_none() => addresses,
            _ => &[],
        }
    }

    /// Opens a connection to the first address that answers.
    pub(super) async fn open(&self) -> io::Result<Stream> {
        let opened = tokio::time::timeout(CONNECT, self.connect())
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {CONNECT:?}")))?;
        if opened.as_ref().err().is_some_and(means_out_of_files) {
            self.has_run_out.store(true, Ordering::Relaxed);
        }
        opened
    }

    /// Whether a connection could not be opened for want of open files.
    pub(super) fn has_run_out(&self) -> bool {
        self.has_run_out.load(Ordering::Relaxed)
    }

    /// Whether an error says that a connection was open and was reset at once, before this process came to look at it.
    pub(super) fn was_open(&self, error: &io::Error) -> bool {
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            return false;
        }
        error.kind() == io::ErrorKind::ConnectionReset
    }

    /// The same way, which notes on another one that there are no more files.
    pub(super) fn noting_on(self, other: &Route) -> Route {
        Route { has_run_out: Arc::clone(&other.has_run_out), ..self }
    }

    /// Opens a connection to the first address that answers, each from the address that is chosen for it.
    #[cfg(feature = "program")]
    pub(crate) async fn open_from(
        &self,
        source: impl Fn(SocketAddr) -> Option<SocketAddr>,
    ) -> io::Result<Stream> {
        let mut refused = io::Error::from(io::ErrorKind::AddrNotAvailable);
        let addresses = match &self.end {
            End::Tcp(addresses) => addresses,
            #[cfg(unix)]
            End::Unix(_) => return self.connect().await,
        };
        for address in addresses {
            let connected = async {
                let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
                if let Some(source) = source(*address) {
                    socket.bind(source)?;
                }
                socket.connect(*address).await
            };
            match connected.await {
                Ok(stream) => return self.over(stream).await,
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    async fn connect(&self) -> io::Result<Stream> {
        match &self.end {
            End::Tcp(addresses) => self.over(TcpStream::connect(addresses.as_slice()).await?).await,
            #[cfg(unix)]
            End::Unix(path) => Ok(tokio::net::UnixStream::connect(path).await?.into()),
        }
    }

    /// What is spoken over a connection of TCP.
    async fn over(&self, stream: TcpStream) -> io::Result<Stream> {
        // Pieces are to arrive as pieces, and at once.
        stream.set_nodelay(true)?;
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return Ok(tls.begin(stream).await?.into());
        }
        Ok(stream.into())
    }
}

/// Whether an error says that this process or this machine can open no more files.
fn means_out_of_files(error: &io::Error) -> bool {
    // ENFILE, EMFILE and WSAEMFILE.
    matches!(error.raw_os_error(), Some(23 | 24 | 10024))
}

/// The addresses of a host.
async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the host has no address"));
    }
    Ok(addresses)
}
