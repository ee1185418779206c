//! What a server has to find in the frames of a client, byte by byte and without holding any of them.
//!
//! Two things are changed on the way:
//!
//! - The library's list of close codes ends with 1013 and calls 1014 an error, while the registry of section 11.7 has it.
//!   Such a frame goes on with 1000, so that the close is answered as one in order.
//! - The library knows no extension. A compressed message (RFC 7692, section 6) goes on as a binary one without RSV1, and
//!   what it is stands in a list ([`Scanner::next_coding`]).

use std::collections::VecDeque;

use thiserror::Error;

use super::text::Text;

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum FrameError {
    /// Section 5.2: without an extension the bits RSV1 to RSV3 are zero. With permessage-deflate RSV1 can be set on the
    /// first frame of a data message (RFC 7692, section 6.1).
    #[error("reserved bit set")]
    Reserved,
    /// Section 5.2: 0x3 to 0x7 and 0xB to 0xF.
    #[error("unknown opcode")]
    Opcode,
    /// Section 5.5.
    #[error("fragmented control frame")]
    FragmentedControl,
    /// Section 5.4.
    #[error("continuation frame without a message")]
    Continuation,
    /// Section 5.4.
    #[error("new message before the end of the one before")]
    Interruption,
    /// Section 5.1.
    #[error("frame is not masked")]
    Unmasked,
    /// Section 5.5.
    #[error("control frame of more than 125 bytes")]
    LongControl,
    /// Section 5.2.
    #[error("length is not in its shortest form")]
    Length,
    /// Section 5.2.
    #[error("length has its highest bit set")]
    LengthOf64Bits,
    /// Section 8.1.
    #[error("text is not UTF-8")]
    Text,
    /// No breach: there is no room for what comes.
    #[error("the server holds as much for its clients as it may")]
    NoRoom,
}

/// Bad gateway, by the registry of section 11.7.
const BAD_GATEWAY: u16 = 1014;

/// What changes the second byte of 1014 to that of 1000, masked or not.
const TO_NORMAL: u8 = 0xf6 ^ 0xe8;

/// RSV1, the "Per-Message Compressed" bit (RFC 7692, section 6).
const COMPRESSED: u8 = 0x40;

/// How a data message was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Coding {
    /// As it is.
    #[default]
    Plain,
    /// A compressed text message.
    Text,
    /// A compressed binary message.
    Binary,
}

/// Where in the stream of frames the next byte stands.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    /// The data messages that have begun and that nobody asked for, where permessage-deflate was agreed.
    codings: Option<VecDeque<Coding>>,
    /// The bytes of a header that is not complete.
    header: Vec<u8>,
    /// The frame whose payload comes, when its header is complete.
    frame: Option<Frame>,
    /// The message whose next fragment is to come.
    message: Option<Message>,
    /// How many bytes of the message that is not complete have come.
    unfinished: usize,
    /// How many bytes were looked at or copied so far, each as often as that happened.
    work: u64,
}

#[derive(Debug)]
struct Frame {
    last: bool,
    control: bool,
    /// Of a close frame: what has come of its code, or all of it.
    code: Option<Vec<u8>>,
    masking_key: [u8; 4],
    /// How many bytes of the payload are to come.
    left: u64,
}

#[derive(Debug)]
enum Message {
    Text(Text),
    Binary,
}

impl Scanner {
    /// A scanner that knows compressed messages if permessage-deflate was agreed.
    pub(super) fn new(deflate: bool) -> Self {
        Self { codings: deflate.then(VecDeque::new), ..Self::default() }
    }

    /// How the next data message was sent, for each of them in order.
    pub(super) fn next_coding(&mut self) -> Coding {
        self.codings.as_mut().and_then(VecDeque::pop_front).unwrap_or_default()
    }

    /// How many bytes of the message that is not complete have come.
    pub(super) fn unfinished(&self) -> usize {
        self.unfinished
    }

    /// Looks at the next bytes. An error comes with the number of bytes before the frame that has it.
    pub(super) fn scan(&mut self, bytes: &mut [u8]) -> Result<(), (usize, FrameError)> {
        let mut place = 0;
        // Where the current frame begins, or the beginning of the bytes when it began before them.
        let mut start = 0;
        while let Some(rest) = bytes.get_mut(place..).filter(|rest| !rest.is_empty()) {
            let (length, within) = if let Some(frame) = &self.frame {
                let length = usize::try_from(frame.left).map_or(rest.len(), |left| left.min(rest.len()));
                (length, self.payload(&mut rest[..length]))
            } else {
                (1, self.header(&mut rest[0]))
            };
            place += length;
            if !within.map_err(|error| (start, error))? {
                start = place;
            }
        }
        Ok(())
    }

