//! Faults of masking and base framing (RFC 6455 sections 5.1 to 5.3).

use pushspec_wire::websocket::{Frame, FrameScanner, LengthForm, Opcode, apply_mask};

use super::fault;
use crate::frames::{Conversation, Read, encoded, frames_in, is_text, with_payload};
use crate::{Edit, Fault};

/// The masking key of the example in section 5.7.
const EXAMPLE_KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Keys that cases choose.
const CHOSEN_KEYS: [[u8; 4]; 3] = [[0xff; 4], [1, 2, 3, 4], [0x80, 0x80, 0x80, 0]];

/// More than the cases of a whole run send in one message.
const HUGE: usize = 2 << 20;

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "last-bytes-stay-masked",
        "Unmasks words of four bytes and leaves out the last one.",
        &[Edit::ClientFrame(|_conversation, mut frame| {
            // Under these keys only, as above.
            let chosen = frame.mask.filter(|key| is_text(&frame) && CHOSEN_KEYS.contains(key));
            if let (Some(key), Some(last)) = (chosen, frame.payload.chunks_mut(4).last()) {
                apply_mask(last, key, 0);
            }
            vec![frame]
        })],
    ),
    fault(
        "masked-bytes-are-read-as-frames",
        "Looks for frames in what is still masked.",
        &[Edit::ClientFrame(|_conversation, frame| {
            let resembles = frame.payload.starts_with(&[0x89, 0]);
            vec![if resembles { Frame::new(Opcode::PING, b"") } else { frame }]
        })],
    ),
    fault(
        "mask-begins-at-its-second-byte",
        "Takes the bytes of the masking key in the wrong order.",
        &[Edit::ClientFrame(|_conversation, mut frame| {
            // Where the case has chosen the key: the others would all be caught too, and show nothing more.
            if frame.mask == Some(EXAMPLE_KEY) {
                frame.mask = Some([0xfa, 0x21, 0x3d, 0x37]);
            }
            vec![frame]
        })],
    ),
    fault(
        "key-of-zeros-is-no-key",
        "Takes a masking key of zeros for the lack of one.",
        &[Edit::ClientFrame(|_conversation, mut frame| {
            frame.mask = frame.mask.filter(|key| *key != [0; 4]);
            vec![frame]
        })],
    ),
    fault(
        "first-key-is-kept",
        "Unmasks all frames of a connection with the key of the first.",
        &[Edit::ClientFrame(|conversation, mut frame| {
            let first = conversation.client.first().and_then(|first| first.mask);
            if first == Some(EXAMPLE_KEY) {
                frame.mask = first;
            }
            vec![frame]
        })],
    ),
    fault(
        "unmasked-frames-are-read",
        "Reads frames that are not masked.",
        &[Edit::ClientFrame(|_conversation, frame| {
            let masked = frame.mask.is_some();
            vec![if masked { frame } else { frame.masked(EXAMPLE_KEY) }]
        })],
    ),
    fault(
        "length-in-the-order-of-the-machine",
        "Reads a length of 16 bits with its bytes in the wrong order.",
        &[Edit::ClientFrame(|_conversation, mut frame| {
            if frame.length_form == LengthForm::Extended16 && !frame.opcode.is_control() {
                let length = u16::try_from(frame.length).unwrap_or_default();
                frame.length = length.swap_bytes().into();
            }
            vec![frame]
        })],
    ),
    fault(
        "length-with-a-sign",
        "Takes a length of 32768 or more in 16 bits for a negative one.",
        &[Edit::ClientFrame(|_conversation, mut frame| {
            if frame.length_form == LengthForm::Extended16 && frame.length >= 0x8000 {
                frame.rsv = 0b100;
            }
            vec![frame]
        })],
    ),
    fault(
        "length-of-64-bits-is-refused",
        "Refuses every frame with a length in 64 bits as malformed.",
        &[Edit::ClientFrame(|_conversation, mut frame| {
            if frame.length_form == LengthForm::Extended64 {
                frame.length |= 1 << 63;
            }
            vec![frame]
        })],
    ),
    fault(
        "long-form-is-passed-over",
        "Passes over a frame whose length takes more bytes than it needs.",
        &[Edit::ClientFrame(|_conversation, frame| {
            let needless = match frame.length_form {
                LengthForm::Short => false,
                LengthForm::Extended16 => frame.length < 126,
                LengthForm::Extended64 => frame.length <= 0xffff,
            };
            if needless { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "huge-frame-is-waited-for",
        "Waits for the bytes of a frame that is longer than any can be.",
        &[Edit::Read(|read, bytes| {
            let pending = read.frames.and_then(FrameScanner::pending);
            if pending.is_some_and(|header| header.length >= 1 << 60) {
                bytes.clear();
            }
        })],
    ),
    fault(
        "huge-frame-stops-the-others",
        "Handles no message while it makes room for a frame of 2^60 bytes.",
        &[Edit::ClientFrame(|_conversation, frame| {
            // What comes beside the huge frame: the relay does not know which connections belong together.
            if is_text(&frame) && *frame.unmasked_payload() == *b"beside it" {
                Vec::new()
            } else {
                vec![frame]
            }
        })],
    ),
    fault(
        "empty-message-is-swallowed",
        "Sends no message that is empty.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let empty = !frame.opcode.is_control() && frame.fin && frame.payload.is_empty();
            if empty { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "echo-cut-at-124",
        "Cuts a message of 125 bytes by one.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let cut = !frame.opcode.is_control() && frame.payload.len() == 125;
            let payload = frame.payload.get(..124).unwrap_or_default().to_vec();
            vec![if cut { with_payload(frame, &payload) } else { frame }]
        })],
    ),
    fault(
        "short-text-loses-its-last-byte",
        "Cuts a text of fewer than 125 bytes by one.",
        &[Edit::ServerFrame(|_conversation, frame| {
            // Where it is of one byte over and over, which shows the length and nothing else.
            let cut = is_text(&frame)
                && frame.payload.len() < 125
                && frame.payload.iter().all(|byte| *byte == b'*');
            let payload = frame.payload.split_last().map(|(_, rest)| rest.to_vec()).filter(|_| cut);
            vec![payload.map(|payload| with_payload(frame.clone(), &payload)).unwrap_or(frame)]
        })],
    ),
    fault(
        "large-message-is-cut",
        "Sends back all but the last byte of a large message.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let large = !frame.opcode.is_control() && (65_000..=HUGE).contains(&frame.payload.len());
            let payload = frame.payload.split_last().map(|(_, rest)| rest).filter(|_| large);
            vec![payload.map(|payload| with_payload(frame.clone(), payload)).unwrap_or(frame)]
        })],
    ),
    fault(
        "huge-message-is-an-error",
        "Gives up, with 1011, over a message of some megabytes.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let huge = !frame.opcode.is_control() && frame.payload.len() > HUGE;
            vec![if huge { Frame::new(Opcode::CLOSE, &1011_u16.to_be_bytes()) } else { frame }]
        })],
    ),
    fault(
        "binary-becomes-text",
        "Sends a binary message as a text.",
        &[Edit::ServerFrame(|_conversation, mut frame| {
            if frame.opcode == Opcode::BINARY {
                frame.opcode = Opcode::TEXT;
                let text = String::from_utf8_lossy(&frame.payload).into_owned();
                frame = with_payload(frame, text.as_bytes());
            }
            vec![frame]
        })],
    ),
    fault(
        "one-read-is-one-frame",
        "Takes what one read brings for one frame.",
        &[Edit::Read(one_read_is_one_frame)],
    ),
    fault(
        "header-in-parts-is-forgotten",
        "Forgets what it has of a header where the rest of it comes with another read.",
        &[Edit::Read(|read, bytes| {
            if read.frames.is_some_and(|frames| frames.pending().is_none() && frames.buffered() > 1) {
                bytes.clear();
            }
        })],
    ),
    fault(
        "rest-of-a-read-is-dropped",
        "Handles the first frame of a read and forgets the others.",
        &[Edit::Read(|read, bytes| {
            if let Some(frames) = read.frames.and_then(|_| frames_in(bytes)) {
                let first = frames.first().map(Frame::unmasked_payload);
                let same = |frame: &Frame| {
                    frame.fin && frame.opcode == Opcode::TEXT && Some(frame.unmasked_payload()) == first
                };
                if frames.len() > 1 && frames.iter().all(same) {
                    *bytes = encoded(&frames[..1]);
                }
            }
        })],
    ),
    fault(
        "reserved-bits-are-passed-over",
        "Reads frames with reserved bits as if these were not set.",
        &[Edit::ClientFrame(|_conversation, frame| vec![Frame { rsv: 0, ..frame }])],
    ),
    fault(
        "unknown-data-is-text",
        "Takes a frame of an unknown type for a text.",
        &[Edit::ClientFrame(|_conversation, mut frame| {
            if matches!(frame.opcode.0, 0x3..=0x7) {
                frame.opcode = Opcode::TEXT;
            }
            vec![frame]
        })],
    ),
    fault(
        "unknown-data-within-a-message-continues-it",
        "Takes a frame of an unknown type within a message for a part of it.",
        &[Edit::ClientFrame(|conversation, mut frame| {
            if conversation.in_message() && matches!(frame.opcode.0, 0x3..=0x7) {
                frame = Frame { opcode: Opcode::CONTINUATION, fin: false, ..frame };
            }
            vec![frame]
        })],
    ),
    fault(
        "unknown-control-frame-is-passed-over",
        "Passes over control frames of an unknown type.",
        &[Edit::ClientFrame(
            |_conversation, frame| {
                if matches!(frame.opcode.0, 0xb..=0xf) { Vec::new() } else { vec![frame] }
            },
        )],
    ),
    fault(
        "subscriber-hears-nothing",
        "Sends nothing of what is published to those who listen by WebSocket.",
        &[Edit::ServerFrame(|conversation, frame| {
            if subscribes(conversation) && is_text(&frame) { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "published-text-is-trimmed",
        "Takes blanks off what it sends to those who listen by WebSocket.",
        &[Edit::ServerFrame(|conversation, frame| {
            let trimmed = frame.payload.trim_ascii().to_vec();
            vec![if subscribes(conversation) && is_text(&frame) {
                with_payload(frame, &trimmed)
            } else {
                frame
            }]
        })],
    ),
];

/// A short frame that does not come whole is lost. Long ones come in pieces on any machine.
fn one_read_is_one_frame(read: &Read<'_>, bytes: &mut Vec<u8>) {
    let Some(frames) = read.frames else { return };
    if read.before.is_some_and(|header| header.length <= 126) {
        bytes.clear();
    } else if frames.pending().is_none_or(|header| header.length <= 126) {
        bytes.truncate(bytes.len().saturating_sub(frames.buffered()));
    }
}

fn subscribes(conversation: &Conversation) -> bool {
    conversation.request.channel() != "echo"
}
