//! Frames of the notation: their words, and whether a frame that came is the one that they describe.

use pushspec_wire::websocket::{Frame, LengthForm};

use crate::case::statement::{DeflateWord, FrameItem, FrameWord, OpcodeWord};
use crate::case::text::{NoValue, Scope};

/// An item that makes no bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EncodeError {
    #[error(transparent)]
    NoValue(#[from] NoValue),
    #[error("{0}")]
    Word(String),
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
    pub(crate) nomask: bool,
    pub(crate) mask: Option<[u8; 4]>,
    pub(crate) form: Option<LengthForm>,
    pub(crate) length: Option<u64>,
    /// How the payload is compressed, if it is.
    pub(crate) deflate: Option<Vec<DeflateWord>>,
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
            FrameWord::Deflate(words) => self.deflate = Some(words.clone()),
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

/// Whether a frame is the one that words describe.
pub(super) fn frame_equals(pattern: &FrameParts, frame: &Frame) -> bool {
    if frame.opcode.0 != pattern.opcode || frame.fin == pattern.nofin {
        return false;
    }
    if pattern.any {
        return true;
    }
    if let Some(thousand) = pattern.code_class {
        return frame.close_code().is_some_and(|code| code / 1000 == thousand);
    }
    match (pattern.code, &pattern.payload) {
        (Some(code), None) => frame.close_code() == Some(code),
        _ => *frame.unmasked_payload() == pattern.clear_payload(),
    }
}
