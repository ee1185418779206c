//! Time as a case has it.

use std::time::Duration;

use crate::case::statement::Span;
use crate::judge::verdict::subject::Subject;

/// The upper bound of an expectation that names none.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);

/// What time it is, and how long stretches of time are with this target.
#[derive(Debug)]
pub(super) struct Clock {
    now: Duration,
    patience: f64,
    heartbeat: Option<Duration>,
}

impl Clock {
    pub(super) fn new(subject: &Subject) -> Clock {
        let profile = &subject.target.profile;
        let heartbeat = if subject.case.technique == "iframe" {
            profile.iframe.as_ref().and_then(|iframe| iframe.heartbeat)
        } else {
            profile.sse.as_ref().and_then(|sse| sse.heartbeat)
        };
        Clock { now: Duration::ZERO, patience: subject.settings.patience, heartbeat }
    }

    /// The time from the start of the case.
    pub(super) fn now(&self) -> Duration {
        self.now
    }

    /// Some time has passed. Time does not go back.
    pub(super) fn pass(&mut self, now: Duration) -> Duration {
        self.now = now.max(self.now);
        self.now
    }

    /// A stretch of time as this target has it.
    pub(super) fn time(&self, span: Span) -> Duration {
        span.duration(self.heartbeat)
    }

    /// An upper bound, as patient as the run is.
    pub(super) fn patient(&self, duration: Duration) -> Duration {
        duration.mul_f64(self.patience)
    }
}
