//! Times as they are written.

use super::canonical;
use crate::case::statement::{Declared, Span};

/// `300ms`, `5s`, or a time that the profile gives.
pub(crate) fn span(word: &str) -> Option<Span> {
    match word {
        "heartbeat" => return Some(Span::Heartbeat),
        "interval" => return Some(Span::Interval),
        "hold" => return Some(Span::Hold),
        "half-hold" => return Some(Span::HalfHold),
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

/// `300ms` or `5s` where nothing else declares a time: in profiles and attributes.
pub(crate) fn duration(word: &str) -> Option<std::time::Duration> {
    span(word).filter(|span| !span.is_declared()).map(|span| span.duration(Declared::default()))
}
