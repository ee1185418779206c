//! Judges a case again from a transcript: no server, no socket, no sleep.

use std::sync::Arc;
use std::time::Duration;

use crate::case::Case;
use crate::catalogue::Catalogue;
use crate::judge::verdict::subject::Settings;
use crate::profile::Target;
use crate::transcript::{EventKind, Transcript};

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
    for event in &transcript.events {
        let input = match &event.kind {
            EventKind::Accepted(id) => Input::Accepted(*id),
            EventKind::Received(id, bytes) => Input::Received(*id, bytes.clone()),
            EventKind::Eof(id) => Input::Eof(*id),
            EventKind::Reset(id) => Input::Reset(*id),
            EventKind::Refused(id, why) => Input::Refused(*id, why.clone()),
            EventKind::Published(result) => Input::Published(result.clone()),
            _ => continue,
        };
        if run_until(&mut machine, event.at) {
            return machine.finish();
        }
        machine.handle(event.at, input);
    }
    run_until(&mut machine, Duration::MAX);
    machine.finish()
}

/// Lets the machine act up to a time; whether it is done.
fn run_until(machine: &mut Machine, end: Duration) -> bool {
    let mut now = Duration::ZERO;
    loop {
        match machine.next(now) {
            Action::Done => return true,
            Action::Wait(until) if until >= end => return false,
            Action::Wait(until) => now = until,
            _ => {}
        }
    }
}
