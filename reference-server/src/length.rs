//! A reader beneath the library's: it makes a `Content-Length` that no number of the library holds one that it holds.
//!
//! The library answers a length of 2^64 or more by itself, with 400 or 431 and without a body. Such a request is one whose
//! content is too large (RFC 9110, sections 8.6 and 15.5.14), as one with a length that the library can tell: it gets the
//! same 413. Digits that make the number too large are left out on the way; what remains is still larger than any limit.
//!
//! Heads are looked at until a request has a transfer coding or asks for an upgrade: what comes behind that is passed on.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The largest length that the library can tell from its own marks.
const LARGEST: u64 = u64::MAX - 2;

/// A connection whose requests have no length that the library cannot hold.
pub(crate) struct Lengths<S> {
    stream: S,
    heads: Heads,
}

impl<S> Lengths<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, heads: Heads::default() }
    }
}

/// The longest name of a field that is looked for.
const LONGEST_NAME: usize = b"transfer-encoding".len();

/// Where in the requests the next byte stands.
#[derive(Debug, Default)]
struct Heads {
    place: Place,
    /// A line of the head has come that is not empty.
    begun: bool,
    /// The beginning of the line, in small letters, as long as it can be the name of a field.
    name: Vec<u8>,
    /// What `Content-Length` says.
    length: u64,
    /// What comes behind this head is no head that can be told.
    is_last: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the beginning of a line of a head, which may be the name of a field.
    #[default]
    Line,
    /// Behind the name of `Content-Length`.
    Length,
    /// In a line that says nothing of the length.
    Other,
    /// So many bytes of a body come.
    Body(u64),
    /// Nothing is looked at any more.
    Through,
}

impl Heads {
    /// Leaves bytes out; gives back how many remain at the beginning.
    fn pass(&mut self, bytes: &mut [u8]) -> usize {
        let (mut read, mut kept) = (0, 0);
        while let Some(byte) = bytes.get(read).copied() {
            let rest = bytes.len() - read;
            let passed = match self.place {
                Place::Through => rest,
                Place::Body(left) => rest.min(usize::try_from(left).unwrap_or(usize::MAX)),
                _ => {
                    if self.keeps(byte) {
                        bytes[kept] = byte;
                        kept += 1;
                    }
                    read += 1;
                    continue;
                }
            };
            bytes.copy_within(read..read + passed, kept);
            (read, kept) = (read + passed, kept + passed);
            if let Place::Body(left) = self.place {
                let left = left - passed as u64;
                self.place = if left == 0 { Place::Line } else { Place::Body(left) };
            }
        }
        kept
    }

    /// Takes a byte of a head; whether it is passed on.
    fn keeps(&mut self, byte: u8) -> bool {
        match (self.place, byte) {
            (Place::Line, b'\n') if self.name.iter().all(|byte| *byte == b'\r') => {
                self.name.clear();
                if self.begun {
                    self.head_ends();
                }
            }
            (_, b'\n') => {
                self.begun = true;
                self.name.clear();
                self.place = Place::Line;
            }
            (Place::Line, b':') => {
                self.is_last |= matches!(self.name.as_slice(), b"transfer-encoding" | b"upgrade");
                let is_length = self.begun && self.name == b"content-length";
                self.place = if is_length { Place::Length } else { Place::Other };
            }
            (Place::Line, byte) if self.name.len() <= LONGEST_NAME => {
                self.name.push(byte.to_ascii_lowercase());
            }
            (Place::Line, _) => self.place = Place::Other,
            (Place::Length, b'0'..=b'9') => {
                let digit = u64::from(byte - b'0');
                let length = self.length.checked_mul(10).and_then(|length| length.checked_add(digit));
                match length.filter(|length| *length <= LARGEST) {
                    Some(length) => self.length = length,
                    None => return false,
                }
            }
            _ => {}
        }
        true
    }

    fn head_ends(&mut self) {
        let place = match self.length {
            _ if self.is_last => Place::Through,
            0 => Place::Line,
            length => Place::Body(length),
        };
        *self = Self { place, ..Self::default() };
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lengths<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        loop {
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
            let came = &mut buffer.filled_mut()[before..];
            if came.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let kept = self.heads.pass(came);
            buffer.set_filled(before + kept);
            // No bytes would mean the end of the stream.
            if kept > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Lengths<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(bytes: &str, size: usize) -> String {
        let mut heads = Heads::default();
        let mut passed = Vec::new();
        for piece in bytes.as_bytes().chunks(size) {
            let mut piece = piece.to_vec();
            let kept = heads.pass(&mut piece);
            passed.extend(&piece[..kept]);
        }
        String::from_utf8_lossy(&passed).into_owned()
    }

    #[test]
    fn a_length_that_is_too_large_is_cut_however_it_comes() {
        let head =
            |length: &str| format!("\r\nPOST /a HTTP/1.1\r\nHost: a\r\nCONTENT-length:\t{length} \r\n\r\n");
        for (length, seen) in [
            ("0", "0"),
            ("007", "007"),
            ("18446744073709551613", "18446744073709551613"),
            ("18446744073709551614", "1844674407370955161"),
            ("18446744073709551616", "1844674407370955161"),
            ("99999999999999999999999", "9999999999999999999"),
            ("18446744073709551616x", "1844674407370955161x"),
        ] {
            for size in 1..60 {
                assert_eq!(passed(&head(length), size), head(seen), "{size} at a time");
            }
        }
    }

    #[test]
    fn what_is_no_field_of_a_head_is_passed_on() {
        let large = "Content-Length: 18446744073709551616\r\n\r\n";
        let cut = "Content-Length: 1844674407370955161\r\n\r\n";
        let body = format!("POST / HTTP/1.1\nContent-Length: {}\n\n{large}", large.len());
        let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        let upgrade = "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
        let other = "GET / HTTP/1.1\r\nX-Content-Length: 99999999999999999999\r\n\r\n";
        for (bytes, seen) in [
            (body.clone(), body.clone()),
            (format!("{body}GET / HTTP/1.1\r\n{large}"), format!("{body}GET / HTTP/1.1\r\n{cut}")),
            (format!("{chunked}{large}{large}"), format!("{chunked}{large}{large}")),
            (format!("{upgrade}{large}"), format!("{upgrade}{large}")),
            (other.to_owned(), other.to_owned()),
        ] {
            for size in [1, 7, 1000] {
                assert_eq!(passed(&bytes, size), seen, "{size} at a time");
            }
        }
    }
}
