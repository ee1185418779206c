//! Faults of the frames that the server sends, whatever the client does.

use pushspec_wire::websocket::{Frame, LengthForm, Opcode};

use super::fault;
use crate::frames::{is_text, with_code, with_payload};
use crate::{Edit, Fault};

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "frames-masked",
        "rfc6455/5.1/server-unmasked",
        "Masks what it sends, like a client.",
        &[Edit::ServerFrame(|_conversation, frame| vec![frame.masked([0x37, 0xfa, 0x21, 0x3d])])],
    ),
    fault(
        "sets-a-reserved-bit",
        "rfc6455/5.2/reserved-bits-clear",
        "Sets a reserved bit that nobody has agreed on.",
        &[Edit::ServerFrame(|_conversation, frame| vec![Frame { rsv: 0b010, ..frame }])],
    ),
    fault(
        "sends-an-unknown-frame",
        "rfc6455/5.2/opcodes-known",
        "Sends frames of a type that nobody has defined.",
        &[Edit::ServerFrame(|_conversation, frame| {
            before_each_answer(frame, || Frame::new(Opcode(0xb), b""))
        })],
    ),
    fault(
        "short-lengths-in-the-long-form",
        "rfc6455/5.2/shortest-length",
        "Writes every length in 16 bits.",
        &[Edit::ServerFrame(|_conversation, mut frame| {
            if !frame.opcode.is_control() && frame.length_form == LengthForm::Short {
                frame.length_form = LengthForm::Extended16;
            }
            vec![frame]
        })],
    ),
    fault(
        "sends-a-ping-in-fragments",
        "rfc6455/5.5/control-frames-whole",
        "Sends control frames in fragments.",
        &[Edit::ServerFrame(|_conversation, frame| {
            before_each_answer(frame, || Frame { fin: false, ..Frame::new(Opcode::PING, b"") })
        })],
    ),
    fault(
        "sends-a-long-ping",
        "rfc6455/5.5/control-frames-short",
        "Sends control frames of more than 125 bytes.",
        &[Edit::ServerFrame(|_conversation, frame| {
            before_each_answer(frame, || Frame::new(Opcode::PING, &[b'*'; 126]))
        })],
    ),
    fault(
        "sends-bytes-as-text",
        "rfc6455/5.6/text-is-utf8",
        "Sends text that is not UTF-8.",
        &[Edit::ServerFrame(|_conversation, frame| {
            before_each_answer(frame, || Frame::new(Opcode::TEXT, b"\xff"))
        })],
    ),
    fault(
        "sends-1005",
        "rfc6455/7.4.1/codes-not-sent",
        "Sends the code that stands for the lack of one.",
        &[Edit::ServerFrame(|_conversation, frame| {
            vec![if frame.close_code().is_some() { with_code(frame, 1005) } else { frame }]
        })],
    ),
    fault(
        "sends-5000",
        "rfc6455/7.4.2/codes-in-range",
        "Sends a code beyond all ranges.",
        &[Edit::ServerFrame(|_conversation, frame| {
            vec![if frame.close_code().is_some() { with_code(frame, 5000) } else { frame }]
        })],
    ),
    fault(
        "sends-reasons-in-latin-1",
        "rfc6455/5.5.1/body-sent",
        "Sends the reason of a close frame in Latin-1.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let code = frame.close_code().map(u16::to_be_bytes);
            vec![
                code.map(|code| with_payload(frame.clone(), &[&code, b"caf\xe9".as_slice()].concat()))
                    .unwrap_or(frame),
            ]
        })],
    ),
    fault(
        "sends-two-close-frames",
        "rfc6455/7.1.5/one-close-sent",
        "Sends a close frame to answer one, and another when it ends the connection.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let again = (frame.opcode == Opcode::CLOSE).then(|| with_code(frame.clone(), 1000));
            [frame].into_iter().chain(again).collect()
        })],
    ),
    fault(
        "sends-a-stray-continuation",
        "rfc6455/5.4/fragments-in-order",
        "Sends the continuation of a message that has not begun.",
        &[Edit::ServerFrame(|_conversation, frame| {
            before_each_answer(frame, || Frame::new(Opcode::CONTINUATION, b"?"))
        })],
    ),
    fault(
        "pong-within-an-answer",
        "rfc6455/5.2/frames-whole",
        "Writes a pong as soon as it can, though an answer that does not fit into one write is not finished.",
        &[Edit::ServerFrame(|conversation, mut frame| {
            let is_large = |frame: &Frame| is_text(frame) && frame.payload.len() > 1 << 16;
            let ping = conversation.client.last().filter(|last| last.opcode == Opcode::PING);
            let Some(ping) = ping.map(|ping| ping.unmasked_payload().into_owned()) else {
                return vec![frame];
            };
            if is_large(&frame) {
                let middle = frame.payload.len() / 2;
                frame.payload.splice(middle..middle, Frame::new(Opcode::PONG, &ping).encode());
            }
            let moved = conversation.server.last().is_some_and(is_large);
            let is_moved = moved && frame.opcode == Opcode::PONG && frame.payload == ping;
            if is_moved { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "large-answer-has-a-byte-too-many",
        "rfc6455/6.1/well-formed",
        "Writes a zero behind each answer that does not fit into 16 KiB.",
        &[Edit::ServerFrame(|_conversation, mut frame| {
            if is_text(&frame) && frame.payload.len() > 16 << 10 {
                frame.payload.push(0);
            }
            vec![frame]
        })],
    ),
    fault(
        "sends-data-after-closing",
        "rfc6455/5.5.1/no-data-after-close",
        "Sends what is left in its buffer behind its close frame.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let closes = frame.opcode == Opcode::CLOSE;
            let late = closes.then(|| Frame::new(Opcode::TEXT, b"left over"));
            [frame].into_iter().chain(late).collect()
        })],
    ),
    fault(
        "answers-the-request-in-the-end",
        "rfc6455/6.1/well-formed",
        "Writes an answer of HTTP behind its close frame, when the handler of the request is done.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let closes = frame.opcode == Opcode::CLOSE;
            // The first two bytes, as a client reads them, are the header of a frame.
            let mut answer = Frame::new(Opcode::CLOSE, b"TP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            (answer.fin, answer.rsv, answer.length) = (false, 0b100, 84);
            [frame].into_iter().chain(closes.then_some(answer)).collect()
        })],
    ),
];

/// Puts a frame in front of each answer.
fn before_each_answer(frame: Frame, extra: impl FnOnce() -> Frame) -> Vec<Frame> {
    let answers = matches!(frame.opcode, Opcode::TEXT | Opcode::BINARY | Opcode::PONG);
    let extra = answers.then(extra);
    extra.into_iter().chain([frame]).collect()
}
