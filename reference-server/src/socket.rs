//! The TCP connection under everything: no peer holds it for ever, and no last bytes are lost.
//!
//! - A peer that takes none of the bytes that wait for it gets a time-out, so that it cannot hold memory by not reading.
//! - The end of a connection is orderly. A socket that is closed while there is something to read sends a reset, and
//!   the reset makes the peer discard what it has not read yet: the 400 or the Close frame that says what was wrong.
//!   So the sending side is closed first, and what the peer still sends is read and thrown away for a short while
//!   (RFC 9112, section 9.6; RFC 6455, section 7.1.1).

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep},
};

/// How long the peer's last bytes are waited for. It is enough for a round trip to the other side of the earth.
const LINGER: Duration = Duration::from_secs(1);

/// A TCP stream with a limit on how long a write can take, and a close that waits for the peer.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    write_timeout: Duration,
    /// Since when the peer takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    /// The time that is left for the peer after the sending side was closed.
    lingering: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, write_timeout: Duration) -> Self {
        Self { stream, write_timeout, stalled: None, lingering: None }
    }

    /// Writes what the socket takes at once.
    #[cfg(feature = "tls")]
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.try_write(bytes)
    }

    /// Passes on the result of a write, or a time-out when none succeeded for too long.
    fn bounded<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(self.write_timeout)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read")))
    }

    /// Reads and throws away what the peer sends, until it ends or the time is over.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let deadline = self.lingering.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut discarded = [0; 4096];
        // A peer that sends without pause is not listening. The deadline is also looked at here, because a stream
        // that is always ready would never come to wait for it.
        while Instant::now() < deadline.deadline() {
            let mut buffer = ReadBuf::new(&mut discarded);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return deadline.as_mut().poll(context),
            }
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.bounded(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.bounded(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        }
        self.poll_drain(context).map(Ok)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        time::timeout,
    };

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    async fn pair(write_timeout: Duration) -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Socket::new(listener.accept().await.unwrap().0, write_timeout), peer)
    }

    #[tokio::test]
    async fn a_peer_that_takes_no_bytes_makes_a_write_time_out() {
        let (mut socket, _peer) = pair(Duration::from_millis(50)).await;
        let endless = async {
            loop {
                if let Err(error) = socket.write_all(&[0; 1 << 14]).await {
                    return error;
                }
            }
        };
        assert_eq!(timeout(PATIENCE, endless).await.unwrap().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn the_last_bytes_arrive_although_the_peer_has_sent_what_nobody_read() {
        let (mut socket, mut peer) = pair(PATIENCE).await;
        peer.write_all(&[0; 1 << 14]).await.unwrap();
        socket.write_all(b"the reason").await.unwrap();
        let closing = tokio::spawn(async move {
            socket.shutdown().await.unwrap();
        });
        let mut received = String::new();
        timeout(PATIENCE, peer.read_to_string(&mut received)).await.unwrap().unwrap();
        assert_eq!(received, "the reason");
        drop(peer);
        timeout(PATIENCE, closing).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_peer_that_never_closes_is_not_waited_for_for_ever() {
        let (mut socket, mut peer) = pair(PATIENCE).await;
        let chatter = tokio::spawn(async move { while peer.write_all(&[0; 1 << 12]).await.is_ok() {} });
        timeout(PATIENCE, socket.shutdown()).await.unwrap().unwrap();
        drop(socket);
        timeout(PATIENCE, chatter).await.unwrap().unwrap();
    }
}
