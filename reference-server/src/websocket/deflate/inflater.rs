//! Messages of the client are inflated (RFC 7692, section 7.2.2).

use flate2::{Decompress, FlushDecompress, Status};
use thiserror::Error;
use tokio::task::yield_now;

use super::{LARGEST_WINDOW, STEP, TAIL, history::History};
use crate::memory::Held;

/// An empty block without compression that is the last one of its stream. Where it ends the stream, the stream was at the
/// end of a block before.
const LAST_BLOCK: [u8; 5] = [0x01, 0x00, 0x00, 0xff, 0xff];

/// What the library and this module hold while a message is inflated.
const STATE: usize = 96 << 10;

/// Why a message is not inflated.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(in super::super) enum InflateError {
    /// What the client sent is not what section 7.2.1 makes.
    #[error("the compressed data is broken")]
    Broken,
    /// The message is larger than one may be.
    #[error("message is too big")]
    TooBig,
    /// No breach: there is no room for what it inflates to, or for what has to be kept of it.
    #[error("the server holds as much for its clients as it may")]
    NoRoom,
}

/// Inflates the messages of a connection.
#[derive(Debug)]
pub(in super::super) struct Inflater {
    history: History,
    /// How many bytes a message may have.
    largest: usize,
}

impl Inflater {
    pub(super) fn new(history: History, largest: usize) -> Self {
        Self { history, largest }
    }

    /// The message of a compressed payload. `held` grows with it.
    pub(in super::super) async fn inflate(
        &mut self,
        payload: &[u8],
        held: &mut Held,
    ) -> Result<Vec<u8>, InflateError> {
        let mut message = Message::new(self.history.bytes(), self.largest, payload.len(), held);
        message.take(payload).await?;
        message.take(&TAIL).await?;
        let message = message.complete()?;
        if self.history.push(&message) { Ok(message) } else { Err(InflateError::NoRoom) }
    }
}

/// A message that is not at its end.
struct Message<'a> {
    stream: Decompress,
    /// The end of the messages before.
    history: &'a [u8],
    largest: usize,
    /// What was inflated so far.
    bytes: Vec<u8>,
    /// Where the library writes.
    room: Vec<u8>,
    /// How many bytes the compressed message has.
    payload: usize,
    held: &'a mut Held,
    /// What was done since the other connections had their turn, in bytes.
    work: usize,
}

impl<'a> Message<'a> {
    fn new(history: &'a [u8], largest: usize, payload: usize, held: &'a mut Held) -> Self {
        let (bytes, room) = (Vec::new(), vec![0; STEP / 2]);
        Self { stream: stream(history, &bytes), history, largest, bytes, room, payload, held, work: 0 }
    }

    /// Inflates the next bytes of the payload.
    async fn take(&mut self, mut payload: &[u8]) -> Result<(), InflateError> {
        loop {
            let (status, read, written) = self.step(payload)?;
            payload = &payload[read..];
            self.work += read + written;
            match status {
                // A block with BFINAL ends a stream of the library, but not the message and not its window.
                Status::StreamEnd => {
                    self.stream = stream(self.history, &self.bytes);
                    self.work += LARGEST_WINDOW;
                }
                _ if payload.is_empty() && written < self.room.len() => return Ok(()),
                _ if read == 0 && written == 0 => return Err(InflateError::Broken),
                _ => {}
            }
            if self.work >= STEP {
                self.work = 0;
                yield_now().await;
            }
        }
    }

    /// Calls the library once. Tells how much it read and wrote.
    fn step(&mut self, payload: &[u8]) -> Result<(Status, usize, usize), InflateError> {
        let (total_in, total_out) = (self.stream.total_in(), self.stream.total_out());
        let status = self.stream.decompress(payload, &mut self.room, FlushDecompress::None);
        let status = status.map_err(|_| InflateError::Broken)?;
        let count = |now: u64, before: u64| usize::try_from(now - before).map_err(|_| InflateError::Broken);
        let read = count(self.stream.total_in(), total_in)?;
        let written = count(self.stream.total_out(), total_out)?;
        let length = self.bytes.len() + written;
        if length > self.largest {
            return Err(InflateError::TooBig);
        }
        // The bytes double their room where it is full.
        if !self.held.resize(STATE + self.payload + 2 * length) {
            return Err(InflateError::NoRoom);
        }
        self.bytes.extend_from_slice(&self.room[..written]);
        Ok((status, read, written))
    }

    /// The whole message, unless its last block lacks something.
    fn complete(mut self) -> Result<Vec<u8>, InflateError> {
        let end = (self.stream.total_in() + LAST_BLOCK.len() as u64, self.stream.total_out());
        let ended = self.stream.decompress(&LAST_BLOCK, &mut [0], FlushDecompress::None);
        let whole = matches!(ended, Ok(Status::StreamEnd))
            && (self.stream.total_in(), self.stream.total_out()) == end;
        if whole { Ok(self.bytes) } else { Err(InflateError::Broken) }
    }
}

/// A stream whose window has the end of the messages before, and behind it what was inflated of this one. The window is
/// always the largest: the library has no smaller one, and the history has what was agreed.
fn stream(history: &[u8], inflated: &[u8]) -> Decompress {
    let mut stream = Decompress::new(false);
    let recent = &inflated[inflated.len().saturating_sub(LARGEST_WINDOW)..];
    let before = &history[history.len().saturating_sub(LARGEST_WINDOW - recent.len())..];
    for part in [before, recent] {
        if !part.is_empty() {
            // Fails for streams with a header only.
            let _ = stream.set_dictionary(part);
        }
    }
    stream
}
