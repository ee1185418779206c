//! The body of a response that never ends by itself: what an event stream and an iframe stream have in common.
//!
//! Each piece leaves as one chunk, and as soon as it is there: the library flushes whenever the body has nothing more
//! to give. A message is one piece unless it is long. When the client is gone the library drops the body, and with it the subscription.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    application::{Application, SHORTEST_HEARTBEAT},
    hub::{Message, Subscription},
    pieces::{Pieces, Segments},
    query::{Query, QueryError},
    response::Body,
};

/// How a technique writes its stream.
pub(crate) trait Encoding: Send + 'static {
    /// What comes before the first message.
    fn opening(&self) -> Bytes;
    /// One message, in segments: they leave together unless there are many.
    fn message(&self, message: &Arc<Message>) -> Segments;
    /// What says that the connection is alive, and nothing else.
    fn heartbeat(&self) -> Bytes;
    /// What comes last, when the server ends the stream.
    fn ending(&self) -> Bytes;
}

/// The heartbeat that the query asks for, within bounds, or the configured one.
pub(crate) fn heartbeat(application: &Application, query: &Query<'_>) -> Result<Duration, QueryError> {
    let longest = application.heartbeat();
    let asked = query.duration("heartbeat")?.unwrap_or(longest);
    Ok(asked.clamp(SHORTEST_HEARTBEAT, longest))
}

/// A body of the opening, the messages of the subscription with heartbeats between them, and the ending. With a limit it
/// ends after so many messages.
pub(crate) fn body(
    application: &Application,
    subscription: Subscription,
    heartbeat: Duration,
    limit: Option<u64>,
    encoding: impl Encoding,
) -> Body {
    let state = Streaming {
        opening: Some(encoding.opening()),
        waiting: VecDeque::new(),
        leaving: None,
        ended: false,
        subscription,
        heartbeat,
        limit,
        closing: application.closing.clone(),
        encoding,
    };
    let pieces = stream::unfold(state, |mut state| async {
        let piece = state.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(piece)), state))
    });
    StreamBody::new(pieces).boxed_unsync()
}

struct Streaming<E> {
    opening: Option<Bytes>,
    waiting: VecDeque<Arc<Message>>,
    /// What is left of the message that is being sent.
    leaving: Option<Pieces>,
    /// Nothing more is to be sent.
    ended: bool,
    subscription: Subscription,
    heartbeat: Duration,
    /// How many messages may still leave.
    limit: Option<u64>,
    closing: CancellationToken,
    encoding: E,
}

impl<E: Encoding> Streaming<E> {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(opening) = self.opening.take() {
            return Some(opening);
        }
        if let Some(piece) = self.leaving.as_mut().and_then(Iterator::next) {
            return Some(piece);
        }
        self.leaving = None;
        if self.ended || self.limit == Some(0) {
            return None;
        }
        if self.waiting.is_empty() {
            tokio::select! {
                biased;
                batch = self.subscription.next() => {
                    // A stream cannot say that something is missing. Its end makes the client come back, with the
                    // identifier of the last message that it has.
                    if batch.missed {
                        return Some(self.end());
                    }
                    self.waiting.extend(batch.messages);
                }
                () = self.closing.cancelled() => return Some(self.end()),
                () = sleep(self.heartbeat) => return Some(self.encoding.heartbeat()),
            }
        }
        let Some(message) = self.waiting.pop_front() else { return Some(self.encoding.heartbeat()) };
        self.limit = self.limit.map(|left| left.saturating_sub(1));
        self.leaving.insert(Pieces::new(self.encoding.message(&message))).next()
    }

    fn end(&mut self) -> Bytes {
        self.ended = true;
        self.encoding.ending()
    }
}
