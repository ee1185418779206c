//! The bytes between suite and target, whatever they go over: TCP, a Unix socket, TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

#[cfg(feature = "tls")]
type TlsStream = tokio_rustls::client::TlsStream<TcpStream>;

/// An open connection. Dropping it ends it in order.
#[derive(Debug)]
pub(crate) struct Stream {
    layer: Layer,
    /// Whether it is to end with a RST.
    is_aborted: bool,
}

#[derive(Debug)]
enum Layer {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(tokio::net::UnixStream),
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream>),
}

/// Does the same with the stream of every layer.
macro_rules! with {
    ($layer:expr, $stream:ident => $do:expr) => {
        match $layer {
            Layer::Tcp($stream) => $do,
            #[cfg(unix)]
            Layer::Unix($stream) => $do,
            #[cfg(feature = "tls")]
            Layer::Tls($stream) => $do,
        }
    };
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Stream {
        Stream { layer: Layer::Tcp(stream), is_aborted: false }
    }
}

#[cfg(unix)]
impl From<tokio::net::UnixStream> for Stream {
    fn from(stream: tokio::net::UnixStream) -> Stream {
        Stream { layer: Layer::Unix(stream), is_aborted: false }
    }
}

#[cfg(feature = "tls")]
impl From<TlsStream> for Stream {
    fn from(stream: TlsStream) -> Stream {
        Stream { layer: Layer::Tls(Box::new(stream)), is_aborted: false }
    }
}

impl Stream {
    /// Ends the connection with a RST, where the transport has one.
    pub(super) fn abort(mut self) {
        self.is_aborted = true;
        let _ = self.socket().set_linger(Some(Duration::ZERO));
    }

    fn socket(&self) -> SockRef<'_> {
        match &self.layer {
            Layer::Tcp(stream) => SockRef::from(stream),
            #[cfg(unix)]
            Layer::Unix(stream) => SockRef::from(stream),
            #[cfg(feature = "tls")]
            Layer::Tls(stream) => SockRef::from(stream.get_ref().0),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.is_aborted {
            return;
        }
        // The end of the data is told in TLS, too (RFC 8446 section 6.1), if the socket takes it at once.
        #[cfg(feature = "tls")]
        if let Layer::Tls(stream) = &mut self.layer {
            let (socket, session) = stream.get_mut();
            session.send_close_notify();
            let _ = session.write_tls(&mut &*SockRef::from(&*socket));
        }
        // A FIN before the socket is closed: what the target still sends is then answered with a RST, and not before.
        let _ = self.socket().shutdown(std::net::Shutdown::Write);
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        with!(&mut self.layer, stream => Pin::new(stream).poll_read(context, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        with!(&mut self.layer, stream => Pin::new(stream).poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        with!(&mut self.layer, stream => Pin::new(stream).poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        with!(&mut self.layer, stream => Pin::new(stream).poll_shutdown(context))
    }
}
