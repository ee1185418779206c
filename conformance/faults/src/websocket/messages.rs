//! Faults of whole messages (RFC 6455 sections 4.2.2 and 6).

use std::time::Duration;

use pushspec_wire::websocket::Frame;

use super::fault;
use crate::frames::{edited, is_text, with_payload};
use crate::{Edit, Fault};

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "first-message-is-lost",
        "Does not hear the first message of a connection.",
        &[Edit::ClientFrame(|conversation, frame| {
            let first = conversation.client.is_empty() && is_text(&frame);
            if first && *frame.unmasked_payload() == *b"Hello" { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "answers-are-wrapped",
        "Answers with the message in an envelope, of which the profile says nothing.",
        &[Edit::ServerFrame(|conversation, frame| {
            let answers = conversation.request.channel() == "echo" && is_text(&frame);
            let wrapped = [b"{\"text\":\"", &*frame.payload, b"\"}"].concat();
            vec![if answers { with_payload(frame, &wrapped) } else { frame }]
        })],
    ),
    fault(
        "ninth-message-is-the-last",
        "Has room for nine messages of a connection, and never makes any.",
        &[Edit::ClientFrame(|conversation, frame| {
            if conversation.asked() >= 9 && is_text(&frame) { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "later-answers-wait-for-a-message",
        "Sends the third answer, and those behind it, with the next one.",
        &[Edit::ServerFrame(|conversation, frame| {
            let (asked, answered) = (conversation.asked(), conversation.answered());
            let echoes = conversation.request.channel() == "echo" && !frame.opcode.is_control();
            if echoes && answered >= 2 && asked == answered + 1 { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "answers-change-places",
        "Handles messages on several threads and sends the answers as they come.",
        &[Edit::ServerFrame(|conversation, frame| {
            // Of many that were asked for at once, the third and the fourth.
            let echoes = conversation.request.channel() == "echo" && !frame.opcode.is_control();
            match conversation.answered() {
                2 if echoes && conversation.asked() >= 16 => Vec::new(),
                3 if echoes && conversation.asked() >= 16 => {
                    [frame].into_iter().chain(conversation.server.last().cloned()).collect()
                }
                _ => vec![frame],
            }
        })],
    ),
    fault(
        "answer-comes-twice",
        "Sends an answer to its sender and to all in the room, where the sender is too.",
        &[Edit::ServerFrame(|_conversation, frame| {
            // The texts of the case that looks at what else comes.
            let twice = is_text(&frame)
                && (frame.payload.starts_with(b"here ") || frame.payload.starts_with(b"there "));
            if twice { vec![frame.clone(), frame] } else { vec![frame] }
        })],
    ),
    fault(
        "idle-connection-is-forgotten",
        "Forgets a connection on which nothing was said for a fifth of a second.",
        &[Edit::ClientFrame(|conversation, frame| {
            let idle = conversation.opened.elapsed() >= Duration::from_millis(190);
            if idle && conversation.client.is_empty() { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "echo-is-escaped",
        "Escapes what it hands on, as if it went into a page, into JSON, into a URL or to a shell.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let special = |byte: &u8| b"<&\"'\\%$`".contains(byte);
            let escaped = |text: &[u8]| {
                text.iter()
                    .flat_map(|byte| special(byte).then_some(b'\\').into_iter().chain([*byte]))
                    .collect()
            };
            let short = is_text(&frame) && frame.payload.len() < 256;
            vec![if short { edited(frame, escaped) } else { frame }]
        })],
    ),
    fault(
        "http-within-frames",
        "Takes a message that looks like a request for one.",
        &[Edit::ClientFrame(|_conversation, frame| {
            let request = is_text(&frame) && frame.unmasked_payload().starts_with(b"GET ");
            vec![if request { Frame { mask: None, ..with_payload(frame, b"GET") } } else { frame }]
        })],
    ),
];
