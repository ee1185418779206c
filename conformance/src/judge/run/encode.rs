//! From items of the notation to bytes.

use pushspec_wire::websocket::{Frame, Opcode};

use crate::case::statement::{ConnectionName, DeflateWord, FrameItem, SendItem};
use crate::case::text::{Repeat, parameter_number};
use crate::extension::{COMPRESSED, Compressor};
use crate::judge::expect::frame::{EncodeError, FrameParts};
use crate::judge::receive::side::Side;

use super::compression::{Compressed, Compression, Part};
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

/// Where an item goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way<'c> {
    /// The connection.
    pub(crate) on: &'c ConnectionName,
    /// The side of it that the suite has.
    pub(crate) side: Side,
    /// How this side compresses, where that was agreed on.
    pub(crate) agreed: Option<Compressor>,
}

/// What an item makes the suite do on a connection.
pub(crate) fn outgoing(
    item: &SendItem,
    way: Way<'_>,
    scope: &mut CaseScope,
    compression: &mut Compression,
) -> Result<Outgoing, EncodeError> {
    let on = way.on;
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
        SendItem::Frame(item) => Outgoing::Bytes(vec![frame(item, way, scope, compression)?.encode()]),
        SendItem::Fragments(length, item) => {
            let length = match length {
                Repeat::Times(length) => *length,
                Repeat::Parameter(name) => parameter_number(scope, name)?,
            };
            Outgoing::Bytes(vec![fragments(length.max(1), item, way, scope, compression)?])
        }
        SendItem::Chop(length, inner) => match outgoing(inner, way, scope, compression)? {
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
    way: Way<'_>,
    scope: &mut CaseScope,
    compression: &mut Compression,
) -> Result<Frame, EncodeError> {
    let parts = FrameParts::of(item, scope)?;
    if parts.code_class.is_some() {
        return Err(EncodeError::Word("a frame that is sent has a code, not a class of codes".into()));
    }
    let (clear, form) = match way.side {
        Side::Client => scope.speech.payload(way.on, &parts),
        Side::Server => (parts.clear_payload(), parts.form),
    };
    let compressed = compressed(&parts, &clear, way, compression)?;
    let is_marked = compressed.as_ref().is_some_and(|compressed| compressed.is_marked);
    // The form that was asked for may have no room for what became of the text.
    let form = form.filter(|_| compressed.is_none());
    let payload = compressed.map_or(clear, |compressed| compressed.payload);
    let mut frame = Frame::new(Opcode(parts.opcode), &payload);
    if !parts.nomask && (way.side == Side::Client || parts.mask.is_some()) {
        let key = parts.mask.unwrap_or_else(|| scope.mask());
        frame = frame.masked(key);
    }
    frame.fin = !parts.nofin;
    frame.rsv = parts.rsv | if is_marked { COMPRESSED } else { 0 };
    if let Some(length) = parts.length {
        frame.length = length;
        frame.length_form = Frame::minimal_form(length);
    }
    if let Some(form) = form {
        frame.length_form = form;
    }
    Ok(frame)
}

/// A payload as it is compressed: where the frame says so, or where every message is that a case does not say otherwise of.
fn compressed(
    parts: &FrameParts,
    clear: &[u8],
    way: Way<'_>,
    compression: &mut Compression,
) -> Result<Option<Compressed>, EncodeError> {
    let opcode = Opcode(parts.opcode);
    let is_first = matches!(opcode, Opcode::TEXT | Opcode::BINARY);
    let continues = opcode == Opcode::CONTINUATION;
    let says_nothing = parts.rsv == 0 && parts.length.is_none();
    let is_meant = says_nothing && compression.is_meant(way.on, is_first, continues);
    let words = match &parts.deflate {
        Some(words) => words.as_slice(),
        None if is_meant => &[],
        None => return Ok(None),
    };
    match way.agreed {
        Some(agreed) => {
            let part = Part { is_first, is_last: !parts.nofin };
            Ok(Some(compression.compress(way.on, agreed, words, clear, part)))
        }
        None if words.iter().copied().any(is_lie) => Err(EncodeError::Word(
            "the case compresses a message in a way of its own, and nothing was agreed on".into(),
        )),
        None => Ok(None),
    }
}

/// Whether a word says something that no receiver has to take.
fn is_lie(word: DeflateWord) -> bool {
    use DeflateWord as W;
    matches!(word, W::Untrimmed | W::Wide | W::Taken | W::Cut | W::Unmarked)
}

/// A message in frames with so many bytes of its payload.
fn fragments(
    length: usize,
    item: &FrameItem,
    way: Way<'_>,
    scope: &mut CaseScope,
    compression: &mut Compression,
) -> Result<Vec<u8>, EncodeError> {
    let whole = frame(item, way, scope, compression)?;
    let payload = whole.unmasked_payload();
    let count = payload.chunks(length).len().max(1);
    let mut pieces = payload.chunks(length);
    let mut bytes = Vec::new();
    for at in 0..count {
        let opcode = if at == 0 { whole.opcode } else { Opcode::CONTINUATION };
        let mut fragment = Frame::new(opcode, pieces.next().unwrap_or_default());
        fragment.fin = at + 1 == count;
        fragment.rsv = if at == 0 { whole.rsv } else { 0 };
        if let Some(key) = whole.mask {
            fragment = fragment.masked(if at == 0 { key } else { scope.mask() });
        }
        fragment.encode_into(&mut bytes);
    }
    Ok(bytes)
}
