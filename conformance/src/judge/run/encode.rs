//! From items of the notation to bytes.

use pushspec_wire::websocket::{Frame, Opcode};

use crate::case::statement::{ConnectionName, FrameItem, SendItem};
use crate::judge::expect::frame::{EncodeError, FrameParts};
use crate::judge::receive::side::Side;

use super::scope::CaseScope;
use super::vocabulary::Intake;

/// What a step sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outgoing {
    /// One write for each piece.
    Bytes(Vec<Vec<u8>>),
    /// A FIN.
    Finish,
    /// A RST.
    Abort,
    /// Nothing: how what comes is read.
    Read(Intake),
}

/// What an item makes the suite do on a connection of which it has this side.
pub(crate) fn outgoing(
    item: &SendItem,
    on: &ConnectionName,
    side: Side,
    scope: &mut CaseScope,
) -> Result<Outgoing, EncodeError> {
    Ok(match item {
        SendItem::HttpLine(line) => {
            let mut bytes = line.bytes(scope)?;
            bytes.extend(b"\r\n");
            Outgoing::Bytes(vec![scope.written.complete(on, bytes)])
        }
        SendItem::Bytes(text) => {
            let bytes = text.bytes(scope)?;
            Outgoing::Bytes(vec![scope.written.complete(on, bytes)])
        }
        SendItem::Frame(item) => Outgoing::Bytes(vec![frame(item, on, side, scope)?.encode()]),
        SendItem::Chop(length, inner) => match outgoing(inner, on, side, scope)? {
            Outgoing::Bytes(pieces) => {
                Outgoing::Bytes(pieces.concat().chunks(*length).map(<[u8]>::to_vec).collect())
            }
            other => other,
        },
        SendItem::Eof => Outgoing::Finish,
        SendItem::Reset => Outgoing::Abort,
        SendItem::Pause => Outgoing::Read(Intake::Nothing),
        SendItem::Trickle => Outgoing::Read(Intake::Bytes),
        SendItem::Resume => Outgoing::Read(Intake::All),
    })
}

/// The frame that an item describes. Unless it says otherwise a client masks it, and a server does not (RFC 6455 section
/// 5.1).
fn frame(
    item: &FrameItem,
    on: &ConnectionName,
    side: Side,
    scope: &mut CaseScope,
) -> Result<Frame, EncodeError> {
    let parts = FrameParts::of(item, scope)?;
    if parts.code_class.is_some() {
        return Err(EncodeError::Word("a frame that is sent has a code, not a class of codes".into()));
    }
    let (payload, form) = match side {
        Side::Client => scope.speech.payload(on, &parts),
        Side::Server => (parts.clear_payload(), parts.form),
    };
    let mut frame = Frame::new(Opcode(parts.opcode), &payload);
    if !parts.nomask && (side == Side::Client || parts.mask.is_some()) {
        let key = parts.mask.unwrap_or_else(|| scope.mask());
        frame = frame.masked(key);
    }
    frame.fin = !parts.nofin;
    frame.rsv = parts.rsv;
    if let Some(length) = parts.length {
        frame.length = length;
        frame.length_form = Frame::minimal_form(length);
    }
    if let Some(form) = form {
        frame.length_form = form;
    }
    Ok(frame)
}
