use alloc::vec::Vec;

use super::{AfterData, Data, Item, SizeLine};
use crate::http1::Line;
use crate::input::Input;

/// Turns the bytes of a body in chunked coding into items.
///
/// Once [`Item::End`] is handed out there are no further items; what comes after it waits for
/// [`ChunkScanner::rest`]. Only lines are held back until they are complete, and they may be of any length: see
/// [`ChunkScanner::buffered`].
#[derive(Debug, Clone, Default)]
pub struct ChunkScanner {
    input: Input,
    state: State,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Size,
    Data {
        missing: u64,
    },
    AfterData,
    Trailers,
    Ended,
    Unreadable,
}

impl ChunkScanner {
    /// A scanner that counts offsets from 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// A scanner that counts offsets from this one.
    pub fn starting_at(offset: usize) -> Self {
        Self { input: Input::starting_at(offset), state: State::Size }
    }

    /// Adds the next piece of the input.
    pub fn push(&mut self, bytes: &[u8]) {
        self.input.push(bytes);
    }

    /// The next item, as soon as it is known. Data does not wait for the rest of its chunk.
    pub fn next_item(&mut self) -> Option<Item> {
        match self.state {
            State::Size => Line::next(&mut self.input).map(|line| self.size(line)),
            State::Data { missing } => self.data(missing),
            State::AfterData => self.after_data(),
            State::Trailers => Line::next(&mut self.input).map(|line| self.trailer(line)),
            State::Ended => None,
            State::Unreadable => self.take(usize::MAX).map(Item::Unreadable),
        }
    }

    /// Ends the input: the items that are left, the last of which may be a line without an end or half a line end
    /// after the data; nothing when all is handed out. That a body is cut short shows in the lack of an
    /// [`Item::End`].
    pub fn finish(&mut self) -> Option<Item> {
        if let Some(item) = self.next_item() {
            return Some(item);
        }
        match self.state {
            State::Size => Line::unfinished(&mut self.input).map(|line| Item::Size(SizeLine::read(line))),
            State::Trailers => Line::unfinished(&mut self.input).map(Item::Trailer),
            State::AfterData => self
                .take(usize::MAX)
                .map(|Data { offset, bytes }| Item::AfterData(AfterData { offset, bytes })),
            State::Data { .. } | State::Ended | State::Unreadable => None,
        }
    }

    /// Takes back all bytes that are in no item yet, as if they had never been pushed. After the end of the body
    /// these are the first bytes of what follows.
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

    /// Whether the end of the body has been handed out.
    pub fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    fn size(&mut self, line: Line) -> Item {
        let size_line = SizeLine::read(line);
        self.state = match size_line.size {
            None => State::Unreadable,
            Some(0) => State::Trailers,
            Some(missing) => State::Data { missing },
        };
        Item::Size(size_line)
    }

    fn data(&mut self, missing: u64) -> Option<Item> {
        let data = self.take(usize::try_from(missing).unwrap_or(usize::MAX))?;
        let missing = missing.saturating_sub(data.bytes.len() as u64);
        self.state = if missing == 0 { State::AfterData } else { State::Data { missing } };
        Some(Item::Data(data))
    }

    fn after_data(&mut self) -> Option<Item> {
        let len = match self.input.waiting() {
            [] | [b'\r'] => return None,
            [b'\r', _, ..] => 2,
            _ => 1,
        };
        let Data { offset, bytes } = self.take(len)?;
        let after = AfterData { offset, bytes };
        self.state = if after.is_line_end() { State::Size } else { State::Unreadable };
        Some(Item::AfterData(after))
    }

    fn trailer(&mut self, line: Line) -> Item {
        if !line.is_empty() {
            return Item::Trailer(line);
        }
        self.state = State::Ended;
        Item::End(line)
    }

    fn take(&mut self, count: usize) -> Option<Data> {
        let offset = self.input.offset();
        let bytes = self.input.take(count);
        (!bytes.is_empty()).then_some(Data { offset, bytes })
    }
}
