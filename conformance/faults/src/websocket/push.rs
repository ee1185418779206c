//! Faults of a server that pushes by WebSocket: who gets what is published, when, and how often.

use std::time::Duration;

use pushspec_wire::websocket::{Frame, Opcode};

use super::super::answer::{encoded_twice, escaped_for_a_page, joined};
use super::super::frames::{Conversation, edited, is_text};
use super::super::{Edit, Fault};
use super::fault;

/// What counts as large: a few of them fill the sockets.
const LARGE: usize = 100_000;

/// How long a subscription takes that is not the first of its channel.
const READY: Duration = Duration::from_millis(150);

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "subscribers-are-not-told",
        "websocket-push/1/every-subscriber",
        "Tells those who listen by WebSocket nothing.",
        &[Edit::ServerFrame(|conversation, frame| pushed(conversation, frame, |_frame| Vec::new()))],
    ),
    fault(
        "one-subscriber-a-channel",
        "websocket-push/1/every-subscriber",
        "Sends each message to the first of those who listen.",
        &[Edit::ServerFrame(|conversation, frame| {
            let first = conversation.request.earlier == 0;
            pushed(conversation, frame, |frame| if first { vec![frame] } else { Vec::new() })
        })],
    ),
    fault(
        "subscribed-twice",
        "websocket-push/1/once",
        "Subscribes a client in two layers, and sends it each message twice.",
        &[Edit::ServerFrame(|conversation, frame| {
            pushed(conversation, frame, |frame| vec![frame.clone(), frame])
        })],
    ),
    fault(
        "same-text-is-pushed-once",
        "websocket-push/1/once",
        "Takes a message with the text of the last one for the last one.",
        &[Edit::ServerFrame(|conversation, frame| {
            let known = conversation.server.last().is_some_and(|last| last.payload == frame.payload);
            pushed(conversation, frame, |frame| if known { Vec::new() } else { vec![frame] })
        })],
    ),
    fault(
        "pushed-messages-change-places",
        "websocket-push/1/in-order",
        "Sends what is published in the order in which threads come to it.",
        &[Edit::ServerFrame(|conversation, frame| {
            // The second of a subscriber waits for the third.
            let (sent, held) = (conversation.server.len(), conversation.server.last().cloned());
            pushed(conversation, frame, |frame| match sent {
                1 => Vec::new(),
                2 => [frame].into_iter().chain(held).collect(),
                _ => vec![frame],
            })
        })],
    ),
    fault(
        "large-message-is-overtaken",
        "websocket-push/1/in-order",
        "Prepares what is large on another thread, and sends what is small meanwhile.",
        &[Edit::ServerFrame(|conversation, frame| {
            pushed(conversation, frame, |frame| overtaken(conversation, frame, true))
        })],
    ),
    fault(
        "push-waits-for-a-tick",
        "websocket-push/1/at-once",
        "Looks for what is published with a timer.",
        &[Edit::FrameDelay(|conversation, frame| {
            let late = subscribes(conversation) && is_text(frame);
            if late { Duration::from_millis(1500) } else { Duration::ZERO }
        })],
    ),
    fault(
        "subscription-begins-behind-the-answer",
        "websocket-push/1/from-the-answer-on",
        "Answers the opening handshake, and then gets ready for messages.",
        &[Edit::ServerFrame(|conversation, frame| {
            let ready = conversation.request.earlier == 0 || conversation.heard.elapsed() >= READY;
            pushed(conversation, frame, |frame| if ready { vec![frame] } else { Vec::new() })
        })],
    ),
    fault(
        "subscriptions-are-told-by-their-beginning",
        "websocket-push/1/channels-are-apart",
        "Subscribes to a channel whose name is the beginning of the one that was asked for.",
        &[Edit::Request(|request| {
            if request.is_handshake() && request.channel().ends_with("-other") {
                let target = request.target().replacen("-other", "", 1);
                request.set_target(&target);
            }
        })],
    ),
    fault(
        "push-takes-text-for-latin-1",
        "websocket-push/1/unchanged",
        "Encodes what it pushes twice.",
        &[Edit::ServerFrame(|conversation, frame| rewritten(conversation, frame, encoded_twice))],
    ),
    fault(
        "push-is-escaped",
        "websocket-push/1/unchanged",
        "Writes what it pushes as for the text of a page.",
        &[Edit::ServerFrame(|conversation, frame| {
            rewritten(conversation, frame, |bytes| text_edited(bytes, escaped_for_a_page))
        })],
    ),
    fault(
        "push-is-one-line",
        "websocket-push/1/unchanged",
        "Writes spaces for the line ends of what it pushes.",
        &[Edit::ServerFrame(|conversation, frame| {
            rewritten(conversation, frame, |bytes| text_edited(bytes, joined))
        })],
    ),
    fault(
        "push-ends-at-a-nul",
        "websocket-push/1/unchanged",
        "Keeps what it pushes in strings that end at a NUL.",
        &[Edit::ServerFrame(|conversation, frame| {
            rewritten(conversation, frame, |bytes| {
                bytes.split(|byte| *byte == 0).next().unwrap_or_default().to_vec()
            })
        })],
    ),
    fault(
        "push-of-nothing-is-left-out",
        "websocket-push/1/unchanged",
        "Does not send a message without text.",
        &[Edit::ServerFrame(|conversation, frame| {
            pushed(
                conversation,
                frame,
                |frame| if frame.payload.is_empty() { Vec::new() } else { vec![frame] },
            )
        })],
    ),
    fault(
        "push-counts-one-too-few",
        "websocket-push/1/unchanged",
        "Sends all but the last byte of what is longer than a short message.",
        &[Edit::ServerFrame(|conversation, frame| {
            rewritten(conversation, frame, |bytes| {
                let length = if bytes.len() >= 125 { bytes.len() - 1 } else { bytes.len() };
                bytes[..length].to_vec()
            })
        })],
    ),
    fault(
        "slow-subscriber-misses-what-does-not-fit",
        "websocket-push/1/slow-subscribers",
        "Has room for some mebibytes for each subscriber, and drops what comes when it is full.",
        &[Edit::ServerFrame(|conversation, frame| {
            let full = large_ones(conversation) >= 5 && frame.payload.len() >= LARGE;
            pushed(conversation, frame, |frame| if full { Vec::new() } else { vec![frame] })
        })],
    ),
    fault(
        "slow-subscriber-is-waited-for",
        "websocket-push/1/slow-subscribers",
        "Waits for the slowest of its subscribers before it goes on to the next one.",
        &[Edit::FrameDelay(|conversation, frame| {
            // Behind so much that the sockets of one who takes nothing are full.
            let waits = subscribes(conversation) && conversation.request.earlier > 0;
            let stuck = waits && large_ones(conversation) > 4 && frame.payload.len() < 1000;
            if stuck { Duration::from_secs(3) } else { Duration::ZERO }
        })],
    ),
    fault(
        "subscription-reads-nothing",
        "rfc6455/5.5.2/pong",
        "Reads nothing from those to whom it writes.",
        &[Edit::ClientFrame(
            |conversation, frame| {
                if subscribes(conversation) { Vec::new() } else { vec![frame] }
            },
        )],
    ),
    fault(
        "quiet-connection-is-forgotten",
        "websocket-push/1/quiet-connections-stay",
        "Forgets a connection whose client has said nothing for three seconds.",
        &[Edit::ClientFrame(|conversation, frame| {
            if conversation.heard.elapsed() >= Duration::from_secs(3) { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "half-a-frame-stops-everybody",
        "rfc6455/6.2/message-delivered",
        "Waits for the rest of a frame with the only thread that it has.",
        &[
            Edit::Read(|read, _bytes| {
                if read.frames.is_some_and(|frames| frames.buffered() > 0) {
                    read.memory.count("half a frame");
                }
            }),
            Edit::ServerFrame(|conversation, frame| {
                let stuck = conversation.request.memory.counted("half a frame") > 0;
                if stuck { Vec::new() } else { vec![frame] }
            }),
        ],
    ),
    fault(
        "large-answers-are-overtaken",
        "rfc6455/6.2/message-order",
        "Answers what is small while it prepares what is large.",
        &[Edit::ServerFrame(|conversation, frame| {
            let others_wait = conversation.asked() > conversation.answered() + 1;
            overtaken(conversation, frame, others_wait)
        })],
    ),
    fault(
        "answer-that-does-not-fit-is-dropped",
        "rfc6455/6.2/message-delivered",
        "Drops an answer for which its buffer has no room.",
        &[Edit::ServerFrame(|conversation, frame| {
            let full = large_ones(conversation) >= 4 && frame.payload.len() >= LARGE;
            if full { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "binary-is-not-answered",
        "rfc6455/6.2/message-delivered",
        "Passes over binary messages.",
        &[Edit::ClientFrame(|conversation, frame| {
            let asks = frame.opcode == Opcode::BINARY && frame.fin && frame.rsv == 0 && frame.mask.is_some();
            if asks && !subscribes(conversation) { Vec::new() } else { vec![frame] }
        })],
    ),
];

/// A message of some kilobytes waits for the one behind it, if it may.
fn overtaken(conversation: &Conversation, frame: Frame, may_wait: bool) -> Vec<Frame> {
    let held = conversation.held.take();
    if may_wait && is_text(&frame) && (4096..1 << 20).contains(&frame.payload.len()) {
        conversation.held.replace(Some(frame));
        return held.into_iter().collect();
    }
    [frame].into_iter().chain(held).collect()
}

/// How many large messages were sent before.
fn large_ones(conversation: &Conversation) -> usize {
    conversation.server.iter().filter(|frame| frame.payload.len() >= LARGE).count()
}

/// Whether what is published arrives here.
fn subscribes(conversation: &Conversation) -> bool {
    conversation.request.channel() != "echo"
}

/// What becomes of a message that is pushed; the rest stays as it is.
fn pushed(conversation: &Conversation, frame: Frame, edit: impl FnOnce(Frame) -> Vec<Frame>) -> Vec<Frame> {
    if subscribes(conversation) && is_text(&frame) { edit(frame) } else { vec![frame] }
}

/// The same message with another text.
fn rewritten(conversation: &Conversation, frame: Frame, edit: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<Frame> {
    pushed(conversation, frame, |frame| vec![edited(frame, edit)])
}

fn text_edited(bytes: &[u8], edit: impl FnOnce(&str) -> String) -> Vec<u8> {
    edit(&String::from_utf8_lossy(bytes)).into_bytes()
}
