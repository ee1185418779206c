//! The conversation over an established WebSocket, and its end (RFC 6455, sections 5 to 7).

use std::{sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::AsyncWriteExt,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message, Utf8Bytes,
        error::ProtocolError,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};
use tracing::debug;

use super::{guard::Guard, scanner::FrameError};
use crate::{
    application::Application,
    hub::{Batch, Subscription},
    memory::Held,
};

/// How long the client's Close frame is waited for after ours.
const CLOSING: Duration = Duration::from_secs(1);

/// The buffer for reading, which every WebSocket has for as long as it lives, and which the library clears before each
/// read: most of them only wait.
const READ_BUFFER: usize = 4 << 10;

/// The buffer for frames that leave together.
const WRITE_BUFFER: usize = 16 << 10;

const NO_ROOM: &str = "no room for this message";

const NOT_UTF8: &str = "text is not UTF-8";

/// What the WebSocket is for.
#[derive(Debug)]
pub(super) enum Purpose {
    /// Sends every message back.
    Echo,
    /// Sends the messages of a channel. What the client sends is read and thrown away.
    Subscription(Subscription),
}

/// A conversation.
#[derive(Debug)]
pub(super) struct Session {
    application: Arc<Application>,
    frames: WebSocketStream<Guard<TokioIo<Upgraded>>>,
    purpose: Purpose,
    /// When the client is pinged, unless it is heard of before.
    ping: Instant,
    /// Whether the client was pinged and has sent nothing since.
    unanswered: bool,
}

/// How a conversation ends.
#[derive(Debug)]
enum Ending {
    /// The client sent a Close frame. The library has the answer ready.
    Answered,
    /// The server has a reason to end it, and waits for the client's Close frame.
    Closed(CloseFrame),
    /// The client broke the protocol. It gets a Close frame and is not waited for (section 7.1.7).
    Failed(CloseFrame),
    /// There is nobody to tell.
    Gone,
}

impl Session {
    pub(super) async fn new(application: &Arc<Application>, upgraded: Upgraded, purpose: Purpose) -> Self {
        let config = &application.config;
        let largest = config.websocket_message_size;
        let limits = WebSocketConfig::default()
            .max_message_size(Some(largest))
            .max_frame_size(Some(largest))
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            // Each message is flushed before the next one is read, so this holds one message and some pongs.
            .max_write_buffer_size(largest.max(config.message_size).saturating_add(4 * WRITE_BUFFER));
        let stream = Guard::new(TokioIo::new(upgraded), application.memory.nothing());
        Self {
            application: Arc::clone(application),
            frames: WebSocketStream::from_raw_socket(stream, Role::Server, Some(limits)).await,
            purpose,
            ping: Instant::now() + application.heartbeat(),
            unanswered: false,
        }
    }

    pub(super) async fn run(mut self) {
        let ending = self.converse().await;
        debug!(?ending, "the WebSocket ends");
        // Errors from here on say that the client is gone, which is where this leads anyway.
        match ending {
            Ending::Answered => drop(self.frames.flush().await),
            Ending::Failed(frame) => drop(self.frames.close(Some(frame)).await),
            Ending::Closed(frame) => self.close(frame).await,
            Ending::Gone => return,
        }
        let _ = self.frames.get_mut().shutdown().await;
    }

    /// Exchanges messages until one side ends it.
    async fn converse(&mut self) -> Ending {
        let closing = self.application.closing.clone();
        loop {
            let step = tokio::select! {
                received = self.frames.next() => self.receive(received).await,
                batch = self.purpose.next() => self.deliver(batch).await,
                () = sleep_until(self.ping) => self.ping().await,
                () = closing.cancelled() => Err(Ending::Closed(frame(CloseCode::Away, "the server shuts down"))),
            };
            if let Err(ending) = step {
                return ending;
            }
        }
    }

    async fn receive(&mut self, received: Option<Result<Message, Error>>) -> Result<(), Ending> {
        let message = received.ok_or(Ending::Gone)?.map_err(|error| fail(&error))?;
        self.unanswered = false;
        self.ping = Instant::now() + self.application.heartbeat();
        match (message, &self.purpose) {
            (Message::Close(_), _) => Err(Ending::Answered),
            (message @ (Message::Text(_) | Message::Binary(_)), Purpose::Echo) => self.send(message).await,
            // The library answers pings with the next read.
            _ => Ok(()),
        }
    }

    async fn deliver(&mut self, batch: Batch) -> Result<(), Ending> {
        if batch.missed {
            // There is no way to say what is missing, so the client has to begin anew.
            return Err(Ending::Closed(frame(CloseCode::Again, "too slow: messages were missed")));
        }
        for message in batch.messages {
            let _held = self.hold(message.data.len())?;
            self.frames.feed(Message::text(message.data.as_str())).await.map_err(|_| Ending::Gone)?;
        }
        self.frames.flush().await.map_err(|_| Ending::Gone)
    }

    /// A client that is there answers a ping (section 5.5.2). One that has not done so until the next ping is due is
    /// taken for gone.
    async fn ping(&mut self) -> Result<(), Ending> {
        if self.unanswered {
            // Where the machine is busy, the answer may be there and not be read yet.
            let waits = timeout(Duration::ZERO, self.frames.next()).await;
            return self.receive(waits.map_err(|_| Ending::Gone)?).await;
        }
        self.unanswered = true;
        self.ping = Instant::now() + self.application.heartbeat();
        self.send(Message::Ping(bytes::Bytes::new())).await
    }

    /// Room for a message that leaves: the message, and its frame in the buffer of the library.
    fn hold(&self, length: usize) -> Result<Held, Ending> {
        let held = self.application.memory.hold(2 * length);
        held.ok_or_else(|| Ending::Closed(frame(CloseCode::Again, NO_ROOM)))
    }

    async fn send(&mut self, message: Message) -> Result<(), Ending> {
        let _held = self.hold(message.len())?;
        self.frames.send(message).await.map_err(|_| Ending::Gone)
    }

    /// The closing handshake from our side (section 7.1.2).
    async fn close(&mut self, frame: CloseFrame) {
        let handshake = async {
            if self.frames.close(Some(frame)).await.is_ok() {
                while let Some(Ok(_)) = self.frames.next().await {}
            }
        };
        let _ = timeout(CLOSING, handshake).await;
    }
}

impl Purpose {
    /// The next messages to send.
    async fn next(&mut self) -> Batch {
        match self {
            Self::Echo => std::future::pending().await,
            Self::Subscription(subscription) => subscription.next().await,
        }
    }
}

/// Which Close frame an error is answered with (section 7.4.1).
fn fail(error: &Error) -> Ending {
    match error {
        Error::Capacity(_) => Ending::Failed(frame(CloseCode::Size, "message is too big")),
        Error::Utf8(_) => Ending::Failed(frame(CloseCode::Invalid, NOT_UTF8)),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Ending::Gone,
        Error::Protocol(error) => Ending::Failed(frame(CloseCode::Protocol, error.to_string())),
        Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<FrameError>()) {
            Some(FrameError::NoRoom) => Ending::Failed(frame(CloseCode::Again, NO_ROOM)),
            Some(FrameError::Text) => Ending::Failed(frame(CloseCode::Invalid, NOT_UTF8)),
            Some(error) => Ending::Failed(frame(CloseCode::Protocol, error.to_string())),
            None => Ending::Gone,
        },
        _ => Ending::Gone,
    }
}

fn frame(code: CloseCode, reason: impl Into<Utf8Bytes>) -> CloseFrame {
    CloseFrame { code, reason: reason.into() }
}
