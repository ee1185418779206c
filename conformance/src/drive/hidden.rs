//! Takes what nobody is to see out of everything that leaves a run: what cases came to, and why a run did not take place.

use super::keeper::Death;
use super::options::RunError;
use super::results::Ran;
use crate::judge::Finding;
use crate::mistake::Wrong;
use crate::outcome::{CaseOutcome, Ending};
use crate::secret::Secrets;

/// Takes secrets out of what a case came to.
pub(super) fn ran(ran: &mut Ran, secrets: &Secrets) {
    if secrets.is_empty() {
        return;
    }
    case(&mut ran.outcome, secrets);
    let breaches = ran.breaches.iter_mut().chain(&mut ran.flaky);
    breaches.for_each(|breach| secrets.hide_in(&mut breach.seen));
}

fn case(outcome: &mut CaseOutcome, secrets: &Secrets) {
    // Whoever adds a field decides here whether there may be a secret in it.
    let CaseOutcome {
        case: _,
        endpoint: _,
        channel: _,
        level: _,
        selected: _,
        verdict: _,
        reason,
        findings,
        duration: _,
        transcript,
        trace,
        completed: _,
        accepted: _,
        server_output,
        at_first,
        is_flaky: _,
    } = outcome;
    reason.iter_mut().chain(trace).chain(server_output).for_each(|text| secrets.hide_in(text));
    for Finding { clause: _, level: _, verdict: _, place: _, expected, received, at: _, seen_in: _ } in
        findings
    {
        secrets.hide_in(expected);
        secrets.hide_in(received);
    }
    transcript.hide(secrets);
    if let Some(first) = at_first {
        case(first, secrets);
    }
}

/// Takes secrets out of how the target went away.
pub(super) fn death(death: Death, secrets: &Secrets) -> Death {
    let Death { how, output } = death;
    Death { how: secrets.hide(&how), output: all(&output, secrets) }
}

/// Takes secrets out of what ended a run before its time.
pub(super) fn ending(ending: Ending, secrets: &Secrets) -> Ending {
    match ending {
        Ending::Gone { after, why, running } => Ending::Gone { after, why: secrets.hide(&why), running },
        other => other,
    }
}

/// Takes secrets out of the reason for which a run did not take place.
pub(super) fn error(error: RunError, secrets: &Secrets) -> RunError {
    match error {
        RunError::Unreachable { target, why } => {
            RunError::Unreachable { target: secrets.hide(&target), why: secrets.hide(&why) }
        }
        RunError::Publisher(why) => RunError::Publisher(secrets.hide(&why)),
        RunError::Occupied { target } => RunError::Occupied { target: secrets.hide(&target) },
        RunError::NotStarted { command, why, output } => RunError::NotStarted {
            command: secrets.hide(&command),
            why: secrets.hide(&why),
            output: all(&output, secrets),
        },
        RunError::Internal(why) => RunError::Internal(secrets.hide(&why)),
        RunError::Profile { table, wrong } => {
            let wrong = Wrong { message: secrets.hide(&wrong.message), hint: secrets.hide(&wrong.hint) };
            RunError::Profile { table, wrong }
        }
        RunError::NoTechnique
        | RunError::NothingSelected(_)
        | RunError::NothingExcluded(_)
        | RunError::EmptyShard(..)
        | RunError::AllExcluded
        | RunError::OpenFiles
        | RunError::Stopped => error,
    }
}

fn all(texts: &[String], secrets: &Secrets) -> Vec<String> {
    texts.iter().map(|text| secrets.hide(text)).collect()
}
