use alloc::vec::Vec;
use core::ops::Range;

use super::{Fact, Frame, LengthForm, Opcode};

/// The highest payload length of a control frame (RFC 6455 section 5.5).
const CONTROL_LENGTH: u64 = 125;

/// Something remarkable about a frame by itself (RFC 6455 section 5). Whether it is wrong depends on the direction
/// and on what was negotiated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactKind {
    /// The frame is masked (section 5.3). Place: the second byte.
    Masked,
    /// Some of the reserved bits are set, namely these: RSV1 = 0b100, RSV2 = 0b010, RSV3 = 0b001 (section 5.2).
    /// Place: the first byte.
    ReservedBits(u8),
    /// The opcode is one of those that are reserved (section 5.2). Place: the first byte.
    ReservedOpcode,
    /// The length would fit in a shorter form (section 5.2). Place: the length.
    NotMinimalLength,
    /// The highest of the 64 bits of the length is set, which has to be 0 (section 5.2). Place: the length.
    TopBitOfLength,
    /// A control frame that is not final (section 5.5). Place: the first byte.
    FragmentedControl,
    /// A control frame with a length above 125 (section 5.5). Place: the length.
    OversizedControl,
    /// A close frame with a payload of one byte, too short for a status code (section 5.5.1). Place: the payload.
    OneByteClose,
    /// A status code outside 1000 to 4999, for which there is no use (section 7.4.2). Place: the code.
    CloseCodeOutOfRange(u16),
    /// A status code that has to stay off the wire: 1005, 1006 or 1015 (section 7.4.1). Place: the code.
    CloseCodeNotForTheWire(u16),
    /// A status code that RFC 6455 reserves without a meaning: 1004, or 1012 to 2999 without 1015 (section 7.4). The
    /// registry may have given it one since. Place: the code.
    CloseCodeReserved(u16),
    /// The reason of a close frame is not UTF-8 (section 5.5.1). Place: from the first byte that is not.
    CloseReasonNotUtf8,
}

impl Frame {
    /// What is remarkable about the frame by itself.
    pub fn facts(&self) -> Vec<FactKind> {
        self.placed_facts().into_iter().map(|fact| fact.kind).collect()
    }

    /// What is remarkable about the frame by itself, and where in the frame it stands.
    pub fn placed_facts(&self) -> Vec<Fact> {
        frame_facts(self)
    }
}

fn frame_facts(frame: &Frame) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut add = |place: Range<usize>, kind| facts.push(Fact::within(frame.offset, place, kind));
    header_facts(frame, &mut add);
    if frame.opcode == Opcode::CLOSE {
        close_facts(frame, &mut add);
    }
    facts
}

fn header_facts(frame: &Frame, add: &mut impl FnMut(Range<usize>, FactKind)) {
    if frame.rsv != 0 {
        add(0..1, FactKind::ReservedBits(frame.rsv));
    }
    if frame.opcode.is_reserved() {
        add(0..1, FactKind::ReservedOpcode);
    }
    if frame.opcode.is_control() && !frame.fin {
        add(0..1, FactKind::FragmentedControl);
    }
    if frame.mask.is_some() {
        add(1..2, FactKind::Masked);
    }
    let length = length_place(frame);
    if frame.length_form != Frame::minimal_form(frame.length) {
        add(length.clone(), FactKind::NotMinimalLength);
    }
    if frame.length >> 63 == 1 {
        add(length.clone(), FactKind::TopBitOfLength);
    }
    if frame.opcode.is_control() && frame.length > CONTROL_LENGTH {
        add(length, FactKind::OversizedControl);
    }
}

/// The bytes that hold the length.
fn length_place(frame: &Frame) -> Range<usize> {
    match frame.length_form {
        LengthForm::Short => 1..2,
        LengthForm::Extended16 | LengthForm::Extended64 => 2..2 + frame.length_form.extra_len(),
    }
}

fn close_facts(frame: &Frame, add: &mut impl FnMut(Range<usize>, FactKind)) {
    let start = frame.header().header_len;
    let end = start + frame.payload.len();
    if frame.payload.len() == 1 {
        add(start..end, FactKind::OneByteClose);
    }
    if let Some(kind) = frame.close_code().and_then(close_code_fact) {
        add(start..start + 2, kind);
    }
    let reason = frame.close_reason().unwrap_or_default();
    if let Err(error) = core::str::from_utf8(&reason) {
        add(start + 2 + error.valid_up_to()..end, FactKind::CloseReasonNotUtf8);
    }
}

fn close_code_fact(code: u16) -> Option<FactKind> {
    match code {
        0..1000 | 5000.. => Some(FactKind::CloseCodeOutOfRange(code)),
        1005 | 1006 | 1015 => Some(FactKind::CloseCodeNotForTheWire(code)),
        1004 | 1012..3000 => Some(FactKind::CloseCodeReserved(code)),
        1000..=1003 | 1007..=1011 | 3000..5000 => None,
    }
}
