//! Faults of closing (RFC 6455 sections 5.5.1 and 7).

use std::time::Duration;

use pushspec_wire::websocket::{Frame, Opcode};

use super::fault;
use crate::frames::{edited, encoded, frames_in, with_code};
use crate::outbox::End;
use crate::{Edit, Fault};

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "close-is-not-answered",
        "rfc6455/10.7/close-frame-on-invalid-data",
        "Ends the connection without a close frame.",
        &[Edit::ServerFrame(|_conversation, frame| if is_close(&frame) { Vec::new() } else { vec![frame] })],
    ),
    fault(
        "close-comes-late",
        "rfc6455/5.5.1/close-soon",
        "Answers a close frame after a second and a half.",
        &[Edit::FrameDelay(|conversation, frame| {
            if is_close(frame) && conversation.closing() {
                Duration::from_millis(1500)
            } else {
                Duration::ZERO
            }
        })],
    ),
    fault(
        "connection-ends-late",
        "rfc6455/7.1.7/ends-soon",
        "Ends a connection that is closed some seconds later.",
        &[Edit::EndDelay(|_conversation| Duration::from_millis(2500))],
    ),
    fault(
        "code-is-always-1000",
        "rfc6455/5.5.1/code-echoed",
        "Answers a close frame with 1000 whatever its code.",
        &[Edit::ServerFrame(|conversation, frame| {
            replace_code(frame, |_code| conversation.client_code().is_some(), 1000)
        })],
    ),
    fault(
        "code-is-always-1001",
        "rfc6455/5.5.1/code-echoed",
        "Answers a close frame with 1001 whatever its code.",
        &[Edit::ServerFrame(|conversation, frame| {
            replace_code(frame, |_code| conversation.client_code().is_some(), 1001)
        })],
    ),
    fault(
        "private-codes-are-refused",
        "rfc6455/7.4.2/registered-and-private-codes",
        "Knows only the codes of the specification.",
        &[Edit::ClientFrame(|_conversation, frame| {
            replace_code(frame, |code| (3000..=4999).contains(&code), 999)
        })],
    ),
    fault(
        "close-without-code-is-passed-over",
        "rfc6455/5.5.1/close-answered",
        "Does not answer a close frame without a code.",
        &[Edit::ClientFrame(|_conversation, frame| {
            if is_close(&frame) && frame.payload.is_empty() { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "close-with-a-long-reason-is-passed-over",
        "rfc6455/5.5.1/reason",
        "Does not answer a close frame of 125 bytes.",
        &[Edit::ClientFrame(|_conversation, frame| {
            if is_close(&frame) && frame.payload.len() == 125 { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "connection-stays-after-closing",
        "rfc6455/5.5.1/connection-closed",
        "Leaves it to the client to end the connection.",
        &[Edit::End(|conversation, end| end.filter(|_| !conversation.closing()))],
    ),
    fault(
        "fails-without-a-word",
        "rfc6455/7.1.7/close-frame-before-failing",
        "Ends a connection that it fails without a close frame.",
        &[Edit::ServerFrame(|conversation, frame| {
            if is_close(&frame) && !conversation.closing() { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "failed-connection-stays",
        "rfc6455/7.1.7/server-closes",
        "Sends a close frame where it fails the connection, and leaves it to the client to end it.",
        &[Edit::End(|conversation, end| {
            let has_failed = !conversation.closing() && conversation.server.iter().any(is_close);
            end.filter(|_| !has_failed)
        })],
    ),
    fault(
        "second-close-keeps-the-connection",
        "rfc6455/5.5.1/one-close",
        "Goes on with a connection that was closing when another close frame comes.",
        &[Edit::End(|conversation, end| {
            let closes = conversation.client.iter().filter(|frame| is_close(frame)).count();
            end.filter(|_| closes < 2)
        })],
    ),
    fault(
        "codes-of-the-specification-are-errors",
        "rfc6455/7.4.1/defined-code-received",
        "Takes every code but 1000 for an error of the protocol.",
        &[Edit::ClientFrame(|_conversation, frame| {
            replace_code(frame, |code| (1001..=1011).contains(&code), 999)
        })],
    ),
    fault(
        "end-of-the-client-is-not-seen",
        "rfc6455/7.1.4/half-closed",
        "Keeps the connection of a client that has gone without a close frame.",
        &[Edit::ClientEnd(|conversation, end| end.filter(|_| conversation.closing()))],
    ),
    fault(
        "reset-after-closing",
        "rfc6455/7.1.1/clean-end",
        "Resets the connection after the closing handshake.",
        &[Edit::End(|conversation, end| if conversation.closing() { end.map(|_| End::Reset) } else { end })],
    ),
    fault(
        "data-after-close-is-answered",
        "rfc6455/6.1/only-while-open",
        "Answers what comes behind a close frame.",
        &[Edit::Read(|read, bytes| {
            if let Some(frames) = read.frames.and_then(|_| frames_in(bytes))
                && let Some(close) = frames.iter().position(is_close)
                && frames.iter().skip(close).any(|frame| !frame.opcode.is_control())
            {
                let (closes, others): (Vec<_>, Vec<_>) = frames.into_iter().partition(is_close);
                *bytes = encoded(&[others, closes].concat());
            }
        })],
    ),
    fault(
        "goes-on-after-an-error",
        "rfc6455/7.1.7/nothing-processed-after-failing",
        "Passes over a frame that it cannot read and handles the next one.",
        &[Edit::Read(|read, bytes| {
            if let Some(frames) = read.frames.and_then(|_| frames_in(bytes))
                && let [broken, next @ ..] = frames.as_slice()
                && (broken.opcode.is_reserved() || broken.mask.is_none() || broken.rsv > 0)
                && !next.is_empty()
            {
                *bytes = encoded(next);
            }
        })],
    ),
    fault(
        "later-codes-are-refused",
        "rfc6455/7.4.2/registered-code-received",
        "Knows only the codes of the first edition.",
        &[Edit::ClientFrame(|_conversation, frame| {
            replace_code(frame, |code| (1012..=1014).contains(&code), 999)
        })],
    ),
    fault(
        "reason-has-to-be-ascii",
        "rfc6455/5.5.1/reason",
        "Takes a reason with anything but visible ASCII for an error.",
        &[Edit::ClientFrame(|_conversation, frame| {
            let odd = frame.close_reason().is_some_and(|reason| {
                str::from_utf8(&reason).is_ok() && !reason.iter().all(|byte| matches!(byte, b' '..=b'~'))
            });
            if odd { replace_code(frame, |_| true, 999) } else { vec![frame] }
        })],
    ),
    fault(
        "unusable-code-is-fine",
        "rfc6455/7.4.1/unusable-code-received",
        "Takes a code that must not be on the wire for a close in order.",
        &[Edit::ClientFrame(|_conversation, frame| replace_code(frame, is_unusable, 1000))],
    ),
    fault(
        "unusable-code-is-echoed",
        "rfc6455/7.4.1/unusable-code-received",
        "Sends back the code of a close frame whatever it is.",
        &[Edit::ServerFrame(|conversation, frame| {
            match conversation.client_code().filter(|&code| is_unusable(code)) {
                Some(code) if is_close(&frame) => vec![with_code(frame, code)],
                _ => vec![frame],
            }
        })],
    ),
    fault(
        "undefined-code-is-fine",
        "rfc6455/7.4.2/undefined-code-received",
        "Takes a code without a meaning for a close in order.",
        &[Edit::ClientFrame(|_conversation, frame| {
            replace_code(frame, |code| matches!(code, 1004 | 1016..=2999 | 5000..), 1000)
        })],
    ),
    fault(
        "half-a-code-is-an-orderly-close",
        "rfc6455/5.5.1/code-in-two-bytes",
        "Answers a close frame with one byte as an orderly close.",
        &[Edit::ClientFrame(|_conversation, frame| {
            vec![if is_close(&frame) && frame.payload.len() == 1 { with_code(frame, 1000) } else { frame }]
        })],
    ),
    fault(
        "reason-is-not-read",
        "rfc6455/8.1/invalid-utf8",
        "Does not look at the reason of a close frame.",
        &[Edit::ClientFrame(|_conversation, frame| {
            let unread = frame.close_reason().is_some_and(|reason| str::from_utf8(&reason).is_err());
            vec![if unread {
                edited(frame, |payload| payload.iter().take(2).copied().collect())
            } else {
                frame
            }]
        })],
    ),
];

fn is_close(frame: &Frame) -> bool {
    frame.opcode == Opcode::CLOSE
}

fn is_unusable(code: u16) -> bool {
    matches!(code, 0..=999 | 1005 | 1006 | 1015)
}

fn replace_code(frame: Frame, wanted: impl Fn(u16) -> bool, code: u16) -> Vec<Frame> {
    vec![if frame.close_code().is_some_and(wanted) { with_code(frame, code) } else { frame }]
}
