use alloc::vec::Vec;
use core::mem;

use super::{Head, Line};
use crate::input::Input;

/// Turns bytes into heads.
///
/// It reads lines only as far as the end of a head that was asked for; all further bytes wait for the next call or
/// for [`HeadScanner::rest`]. There is no limit to the length of a line or of a head: see
/// [`HeadScanner::buffered`].
#[derive(Debug, Clone, Default)]
pub struct HeadScanner {
    input: Input,
    /// The lines of the head that has begun.
    lines: Vec<Line>,
    /// Whether the start line is among them.
    started: bool,
    /// How many bytes they have.
    held: usize,
}

impl HeadScanner {
    /// A scanner that counts offsets from 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// A scanner that counts offsets from this one.
    pub fn starting_at(offset: usize) -> Self {
        Self { input: Input::starting_at(offset), ..Self::default() }
    }

    /// Adds the next piece of the input.
    pub fn push(&mut self, bytes: &[u8]) {
        self.input.push(bytes);
    }

    /// The next head, as soon as it is complete.
    pub fn next_head(&mut self) -> Option<Head> {
        while let Some(line) = Line::next(&mut self.input) {
            let ends_head = self.started && line.is_empty();
            self.hold(line);
            if ends_head {
                return Some(self.release());
            }
        }
        None
    }

    /// Ends the input: the heads that are left, the last of which may be incomplete; nothing when all is handed out.
    pub fn finish(&mut self) -> Option<Head> {
        if let Some(head) = self.next_head() {
            return Some(head);
        }
        if let Some(line) = Line::unfinished(&mut self.input) {
            self.hold(line);
        }
        (!self.lines.is_empty()).then(|| self.release())
    }

    /// Takes back all bytes that are in no head yet, as if they had never been pushed.
    pub fn rest(&mut self) -> Vec<u8> {
        let offset = self.offset();
        let mut bytes = self.release().encode();
        bytes.extend(self.input.withdraw());
        *self = Self::starting_at(offset);
        bytes
    }

    /// How many bytes are in no head yet.
    pub fn buffered(&self) -> usize {
        self.held + self.input.len()
    }

    /// How many lines with an end are in no head yet, of those that were read.
    pub fn lines(&self) -> usize {
        self.lines.len()
    }

    /// How many bytes were looked at or moved so far, each as often as that happened: at most a fixed multiple of what
    /// was pushed.
    pub fn work(&self) -> u64 {
        self.input.work()
    }

    /// Offset of the first byte that is in no head yet.
    pub fn offset(&self) -> usize {
        self.lines.first().map_or(self.input.offset(), |line| line.offset)
    }

    fn hold(&mut self, line: Line) {
        self.started |= !line.is_empty();
        self.held += line.len();
        self.lines.push(line);
    }

    fn release(&mut self) -> Head {
        self.started = false;
        self.held = 0;
        Head { lines: mem::take(&mut self.lines) }
    }
}
