//! The heads of HTTP/1.1: the lowest layer.

use pushspec_wire::http1::{Head, HeadScanner};

/// The longest head that is read; servers limit theirs to a tenth of it.
const MAX_HEAD: usize = 256 * 1024;

/// Reads heads.
#[derive(Debug)]
pub(super) struct HeadReader(HeadScanner);

impl HeadReader {
    pub(super) fn new() -> HeadReader {
        HeadReader(HeadScanner::new())
    }

    /// Whether no byte of a head has come.
    pub(super) fn is_empty(&self) -> bool {
        self.0.buffered() == 0
    }

    /// Bytes came.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0.push(bytes);
    }

    /// The next head that is complete; why none can be waited for where it is too long.
    pub(super) fn next(&mut self) -> Result<Option<Head>, String> {
        match self.0.next_head() {
            None if self.0.buffered() > MAX_HEAD => {
                Err(format!("more than {MAX_HEAD} bytes came without an end of the head"))
            }
            head => Ok(head),
        }
    }

    /// Takes the bytes behind the last head.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        self.0.rest()
    }

    /// The connection has ended: the head that is not complete.
    pub(super) fn finish(&mut self) -> Option<Head> {
        self.0.finish()
    }
}
