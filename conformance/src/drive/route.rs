//! The way to a target: its addresses, and what is spoken before HTTP.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

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
                #[cfg(feature = "tls")]
                tls: None,
            });
        }
        let addresses = resolve(target.connect_host(), target.port).await?;
        Ok(Route {
            end: End::Tcp(addresses),
            #[cfg(feature = "tls")]
            tls: Handshake::with(target)?,
        })
    }

    /// A way to an address, in the clear.
    #[cfg(test)]
    pub(super) fn in_the_clear(address: SocketAddr) -> Route {
        Route {
            end: End::Tcp(vec![address]),
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
        tokio::time::timeout(CONNECT, self.connect())
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {CONNECT:?}")))?
    }

    async fn connect(&self) -> io::Result<Stream> {
        let addresses = match &self.end {
            End::Tcp(addresses) => addresses,
            #[cfg(unix)]
            End::Unix(path) => return Ok(tokio::net::UnixStream::connect(path).await?.into()),
        };
        let stream = TcpStream::connect(addresses.as_slice()).await?;
        // Pieces are to arrive as pieces, and at once.
        stream.set_nodelay(true)?;
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return Ok(tls.begin(stream).await?.into());
        }
        Ok(stream.into())
    }
}

/// The addresses of a host.
async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the host has no address"));
    }
    Ok(addresses)
}
