//! What is asked of something that came as it was expected: its time, and its header fields.

use std::time::Duration;

use pushspec_wire::http1::Head;

use crate::case::statement::{ExpectItem, Expectation, FieldPattern, FieldTest, Statement};
use crate::extension;
use crate::judge::expect::field::field_miss;
use crate::judge::receive::item::Arrival;

use super::machine::Machine;
use super::plan::{Bound, Step};

/// The clause about acceptances that can be read.
const ACCEPTANCE: &str = "rfc7692/7/answer";

/// The clause that is broken where nobody can tell what was accepted, whatever the acceptance was to be.
fn unreadable_acceptance(pattern: &FieldPattern, head: &Head) -> Option<&'static str> {
    let is_acceptance = matches!(pattern.test, FieldTest::Accepts(_) | FieldTest::AcceptsWithinHints(_));
    let value = extension::lines(head).filter(|_| is_acceptance)?;
    (!extension::is_well_formed(&value)).then_some(ACCEPTANCE)
}

impl Machine {
    /// Whether it came neither too early nor too late.
    pub(super) fn check_bound(&mut self, step: &Step, bound: Bound, arrival: &Arrival) {
        let took = arrival.at.saturating_sub(self.script.base);
        let waited = arrival.at.saturating_sub(self.script.earliest);
        let lower = bound.lower.map(|span| self.clock.time(span));
        let upper = self.clock.patient(self.clock.time(bound.upper));
        if let Some(lower) = lower.filter(|lower| waited < *lower) {
            let received = format!("{} after {waited:.1?}", arrival.item);
            self.find(step.line, arrival.at, format!("not before {lower:?}"), received);
        }
        // Late is not at all: which of the two it is called would be for the clock to say.
        if took > upper {
            self.find(step.line, arrival.at, self.told(step), format!("nothing within {upper:?}"));
            self.record.stop();
        }
    }

    /// Whether the fields of a head are as the lines below its start line say.
    pub(super) fn check_fields(&mut self, fields: &[usize], head: &Head, at: Duration) {
        for line in fields {
            let Some((optional, pattern)) = self.field(*line) else { continue };
            let before = self.memory.last_head.as_ref();
            match field_miss(&pattern, optional, head, before, &self.memory.scope) {
                Ok(None) => {}
                Ok(Some(received)) => match unreadable_acceptance(&pattern, head) {
                    Some(clause) => self.find_against(clause, *line, at, pattern.to_string(), received),
                    None => self.find(*line, at, pattern.to_string(), received),
                },
                Err(error) => self.record.fail_to_run(error.to_string()),
            }
        }
    }

    fn field(&self, line: usize) -> Option<(bool, FieldPattern)> {
        match &self.subject.line(line)?.statement {
            Some(Statement::Expect(_, Expectation { optional, items })) => match items.first() {
                Some(ExpectItem::Field(pattern)) => Some((*optional, pattern.clone())),
                _ => None,
            },
            _ => None,
        }
    }
}
