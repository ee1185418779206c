//! What each kind of step does when its turn comes.

use std::time::Duration;

use super::machine::Machine;
use super::plan::StepKind;

impl Machine {
    /// Takes the next step if it can be taken. `Some` is the time until which there is nothing to do.
    pub(super) fn advance(&mut self, now: Duration) -> Option<Duration> {
        let Some(step) = self.script.step() else {
            let until = self.reading_events(now);
            if until.is_none() {
                self.record.stop();
            }
            return until;
        };
        match step.kind {
            StepKind::Connect(name) => self.connect(now, &name),
            StepKind::Accept(name) => return self.accept(now, &name),
            StepKind::Procedure(procedure, name, attributes) => {
                self.procedure(now, step.line, procedure, &name, &attributes);
            }
            StepKind::Visit(procedure, name, attributes) => {
                return self.visit(now, procedure, &name, &attributes);
            }
            StepKind::Send(name, items) => self.send(now, &name, &items),
            StepKind::Publish(data, attributes) => return self.publish(now, &data, &attributes),
            StepKind::Wait(span) => {
                if let Some(until) = self.leaving().filter(|until| now < *until) {
                    return Some(until);
                }
                let until = self.script.base + self.clock.pause(self.clock.time(span));
                if now < until {
                    return Some(until);
                }
                self.script.done_at(now);
            }
            StepKind::Silent(silence, span, name) => {
                return self.silent(now, step.line, silence, span, &name);
            }
            StepKind::Opened(..) | StepKind::Head(..) | StepKind::Expect(..) => return self.expect(now),
        }
        None
    }
}
