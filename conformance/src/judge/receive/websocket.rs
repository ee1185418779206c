//! The layers of a WebSocket: frames, what inflates them where that was agreed on, and messages on top.

use crate::extension::Extension;
use crate::profile::parts::Parts;

use super::deflate::DeflateReader;
use super::frames::FrameReader;
use super::item::Item;
use super::messages::MessageReader;
use super::side::Side;
use super::sink::Sink;

/// Reads what comes on an open WebSocket.
#[derive(Debug)]
pub(crate) struct WebSocket {
    frames: FrameReader,
    deflate: Option<DeflateReader>,
    messages: MessageReader,
}

impl WebSocket {
    /// `extension` is the one that the answer has accepted; `parts` says where the parts of a text are.
    pub(crate) fn new(sender: Side, extension: Extension, parts: Parts) -> WebSocket {
        let compressor = extension.agreed().map(|agreed| match sender {
            Side::Server => agreed.server,
            Side::Client => agreed.client,
        });
        WebSocket {
            frames: FrameReader::new(sender, extension),
            deflate: compressor.map(DeflateReader::new),
            messages: MessageReader::new(extension == Extension::Unknown, parts),
        }
    }

    /// Whether a close frame has come.
    pub(crate) fn has_close_come(&self) -> bool {
        self.frames.has_close_come()
    }

    /// How many bytes its layers hold.
    pub(crate) fn held(&self) -> usize {
        let deflate = self.deflate.as_ref().map_or(0, DeflateReader::held);
        self.frames.held() + deflate + self.messages.held()
    }

    /// Bytes came: each frame that they complete is an item, and behind it the messages that the frame completes.
    pub(crate) fn push(&mut self, bytes: &[u8], sink: &mut Sink<'_>) {
        self.frames.push(bytes, sink);
        while !sink.is_full()
            && let Some(frame) = self.frames.next(sink)
        {
            let is_lost = self.deflate.as_ref().is_some_and(|deflate| deflate.is_lost);
            sink.item(Item::Frame(frame.clone()));
            // Where a message did not inflate the ends alone can still be told.
            let read = match &mut self.deflate {
                _ if is_lost => None,
                Some(deflate) => deflate.push(&frame, sink),
                None => Some(frame),
            };
            let messages = read.map(|frame| self.messages.push(&frame, sink)).unwrap_or_default();
            for message in messages {
                sink.item(message);
            }
        }
    }
}
