//! What the suite says to a WebSocket, and what that answers, by the profile.

use serde_json::Value;

use super::encoding::ReplyEncoding;
use super::websocket::WebSocket;

/// The place of the message.
const MESSAGE: &str = "{message}";

/// What may be anything: a JSON string of this text, or this character in a text.
const ANYTHING: &str = "*";

impl WebSocket {
    /// What the suite writes for a piece of a text: the first piece has the beginning of `send` before it, the last one
    /// has its end behind it.
    pub(crate) fn written(&self, piece: &[u8], is_first: bool, is_last: bool) -> Vec<u8> {
        let Some((before, behind)) = self.around() else { return piece.to_vec() };
        let mut written = if is_first { before.as_bytes().to_vec() } else { Vec::new() };
        match self.reply_encoding {
            ReplyEncoding::Raw => written.extend(piece),
            ReplyEncoding::Json => written.extend(escaped(piece)),
        }
        if is_last {
            written.extend(behind.as_bytes());
        }
        written
    }

    /// What the suite said, as the case has it: [`WebSocket::written`] turned round.
    pub(crate) fn said(&self, written: &[u8]) -> Option<Vec<u8>> {
        let (before, behind) = self.around()?;
        let said = written.strip_prefix(before.as_bytes()).unwrap_or(written);
        let said = said.strip_suffix(behind.as_bytes()).unwrap_or(said);
        if self.reply_encoding == ReplyEncoding::Raw {
            return Some(said.to_vec());
        }
        let quoted = [b"\"", said, b"\""].concat();
        serde_json::from_slice::<String>(&quoted).ok().map(String::into_bytes)
    }

    fn around(&self) -> Option<(&str, &str)> {
        self.send.as_deref().and_then(|send| send.split_once(MESSAGE))
    }

    /// What the target answers to a message, as [`WebSocket::read`] gives it.
    pub(crate) fn answer(&self, sent: &[u8], binary: bool) -> Vec<u8> {
        match (&self.reply, std::str::from_utf8(sent)) {
            (Some(reply), Ok(sent)) if !binary && reply != MESSAGE => {
                let encoding = if self.answers_in_json() { ReplyEncoding::Json } else { ReplyEncoding::Raw };
                let answer = reply.replace(MESSAGE, &encoding.encode(sent)).into_bytes();
                self.read(&answer).unwrap_or(answer)
            }
            _ => sent.to_vec(),
        }
    }

    /// An answer, written in the one way in which two that are the same by the profile are the same bytes; nothing where
    /// there is one way only.
    pub(crate) fn read(&self, answer: &[u8]) -> Option<Vec<u8>> {
        let reply = self.reply.as_deref().filter(|reply| *reply != MESSAGE)?;
        if !self.answers_in_json() {
            return raw(reply, std::str::from_utf8(answer).ok()?);
        }
        let mut value = serde_json::from_slice::<Value>(answer).ok()?;
        let shape = reply.replace(MESSAGE, "message");
        if let Ok(shape) = serde_json::from_str::<Value>(&shape) {
            open(&mut value, &shape);
        }
        Some(value.to_string().into_bytes())
    }

    /// Whether the answer is a JSON document. Where a pointer leads to the data, that is a text.
    pub(super) fn answers_in_json(&self) -> bool {
        self.reply_encoding == ReplyEncoding::Json
            && !self.parts.wrap()
            && self.reply.as_deref() != Some(MESSAGE)
    }
}

/// Bytes of a text within a JSON string (RFC 8259 section 7). They may be cut within a character, or be none.
fn escaped(text: &[u8]) -> Vec<u8> {
    let escape = |byte: &u8| match byte {
        b'"' | b'\\' => vec![b'\\', *byte],
        0..0x20 => format!("\\u{byte:04x}").into_bytes(),
        _ => vec![*byte],
    };
    text.iter().flat_map(escape).collect()
}

/// Writes a star wherever the shape has one.
fn open(value: &mut Value, shape: &Value) {
    match (value, shape) {
        (value, Value::String(star)) if star == ANYTHING => *value = Value::from(ANYTHING),
        (Value::Object(members), Value::Object(shapes)) => {
            for (name, shape) in shapes {
                if let Some(value) = members.get_mut(name) {
                    open(value, shape);
                }
            }
        }
        (Value::Array(values), Value::Array(shapes)) => {
            values.iter_mut().zip(shapes).for_each(|(value, shape)| open(value, shape));
        }
        _ => {}
    }
}

