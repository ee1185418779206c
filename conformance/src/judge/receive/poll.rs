//! The content of the answer to a poll: one batch of messages.

use crate::profile::cursor::Values;
use crate::profile::decode::{self, Batch, DecodeError, Outline};
use crate::profile::poll::Answer;

use super::item::Item;
use super::sink::Sink;

/// What the values and the messages of a body take while it is read, as a multiple of its bytes.
const READING: usize = 3;

/// Reads the answer to a poll.
#[derive(Debug)]
pub(super) struct PollReader {
    answer: Answer,
    /// The values of the cursor that the head has.
    of_head: Values,
    body: Vec<u8>,
    /// What is known of it as JSON.
    outline: Outline,
    /// Its messages have been handed out.
    told: bool,
    /// How many bytes of it were read as messages so far, each as often as that happened.
    work: u64,
}

impl PollReader {
    pub(super) fn new(answer: Answer, of_head: Values) -> PollReader {
        PollReader { answer, of_head, body: Vec::new(), outline: Outline::default(), told: false, work: 0 }
    }

    /// How many bytes it holds.
    pub(super) fn held(&self) -> usize {
        2 * self.body.len()
    }

    /// A document that is whole has its messages, whether or not the body ends with it: that it does is another
    /// question, for those cases that ask for the end.
    pub(super) fn push(&mut self, bytes: &[u8], sink: &mut Sink<'_>) -> Option<Values> {
        self.body.extend_from_slice(bytes);
        let was_complete = self.outline.is_complete();
        self.outline.push(bytes);
        // One that is complete is read once: white space behind it makes no other text of it.
        let is_complete = self.outline.is_complete() && !was_complete;
        if self.told || !is_complete || !decode::is_json(&self.answer) || !self.has_room(sink) {
            return None;
        }
        let batch = self.batch().ok()?;
        self.tell(batch, sink)
    }

    /// Whether there is room for what is made of the body, as long as it is read.
    fn has_room(&self, sink: &mut Sink<'_>) -> bool {
        sink.has_room_for(READING * self.body.len())
    }

    /// The body is complete.
    pub(super) fn finish(&mut self, sink: &mut Sink<'_>) -> Option<Values> {
        if self.told || !self.has_room(sink) {
            return None;
        }
        match self.batch() {
            Ok(batch) => self.tell(batch, sink),
            Err(error) => {
                sink.item(Item::Undecoded(error));
                None
            }
        }
    }

    /// The messages, and the cursor behind them. One without a value that is said to be in the head would bring them again.
    fn batch(&mut self) -> Result<Batch, DecodeError> {
        self.work += self.body.len() as u64;
        let batch = decode::batch(&self.answer, &self.body)?;
        let fields = self.answer.cursor.iter().flat_map(|cursor| cursor.fields());
        let missing =
            fields.filter(|(name, _)| !self.of_head.contains_key(*name)).map(|(_, field)| field).next();
        match missing.filter(|_| !batch.messages.is_empty()) {
            Some(field) => Err(DecodeError::Field(field.to_owned())),
            None => Ok(batch),
        }
    }

    fn tell(&mut self, batch: Batch, sink: &mut Sink<'_>) -> Option<Values> {
        self.told = true;
        batch.messages.into_iter().for_each(|message| sink.item(Item::Message(message)));
        let mut cursor = std::mem::take(&mut self.of_head);
        cursor.extend(batch.cursor);
        Some(cursor).filter(|cursor| !cursor.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::Duration;

    use super::*;
    use crate::judge::receive::meter::Meter;
    use crate::judge::verdict::invariant::Watch;
    use crate::profile::parts::Parts;

    /// What a body costs that comes byte by byte: bytes that were looked at, each as often as that happened.
    fn work(body: &str) -> u64 {
        let parts = Parts { messages: Some("/messages".into()), ..Parts::default() };
        let mut reader = PollReader::new(Answer { parts, ..Answer::default() }, Values::default());
        let mut out = VecDeque::new();
        let (mut watch, mut meter) = (Watch::default(), Meter::default());
        let mut sink = Sink::new(Duration::ZERO, &mut out, &mut watch, &mut meter);
        for byte in body.as_bytes().chunks(1) {
            reader.push(byte, &mut sink);
        }
        reader.finish(&mut sink);
        reader.work + reader.outline.work
    }

    #[test]
    fn a_body_that_comes_byte_by_byte_is_read_once() {
        for (beginning, unit, end) in [
            ("{\"messages\":[", "0,", "0]}"),
            ("{\"messages\":[\"", "a", "\"]}"),
            ("{\"messages\":[\"", "\\\"", "\"]}"),
            ("{\"messages\":[]}", " ", ""),
            ("{\"messages\":[]}", "{}", ""),
            ("", "[", ""),
            ("", "]", ""),
            ("", "[]", ""),
            ("", "{} ", ""),
        ] {
            let work = |count: usize| work(&format!("{beginning}{}{end}", unit.repeat(count)));
            let (once, twice) = (work(2000), work(4000));
            let whole = (2000 * unit.len() + beginning.len() + end.len()) as u64;
            assert!(once <= 4 * whole, "{beginning}{unit}: {once} for {whole} bytes");
            assert!(twice <= 2 * once, "{beginning}{unit}: {once}, then {twice}");
        }
    }
}
