//! Times as they are written.

use super::canonical;
use crate::case::statement::Span;

/// `300ms`, `5s`, `heartbeat` or `interval`.
pub(crate) fn span(word: &str) -> Option<Span> {
    match word {
        "heartbeat" => return Some(Span::Heartbeat),
        "interval" => return Some(Span::Interval),
        _ => {}
    }
    let (digits, seconds) = match word.strip_suffix("ms") {
        Some(digits) => (digits, false),
        None => (word.strip_suffix('s')?, true),
    };
    // An hour is more than any case waits.
    let count: u64 = canonical(digits).filter(|count| *count <= 3_600_000)?;
    Some(if seconds { Span::Seconds(count) } else { Span::Milliseconds(count) })
}

/// `300ms` or `5s` where nothing declares a heartbeat: in profiles and attributes.
pub(crate) fn duration(word: &str) -> Option<std::time::Duration> {
    span(word)
        .filter(|span| !matches!(span, Span::Heartbeat | Span::Interval))
        .map(|span| span.duration(None))
}
