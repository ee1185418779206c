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
mod tests {
    use super::*;

    /// Scans in one piece and byte by byte, which have to agree on what is wrong.
    fn scan(bytes: &[u8]) -> Option<FrameError> {
        let whole = Scanner::default().scan(&mut bytes.to_vec()).err().map(|(_, error)| error);
        let mut scanner = Scanner::default();
        let pieces = bytes.iter().find_map(|byte| scanner.scan(&mut [*byte]).err()).map(|(_, error)| error);
        assert_eq!(whole, pieces);
        whole
    }

    #[test]
    fn sound_frames_pass() {
        assert_eq!(
            scan(b"\x81\x85\0\0\0\0Hello\x89\x80mask\x01\x80mask\x80\x81\0\0\0\0x\x88\x82maskab"),
            None
        );
        assert_eq!(scan(&[&b"\x82\xfe\x00\x7emask"[..], &[0; 126], b"\x82\x80mask"].concat()), None);
        assert_eq!(scan(b"\x82\xff\0\0\0\0\0\x01\0\0mask"), None);
        // A binary message and a control frame within a text are not text.
        assert_eq!(
            scan(b"\x82\x81\0\0\0\0\xff\x01\x81\0\0\0\0\xc3\x89\x81\0\0\0\0\xff\x80\x81\0\0\0\0\xa9"),
            None
        );
    }

