//! Event streams: `GET /sse/{channel}[?heartbeat={duration}][&lastEventId={id}][&limit={number}][&redirect={status}]
//! [&checkpoints=true]`
//! (WHATWG HTML, section 9.2).
//!
//! The fields of the response leave at once, together with a comment and the reconnection time, so that the client
//! knows that it is connected. Each message is one event with its id; lines end with LF. Comments keep an idle stream
//! alive. When the server shuts down the stream ends after a complete event.
//!
//! A client that names its last event, in `Last-Event-ID` or, for clients that cannot set the field, in the query,
//! gets everything after it. Without an id, or with an empty one, it gets what is published from now on. An id that
//! is not retained counts as older than everything that is.
//!
//! A stream with a limit ends after so many events. One that would have none is over before it begins: 204 tells the
//! client not to reconnect. A stream that is asked to redirect has moved to the path without that parameter.
//!
//! With checkpoints the identifier of a message does not stand in its event, but in a block of its own behind it: where
//! it came, the event was whole.
//!
//! # What an event stream cannot carry
//!
//! A line of an event stream ends with LF, CR or CRLF, and the client joins the lines of the data with LF. So CR and
//! CRLF in the data of a message arrive as LF. Everything else arrives as it was published. The data cannot break out
//! of its event, because all three ends of a line are treated as such here too. An id with NUL would be ignored by
//! the client, and an id or a type with a line end would break out, so the hub does not take them.

use std::sync::Arc;

use bytes::Bytes;
use hyper::{
    HeaderMap, Method, Request, StatusCode,
    header::{CACHE_CONTROL, HeaderName, HeaderValue, LOCATION},
};
use thiserror::Error;

use crate::{
    application::Application,
    hub::{ChannelName, Message, Start},
    pieces::{Of, Segments, parts},
    query::{Query, is_named},
    response::{self, Answer, NOT_STORED, Refusal, STREAMED, empty},
    stream::{self, Encoding},
};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Why an event stream is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
enum EventStreamError {
    /// WHATWG HTML, section 9.2.4.
    #[error("the Last-Event-ID field is not UTF-8")]
    NotUtf8,
    #[error("the Last-Event-ID field is given more than once")]
    Repeated,
    #[error("the parameter redirect is not one of 301, 302, 303, 307 and 308")]
    Redirect,
}

impl From<EventStreamError> for Refusal {
    fn from(error: EventStreamError) -> Self {
        Self::bad_request(&error)
    }
}

pub(crate) fn answer<B>(
    application: &Application,
    name: &ChannelName,
    request: &Request<B>,
) -> Result<Answer, Refusal> {
    let query = Query::parse(request.uri().query())?;
    if let Some(status) = redirect(&query)? {
        return Ok(moved(name, request.uri().query().unwrap_or_default(), status));
    }
    let limit = query.cursor("limit")?;
    if limit == Some(0) {
        let mut answer = Answer::new(empty());
        *answer.status_mut() = StatusCode::NO_CONTENT;
        return Ok(answer);
    }
    let heartbeat = stream::heartbeat(application, &query)?;
    let start = start(request.headers(), &query)?;
    let body = if request.method() == Method::HEAD {
        empty()
    } else {
        let subscription = application.hub.subscribe(name, &start)?;
        let checkpoints = query.text("checkpoints")? == Some("true");
        let encoding = EventStream { retry: application.config.retry.as_millis(), checkpoints };
        stream::body(application, subscription, heartbeat, limit, encoding)
    };
    let mut answer = response::answer(StatusCode::OK, "text/event-stream", body);
    answer.headers_mut().insert(CACHE_CONTROL, STREAMED);
    Ok(answer)
}

/// The status with which the client is to be sent elsewhere, if it asks for that.
fn redirect(query: &Query<'_>) -> Result<Option<StatusCode>, Refusal> {
    let Some(text) = query.text("redirect")? else { return Ok(None) };
    let known = [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::FOUND,
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ];
    let status = known.into_iter().find(|status| status.as_str() == text);
    status.map(Some).ok_or_else(|| EventStreamError::Redirect.into())
}

/// Sends the client to the same stream without the parameter that brought it here.
fn moved(name: &ChannelName, query: &str, status: StatusCode) -> Answer {
    // By the name that it stands for: the way back here is not to be hidden in it.
    let kept: Vec<&str> = query.split('&').filter(|pair| !is_named(pair, "redirect")).collect();
    let target = format!("/sse/{name}?{}", kept.join("&"));
    let target = HeaderValue::try_from(target.trim_end_matches('?'));
    let mut answer = Answer::new(empty());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CACHE_CONTROL, NOT_STORED);
    answer.headers_mut().extend(target.ok().map(|target| (LOCATION, target)));
    answer
}

