//! The layers of a WebSocket: frames, and messages on top of them.

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
    /// `extended` says whether the answer has accepted an extension.
    pub(crate) fn new(sender: Side, extended: bool) -> WebSocket {
        WebSocket { frames: FrameReader::new(sender, extended), messages: MessageReader::new(extended) }
    }

    /// Bytes came: each frame that they complete is an item, and behind it the message that the frame completes.
    pub(crate) fn push(&mut self, bytes: &[u8], sink: &mut Sink<'_>) {
        self.frames.push(bytes, sink);
        while let Some(frame) = self.frames.next(sink) {
            let message = self.messages.push(&frame, sink);
            sink.item(Item::Frame(frame));
            if let Some(message) = message {
                sink.item(Item::Message(message));
            }
        }
    }
}
