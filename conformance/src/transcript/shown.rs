//! Bytes and frames in the notation, as much of them as a reader wants to see.

use pushspec_wire::websocket::{Frame, Opcode};

use crate::case::text::Text;

/// How much of a payload is shown where it is found to deviate: the deviation may stand behind much that is right.
const SHOWN: usize = 2048;

/// How much of a payload is shown in a transcript.
const SHOWN_BRIEFLY: usize = 200;

/// Bytes in the notation, shortened where they are very many.
pub(crate) fn shown(bytes: &[u8]) -> String {
    cut(bytes, SHOWN)
}

/// Bytes in the notation, as a line of a transcript has them.
pub(crate) fn shown_briefly(bytes: &[u8]) -> String {
    cut(bytes, SHOWN_BRIEFLY)
}

fn cut(bytes: &[u8], most: usize) -> String {
    if bytes.len() <= most {
        return Text::from_bytes(bytes).to_string();
    }
    let cut = (0..=3)
        .map(|back| most - back)
        .find(|cut| std::str::from_utf8(&bytes[..*cut]).is_ok())
        .unwrap_or(most);
    format!("{} … ({} bytes in all)", Text::from_bytes(&bytes[..cut]), bytes.len())
}

/// A frame of a client, in the notation, as a line of a transcript has it: there the lack of a mask is what is remarkable.
pub(crate) fn shown_client_frame(frame: &Frame) -> String {
    let shown = shown_frame_briefly(frame);
    if frame.mask.is_some() {
        return shown;
    }
    let end = shown.find([' ', ']']).unwrap_or(shown.len());
    format!("{} nomask{}", &shown[..end], &shown[end..])
}

/// A frame in the notation.
pub(crate) fn shown_frame(frame: &Frame) -> String {
    in_notation(frame, shown)
}

/// A frame in the notation, as a line of a transcript has it.
pub(crate) fn shown_frame_briefly(frame: &Frame) -> String {
    in_notation(frame, shown_briefly)
}

fn in_notation(frame: &Frame, shown: fn(&[u8]) -> String) -> String {
    let mut words =
        vec![frame.opcode.name().map_or_else(|| format!("0x{:x}", frame.opcode.0), ToOwned::to_owned)];
    if !frame.fin {
        words.push("nofin".into());
    }
    let bits = [(0b100, "rsv1"), (0b010, "rsv2"), (0b001, "rsv3")];
    words.extend(bits.iter().filter(|(bit, _)| frame.rsv & bit != 0).map(|(_, word)| (*word).to_owned()));
    if let Some([a, b, c, d]) = frame.mask {
        words.push(format!("mask={a:02x}{b:02x}{c:02x}{d:02x}"));
    }
    let payload = frame.unmasked_payload();
    match (frame.opcode, frame.close_code()) {
        (Opcode::CLOSE, Some(code)) => {
            words.push(code.to_string());
            words.extend(payload.get(2..).filter(|reason| !reason.is_empty()).map(shown));
        }
        (_, _) if payload.is_empty() => {}
        _ => words.push(shown(&payload)),
    }
    format!("[{}]", words.join(" "))
}

/// A line of a head: as it is where it can be read, as a string where it cannot.
pub(crate) fn readable_line(line: &[u8]) -> String {
    match std::str::from_utf8(line) {
        Ok(text) if text.len() <= SHOWN_BRIEFLY && text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) => {
            text.to_owned()
        }
        _ => shown_briefly(line),
    }
}
