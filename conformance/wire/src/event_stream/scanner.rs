use alloc::vec::Vec;

use super::line::BYTE_ORDER_MARK;
use super::{Item, Line, LineEnd};
use crate::input::Input;

/// Turns bytes into the lines of an event stream.
///
/// A line is held back until it has an end, and may be of any length: see [`LineScanner::buffered`].
#[derive(Debug, Clone, Default)]
pub struct LineScanner {
    input: Input,
    place: Place,
}

/// What the next byte comes after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    /// Nothing: a byte order mark may come.
    #[default]
    Start,
    /// The CR of a line: its LF may come.
    AfterReturn,
    /// Anything else.
    Within,
}

impl LineScanner {
    /// A scanner that counts offsets from 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// A scanner that counts offsets from this one. It still takes the first byte for that of the stream.
    pub fn starting_at(offset: usize) -> Self {
        Self { input: Input::starting_at(offset), place: Place::Start }
    }

    /// Adds the next piece of the input.
    pub fn push(&mut self, bytes: &[u8]) {
        self.input.push(bytes);
    }

    /// The next item, as soon as it is complete.
    pub fn next_item(&mut self) -> Option<Item> {
        match self.place {
            Place::Start if self.input.waiting().starts_with(BYTE_ORDER_MARK) => Some(self.byte_order_mark()),
            // A prefix of the mark is a line if no more comes of it.
            Place::Start if BYTE_ORDER_MARK.starts_with(self.input.waiting()) => None,
            Place::AfterReturn if self.input.waiting().first() == Some(&b'\n') => Some(self.line_feed()),
            Place::AfterReturn if self.input.is_empty() => None,
            Place::Start | Place::AfterReturn | Place::Within => self.line(),
        }
    }

    /// Ends the input: the items that are left, the last of which may be a line without an end; nothing when all is
    /// handed out.
    pub fn finish(&mut self) -> Option<Item> {
        if let Some(item) = self.next_item() {
            return Some(item);
        }
        let offset = self.input.offset();
        let content = self.input.take(self.input.len());
        (!content.is_empty()).then_some(Item::Line(Line { offset, content, end: LineEnd::None }))
    }

    /// Takes back all bytes that are in no item yet, as if they had never been pushed.
    pub fn rest(&mut self) -> Vec<u8> {
        self.input.withdraw()
    }

    /// How many bytes are in no item yet.
    pub fn buffered(&self) -> usize {
        self.input.len()
    }

    /// How many bytes were looked at or moved so far, each as often as that happened: at most a fixed multiple of what
    /// was pushed.
    pub fn work(&self) -> u64 {
        self.input.work()
    }

    /// Offset of the first byte that is in no item yet.
    pub fn offset(&self) -> usize {
        self.input.offset()
    }

    fn byte_order_mark(&mut self) -> Item {
        let offset = self.input.offset();
        self.input.take(BYTE_ORDER_MARK.len());
        self.place = Place::Within;
        Item::ByteOrderMark { offset }
    }

    fn line_feed(&mut self) -> Item {
        let offset = self.input.offset();
        self.input.take(1);
        self.place = Place::Within;
        Item::LineFeedAfterReturn { offset }
    }

    fn line(&mut self) -> Option<Item> {
        self.place = Place::Within;
        let offset = self.input.offset();
        let last = self.input.find(|byte| matches!(byte, b'\r' | b'\n'))?;
        let mut content = self.input.take(last + 1);
        let end = if content.pop() == Some(b'\r') { LineEnd::Cr } else { LineEnd::Lf };
        if end == LineEnd::Cr {
            self.place = Place::AfterReturn;
        }
        Some(Item::Line(Line { offset, content, end }))
    }
}
