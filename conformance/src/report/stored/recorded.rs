//! What has to be kept of a case to judge it again without its server.

use serde::{Deserialize, Serialize};

use crate::judge::Verdict;
use crate::outcome::CaseOutcome;
use crate::transcript::{EventKind, Transcript, TranscriptError, parse};

/// How much is kept of a case: a server that floods is not judged again.
const KEPT: usize = 48 * 1024;

/// What came from the target, and when. What the suite sent follows from the page and the profile, and is not kept: there
/// secrets may be in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Recorded {
    /// The channel that the case had for itself.
    pub channel: String,
    /// The events, one a line: the time in milliseconds, the connection, and what came.
    pub events: String,
}

impl Recorded {
    /// What is kept of a case: of one that passed nothing, and of one that is too long nothing either.
    pub(super) fn of(outcome: &CaseOutcome) -> Option<Recorded> {
        if matches!(outcome.verdict, Verdict::Pass | Verdict::Skip) || outcome.case.invariant().is_some() {
            return None;
        }
        let mut came = Transcript::default();
        for event in &outcome.transcript.events {
            match event.kind {
                EventKind::LeftOut(..) => return None,
                EventKind::Accepted(_)
                | EventKind::Received(..)
                | EventKind::Eof(_)
                | EventKind::Cut(_)
                | EventKind::Reset(_)
                | EventKind::Refused(..)
                | EventKind::Published(_)
                | EventKind::Written(_) => came.push(event.at, event.kind.clone()),
                _ => {}
            }
        }
        let events = came.to_string();
        (events.len() <= KEPT).then(|| Recorded { channel: outcome.channel.clone(), events })
    }

    /// The events again.
    pub fn transcript(&self) -> Result<Transcript, TranscriptError> {
        parse(&self.events)
    }
}
