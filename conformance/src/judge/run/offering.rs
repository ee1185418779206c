//! Which cases say themselves what is agreed on.

use crate::case::Case;

/// Whether a case offers an extension, or has bits in its frames that only an extension gives a meaning: such a case says
/// itself what is agreed on.
pub(crate) fn speaks_of_extensions(case: &Case) -> bool {
    let says =
        |text: &str| ["Sec-WebSocket-Extensions", " offer=", "rsv"].iter().any(|word| text.contains(word));
    let lines = case.section().conversation.iter().flatten();
    lines.into_iter().any(|line| says(&line.source)) || case.parameters.values().any(|value| says(value))
}
