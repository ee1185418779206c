//! Faults of masking and base framing (RFC 6455 sections 5.1 to 5.3).

use pushspec_wire::websocket::{Frame, FrameScanner, LengthForm, Opcode, apply_mask};

use super::fault;
use crate::frames::{Conversation, Read, edited, encoded, frames_in, is_text, with_payload};
use crate::{Edit, Fault};

/// The masking key of the example in section 5.7.
const EXAMPLE_KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Some megabytes.
const HUGE: usize = 2 << 20;

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "bytes-behind-the-vectors-stay-masked",
        "rfc6455/5.3/algorithm",
        "Unmasks sixteen bytes at once where there are as many, and leaves out those behind the last sixteen.",
        &[Edit::ClientFrame(|_conversation, mut frame| {
            let vectors = frame.payload.len() / 16 * 16;
            if let Some(key) = frame.mask.filter(|_| vectors > 0) {
                apply_mask(&mut frame.payload[vectors..], key, vectors);
            }
            vec![frame]
        })],
    ),
    fault(
        "one-byte-behind-the-words-is-unmasked",
        "rfc6455/5.3/algorithm",
        "Unmasks words of four bytes and one byte behind them, however many there are.",
        &[Edit::ClientFrame(|_conversation, mut frame| {
            let unmasked = frame.payload.len() / 4 * 4 + 1;
            if let (Some(key), Some(rest)) = (frame.mask, frame.payload.get_mut(unmasked..)) {
                apply_mask(rest, key, unmasked);
            }
            vec![frame]
        })],
    ),
    fault(
        "masked-bytes-are-read-as-frames",
        "rfc6455/5.3/algorithm",
        "Looks for control frames in what is still masked.",
        &[Edit::ClientFrame(|_conversation, frame| {
            let resembles = matches!(frame.payload[..], [0x88..=0x8a, 0, ..]);
            vec![if resembles { Frame::new(Opcode::PING, b"") } else { frame }]
        })],
    ),
    fault(
        "short-messages-stay-masked",
        "rfc6455/6.2/unmasked",
        "Unmasks eight bytes at once where there are as many, and hands on what is shorter as it comes.",
        &[Edit::ClientFrame(|_conversation, mut frame| {
            let is_short = frame.payload.len() < 8 && !frame.opcode.is_control();
            if let Some(key) = frame.mask.filter(|_| is_short) {
                apply_mask(&mut frame.payload, key, 0);
            }
            vec![frame]
        })],
    ),
    fault(
        "mask-begins-at-its-second-byte",
        "rfc6455/6.2/message-delivered",
        "Takes the bytes of the masking key in the wrong order.",
        &[Edit::ClientFrame(|_conversation, mut frame| {
            frame.mask = frame.mask.map(|[a, b, c, d]| [b, c, d, a]);
            vec![frame]
        })],
    ),
    fault(
        "key-of-zeros-is-no-key",
        "rfc6455/5.3/algorithm",
        "Takes a masking key of zeros for the lack of one.",
        &[Edit::ClientFrame(|_conversation, mut frame| {
            frame.mask = frame.mask.filter(|key| *key != [0; 4]);
            vec![frame]
        })],
    ),
    fault(
        "first-key-is-kept",
        "rfc6455/5.3/key-of-the-frame",
        "Unmasks all frames of a connection with the key of the first.",
        &[Edit::ClientFrame(|conversation, mut frame| {
            if let Some(first) = conversation.client.first().filter(|_| frame.mask.is_some()) {
                frame.mask = first.mask;
            }
            vec![frame]
        })],
    ),
    fault(
        "unmasked-frames-are-read",
        "rfc6455/5.1/close-on-unmasked",
        "Reads frames that are not masked.",
        &[Edit::ClientFrame(|_conversation, frame| {
            let masked = frame.mask.is_some();
            vec![if masked { frame } else { frame.masked(EXAMPLE_KEY) }]
        })],
    ),
    fault(
        "length-in-the-order-of-the-machine",
        "rfc6455/5.2/frame-boundaries",
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
        "rfc6455/5.2/payload-length",
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
        "rfc6455/5.2/frame-boundaries",
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
        "rfc6455/5.2/long-form-received",
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
        "rfc6455/5.2/top-bit",
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
        "rfc6455/10.4/limits",
        "Handles no message of anybody from when a frame of 2^60 bytes is announced.",
        &[
            Edit::Read(|read, _bytes| {
                let pending = read.frames.and_then(FrameScanner::pending);
                if pending.is_some_and(|header| header.length >= 1 << 60) {
                    read.memory.count("huge frames");
                }
            }),
            Edit::ClientFrame(|conversation, frame| {
                let stopped = conversation.request.memory.counted("huge frames") > 0;
                if stopped && is_text(&frame) { Vec::new() } else { vec![frame] }
            }),
        ],
    ),
    fault(
        "empty-message-is-swallowed",
        "rfc6455/5.2/frame-boundaries",
        "Sends no message that is empty.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let empty = !frame.opcode.is_control() && frame.fin && frame.payload.is_empty();
            if empty { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "echo-cut-at-124",
        "rfc6455/5.2/frame-boundaries",
        "Cuts a message of 125 bytes by one.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let cut = !frame.opcode.is_control() && frame.payload.len() == 125;
            let payload = frame.payload.get(..124).unwrap_or_default().to_vec();
            vec![if cut { with_payload(frame, &payload) } else { frame }]
        })],
    ),
    fault(
        "short-text-has-its-nul",
        "rfc6455/6.2/message-delivered",
        "Keeps a text of at most ten bytes in the handle of the string, and sends the NUL behind it, too.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let short = is_text(&frame) && (1..=10).contains(&frame.payload.len());
            vec![if short { edited(frame, |text| [text, b"\0"].concat()) } else { frame }]
        })],
    ),
    fault(
        "large-message-is-cut",
        "rfc6455/10.4/large-messages",
        "Sends back all but the last byte of a large message.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let large = !frame.opcode.is_control() && frame.payload.len() >= 65_000;
            let payload = frame.payload.split_last().map(|(_, rest)| rest).filter(|_| large);
            vec![payload.map(|payload| with_payload(frame.clone(), payload)).unwrap_or(frame)]
        })],
    ),
    fault(
        "huge-message-is-an-error",
        "rfc6455/10.4/large-messages",
        "Gives up, with 1011, over a message of some megabytes.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let huge = !frame.opcode.is_control() && frame.payload.len() > HUGE;
            vec![if huge { Frame::new(Opcode::CLOSE, &1011_u16.to_be_bytes()) } else { frame }]
        })],
    ),
    fault(
        "binary-becomes-text",
        "rfc6455/6.2/type-of-message",
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
        "rfc6455/5.2/frame-boundaries",
        "Takes what one read brings for one frame.",
        &[Edit::Read(one_read_is_one_frame)],
    ),
    fault(
        "header-in-parts-is-forgotten",
        "rfc6455/5.2/frame-boundaries",
        "Forgets what it has of a header where the rest of it comes with another read.",
        &[Edit::Read(|read, bytes| {
            if read.frames.is_some_and(|frames| frames.pending().is_none() && frames.buffered() > 1) {
                bytes.clear();
            }
        })],
    ),
    fault(
        "rest-of-a-read-is-dropped",
        "rfc6455/10.4/many-frames",
        "Handles the first frame of a read and forgets the others.",
        &[Edit::Read(|read, bytes| {
            if let Some(frames) = read.frames.and_then(|_| frames_in(bytes)).filter(|frames| frames.len() > 1)
            {
                *bytes = encoded(&frames[..1]);
            }
        })],
    ),
    fault(
        "reserved-bits-are-passed-over",
        "rfc6455/5.2/reserved-bits",
        "Reads frames with reserved bits as if these were not set.",
        &[Edit::ClientFrame(|_conversation, frame| vec![Frame { rsv: 0, ..frame }])],
    ),
    fault(
        "unknown-data-is-text",
        "rfc6455/5.2/unknown-opcode",
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
        "rfc6455/5.2/unknown-opcode",
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
        "rfc6455/5.2/unknown-opcode",
        "Passes over control frames of an unknown type.",
        &[Edit::ClientFrame(
            |_conversation, frame| {
                if matches!(frame.opcode.0, 0xb..=0xf) { Vec::new() } else { vec![frame] }
            },
        )],
    ),
    fault(
        "subscriber-hears-nothing",
        "websocket-push/1/every-subscriber",
        "Sends nothing of what is published to those who listen by WebSocket.",
        &[Edit::ServerFrame(|conversation, frame| {
            if subscribes(conversation) && is_text(&frame) { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "published-text-is-wrapped",
        "rfc6455/6.2/message-delivered",
        "Sends what is published in an envelope, of which the profile says nothing.",
        &[Edit::ServerFrame(|conversation, frame| {
            let wrapped = [b"{\"text\":\"", &*frame.payload, b"\"}"].concat();
            vec![if subscribes(conversation) && is_text(&frame) {
                with_payload(frame, &wrapped)
            } else {
                frame
            }]
        })],
    ),
    fault(
        "published-text-is-trimmed",
        "rfc6202/1/same-news-by-every-technique",
        "Takes spaces off what it sends to those who listen by WebSocket.",
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
