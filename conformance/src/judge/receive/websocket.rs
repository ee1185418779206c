//! The layers of a WebSocket: frames, and messages on top of them.

use crate::profile::parts::Parts;

use super::frames::FrameReader;
use super::item::Item;
use super::messages::MessageReader;
use super::side::Side;
use super::sink::Sink;

/// Reads what comes on an open WebSocket.
#[derive(Debug)]
pub(crate) struct WebSocket {
    frames: FrameReader,
    messages: MessageReader,
}

impl WebSocket {
    /// `extended` says whether the answer has accepted an extension; `parts` where the parts of a text are.
    pub(crate) fn new(sender: Side, extended: bool, parts: Parts) -> WebSocket {
        WebSocket {
            frames: FrameReader::new(sender, extended),
            messages: MessageReader::new(extended, parts),
        }
    }

    /// How many bytes its layers hold.
    pub(crate) fn held(&self) -> usize {
        self.frames.held() + self.messages.held()
    }

    /// Bytes came: each frame that they complete is an item, and behind it the messages that the frame completes.
    pub(crate) fn push(&mut self, bytes: &[u8], sink: &mut Sink<'_>) {
        self.frames.push(bytes, sink);
        while !sink.is_full()
            && let Some(frame) = self.frames.next(sink)
        {
            let messages = self.messages.push(&frame, sink);
            sink.item(Item::Frame(frame));
            for message in messages {
                sink.item(message);
            }
        }
    }
}
