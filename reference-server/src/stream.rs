//! The body of a response that never ends by itself: what an event stream and an iframe stream have in common.
//!
//! Each piece leaves as one chunk, and as soon as it is there: the library flushes whenever the body has nothing more
//! to give. When the client is gone the library drops the body, and with it the subscription.

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
    query::{Query, QueryError},
    response::Body,
};

/// How a technique writes its stream.
pub(crate) trait Encoding: Send + 'static {
    /// What comes before the first message.
    fn opening(&self) -> Bytes;
    /// One message.
    fn message(&self, message: &Message) -> Bytes;
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
        subscription,
        heartbeat,
        limit,
        closing: application.closing.clone(),
        encoding,
    };
    let pieces = stream::unfold(Some(state), |state| async {
        let mut state = state?;
        let piece = state.next().await;
        Some(match piece {
            Piece::Inner(bytes) => (Ok::<_, Infallible>(Frame::data(bytes)), Some(state)),
            Piece::Last(bytes) => (Ok(Frame::data(bytes)), None),
        })
    });
    StreamBody::new(pieces).boxed_unsync()
}

struct Streaming<E> {
    opening: Option<Bytes>,
    waiting: VecDeque<Arc<Message>>,
    subscription: Subscription,
    heartbeat: Duration,
    /// How many messages may still leave.
    limit: Option<u64>,
    closing: CancellationToken,
    encoding: E,
}

enum Piece {
    Inner(Bytes),
    Last(Bytes),
}

impl<E: Encoding> Streaming<E> {
    async fn next(&mut self) -> Piece {
        if let Some(opening) = self.opening.take() {
            return Piece::Inner(opening);
        }
        if self.waiting.is_empty() {
            tokio::select! {
                biased;
                batch = self.subscription.next() => {
                    // A stream cannot say that something is missing. Its end makes the client come back, with the
                    // identifier of the last message that it has.
                    if batch.missed {
                        return Piece::Last(self.encoding.ending());
                    }
                    self.waiting.extend(batch.messages);
                }
                () = self.closing.cancelled() => return Piece::Last(self.encoding.ending()),
                () = sleep(self.heartbeat) => return Piece::Inner(self.encoding.heartbeat()),
            }
        }
        match self.waiting.pop_front() {
            Some(message) => {
                self.limit = self.limit.map(|left| left.saturating_sub(1));
                let bytes = self.encoding.message(&message);
                if self.limit == Some(0) { Piece::Last(bytes) } else { Piece::Inner(bytes) }
            }
            None => Piece::Inner(self.encoding.heartbeat()),
        }
    }
}
