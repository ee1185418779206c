use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::{FrameHeader, LengthForm, Opcode, apply_mask};

/// A frame (RFC 6455 section 5.2), with everything that can be told apart on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Place of the first byte; encoding ignores it.
    pub offset: usize,
    /// Whether this is the last fragment of its message.
    pub fin: bool,
    /// The three reserved bits: RSV1 = 0b100, RSV2 = 0b010, RSV3 = 0b001.
    pub rsv: u8,
    /// What the frame is for.
    pub opcode: Opcode,
    /// How the length is written.
    pub length_form: LengthForm,
    /// The length as declared, in bytes. A scanned frame has as many bytes of payload.
    pub length: u64,
    /// The masking key, if the frame says that it is masked.
    pub mask: Option<[u8; 4]>,
    /// The payload as on the wire: masked if there is a key.
    pub payload: Vec<u8>,
}

impl Frame {
    /// An honest frame: final, without reserved bits and mask, the length in the shortest form.
    pub fn new(opcode: Opcode, payload_clear: &[u8]) -> Self {
        let length = payload_clear.len() as u64;
        Self {
            offset: 0,
            fin: true,
            rsv: 0,
            opcode,
            length_form: Self::minimal_form(length),
            length,
            mask: None,
            payload: payload_clear.to_vec(),
        }
    }

    /// A close frame with a code and a reason (section 5.5.1).
    pub fn close(code: u16, reason: &[u8]) -> Self {
        Self::new(Opcode::CLOSE, &[&code.to_be_bytes(), reason].concat())
    }

    /// The same frame masked with this key (section 5.3), whether it was masked before or not.
    #[must_use]
    pub fn masked(mut self, key: [u8; 4]) -> Self {
        if let Some(former) = self.mask.replace(key) {
            apply_mask(&mut self.payload, former, 0);
        }
        apply_mask(&mut self.payload, key, 0);
        self
    }

    /// The shortest form for a length (section 5.2).
    pub const fn minimal_form(len: u64) -> LengthForm {
        match len {
            0..=125 => LengthForm::Short,
            126..=0xffff => LengthForm::Extended16,
            _ => LengthForm::Extended64,
        }
    }

    /// The bytes of the frame: a header that says what the fields say, be it true or not, and the payload as it is.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.header().header_len + self.payload.len());
        self.encode_into(&mut bytes);
        bytes
    }

    /// Appends the bytes of the frame.
    pub fn encode_into(&self, bytes: &mut Vec<u8>) {
        self.header().encode_into(bytes);
        bytes.extend_from_slice(&self.payload);
    }

    /// The frame without its payload.
    pub fn header(&self) -> FrameHeader {
        let &Self { offset, fin, rsv, opcode, length_form, length, mask, payload: _ } = self;
        let header_len = 2 + length_form.extra_len() + mask.map_or(0, |key| key.len());
        FrameHeader { offset, fin, rsv, opcode, length_form, length, mask, header_len }
    }

    /// The payload as the sender meant it.
    pub fn unmasked_payload(&self) -> Cow<'_, [u8]> {
        let Some(key) = self.mask else {
            return Cow::Borrowed(&self.payload);
        };
        let mut payload = self.payload.clone();
        apply_mask(&mut payload, key, 0);
        Cow::Owned(payload)
    }

    /// The status code of a close frame that has one (section 5.5.1).
    pub fn close_code(&self) -> Option<u16> {
        let payload = self.close_payload()?;
        payload.first_chunk().copied().map(u16::from_be_bytes)
    }

    /// The reason of a close frame that has a status code (section 5.5.1); it may be empty or not be UTF-8.
    pub fn close_reason(&self) -> Option<Cow<'_, [u8]>> {
        match self.close_payload()? {
            Cow::Borrowed(payload) => payload.get(2..).map(Cow::Borrowed),
            Cow::Owned(payload) => payload.get(2..).map(|reason| Cow::Owned(reason.to_vec())),
        }
    }

    fn close_payload(&self) -> Option<Cow<'_, [u8]>> {
        (self.opcode == Opcode::CLOSE).then(|| self.unmasked_payload())
    }
}