/// An answer in plain text with a star in the place of each run that may be anything. A run is as short as it can be.
fn raw(reply: &str, answer: &str) -> Option<Vec<u8>> {
    if !reply.contains(ANYTHING) {
        return None;
    }
    let Some((before, behind)) = reply.split_once(MESSAGE) else {
        let is_whole = behind_front(reply, answer).is_some_and(str::is_empty);
        return (is_whole || reply == ANYTHING).then(|| reply.as_bytes().to_vec());
    };
    let message = before_back(behind, behind_front(before, answer)?)?;
    Some(format!("{before}{message}{behind}").into_bytes())
}

/// What stands behind a beginning with stars in it.
fn behind_front<'a>(pattern: &str, text: &'a str) -> Option<&'a str> {
    let mut pieces = pattern.split(ANYTHING);
    let mut rest = text.strip_prefix(pieces.next()?)?;
    for piece in pieces {
        rest = &rest[rest.find(piece)? + piece.len()..];
    }
    Some(rest)
}

/// What stands before an end with stars in it.
fn before_back<'a>(pattern: &str, text: &'a str) -> Option<&'a str> {
    let mut pieces = pattern.rsplit(ANYTHING);
    let mut rest = text.strip_suffix(pieces.next()?)?;
    for piece in pieces {
        rest = &rest[..rest.rfind(piece)?];
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::parts::Parts;

    fn websocket(reply: &str, reply_encoding: ReplyEncoding) -> WebSocket {
        WebSocket { reply: Some(reply.to_owned()), reply_encoding, ..WebSocket::default() }
    }

    #[test]
    fn answers_in_json_are_compared_as_values() {
        let websocket = websocket(r#"{"type": "message", "text": "{message}"}"#, ReplyEncoding::Json);
        let answer = Some(websocket.answer("κ \"\\\n\0".as_bytes(), false));
        assert_eq!(websocket.read(br#"{"text":"\u03ba \u0022\\\u000a\u0000","type":"message"}"#), answer);
        assert_eq!(
            websocket.read("{\"text\":\"κ \\\"\\\\\\n\\u0000\", \"type\":\"message\"}".as_bytes()),
            answer
        );
        assert_ne!(websocket.read(br#"{"text":"k","type":"message"}"#), answer);
        assert_eq!(websocket.read(b"{"), None);
        assert_eq!(websocket.answer(b"\xff", true), b"\xff");
    }

    #[test]
    fn a_star_in_an_answer_stands_for_what_nobody_can_know() {
        let json = websocket(r#"{"id": "*", "at": ["*", 1], "text": "{message}"}"#, ReplyEncoding::Json);
        let answer = Some(json.answer(b"*", false));
        assert_eq!(json.read(br#"{"text":"*","at":[12.5,1],"id":{"a":"b"}}"#), answer);
        assert_ne!(json.read(br#"{"text":"?","at":[12.5,1],"id":7}"#), answer);
        assert_ne!(json.read(br#"{"text":"*","at":[12.5,1]}"#), answer);
        let text = websocket("[*] * said: {message} (*)", ReplyEncoding::Raw);
        let answer = Some(text.answer(b"a said: b (c)", false));
        assert_eq!(text.read(b"[12:30] Zoe said: a said: b (c) (7)"), answer);
        assert_ne!(text.read(b"[12:30] Zoe said: a said: b (7)"), answer);
        assert_eq!(text.read(b"12:30 Zoe said: a"), None);
        assert_eq!(websocket("ok *", ReplyEncoding::Raw).read(b"ok 7"), None);
    }

    #[test]
    fn where_a_pointer_leads_to_the_data_the_answer_is_that_text() {
        let parts = Parts { data: Some("/text".into()), ..Parts::default() };
        let echo = WebSocket { parts, ..websocket("{message}", ReplyEncoding::Json) };
        assert_eq!(echo.answer(b"[1, 2]", false), b"[1, 2]");
        assert_eq!(echo.read(b"[1, 2]"), None);
    }

    #[test]
    fn what_is_said_is_written_into_the_template_in_whatever_pieces() {
        let send = Some(r#"{"type": "say", "text": "{message}"}"#.to_owned());
        let websocket = WebSocket { send, reply_encoding: ReplyEncoding::Json, ..WebSocket::default() };
        let text = "κ \"\\\n\u{1F600}".as_bytes();
        for cut in 0..=text.len() {
            let pieces =
                [websocket.written(&text[..cut], true, false), websocket.written(&text[cut..], false, true)];
            let written = pieces.concat();
            let value: Value = serde_json::from_slice(&written).expect("the template is JSON");
            assert_eq!(value["text"].as_str().map(str::as_bytes), Some(text), "cut at {cut}");
            assert_eq!(websocket.said(&written).as_deref(), Some(text));
        }
        let plain = WebSocket::default();
        assert_eq!((plain.written(text, true, true), plain.said(text)), (text.to_vec(), None));
    }
}
