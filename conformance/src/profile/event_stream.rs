//! `[sse]`.

use std::time::Duration;

use serde::Deserialize;

use super::time::duration;

/// `[sse]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EventStream {
    /// Path and query, with `{channel}`.
    pub path: String,
    /// Whether the server honours `Last-Event-ID`.
    #[serde(default)]
    pub resume: bool,
    /// Whether its streams end when all is said.
    #[serde(default)]
    pub finite: bool,
    /// The time after which a comment keeps the connection alive.
    #[serde(default, deserialize_with = "duration")]
    pub heartbeat: Option<Duration>,
    /// Path and query of a stream that the server ends after its first event.
    pub ending: Option<String>,
    /// Path and query of a stream that is over: clients are to come no more.
    pub gone: Option<String>,
    /// Path and query from which a stream has moved elsewhere.
    pub moved: Option<String>,
    /// Path and query of a stream in which identifiers come in blocks of their own, behind their events.
    pub checkpoints: Option<String>,
}
