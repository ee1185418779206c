//! A guard in front of the library's reader: it looks at the frames as their bytes arrive and stops the stream at the
//! first one that a client must not send (RFC 6455, sections 5 and 8.1).
//!
//! The library finds most of this too, but only when the whole payload has arrived, which a hostile client can put off
//! for ever; and it takes two things that the specification forbids: a length that is not in its shortest form, and a
//! length with the highest bit set, which it calls too big.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::scanner::{Coding, FrameError, Scanner};
use crate::memory::Held;

/// A connection whose frames from the client are sound: where one is not, reading fails with a [`FrameError`] inside of
/// the I/O error, after everything before that frame was read.
#[derive(Debug)]
pub(super) struct Guard<S> {
    stream: S,
    scanner: Scanner,
    /// What the library keeps of the message that is not complete.
    held: Held,
    found: Option<FrameError>,
}

impl<S> Guard<S> {
    /// `deflate` tells whether permessage-deflate was agreed.
    pub(super) fn new(stream: S, deflate: bool, held: Held) -> Self {
        Self { stream, scanner: Scanner::new(deflate), held, found: None }
    }

    /// How the next data message was sent that the library hands over.
    pub(super) fn next_coding(&mut self) -> Coding {
        self.scanner.next_coding()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if self.found.is_none() {
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
            if let Err((valid, error)) = self.scanner.scan(&mut buffer.filled_mut()[before..]) {
                buffer.set_filled(before + valid);
                self.found = Some(error);
            }
            // The frame, and the message that is put together from frames.
            let kept = 2 * self.scanner.unfinished();
            if self.found.is_none() && !self.held.resize(kept) {
                buffer.set_filled(before);
                self.found = Some(FrameError::NoRoom);
            }
        }
        match self.found {
            // No bytes would mean the end of the stream.
            Some(error) if buffer.filled().len() == before => Poll::Ready(Err(io::Error::other(error))),
            _ => Poll::Ready(Ok(())),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
