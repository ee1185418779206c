//! Answers in pieces: each is made when the one before has left, from messages that all answers share. So an answer that
//! nobody reads holds one piece of it, however long it is.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::{
    hub::{Batch, Message},
    response::Body,
};

/// How long a piece is at least, unless it is the last one.
const PIECE: usize = 16 << 10;

/// How much of a text is encoded at once. A byte of it can become seven.
const PART: usize = 2 << 10;

/// A text of a message.
pub(crate) type Of = fn(&Message) -> &str;

/// The segments of something that is encoded.
pub(crate) type Segments = Box<dyn Iterator<Item = String> + Send>;

/// Puts segments together to pieces.
pub(crate) struct Pieces(Segments);

impl Pieces {
    pub(crate) fn new(segments: impl Iterator<Item = String> + Send + 'static) -> Self {
        Self(Box::new(segments))
    }
}

impl Iterator for Pieces {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let mut piece = self.0.next()?;
        while piece.len() < PIECE
            && let Some(segment) = self.0.next()
        {
            piece.push_str(&segment);
        }
        Some(piece.into())
    }
}

/// The parts of a text. CR and LF are not taken apart.
pub(crate) fn parts(message: Arc<Message>, of: Of) -> impl Iterator<Item = String> + Send {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = of(&message).get(at..).filter(|rest| !rest.is_empty())?;
        let mut end = (PART..rest.len()).find(|end| rest.is_char_boundary(*end)).unwrap_or(rest.len());
        if rest[..end].ends_with('\r') && rest[end..].starts_with('\n') {
            end += 1;
        }
        at += end;
        Some(rest[..end].to_owned())
    })
}

/// The JSON form of a message: `{"id":"7","event":null,"data":"one"}`.
pub(crate) fn json(message: &Arc<Message>) -> impl Iterator<Item = String> + Send + use<> {
    let text = |before: &str, of: Of| {
        let escaped = parts(Arc::clone(message), of).map(|part| escape(&part));
        once(format!("{before}\"")).chain(escaped).chain(once("\"".to_owned()))
    };
    let id = text("{\"id\":", |message| message.id.as_str());
    let (event, null) = match &message.event {
        Some(_) => (Some(text(",\"event\":", Message::event_text)), None),
        None => (None, Some(",\"event\":null".to_owned())),
    };
    let data = text(",\"data\":", |message| &message.data);
    id.chain(event.into_iter().flatten()).chain(null).chain(data).chain(once("}".to_owned()))
}

/// The JSON form of a batch: `{"cursor":7,"messages":[…]}`.
pub(crate) fn poll(batch: Batch) -> impl Iterator<Item = String> + Send {
    let opening = format!("{{\"cursor\":{},\"messages\":[", batch.cursor);
    let messages = batch.messages.into_iter().enumerate().flat_map(|(index, message)| {
        let comma = (index > 0).then(|| ",".to_owned());
        comma.into_iter().chain(json(&message))
    });
    once(opening).chain(messages).chain(once("]}".to_owned()))
}

fn once(text: String) -> std::iter::Once<String> {
    std::iter::once(text)
}

/// A part of a JSON string. What is escaped is escaped character by character, so that parts can be put together.
fn escape(part: &str) -> String {
    // Text is something that JSON can say.
    let quoted = serde_json::to_string(part).unwrap_or_default();
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default().to_owned()
}

/// A body that is made from segments: once to measure it, and once more while it is sent.
pub(crate) fn measured<S: Iterator<Item = String> + Send + 'static>(segments: impl Fn() -> S) -> Body {
    let length = segments().map(|segment| segment.len() as u64).sum();
    body(length, Pieces::new(segments()))
}

/// A body of known length that is made while it is sent.
pub(crate) fn body(length: u64, pieces: Pieces) -> Body {
    Whole { pieces, left: length }.boxed_unsync()
}

struct Whole {
    pieces: Pieces,
    /// How many bytes are to come.
    left: u64,
}

impl HttpBody for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.pieces.next();
        self.left = self.left.saturating_sub(piece.as_ref().map_or(0, |piece| piece.len() as u64));
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::{Line, NameError};

    fn message(data: String, event: Option<&str>) -> Result<Arc<Message>, NameError> {
        let event = event.map(|event| Line::try_from(event.to_owned())).transpose()?;
        Ok(Arc::new(Message { sequence: 7, id: Line::number(7), event, comment: None, data, held: None }))
    }

    #[test]
    fn the_pieces_are_the_json_of_the_whole() -> Result<(), Box<dyn std::error::Error>> {
        for data in ["", "one", "\0\r\n\"\\é", &"é\u{0}".repeat(20_000), &"a".repeat(100_000)] {
            let message = message(data.to_owned(), Some("tick\u{1b}"))?;
            let whole = serde_json::to_string(&*message)?;
            assert_eq!(json(&message).collect::<String>(), whole);
            let batch = Batch { messages: vec![Arc::clone(&message), message], cursor: 7, missed: false };
            let pieces: Vec<Bytes> = Pieces::new(poll(batch)).collect();
            assert_eq!(
                pieces.concat(),
                format!("{{\"cursor\":7,\"messages\":[{whole},{whole}]}}").as_bytes()
            );
            assert!(pieces.iter().all(|piece| piece.len() < PIECE + 8 * PART));
        }
        Ok(())
    }

    #[test]
    fn a_carriage_return_and_its_line_feed_stay_together() -> Result<(), NameError> {
        let message = message("a".repeat(PART - 1) + "\r\nb", None)?;
        let parts: Vec<String> = parts(message, |message| &message.data).collect();
        assert_eq!(parts.len(), 2);
        assert!(parts[0].ends_with("\r\n"));
        Ok(())
    }
}
