//! Times of a profile.

use std::time::Duration;

use serde::Deserializer;
use serde::de::Visitor;

/// `300ms` or `25s`, as in the fixtures.
pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    deserializer.deserialize_str(Time).map(Some)
}

/// Reads a time, and says what one looks like where there is something else.
struct Time;

impl Visitor<'_> for Time {
    type Value = Duration;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a time with its unit, as in \"15s\"")
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Duration, E> {
        crate::case::parse_duration(word)
            .ok_or_else(|| E::custom(format!("`{word}` is not a time; write `300ms` or `25s`")))
    }
}