/// The field wins over the query: a page writes the query once, the browser updates the field with each reconnection.
fn start(fields: &HeaderMap, query: &Query<'_>) -> Result<Start, Refusal> {
    let mut values = fields.get_all(LAST_EVENT_ID).iter();
    let id = match (values.next(), values.next()) {
        (None, _) => query.text("lastEventId")?.map(str::to_owned),
        (Some(value), None) => {
            Some(str::from_utf8(value.as_bytes()).map_err(|_| EventStreamError::NotUtf8)?.to_owned())
        }
        (Some(_), Some(_)) => return Err(EventStreamError::Repeated.into()),
    };
    Ok(id.filter(|id| !id.is_empty()).map_or(Start::Now, Start::AfterId))
}

struct EventStream {
    /// The reconnection time in milliseconds.
    retry: u128,
    /// Whether identifiers have blocks of their own.
    checkpoints: bool,
}

impl Encoding for EventStream {
    fn opening(&self) -> Bytes {
        // The empty line ends a block without data, which dispatches nothing.
        Bytes::from(format!(": connected\nretry: {}\n\n", self.retry))
    }

    fn message(&self, message: &Arc<Message>) -> Segments {
        let field =
            |name, of: Of, is_there: bool| is_there.then(|| field(name, message, of)).into_iter().flatten();
        let id = |is_there| field("id", |message| message.id.as_str(), is_there);
        let comment = field("", Message::comment_text, message.comment.is_some());
        let event = field("event", Message::event_text, message.event.is_some());
        let data = field("data", |message| &message.data, true);
        let blank = || std::iter::once("\n".to_owned());
        let whole = comment.chain(id(!self.checkpoints)).chain(event).chain(data).chain(blank());
        let checkpoint = self.checkpoints.then(|| id(true).chain(blank()));
        Box::new(whole.chain(checkpoint.into_iter().flatten()))
    }

    fn heartbeat(&self) -> Bytes {
        Bytes::from_static(b":\n")
    }

    fn ending(&self) -> Bytes {
        // Every piece ends with its line, and every event with its empty line, so nothing is left to end.
        Bytes::from_static(b": the server ends the stream\n")
    }
}

/// A field for each line of a text: one more than it has line ends. Empty data is one empty line, which dispatches an
/// event with empty data, where no line at all would dispatch nothing (section 9.2.6). Always with a space after the colon:
/// the client removes one, so that a value that begins with a space keeps it. A field without a name is a comment.
fn field(name: &'static str, message: &Arc<Message>, of: Of) -> impl Iterator<Item = String> + Send + use<> {
    let next = format!("\n{name}: ");
    let lines = parts(Arc::clone(message), of)
        .map(move |part| part.replace("\r\n", "\n").replace('\r', "\n").replace('\n', &next));
    std::iter::once(format!("{name}: ")).chain(lines).chain(std::iter::once("\n".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::Line;

    fn event(data: &str, kind: Option<&str>) -> String {
        let line = |text: &str| Line::try_from(text.to_owned()).expect("no line ends");
        let message = Message {
            sequence: 7,
            id: Line::number(7),
            event: kind.map(line),
            comment: None,
            data: data.to_owned(),
            held: None,
        };
        EventStream { retry: 3000, checkpoints: false }.message(&Arc::new(message)).collect()
    }

    #[test]
    fn a_message_is_one_event() {
        assert_eq!(event("one", None), "id: 7\ndata: one\n\n");
        assert_eq!(event(" one", Some("tick")), "id: 7\nevent: tick\ndata:  one\n\n");
    }

    #[test]
    fn every_line_end_of_the_data_begins_a_data_line() {
        assert_eq!(event("a\nb\rc\r\nd", None), "id: 7\ndata: a\ndata: b\ndata: c\ndata: d\n\n");
        assert_eq!(event("", None), "id: 7\ndata: \n\n");
        assert_eq!(event("\n", None), "id: 7\ndata: \ndata: \n\n");
        assert_eq!(event("\r\r\n\n", None), "id: 7\ndata: \ndata: \ndata: \ndata: \n\n");
        assert_eq!(event("a\n\nid: 8\n\n", None), "id: 7\ndata: a\ndata: \ndata: id: 8\ndata: \ndata: \n\n");
    }

    #[test]
    fn other_characters_stay_as_they_are() {
        assert_eq!(event("\0\u{2028}\u{85}\u{feff}", None), "id: 7\ndata: \0\u{2028}\u{85}\u{feff}\n\n");
    }
}
