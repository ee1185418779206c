//! Time as a case has it.

use std::time::Duration;

use crate::case::statement::{Declared, Span};
use crate::judge::verdict::subject::Subject;
use crate::profile::Target;

/// The upper bound of an expectation that names none. Servers end connections that are idle for 5, 15, 30, 60 or 75 s: a
/// bound that were one of these would meet them by chance.
pub(super) const DEADLINE: Duration = Duration::from_secs(8);

/// How long a client that does not stay waits for an answer: a server that takes longer is left without one.
pub(super) const VISIT: Duration = Duration::from_millis(50);

/// How long no byte of a write may leave before the case goes on without: a server may read nothing. A connection has this
/// time to open, too.
pub(super) const LEAVING: Duration = Duration::from_secs(12);

/// The same for a connection that the case does not read.
pub(super) const LEAVING_UNREAD: Duration = Duration::from_millis(1500);

/// What time it is, and how long stretches of time are with this target.
#[derive(Debug)]
pub(super) struct Clock {
    now: Duration,
    patience: f64,
    declared: Declared,
}

impl Clock {
    pub(super) fn new(subject: &Subject) -> Clock {
        let profile = &subject.target.profile;
        let hold = profile.long_polling.as_ref().map(|poll| poll.hold);
        let heartbeat = if subject.case.technique == "iframe" {
            profile.iframe.as_ref().and_then(|iframe| iframe.heartbeat)
        } else {
            profile.sse.as_ref().and_then(|sse| sse.heartbeat)
        };
        let declared = Declared { heartbeat, hold };
        Clock { now: Duration::ZERO, patience: subject.settings.patience, declared }
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

    /// A long poll asked to be held for so long.
    pub(super) fn note_hold(&mut self, hold: Duration) {
        self.declared.hold = Some(hold);
    }

    /// A stretch of time as this target has it.
    pub(super) fn time(&self, span: Span) -> Duration {
        span.duration(self.declared)
    }

    /// A pause that gives the target time for something: a slow machine needs more of it, and none needs less.
    pub(super) fn pause(&self, duration: Duration) -> Duration {
        duration.mul_f64(self.patience.max(1.0))
    }

    /// An upper bound, as patient as the run is.
    pub(super) fn patient(&self, duration: Duration) -> Duration {
        duration.mul_f64(self.patience)
    }
}

/// For how long a poll is held that asks for this time, where the target is told: no longer than its profile says.
pub(super) fn hold_of(target: &Target, asked: &str) -> Option<Duration> {
    let poll = target.profile.long_polling.as_ref().filter(|_| target.can("long-polling.hold"))?;
    let longest = if poll.is_hold_known { poll.hold } else { Duration::MAX };
    crate::case::parse_duration(asked).map(|asked| asked.min(longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_with_patience_and_never_shrink() {
        let wait = Duration::from_millis(200);
        let clock = |patience: f64| Clock { now: Duration::ZERO, patience, declared: Declared::default() };
        assert_eq!(clock(4.0).pause(wait), wait * 4);
        assert_eq!(clock(0.5).pause(wait), wait);
        assert_eq!(clock(4.0).patient(DEADLINE), DEADLINE * 4);
    }
}
