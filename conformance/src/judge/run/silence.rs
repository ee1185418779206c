//! Steps in which nothing must come.

use std::time::Duration;

use pushspec_wire::websocket::Opcode;

use crate::case::statement::{ConnectionName, Silence, Span};
use crate::judge::expect::fit::Context;
use crate::judge::expect::start_line::is_interim;
use crate::judge::receive::item::{Arrival, Item};

use super::machine::Machine;

impl Machine {
    /// Listens, and finds what breaks the silence.
    pub(super) fn silent(
        &mut self,
        now: Duration,
        line: usize,
        silence: Silence,
        span: Span,
        name: &ConnectionName,
    ) -> Option<Duration> {
        let counted = self.script.base + self.clock.time(span);
        let until = self.leaving().filter(|until| now < *until).unwrap_or(counted);
        let Some(id) = self.connections.id(name) else {
            self.record.fail_to_run(format!("the case listens{} before it connects", name.suffix()));
            return None;
        };
        let context = self.context(id);
        let arrivals = self.connections.of(id).arrivals.iter();
        let noise = arrivals
            .filter(|arrival| arrival.at <= until)
            .find(|arrival| is_noise(silence, arrival, &context))
            .cloned();
        if let Some(arrival) = noise {
            if let Some(why) = self.closed_at_once(&arrival.item) {
                self.record.fail_to_run(why);
                return None;
            }
            let expected = format!("nothing{} for {span}", name.suffix());
            self.find(line, arrival.at, expected, arrival.item.to_string());
            self.record.stop();
            return None;
        }
        if now < until {
            return Some(until);
        }
        self.record.trace.note(format!("{} {span}{}", silence.spelling(), name.suffix()));
        self.script.done_at(now);
        None
    }
}

/// Whether something breaks a silence: not a heartbeat, not another's message, not the head of an answer that says
/// nothing yet, unless it is one of everything; that one is broken by all but an interim answer.
fn is_noise(silence: Silence, arrival: &Arrival, context: &Context<'_>) -> bool {
    if silence == Silence::OfEverything {
        return !is_interim(&arrival.item);
    }
    match &arrival.item {
        Item::Comment | Item::Head(_) | Item::Foreign(_) => false,
        Item::Frame(frame) => frame.opcode == Opcode::CLOSE,
        Item::Message(message) => {
            context.alone || context.own_since(&message.data).is_some_and(|sent| arrival.at > sent)
        }
        _ => true,
    }
}
