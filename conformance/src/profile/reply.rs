//! What the profile says of the answers of a WebSocket.

use serde_json::Value;

use super::encoding::ReplyEncoding;
use super::websocket::WebSocket;

impl WebSocket {
    /// What the target answers to a message: in JSON as [`WebSocket::read`] gives it.
    pub(crate) fn answer(&self, sent: &[u8], binary: bool) -> Vec<u8> {
        match (&self.reply, std::str::from_utf8(sent)) {
            (Some(reply), Ok(sent)) if !binary && reply != "{message}" => {
                let answer = reply.replace("{message}", &self.reply_encoding.encode(sent)).into_bytes();
                self.read(&answer).unwrap_or(answer)
            }
            _ => sent.to_vec(),
        }
    }

    /// An answer in JSON, written in the one way in which two of the same value are the same bytes.
    pub(crate) fn read(&self, answer: &[u8]) -> Option<Vec<u8>> {
        if self.reply_encoding == ReplyEncoding::Raw {
            return None;
        }
        serde_json::from_slice::<Value>(answer).ok().map(|value| value.to_string().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_in_json_are_compared_as_values() {
        let reply = Some(r#"{"type": "message", "text": "{message}"}"#.to_owned());
        let websocket = WebSocket { reply, reply_encoding: ReplyEncoding::Json, ..WebSocket::default() };
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
}
