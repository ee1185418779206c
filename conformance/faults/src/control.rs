//! What a fault is measured against: relays that break nothing.

use std::time::Duration;

use super::{Deviation, Edit, Fault};

/// A relay that changes nothing.
pub static TRANSPARENT: Fault = Fault {
    name: "transparent",
    technique: "http",
    clause: "",
    summary: "The server does everything right.",
    edits: &[],
};

/// Is the extension permessage-deflate, in front of a server without it.
pub static COMPRESSING: Fault = Fault {
    name: "compressing",
    technique: "websocket",
    clause: "",
    summary: "The server does everything right.",
    edits: &[Edit::Deflate(&Deviation::NONE)],
};

/// Takes everything apart, and puts it together as it was.
pub static IDENTITY: Fault = Fault {
    name: "identity",
    technique: "http",
    clause: "",
    summary: "The server does everything right.",
    edits: &[
        Edit::Read(|_read, _bytes| {}),
        Edit::Refusal(|_request| None),
        Edit::Begun(|_request| None),
        Edit::Request(|_request| {}),
        Edit::Abandoned(|_request| {}),
        Edit::Answer(|_request, _answer| {}),
        Edit::Event(|_request, event| event.encode()),
        Edit::Script(|_request, script| script),
        Edit::Stream(|_request| None),
        Edit::ClientFrame(|_conversation, frame| vec![frame]),
        Edit::ServerFrame(|_conversation, frame| vec![frame]),
        Edit::FrameDelay(|_conversation, _frame| Duration::ZERO),
        Edit::EndDelay(|_conversation| Duration::ZERO),
        Edit::ClientEnd(|_conversation, end| end),
        Edit::End(|_conversation, end| end),
    ],
};
