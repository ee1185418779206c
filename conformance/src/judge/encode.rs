//! From items of the notation to bytes.

use pushspec_wire::websocket::{Frame, LengthForm, Opcode};

use crate::case::statement::{FrameItem, FrameWord, OpcodeWord, SendItem};
use crate::case::text::{NoValue, Scope};

use super::machine::Intake;
use super::scope::CaseScope;

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

/// An item that makes no bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EncodeError {
    #[error(transparent)]
    NoValue(#[from] NoValue),
    #[error("{0}")]
    Word(String),
}

/// The bytes of an item.
pub(crate) fn outgoing(item: &SendItem, scope: &mut CaseScope) -> Result<Outgoing, EncodeError> {
    Ok(match item {
        SendItem::HttpLine(line) => {
            let mut bytes = line.bytes(scope)?;
            bytes.extend(b"\r\n");
            Outgoing::Bytes(vec![scope.with_headers(bytes)])
        }
        SendItem::Bytes(text) => Outgoing::Bytes(vec![scope.with_headers(text.bytes(scope)?)]),
        SendItem::Frame(item) => Outgoing::Bytes(vec![frame(item, scope)?.encode()]),
        SendItem::Chop(size, inner) => match outgoing(inner, scope)? {
            Outgoing::Bytes(pieces) => {
                Outgoing::Bytes(pieces.concat().chunks(*size).map(<[u8]>::to_vec).collect())
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

/// The parts of a frame as its words give them.
#[derive(Debug, Clone, Default)]
pub(crate) struct FrameParts {
    pub(crate) opcode: u8,
    pub(crate) nofin: bool,
    pub(crate) rsv: u8,
    pub(crate) code: Option<u16>,
    /// Any code of this thousand.
    pub(crate) code_class: Option<u16>,
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) any: bool,
    nomask: bool,
    mask: Option<[u8; 4]>,
    form: Option<LengthForm>,
    length: Option<u64>,
}

impl FrameParts {
    pub(crate) fn of(item: &FrameItem, scope: &dyn Scope) -> Result<FrameParts, EncodeError> {
        let mut parts = FrameParts::default();
        for word in &item.0 {
            parts.add(word, scope)?;
        }
        Ok(parts)
    }

    fn add(&mut self, word: &FrameWord, scope: &dyn Scope) -> Result<(), EncodeError> {
        match word {
            FrameWord::Opcode(OpcodeWord::Named(number) | OpcodeWord::Number(number)) => {
                self.opcode = *number;
            }
            FrameWord::NoFin => self.nofin = true,
            FrameWord::Rsv(bit) => self.rsv |= 0b1000 >> bit,
            FrameWord::NoMask => self.nomask = true,
            FrameWord::Mask(key) => self.mask = Some(*key),
            FrameWord::LengthForm(7) => self.form = Some(LengthForm::Short),
            FrameWord::LengthForm(16) => self.form = Some(LengthForm::Extended16),
            FrameWord::LengthForm(_) => self.form = Some(LengthForm::Extended64),
            FrameWord::Length(length) => self.length = Some(*length),
            FrameWord::Code(code) => self.code = Some(*code),
            FrameWord::CodeClass(thousand) => self.code_class = Some(*thousand),
            FrameWord::Payload(text) => self.payload = Some(text.bytes(scope)?),
            FrameWord::Any => self.any = true,
            FrameWord::Parameter(name) => {
                let value = scope.value(name).ok_or_else(|| NoValue(name.clone()))?;
                for word in String::from_utf8_lossy(&value).split_whitespace() {
                    let word = crate::case::parse_frame_word(word)
                        .map_err(|(message, _)| EncodeError::Word(message))?;
                    self.add(&word, scope)?;
                }
            }
        }
        Ok(())
    }

    /// The clear payload: a code, if there is one, comes before the rest (RFC 6455 section 5.5.1).
    pub(crate) fn clear_payload(&self) -> Vec<u8> {
        let mut payload = self.code.map(|code| code.to_be_bytes().to_vec()).unwrap_or_default();
        payload.extend(self.payload.iter().flatten());
        payload
    }
}

/// The frame that an item describes, masked unless it says otherwise.
pub(crate) fn frame(item: &FrameItem, scope: &mut CaseScope) -> Result<Frame, EncodeError> {
    let parts = FrameParts::of(item, scope)?;
    if parts.code_class.is_some() {
        return Err(EncodeError::Word("a frame that is sent has a code, not a class of codes".into()));
    }
    let mut frame = Frame::new(Opcode(parts.opcode), &parts.clear_payload());
    if !parts.nomask {
        let key = parts.mask.unwrap_or_else(|| scope.mask());
        frame = frame.masked(key);
    }
    frame.fin = !parts.nofin;
    frame.rsv = parts.rsv;
    if let Some(length) = parts.length {
        frame.length = length;
        frame.length_form = Frame::minimal_form(length);
    }
    if let Some(form) = parts.form {
        frame.length_form = form;
    }
    Ok(frame)
}
