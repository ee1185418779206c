//! Faults of whole messages (RFC 6455 sections 4.2.2 and 6).

use std::time::Duration;

use pushspec_wire::websocket::Frame;

use super::fault;
use crate::frames::{edited, is_text, with_payload};
use crate::{Edit, Fault};

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "first-message-is-lost",
        "rfc6455/6.2/message-delivered",
        "Does not hear the first message of a connection.",
        &[Edit::ClientFrame(|conversation, frame| {
            let first = conversation.client.is_empty() && is_text(&frame);
            if first { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "answers-are-wrapped",
        "rfc6455/6.2/message-delivered",
        "Answers with the message in an envelope, of which the profile says nothing.",
        &[Edit::ServerFrame(|conversation, frame| {
            let answers = conversation.request.channel() == "echo" && is_text(&frame);
            let wrapped = [b"{\"text\":\"", &*frame.payload, b"\"}"].concat();
            vec![if answers { with_payload(frame, &wrapped) } else { frame }]
        })],
    ),
    fault(
        "ninth-message-is-the-last",
        "rfc6455/6.2/message-order",
        "Has room for nine messages of a connection, and never makes any.",
        &[Edit::ClientFrame(|conversation, frame| {
            if conversation.asked() >= 9 && is_text(&frame) { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "later-answers-wait-for-a-message",
        "rfc6455/6.2/message-delivered",
        "Sends the third answer, and those behind it, with the next one.",
        &[Edit::ServerFrame(|conversation, frame| {
            let (asked, answered) = (conversation.asked(), conversation.answered());
            let echoes = conversation.request.channel() == "echo" && !frame.opcode.is_control();
            if echoes && answered >= 2 && asked == answered + 1 { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "answers-change-places",
        "rfc6455/6.2/message-order",
        "Handles messages on two threads, and sends the answers as they come.",
        &[Edit::ServerFrame(|conversation, frame| {
            let echoes = conversation.request.channel() == "echo" && !frame.opcode.is_control();
            if !echoes {
                return vec![frame];
            }
            if let Some(held) = conversation.held.borrow_mut().take() {
                return vec![frame, held];
            }
            // Another one is being worked on.
            if conversation.asked() > conversation.answered() + 1 {
                *conversation.held.borrow_mut() = Some(frame);
                return Vec::new();
            }
            vec![frame]
        })],
    ),
    fault(
        "answer-comes-twice",
        "rfc6455/6.2/own-connection",
        "Sends an answer to its sender and to all in the room, where the sender is too.",
        &[Edit::ServerFrame(|conversation, frame| {
            let twice = conversation.request.channel() == "echo" && is_text(&frame);
            if twice { vec![frame.clone(), frame] } else { vec![frame] }
        })],
    ),
    fault(
        "idle-connection-is-forgotten",
        "rfc6455/6.2/message-delivered",
        "Does not hear the first message after a fifth of a second of silence.",
        &[Edit::ClientFrame(|conversation, frame| {
            let idle = conversation.heard.elapsed() >= Duration::from_millis(190);
            if idle && is_text(&frame) { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "echo-is-escaped",
        "rfc6202/1/same-news-by-every-technique",
        "Escapes what it hands on, as if it went into a page, into JSON, into a URL or to a shell.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let special = |byte: &u8| b"<&\"'\\%$`".contains(byte);
            let escaped = |text: &[u8]| {
                text.iter()
                    .flat_map(|byte| special(byte).then_some(b'\\').into_iter().chain([*byte]))
                    .collect()
            };
            let text = is_text(&frame);
            vec![if text { edited(frame, escaped) } else { frame }]
        })],
    ),
    fault(
        "http-within-frames",
        "rfc6455/6.2/message-delivered",
        "Takes a message that looks like a request for one.",
        &[Edit::ClientFrame(|_conversation, frame| {
            let request = is_text(&frame) && frame.unmasked_payload().starts_with(b"GET ");
            vec![if request { Frame { mask: None, ..with_payload(frame, b"GET") } } else { frame }]
        })],
    ),
];
