//! Which cases say themselves what is agreed on, and how their frames are written.

use crate::case::Case;
use crate::case::statement::{Line, SendItem, Statement};
use crate::case::text::{Form, Text};

/// Whether a case offers an extension, or has bits in its frames that only an extension gives a meaning: such a case says
/// itself what is agreed on.
pub(crate) fn speaks_of_extensions(case: &Case) -> bool {
    let says =
        |text: &str| ["Sec-WebSocket-Extensions", " offer=", "rsv"].iter().any(|word| text.contains(word));
    let lines = case.section().conversation.iter().flatten();
    lines.into_iter().any(|line| says(&line.source)) || case.parameters.values().any(|value| says(value))
}

/// Whether a case sends frames byte by byte: they go between those of its words as they are, so that none is compressed.
pub(super) fn writes_frames(case: &Case) -> bool {
    case.section().conversation.iter().flatten().any(is_in_hex)
}

/// Whether a line sends frames byte by byte: what they say cannot be said in other words.
pub(super) fn is_in_hex(line: &Line) -> bool {
    let is_hex = |text: &Text| text.pieces.iter().any(|piece| piece.form == Form::Hex);
    match &line.statement {
        Some(Statement::Send(_, SendItem::Bytes(text))) => is_hex(text),
        Some(Statement::Send(_, SendItem::Chop(_, item))) => {
            matches!(&**item, SendItem::Bytes(text) if is_hex(text))
        }
        _ => false,
    }
}
