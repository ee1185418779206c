//! Faults of the frames that the server sends, whatever the client does.

use pushspec_wire::websocket::{Frame, LengthForm, Opcode};

use super::fault;
use crate::frames::{is_text, with_code, with_payload};
use crate::{Edit, Fault};

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "frames-masked",
        "Masks what it sends, like a client.",
        &[Edit::ServerFrame(|_conversation, frame| vec![frame.masked([0x37, 0xfa, 0x21, 0x3d])])],
    ),
    fault(
        "sets-a-reserved-bit",
        "Sets a reserved bit that nobody has agreed on.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let rsv = if is_text(&frame) { 0b010 } else { frame.rsv };
            vec![Frame { rsv, ..frame }]
        })],
    ),
    fault(
        "sends-an-unknown-frame",
        "Sends frames of a type that nobody has defined.",
        &[Edit::ServerFrame(|_conversation, frame| before_a_pong(frame, || Frame::new(Opcode(0xb), b"")))],
    ),
    fault(
        "short-lengths-in-the-long-form",
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
        "Sends control frames in fragments.",
        &[Edit::ServerFrame(|_conversation, frame| {
            before_a_pong(frame, || Frame { fin: false, ..Frame::new(Opcode::PING, b"") })
        })],
    ),
    fault(
        "sends-a-long-ping",
        "Sends control frames of more than 125 bytes.",
        &[Edit::ServerFrame(|_conversation, frame| {
            before_a_pong(frame, || Frame::new(Opcode::PING, &[b'*'; 126]))
        })],
    ),
    fault(
        "sends-bytes-as-text",
        "Sends text that is not UTF-8.",
        &[Edit::ServerFrame(|_conversation, frame| {
            before_a_pong(frame, || Frame::new(Opcode::TEXT, b"\xff"))
        })],
    ),
    fault(
        "sends-1005",
        "Sends the code that stands for the lack of one.",
        &[Edit::ServerFrame(|_conversation, frame| {
            vec![if frame.close_code() == Some(1000) { with_code(frame, 1005) } else { frame }]
        })],
    ),
    fault(
        "sends-5000",
        "Sends a code beyond all ranges.",
        &[Edit::ServerFrame(|_conversation, frame| {
            vec![if frame.close_code() == Some(1000) { with_code(frame, 5000) } else { frame }]
        })],
    ),
    fault(
        "sends-reasons-in-latin-1",
        "Sends the reason of a close frame in Latin-1.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let code = frame.close_code().filter(|code| *code == 1002).map(u16::to_be_bytes);
            vec![
                code.map(|code| with_payload(frame.clone(), &[&code, b"caf\xe9".as_slice()].concat()))
                    .unwrap_or(frame),
            ]
        })],
    ),
    fault(
        "sends-two-close-frames",
        "Sends a close frame to answer one, and another when it ends the connection.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let again = (frame.opcode == Opcode::CLOSE).then(|| with_code(frame.clone(), 1000));
            [frame].into_iter().chain(again).collect()
        })],
    ),
    fault(
        "sends-a-stray-continuation",
        "Sends the continuation of a message that has not begun.",
        &[Edit::ServerFrame(|_conversation, frame| {
            before_a_pong(frame, || Frame::new(Opcode::CONTINUATION, b"?"))
        })],
    ),
    fault(
        "pong-within-an-answer",
        "Writes a pong as soon as it can, though another frame is not finished.",
        &[Edit::ServerFrame(|_conversation, mut frame| {
            // As in the cases with an answer of 256 KiB, and with one of 12 MiB that waits in the socket.
            let answers: [(usize, &[u8]); 2] = [(256 << 10, b"behind"), (12 << 20, b"between")];
            for (length, payload) in answers {
                if is_text(&frame) && frame.length == length as u64 {
                    let pong = Frame::new(Opcode::PONG, payload).encode();
                    let middle = frame.payload.len() / 2;
                    frame.payload.splice(middle..middle, pong);
                }
            }
            let moved = |(_, payload): (usize, &[u8])| frame.payload == payload;
            let is_moved = frame.opcode == Opcode::PONG && answers.into_iter().any(moved);
            if is_moved { Vec::new() } else { vec![frame] }
        })],
    ),
    fault(
        "large-answer-has-a-byte-too-many",
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
        "Sends what is left in its buffer behind its close frame.",
        &[Edit::ServerFrame(|_conversation, frame| {
            let closes = frame.opcode == Opcode::CLOSE;
            let late = closes.then(|| Frame::new(Opcode::TEXT, b"left over"));
            [frame].into_iter().chain(late).collect()
        })],
    ),
    fault(
        "answers-the-request-in-the-end",
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

/// Puts a frame in front of a pong, where no case minds it.
fn before_a_pong(frame: Frame, extra: impl FnOnce() -> Frame) -> Vec<Frame> {
    let extra = (frame.opcode == Opcode::PONG).then(extra);
    extra.into_iter().chain([frame]).collect()
}
