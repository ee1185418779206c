//! The content of the answer to a poll: one batch of messages.

use crate::profile::decode::{self, Batch};
use crate::profile::poll::Answer;

use super::item::Item;
use super::sink::Sink;

/// The longest answer to a poll that is read before its end: a hostile one could be read again and again.
const READ_EARLY: usize = 64 * 1024;

/// Reads the answer to a poll.
#[derive(Debug)]
pub(super) struct PollReader {
    answer: Answer,
    body: Vec<u8>,
    /// Its messages have been handed out.
    told: bool,
}

impl PollReader {
    pub(super) fn new(answer: Answer) -> PollReader {
        PollReader { answer, body: Vec::new(), told: false }
    }

    /// A document that is whole has its messages, whether or not the body ends with it: that it does is another
    /// question, for those cases that ask for the end.
    pub(super) fn push(&mut self, bytes: &[u8], sink: &mut Sink<'_>) -> Option<String> {
        self.body.extend_from_slice(bytes);
        let ends = matches!(self.body.trim_ascii_end().last(), Some(b'}' | b']'));
        if self.told || !ends || self.body.len() > READ_EARLY || !decode::is_json(&self.answer) {
            return None;
        }
        let batch = decode::batch(&self.answer, &self.body).ok()?;
        self.tell(batch, sink)
    }

    /// The body is complete.
    pub(super) fn finish(&mut self, sink: &mut Sink<'_>) -> Option<String> {
        if self.told {
            return None;
        }
        match decode::batch(&self.answer, &self.body) {
            Ok(batch) => self.tell(batch, sink),
            Err(error) => {
                sink.item(Item::Undecoded(error));
                None
            }
        }
    }

    fn tell(&mut self, batch: Batch, sink: &mut Sink<'_>) -> Option<String> {
        self.told = true;
        batch.messages.into_iter().for_each(|message| sink.item(Item::Message(message)));
        batch.cursor
    }
}
