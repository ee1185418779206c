//! From the bytes of one connection to what a client hears: the answer, messages, the end.

use std::collections::VecDeque;
use std::time::Duration;

use pushspec_wire::http1::Head;
use pushspec_wire::websocket::Opcode;

use super::gone::Gone;
use crate::extension::Extension;
use crate::judge::receive::body::Body;
use crate::judge::receive::content::{Reading, head_cursor};
use crate::judge::receive::end::End;
use crate::judge::receive::head::HeadReader;
use crate::judge::receive::item::{Arrival, Item};
use crate::judge::receive::meter::Meter;
use crate::judge::receive::quota::Part;
use crate::judge::receive::side::Side;
use crate::judge::receive::sink::Sink;
use crate::judge::receive::websocket::WebSocket;
use crate::judge::verdict::invariant::Watch;
use crate::profile::cursor::Values;
use crate::profile::parts::Parts;
use crate::transcript::shown::shown;

/// How much may come without anything in it that a client hears, in bytes: what a server floods with is not kept.
const SILENCE: usize = 16 * 1024 * 1024;

/// Something heard.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The head of an answer, with its status.
    Answer(u16),
    /// The data of a message.
    Message(Vec<u8>),
    /// The end of an answer.
    End {
        /// The cursor that it gave.
        cursor: Option<Values>,
        /// Whether another request can follow on the connection.
        reusable: bool,
    },
    /// A ping, which wants its payload back.
    Ping(Vec<u8>),
    /// A Close frame.
    Close,
}

/// Reads one connection.
#[derive(Debug)]
pub(super) struct Reader {
    reading: Reading,
    phase: Phase,
    /// Whether the head of the answer in progress allows another request behind it.
    reusable: bool,
    heard: VecDeque<Heard>,
    silent: usize,
    meter: Meter,
}

#[derive(Debug)]
enum Phase {
    Head(HeadReader),
    Body(Box<Body>),
    WebSocket(Box<WebSocket>),
}

impl Reader {
    /// What comes takes its part of the memory.
    pub(super) fn new(reading: Reading, part: Part) -> Reader {
        Reader {
            reading,
            phase: Phase::Head(HeadReader::new()),
            reusable: true,
            heard: VecDeque::new(),
            silent: 0,
            meter: Meter::new(part),
        }
    }

    /// The next thing that was heard.
    pub(super) fn next(&mut self) -> Option<Heard> {
        self.heard.pop_front()
    }

    /// Whether there is nothing that was not told yet.
    pub(super) fn is_silent(&self) -> bool {
        self.heard.is_empty()
    }

    /// Whether the connection is a WebSocket by now.
    pub(super) fn is_websocket(&self) -> bool {
        matches!(self.phase, Phase::WebSocket(_))
    }

