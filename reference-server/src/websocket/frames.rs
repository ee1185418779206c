//! Messages as they are on the wire: the library's, each with how it was sent.

use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        protocol::{CloseFrame, Role, WebSocketConfig},
    },
};

use super::{guard::Guard, scanner::Coding};
use crate::{config::Config, memory::Held};

/// The buffer for reading, which every WebSocket has for as long as it lives, and which the library clears before each
/// read: most of them only wait.
const READ_BUFFER: usize = 4 << 10;

/// The buffer for frames that leave together.
const WRITE_BUFFER: usize = 16 << 10;

/// The frames of a connection.
#[derive(Debug)]
pub(super) struct Frames {
    stream: WebSocketStream<Guard<TokioIo<Upgraded>>>,
}

impl Frames {
    /// `deflate` tells whether permessage-deflate was agreed, and `held` is what comes and is not complete.
    pub(super) async fn new(upgraded: Upgraded, config: &Config, deflate: bool, held: Held) -> Self {
        let largest = config.websocket_message_size;
        // A compressed message can be larger than the message.
        let sent = largest.max(config.message_size);
        let limits = WebSocketConfig::default()
            .max_message_size(Some(largest))
            .max_frame_size(Some(largest))
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            // Each message is flushed before the next one is read, so this holds one message and some pongs.
            .max_write_buffer_size((sent + sent / 8).saturating_add(4 * WRITE_BUFFER));
        let guard = Guard::new(TokioIo::new(upgraded), deflate, held);
        Self { stream: WebSocketStream::from_raw_socket(guard, Role::Server, Some(limits)).await }
    }

    /// The next message. A compressed one is binary, and not inflated yet.
    pub(super) async fn next(&mut self) -> Option<Result<(Message, Coding), Error>> {
        let message = match self.stream.next().await? {
            Ok(message) => message,
            Err(error) => return Some(Err(error)),
        };
        let data = message.is_text() || message.is_binary();
        let coding = if data { self.stream.get_mut().next_coding() } else { Coding::Plain };
        Some(Ok((message, coding)))
    }

    /// Sends a message with those that come after it.
    pub(super) async fn feed(&mut self, message: Message) -> Result<(), Error> {
        self.stream.feed(message).await
    }

    pub(super) async fn flush(&mut self) -> Result<(), Error> {
        self.stream.flush().await
    }

    pub(super) async fn send(&mut self, message: Message) -> Result<(), Error> {
        self.stream.send(message).await
    }

    /// Sends a Close frame.
    pub(super) async fn close(&mut self, frame: CloseFrame) -> Result<(), Error> {
        self.stream.close(Some(frame)).await
    }

    /// Ends the TCP connection.
    pub(super) async fn shutdown(&mut self) -> std::io::Result<()> {
        self.stream.get_mut().shutdown().await
    }
}
