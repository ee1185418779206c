//! A guard in front of the library's reader: it looks at the header of each frame as it arrives and stops the stream at
//! the first one that a client must not send (RFC 6455, section 5).
//!
//! The library finds most of this too, but only when the whole payload has arrived, which a hostile client can put off
//! for ever; and it takes two things that the specification forbids: a length that is not in its shortest form, and a
//! length with the highest bit set, which it calls too big.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is wrong with the header of a frame.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum FrameError {
    /// Section 5.2: without an extension the bits RSV1 to RSV3 are zero.
    #[error("reserved bit set")]
    Reserved,
    /// Section 5.2: 0x3 to 0x7 and 0xB to 0xF.
    #[error("unknown opcode")]
    Opcode,
    /// Section 5.5.
    #[error("fragmented control frame")]
    FragmentedControl,
    /// Section 5.5.
    #[error("control frame of more than 125 bytes")]
    LongControl,
    /// Section 5.1.
    #[error("frame is not masked")]
    Unmasked,
    /// Section 5.2.
    #[error("length is not in its shortest form")]
    Length,
}

/// A connection whose frames from the client have valid headers: where one has not, reading fails with a
/// [`FrameError`] inside of the I/O error, after everything before that frame was read.
#[derive(Debug)]
pub(super) struct Guard<S> {
    stream: S,
    scanner: Scanner,
    found: Option<FrameError>,
}

impl<S> Guard<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, scanner: Scanner::default(), found: None }
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
            if let Err((valid, error)) = self.scanner.scan(&buffer.filled()[before..]) {
                buffer.set_filled(before + valid);
                self.found = Some(error);
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

/// Where in the stream of frames the next byte stands.
#[derive(Debug, Default)]
struct Scanner {
    /// The bytes of a header that is not complete.
    header: Vec<u8>,
    /// The bytes that are left of the payload.
    payload: u64,
}

impl Scanner {
    /// Looks at the next bytes. An error comes with the number of bytes before the header that has it.
    fn scan(&mut self, bytes: &[u8]) -> Result<(), (usize, FrameError)> {
        let mut at = 0;
        // Where the current header begins, or the beginning of the bytes when it began before them.
        let mut frame = 0;
        while at < bytes.len() {
            if self.payload > 0 {
                let rest = bytes.len() - at;
                let step = usize::try_from(self.payload).map_or(rest, |left| left.min(rest));
                self.payload -= step as u64;
                at += step;
                frame = at;
                continue;
            }
            self.header.push(bytes[at]);
            at += 1;
            if let Some(length) = check(&self.header).map_err(|error| (frame, error))? {
                self.header.clear();
                self.payload = length;
                frame = at;
            }
        }
        Ok(())
    }
}

/// Checks the beginning of a header. The length of the payload is known when the header is complete.
fn check(header: &[u8]) -> Result<Option<u64>, FrameError> {
    let [first, rest @ ..] = header else { return Ok(None) };
    check_first(*first)?;
    let [second, rest @ ..] = rest else { return Ok(None) };
    let short = second & 0x7f;
    if second & 0x80 == 0 {
        return Err(FrameError::Unmasked);
    }
    if first & 0x08 != 0 && short > 125 {
        return Err(FrameError::LongControl);
    }
    let extended = match short {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let Some(length) = rest.get(..extended) else { return Ok(None) };
    let length = length.iter().fold(0, |length, &byte| length << 8 | u64::from(byte));
    let shortest = match short {
        126 => 126..=0xffff,
        // The highest bit is zero.
        127 => 0x1_0000..=u64::MAX >> 1,
        _ => 0..=0,
    };
    if !shortest.contains(&length) {
        return Err(FrameError::Length);
    }
    let masking_key = 4;
    let complete = rest.len() == extended + masking_key;
    Ok(complete.then_some(if extended == 0 { u64::from(short) } else { length }))
}

/// FIN, RSV1 to RSV3 and the opcode.
fn check_first(first: u8) -> Result<(), FrameError> {
    if first & 0x70 != 0 {
        return Err(FrameError::Reserved);
    }
    if !matches!(first & 0x0f, 0x0..=0x2 | 0x8..=0xa) {
        return Err(FrameError::Opcode);
    }
    if first & 0x88 == 0x08 {
        return Err(FrameError::FragmentedControl);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scans in one piece and byte by byte, which have to agree on where the first bad frame is.
    fn scan(bytes: &[u8]) -> Option<FrameError> {
        let whole = Scanner::default().scan(bytes).err().map(|(_, error)| error);
        let mut scanner = Scanner::default();
        let pieces = bytes.iter().find_map(|byte| scanner.scan(&[*byte]).err()).map(|(_, error)| error);
        assert_eq!(whole, pieces);
        whole
    }

    #[test]
    fn valid_frames_pass() {
        assert_eq!(scan(b"\x81\x85maskHello\x89\x80mask\x01\x80mask\x80\x81maskx\x88\x82maskab"), None);
        assert_eq!(scan(&[&b"\x82\xfe\x00\x7emask"[..], &[0; 126], b"\x82\x80mask"].concat()), None);
        assert_eq!(scan(b"\x82\xff\0\0\0\0\0\x01\0\0mask"), None);
    }

    #[test]
    fn each_fault_of_a_header_is_found_as_soon_as_its_byte_is_there() {
        for (bytes, error) in [
            (&b"\xc1"[..], FrameError::Reserved),
            (b"\xa1", FrameError::Reserved),
            (b"\x91", FrameError::Reserved),
            (b"\x83", FrameError::Opcode),
            (b"\x8b", FrameError::Opcode),
            (b"\x8f", FrameError::Opcode),
            (b"\x09", FrameError::FragmentedControl),
            (b"\x81\x05", FrameError::Unmasked),
            (b"\x89\xfe", FrameError::LongControl),
            (b"\x88\xff", FrameError::LongControl),
            (b"\x81\xfe\x00\x7d", FrameError::Length),
            (b"\x81\xff\0\0\0\0\0\0\xff\xff", FrameError::Length),
            (b"\x81\xff\x80\0\0\0\0\x01\0\0", FrameError::Length),
        ] {
            assert_eq!(scan(bytes), Some(error), "{bytes:x?}");
            assert_eq!(scan(&bytes[..bytes.len() - 1]), None, "{bytes:x?}");
            assert_eq!(scan(&[b"\x81\x82maskab", bytes].concat()), Some(error), "{bytes:x?}");
        }
    }

    #[test]
    fn what_stands_before_the_bad_frame_is_counted() {
        assert_eq!(Scanner::default().scan(b"\x81\x82maskab\x81\x05"), Err((8, FrameError::Unmasked)));
        let mut scanner = Scanner::default();
        assert_eq!(scanner.scan(b"\x81\x82maskab\x81"), Ok(()));
        assert_eq!(scanner.scan(b"\x05"), Err((0, FrameError::Unmasked)));
    }
}
