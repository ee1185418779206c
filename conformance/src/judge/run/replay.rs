//! Judges a case again from a transcript: no server, no socket, no sleep.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::case::Case;
use crate::catalogue::Catalogue;
use crate::judge::verdict::subject::Settings;
use crate::profile::Target;
use crate::transcript::{ConnectionId, EventKind, Transcript};

use super::machine::Machine;
use super::vocabulary::{Action, Input, Judgement};

/// Feeds what was received to a machine at the times at which it came; then lets time pass until it is done.
pub fn replay(
    case: Case,
    target: Arc<Target>,
    catalogue: Arc<Catalogue>,
    settings: Settings,
    transcript: &Transcript,
) -> Judgement {
    let mut machine = Machine::new(case, target, catalogue, settings);
    let mut late = Late::of(transcript);
    for event in &transcript.events {
        let input = match &event.kind {
            EventKind::Accepted(id) => Input::Accepted(*id),
            EventKind::Received(id, bytes) => Input::Received(*id, bytes.clone()),
            EventKind::Eof(id) => Input::Eof(*id),
            EventKind::Cut(id) => Input::Cut(*id),
            EventKind::Reset(id) => Input::Reset(*id),
            EventKind::Refused(id, why) => Input::Refused(*id, why.clone()),
            EventKind::Published(result) => Input::Published(result.clone()),
            EventKind::Written(id) => Input::Writing(*id),
            _ => continue,
        };
        if run_until(&mut machine, event.at, &late) {
            return machine.finish();
        }
        if let EventKind::Written(id) = &event.kind {
            late.pass(*id);
            while machine.unwritten(*id) > 0 {
                machine.handle(event.at, Input::Written(*id, Duration::ZERO));
            }
        }
        machine.handle(event.at, input);
    }
    run_until(&mut machine, Duration::MAX, &late);
    machine.finish()
}

/// How often the bytes of each connection are yet to leave later than they were sent.
struct Late(BTreeMap<ConnectionId, usize>);

impl Late {
    fn of(transcript: &Transcript) -> Late {
        let mut late = BTreeMap::new();
        for event in &transcript.events {
            if let EventKind::Written(id) = &event.kind {
                *late.entry(*id).or_default() += 1;
            }
        }
        Late(late)
    }

    fn pass(&mut self, id: ConnectionId) {
        self.0.entry(id).and_modify(|times| *times = times.saturating_sub(1));
    }

    fn is_expected(&self, id: ConnectionId) -> bool {
        self.0.get(&id).is_some_and(|times| *times > 0)
    }
}

/// Lets the machine act up to a time; whether it is done.
fn run_until(machine: &mut Machine, end: Duration, late: &Late) -> bool {
    let mut now = Duration::ZERO;
    loop {
        match machine.next(now) {
            Action::Done => return true,
            Action::Wait(until) if until >= end => return false,
            Action::Wait(until) => now = until,
            // What is not known to be late has left at once.
            Action::Write(id, _) if !late.is_expected(id) => {
                machine.handle(now, Input::Written(id, Duration::ZERO));
            }
            _ => {}
        }
    }
}