    /// Bytes came.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        self.silent += bytes.len();
        let before = self.heard.len();
        let mut next = self.step(bytes)?;
        while let Some(rest) = next {
            self.check()?;
            next = self.step(&rest)?;
        }
        self.check()?;
        if self.heard.len() > before {
            self.silent = 0;
            self.meter.forget_steps();
        }
        if self.silent > SILENCE { Err(Gone::Flooded(SILENCE)) } else { Ok(()) }
    }

    /// Whether what has come is no more than is read, and there is room for it.
    fn check(&mut self) -> Result<(), Gone> {
        let held = match &self.phase {
            Phase::Head(reader) => reader.held(),
            Phase::Body(body) => body.held(),
            Phase::WebSocket(websocket) => websocket.held(),
        };
        self.meter.layers_hold(held);
        match self.meter.shortage().or_else(|| self.meter.excess(0)) {
            Some(why) => Err(Gone::Excess(why)),
            None => Ok(()),
        }
    }

    /// The connection ended in order, which is the end of a body that has no other.
    pub(super) fn finish(&mut self) {
        if let Phase::Body(body) = &mut self.phase {
            let mut items = VecDeque::new();
            let mut watch = Watch::default();
            let mut sink = Sink::new(Duration::ZERO, &mut items, &mut watch, &mut self.meter);
            let (complete, cursor) = body.connection_ended(End::InOrder, &mut sink);
            self.hear(items);
            if complete {
                self.heard.push_back(Heard::End { cursor, reusable: false });
                self.phase = Phase::Head(HeadReader::new());
            }
        }
    }

    /// Reads bytes in the present phase; gives back those that belong to the next one.
    fn step(&mut self, bytes: &[u8]) -> Result<Option<Vec<u8>>, Gone> {
        let mut items = VecDeque::new();
        // Nothing is judged here, so what the receivers have to say of clauses is not kept.
        let mut watch = Watch::default();
        let mut sink = Sink::new(Duration::ZERO, &mut items, &mut watch, &mut self.meter);
        match &mut self.phase {
            Phase::Head(scanner) => {
                scanner.push(bytes);
                let Some(head) = scanner.next().map_err(Gone::Excess)? else { return Ok(None) };
                let rest = scanner.rest();
                self.head(&head)?;
                // A body can be complete although it has no bytes.
                let goes_on = !rest.is_empty() || matches!(self.phase, Phase::Body(_));
                Ok(goes_on.then_some(rest))
            }
            Phase::WebSocket(websocket) => {
                websocket.push(bytes, &mut sink);
                self.hear(items);
                Ok(None)
            }
            Phase::Body(body) => {
                let progress = body.push(bytes, &mut sink);
                self.hear(items);
                if let Some(why) = progress.unreadable {
                    return Err(Gone::Unreadable(why));
                }
                let Some(rest) = progress.rest else { return Ok(None) };
                self.phase = Phase::Head(HeadReader::new());
                self.heard.push_back(Heard::End { cursor: progress.cursor, reusable: self.reusable });
                Ok(Some(rest).filter(|rest| !rest.is_empty()))
            }
        }
    }

    fn head(&mut self, head: &Head) -> Result<(), Gone> {
        let Some(status) = head.status_line() else {
            return Err(Gone::Unreadable(format!("{} is not an HTTP response", shown(head.start_line()))));
        };
        let code = status.code;
        let persistent = if status.version.eq_ignore_ascii_case(b"HTTP/1.0") {
            head.lists("Connection", "keep-alive")
        } else {
            !head.lists("Connection", "close")
        };
        self.reusable = persistent;
        self.phase = Phase::Head(HeadReader::new());
        let is_interim = (100..200).contains(&code) && code != 101;
        self.meter.answered(is_interim);
        if is_interim {
            return Ok(());
        }
        self.heard.push_back(Heard::Answer(code));
        if code == 101 {
            let parts = match &self.reading {
                Reading::WebSocket(parts) => parts.clone(),
                _ => Parts::default(),
            };
            self.phase = Phase::WebSocket(Box::new(WebSocket::new(Side::Server, Extension::None, parts)));
        } else if let Some(body) = Body::after(head, b"GET", self.reading.clone()) {
            self.phase = Phase::Body(Box::new(body));
        } else {
            let cursor = head_cursor(head, &self.reading, false);
            self.heard.push_back(Heard::End { cursor, reusable: persistent });
        }
        Ok(())
    }

    fn hear(&mut self, items: VecDeque<Arrival>) {
        self.heard.extend(items.into_iter().filter_map(|arrival| match arrival.item {
            Item::Message(message) => Some(Heard::Message(message.data)),
            Item::Frame(frame) if frame.opcode == Opcode::PING => Some(Heard::Ping(frame.payload)),
            Item::Frame(frame) if frame.opcode == Opcode::CLOSE => Some(Heard::Close),
            _ => None,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Quota;
    use crate::profile::cursor::Named;
    use crate::profile::event_stream::EventStream;
    use crate::profile::poll::Answer;

    fn heard(reading: Reading, pieces: &[&[u8]]) -> Vec<Heard> {
        let mut reader = Reader::new(reading, Quota::default().part());
        for piece in pieces {
            assert!(reader.push(piece).is_ok());
        }
        std::iter::from_fn(|| reader.next()).collect()
    }

    #[test]
    fn an_event_stream_is_heard_however_it_is_cut() {
        let bytes =
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n\
            b\r\ndata: one\n\n\r\n3\r\n:x\n\r\n0\r\n\r\n";
        let expected = [
            Heard::Answer(200),
            Heard::Message(b"one".to_vec()),
            Heard::End { cursor: None, reusable: true },
        ];
        for cut in 0..bytes.len() {
            assert_eq!(
                heard(Reading::EventStream(EventStream::default()), &[&bytes[..cut], &bytes[cut..]]),
                expected,
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn an_answer_to_a_poll_ends_with_its_cursor_wherever_that_is() {
        let places =
            [("tag".to_owned(), "header:ETag".to_owned()), ("since".to_owned(), "/since".to_owned())];
        let cursor = Some(Named::Several(places.into()));
        let answer = Answer {
            cursor,
            parts: Parts { messages: Some("/news".into()), ..Parts::default() },
            ..Answer::default()
        };
        let values = |values: &[(&str, &str)]| -> Option<Values> {
            Some(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        let body = "{\"since\": 7, \"news\": [\"one\"]}";
        let full = format!("HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let both = values(&[("tag", "\"a\""), ("since", "7")]);
        for cut in 0..full.len() {
            assert_eq!(
                heard(Reading::Poll(answer.clone()), &[&full.as_bytes()[..cut], &full.as_bytes()[cut..]]),
                [
                    Heard::Answer(200),
                    Heard::Message(b"one".to_vec()),
                    Heard::End { cursor: both.clone(), reusable: true }
                ],
                "cut at {cut}"
            );
        }
        let without = b"HTTP/1.1 304 Not Modified\r\nETag: \"b\"\r\n\r\n";
        let end = Heard::End { cursor: values(&[("tag", "\"b\"")]), reusable: true };
        assert_eq!(heard(Reading::Poll(answer), &[without]), [Heard::Answer(304), end]);
    }

    #[test]
    fn an_answer_that_closes_is_not_followed_by_another_request() {
        let end = Heard::End { cursor: None, reusable: false };
        for head in
            ["HTTP/1.1 204 No\r\nConnection: close\r\n\r\n", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"]
        {
            assert_eq!(heard(Reading::Opaque, &[head.as_bytes()]).last(), Some(&end), "{head}");
        }
    }

    #[test]
    fn interim_answers_are_passed_over() {
        let bytes = b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 101 Switching\r\n\r\n\x81\x02hi\x89\x01p\x88\x00";
        let expected =
            [Heard::Answer(101), Heard::Message(b"hi".to_vec()), Heard::Ping(b"p".to_vec()), Heard::Close];
        assert_eq!(heard(Reading::Opaque, &[bytes]), expected);
    }

    #[test]
    fn a_flood_without_a_message_ends_the_reading() {
        let mut reader = Reader::new(Reading::EventStream(EventStream::default()), Quota::default().part());
        assert!(reader.push(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").is_ok());
        let piece = vec![b'x'; 1 << 20];
        assert!((0..20).any(|_| reader.push(&piece).is_err()));
    }
}
