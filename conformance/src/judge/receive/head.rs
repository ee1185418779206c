//! The heads of HTTP/1.1: the lowest layer.

use pushspec_wire::http1::{Head, HeadScanner};

/// The longest head that is read; servers limit theirs to a tenth of it.
const MAX_HEAD: usize = 256 * 1024;

/// The most lines that it may have; servers take a hundred fields, or two thousand.
const MAX_LINES: usize = 4096;

/// What a line takes beside its bytes.
const PER_LINE: usize = 128;

/// Reads heads.
#[derive(Debug)]
pub(crate) struct HeadReader(HeadScanner);

impl HeadReader {
    pub(crate) fn new() -> HeadReader {
        HeadReader(HeadScanner::new())
    }

    /// Whether no byte of a head has come.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.buffered() == 0
    }

    /// Bytes came.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.0.push(bytes);
    }

    /// The next head that is complete; why none can be waited for where it is too long.
    pub(crate) fn next(&mut self) -> Result<Option<Head>, String> {
        match self.0.next_head() {
            None if self.0.buffered() > MAX_HEAD => {
                Err(format!("more than {MAX_HEAD} bytes came without an end of the head"))
            }
            None if self.0.lines() > MAX_LINES => {
                Err(format!("more than {MAX_LINES} lines came without an end of the head"))
            }
            Some(head) if head.lines.len() > MAX_LINES => {
                Err(format!("the head has more than {MAX_LINES} lines"))
            }
            head => Ok(head),
        }
    }

    /// How many bytes it holds.
    pub(crate) fn held(&self) -> usize {
        2 * self.0.buffered() + PER_LINE * self.0.lines()
    }

    /// Takes the bytes behind the last head.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        self.0.rest()
    }

    /// The connection has ended: the head that is not complete.
    pub(crate) fn finish(&mut self) -> Option<Head> {
        self.0.finish()
    }
}

/// Whether bytes, of which more may come, can be those of an answer.
pub(super) fn begins_an_answer(bytes: &[u8]) -> bool {
    const NAME: &[u8] = b"HTTP/";
    bytes.starts_with(&NAME[..NAME.len().min(bytes.len())])
}