    /// Takes a byte of a header. Tells whether more of the frame is to come.
    fn header(&mut self, byte: &mut u8) -> Result<bool, FrameError> {
        if self.header.is_empty() {
            check_first(*byte, self.codings.is_some())?;
            self.check_order(*byte)?;
            self.note_coding(byte);
        }
        self.header.push(*byte);
        self.work += self.header.len() as u64;
        let Some((left, masking_key)) = check_rest(&self.header)? else { return Ok(true) };
        let first = self.header[0];
        self.header.clear();
        match first & 0x0f {
            0x1 => self.message = Some(Message::Text(Text::default())),
            0x2 => self.message = Some(Message::Binary),
            _ => {}
        }
        let code = (first & 0x0f == 0x8).then(Vec::new);
        self.frame =
            Some(Frame { last: first & 0x80 != 0, control: first & 0x08 != 0, code, masking_key, left });
        if left > 0 { Ok(true) } else { self.payload(&mut []) }
    }

    /// Takes bytes of a payload. Tells whether more of the frame is to come.
    fn payload(&mut self, bytes: &mut [u8]) -> Result<bool, FrameError> {
        let Some(frame) = &mut self.frame else { return Ok(false) };
        self.work += bytes.len() as u64;
        if let Some(code) = &mut frame.code {
            mend_code(code, bytes, frame.masking_key);
        }
        if let (Some(Message::Text(text)), false) = (&mut self.message, frame.control) {
            let unmasked: Vec<u8> =
                bytes.iter().zip(frame.masking_key.iter().cycle()).map(|(a, b)| a ^ b).collect();
            // Unmasked, validated, and what is pending of a character is kept.
            self.work += 2 * unmasked.len() as u64 + text.pending() as u64;
            text.take(&unmasked).map_err(|_| FrameError::Text)?;
        }
        if !frame.control {
            self.unfinished += bytes.len();
        }
        frame.left -= bytes.len() as u64;
        frame.masking_key.rotate_left(bytes.len() % 4);
        if frame.left > 0 {
            return Ok(true);
        }
        if frame.last && !frame.control {
            self.unfinished = 0;
            let complete = !matches!(self.message.take(), Some(Message::Text(text)) if !text.is_complete());
            if !complete {
                return Err(FrameError::Text);
            }
        }
        self.frame = None;
        Ok(false)
    }

    /// Notes how a data message is sent that begins here. A compressed one becomes a binary one.
    fn note_coding(&mut self, first: &mut u8) {
        let Some(codings) = &mut self.codings else { return };
        match (*first & COMPRESSED != 0, *first & 0x0f) {
            (true, 0x1) => codings.push_back(Coding::Text),
            (true, _) => codings.push_back(Coding::Binary),
            (false, 0x1 | 0x2) => codings.push_back(Coding::Plain),
            (false, _) => return,
        }
        if *first & COMPRESSED != 0 {
            *first = *first & 0x80 | 0x2;
        }
    }

    /// Fragments of one message follow each other, with nothing but control frames between them (section 5.4).
    fn check_order(&self, first: u8) -> Result<(), FrameError> {
        match (first & 0x0f, &self.message) {
            (0x0, None) => Err(FrameError::Continuation),
            (0x1 | 0x2, Some(_)) => Err(FrameError::Interruption),
            _ => Ok(()),
        }
    }
}

/// Looks for the code in the next bytes of a close frame, and changes the one that the library does not know.
fn mend_code(code: &mut Vec<u8>, bytes: &mut [u8], masking_key: [u8; 4]) {
    let missing = 2 - code.len();
    for (byte, key) in bytes.iter_mut().zip(masking_key).take(missing) {
        code.push(*byte ^ key);
        if *code == BAD_GATEWAY.to_be_bytes() {
            *byte ^= TO_NORMAL;
        }
    }
}

/// FIN, RSV1 to RSV3 and the opcode.
fn check_first(first: u8, deflate: bool) -> Result<(), FrameError> {
    let compressed = deflate && matches!(first & 0x7f, 0x41 | 0x42);
    if first & 0x70 != 0 && !compressed {
        return Err(FrameError::Reserved);
    }
    if !matches!(first & 0x0f, 0x0..=0x2 | 0x8..=0xa) {
        return Err(FrameError::Opcode);
    }
    if first & 0x88 == 0x08 {
        return Err(FrameError::FragmentedControl);
    }
    Ok(())
}

/// MASK and the length. The length of the payload and the masking key are known when the header is complete.
fn check_rest(header: &[u8]) -> Result<Option<(u64, [u8; 4])>, FrameError> {
    let [first, second, rest @ ..] = header else { return Ok(None) };
    let short = second & 0x7f;
    if second & 0x80 == 0 {
        return Err(FrameError::Unmasked);
    }
    if first & 0x08 != 0 && short > 125 {
        return Err(FrameError::LongControl);
    }
    let extended = match short {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let Some((extended, key)) = rest.split_at_checked(extended) else { return Ok(None) };
    let length = extended.iter().fold(0, |length, &byte| length << 8 | u64::from(byte));
    let length = match short {
        126 if length >= 126 => length,
        127 if length >> 63 == 1 => return Err(FrameError::LengthOf64Bits),
        127 if length >= 0x1_0000 => length,
        126 | 127 => return Err(FrameError::Length),
        _ => u64::from(short),
    };
    Ok(key.try_into().ok().map(|key| (length, key)))
}

#[cfg(test)]
mod tests;
