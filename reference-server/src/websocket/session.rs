//! The conversation over an established WebSocket, and its end (RFC 6455, sections 5 to 7).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{
    Error, Message, Utf8Bytes,
    error::ProtocolError,
    protocol::{
        CloseFrame,
        frame::{
            Frame,
            coding::{CloseCode, Data, OpCode},
        },
    },
};
use tracing::debug;

use super::{
    deflate::{Agreement, Deflate, Deflater, InflateError},
    frames::Frames,
    scanner::{Coding, FrameError},
};
use crate::{
    application::Application,
    hub::{Batch, Subscription},
    memory::Held,
};

/// How long the client's Close frame is waited for after ours.
const CLOSING: Duration = Duration::from_secs(1);

const NO_ROOM: &str = "no room for this message";

const TOO_BIG: &str = "message is too big";

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
    frames: Frames,
    /// What compresses and inflates messages, where that was agreed.
    deflate: Option<Deflate>,
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
    pub(super) async fn new(
        application: &Arc<Application>,
        upgraded: Upgraded,
        purpose: Purpose,
        agreement: Option<Agreement>,
    ) -> Self {
        let Application { config, memory, .. } = &**application;
        let deflate = agreement.map(|agreed| Deflate::new(agreed, config.websocket_message_size, memory));
        Self {
            application: Arc::clone(application),
            frames: Frames::new(upgraded, config, deflate.is_some(), memory.nothing()).await,
            deflate,
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
            Ending::Failed(frame) => drop(self.frames.close(frame).await),
            Ending::Closed(frame) => self.close(frame).await,
            Ending::Gone => return,
        }
        let _ = self.frames.shutdown().await;
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

    async fn receive(&mut self, received: Option<Result<(Message, Coding), Error>>) -> Result<(), Ending> {
        let (message, coding) = received.ok_or(Ending::Gone)?.map_err(|error| fail(&error))?;
        self.unanswered = false;
        self.ping = Instant::now() + self.application.heartbeat();
        let message = self.inflate(message, coding).await?;
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
            let message = self.deflate(Message::text(message.data.as_str())).await;
            self.frames.feed(message).await.map_err(|_| Ending::Gone)?;
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
        let message = self.deflate(message).await;
        self.frames.send(message).await.map_err(|_| Ending::Gone)
    }

    /// The message that the client meant (RFC 7692, section 6.2).
    async fn inflate(&mut self, message: Message, coding: Coding) -> Result<Message, Ending> {
        let (Some(deflate), Coding::Text | Coding::Binary) = (&mut self.deflate, coding) else {
            return Ok(message);
        };
        let mut held = self.application.memory.nothing();
        let inflated = deflate.inflater.inflate(&message.into_data(), &mut held).await;
        let inflated = Bytes::from(inflated.map_err(fail_to_inflate)?);
        if coding == Coding::Binary {
            return Ok(Message::Binary(inflated));
        }
        let text = Utf8Bytes::try_from(inflated);
        text.map(Message::Text).map_err(|_| Ending::Failed(frame(CloseCode::Invalid, NOT_UTF8)))
    }

    /// The message as it is sent: compressed where that was agreed (RFC 7692, section 6.1), and where there is room for
    /// it. An uncompressed message is allowed at any time.
    async fn deflate(&mut self, message: Message) -> Message {
        let opcode = match message {
            Message::Text(_) => Data::Text,
            Message::Binary(_) => Data::Binary,
            other => return other,
        };
        let Some(deflate) = &mut self.deflate else { return message };
        let Some(_held) = self.application.memory.hold(Deflater::needs(message.len())) else {
            return message;
        };
        let payload = message.clone().into_data();
        let Some(compressed) = deflate.deflater.deflate(&payload).await else { return message };
        let mut frame = Frame::message(compressed, OpCode::Data(opcode), true);
        frame.header_mut().rsv1 = true;
        Message::Frame(frame)
    }

    /// The closing handshake from our side (section 7.1.2).
    async fn close(&mut self, frame: CloseFrame) {
        let handshake = async {
            if self.frames.close(frame).await.is_ok() {
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
        Error::Capacity(_) => Ending::Failed(frame(CloseCode::Size, TOO_BIG)),
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

/// RFC 7692 names no code. Broken data is a breach of its section 7.2.1, whatever the type of the message.
fn fail_to_inflate(error: InflateError) -> Ending {
    Ending::Failed(match error {
        InflateError::Broken => frame(CloseCode::Protocol, error.to_string()),
        InflateError::TooBig => frame(CloseCode::Size, TOO_BIG),
        InflateError::NoRoom => frame(CloseCode::Again, NO_ROOM),
    })
}

fn frame(code: CloseCode, reason: impl Into<Utf8Bytes>) -> CloseFrame {
    CloseFrame { code, reason: reason.into() }
}