    #[test]
    fn text_is_unmasked_before_it_is_judged() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let text = "é\u{10ffff} and more";
        let masked: Vec<u8> = text.bytes().zip(key.iter().cycle()).map(|(a, b)| a ^ b).collect();
        let length = 0x80 | u8::try_from(text.len()).expect("short");
        assert_eq!(scan(&[&[0x81, length][..], &key, &masked].concat()), None);
    }

    #[test]
    fn each_fault_is_found_as_soon_as_its_byte_is_there() {
        for (bytes, error) in [
            (&b"\xc1"[..], FrameError::Reserved),
            (b"\xa1", FrameError::Reserved),
            (b"\x91", FrameError::Reserved),
            (b"\x83", FrameError::Opcode),
            (b"\x8b", FrameError::Opcode),
            (b"\x8f", FrameError::Opcode),
            (b"\x09", FrameError::FragmentedControl),
            (b"\x80", FrameError::Continuation),
            (b"\x00", FrameError::Continuation),
            (b"\x01\x80\0\0\0\0\x81", FrameError::Interruption),
            (b"\x02\x80\0\0\0\0\x02", FrameError::Interruption),
            (b"\x81\x05", FrameError::Unmasked),
            (b"\x89\xfe", FrameError::LongControl),
            (b"\x88\xff", FrameError::LongControl),
            (b"\x81\xfe\x00\x7d", FrameError::Length),
            (b"\x81\xff\0\0\0\0\0\0\xff\xff", FrameError::Length),
            (b"\x81\xff\x80\0\0\0\0\x01\0\0", FrameError::LengthOf64Bits),
            (b"\x81\x85\0\0\0\0a\xff", FrameError::Text),
            (b"\x81\x85\0\0\0\0\xed\xa0", FrameError::Text),
            (b"\x81\x81\0\0\0\0\xc3", FrameError::Text),
            (b"\x01\x81\0\0\0\0\xc3\x80\x80\0\0\0\0", FrameError::Text),
        ] {
            assert_eq!(scan(bytes), Some(error), "{bytes:x?}");
            assert_eq!(scan(&bytes[..bytes.len() - 1]), None, "{bytes:x?}");
            assert_eq!(scan(&[b"\x81\x82\0\0\0\0ab", bytes].concat()), Some(error), "{bytes:x?}");
        }
    }

    #[test]
    fn compressed_messages_go_on_as_binary_ones_and_are_noted() {
        let sent = b"\xc1\x81\0\0\0\0\xff\x42\x80mask\x89\x80mask\x80\x80mask\x81\x80mask\x01\x80mask\x80\x80mask\xc2\x80mask";
        let passed = b"\x82\x81\0\0\0\0\xff\x02\x80mask\x89\x80mask\x80\x80mask\x81\x80mask\x01\x80mask\x80\x80mask\x82\x80mask";
        let (mut whole, mut pieces) = (sent.to_vec(), sent.to_vec());
        let (mut scanner, mut other) = (Scanner::new(true), Scanner::new(true));
        assert_eq!(scanner.scan(&mut whole), Ok(()));
        pieces.chunks_mut(1).for_each(|byte| assert_eq!(other.scan(byte), Ok(())));
        assert_eq!((whole, pieces), (passed.to_vec(), passed.to_vec()));
        for coding in [Coding::Text, Coding::Binary, Coding::Plain, Coding::Plain, Coding::Binary] {
            assert_eq!((scanner.next_coding(), other.next_coding()), (coding, coding));
        }
    }

    #[test]
    fn rsv1_stands_only_where_a_compressed_message_begins() {
        for (bytes, error) in [
            (&b"\xc0"[..], FrameError::Reserved),
            (b"\xc8", FrameError::Reserved),
            (b"\xc9", FrameError::Reserved),
            (b"\xca", FrameError::Reserved),
            (b"\xc3", FrameError::Reserved),
            (b"\xe1", FrameError::Reserved),
            (b"\xd2", FrameError::Reserved),
            (b"\x41\x80mask\xc0", FrameError::Reserved),
            (b"\x41\x80mask\x40", FrameError::Reserved),
            (b"\x01\x80mask\x40", FrameError::Reserved),
            (b"\x41\x80mask\xc1", FrameError::Interruption),
            (b"\x41\x80mask\x81", FrameError::Interruption),
            (b"\xc1\x05", FrameError::Unmasked),
            (b"\xc1\x80mask\x81\x81\0\0\0\0\xff", FrameError::Text),
        ] {
            let found = Scanner::new(true).scan(&mut bytes.to_vec()).map_err(|(_, error)| error);
            assert_eq!(found, Err(error), "{bytes:x?}");
            assert_eq!(Scanner::new(true).scan(&mut bytes[..bytes.len() - 1].to_vec()), Ok(()), "{bytes:x?}");
        }
    }

    #[test]
    fn what_stands_before_the_bad_frame_is_counted() {
        let unmasked = b"\x82\x82maskab\x81\x05";
        assert_eq!(Scanner::default().scan(&mut unmasked.to_vec()), Err((8, FrameError::Unmasked)));
        let mut scanner = Scanner::default();
        assert_eq!(scanner.scan(&mut unmasked[..9].to_vec()), Ok(()));
        assert_eq!(scanner.scan(&mut [0x05]), Err((0, FrameError::Unmasked)));
    }

    #[test]
    fn the_code_1014_becomes_1000_and_nothing_else_changes() {
        let close = |code: u16| {
            let [high, low] = code.to_be_bytes();
            let key = [0x37, 0xfa, 0x21, 0x3d];
            let payload = [high, low, 0x03, 0xf6].into_iter().zip(key).map(|(byte, key)| byte ^ key);
            let frames = [&b"\x82\x82\0\0\0\0\x03\xf6\x88\x84"[..], &key].concat();
            frames.into_iter().chain(payload).collect::<Vec<u8>>()
        };
        for (code, passed) in [(1014, 1000), (1013, 1013), (1015, 1015), (1000, 1000), (0x04f6, 0x04f6)] {
            let mut whole = close(code);
            assert_eq!(Scanner::default().scan(&mut whole), Ok(()));
            assert_eq!(whole, close(passed), "{code}");
            let mut scanner = Scanner::default();
            let mut bytes = close(code);
            bytes.chunks_mut(1).for_each(|byte| assert_eq!(scanner.scan(byte), Ok(())));
            assert_eq!(bytes, close(passed), "{code} byte by byte");
        }
        // A frame without a code, or with half of one.
        assert_eq!(scan(b"\x88\x80mask\x88\x81\0\0\0\0\x03"), None);
    }

    #[test]
    fn each_byte_makes_so_much_work_however_many_there_are() {
        let work = |beginning: &[u8], unit: &[u8], count: usize| {
            let mut scanner = Scanner::default();
            for byte in [beginning, &unit.repeat(count / unit.len())].concat() {
                assert_eq!(scanner.scan(&mut [byte]), Ok(()), "{beginning:x?} {unit:x?}");
            }
            scanner.work
        };
        let endless: &[u8] = b"\x81\xff\0\0\0\0\x7f\xff\xff\xff\0\0\0\0";
        let binary = [b"\x82", &endless[1..]].concat();
        for (beginning, unit) in [
            (endless, &b"a"[..]),
            (endless, "é".as_bytes()),
            (endless, "\u{10ffff}".as_bytes()),
            (&binary, b"\xff"),
            (b"", b"\x81\x80\0\0\0\0"),
            (b"", b"\x81\x81\0\0\0\0a"),
            (b"", b"\x89\x80\0\0\0\0"),
            (b"", b"\x88\x82\0\0\0\0\x03\xe8"),
            (b"\x01\x80\0\0\0\0", b"\0\x81\0\0\0\0a"),
            (b"\x02\x80\0\0\0\0", b"\0\x80\0\0\0\0"),
        ] {
            let (once, twice) = (work(beginning, unit, 20_000), work(beginning, unit, 40_000));
            assert!(once <= 8 * (20_000 + beginning.len() as u64), "{unit:x?}: {once}");
            assert!(twice <= 2 * once + 8, "{unit:x?}: {once}, then {twice}");
        }
    }
}
