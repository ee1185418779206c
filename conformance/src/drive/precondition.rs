//! Which cases rest on which precondition.

use crate::case::Case;
use crate::case::front_matter::Precondition;
use crate::judge::{needed_techniques, needs, sends_fragments};

/// Whether a case is not to be run where a precondition does not pass.
pub(super) fn rests_on(case: &Case, precondition: &Case) -> bool {
    let uses = needed_techniques(case).contains(&precondition.folder) || is_at_large(case);
    match &precondition.section().front_matter.precondition {
        Some(Precondition::Technique) => uses,
        Some(Precondition::Capability(name, _)) => uses && needs(case).contains(name),
        Some(Precondition::Fragments) => uses && sends_fragments(case),
        None => false,
    }
}

/// Whether a case speaks with the server, and with none of its techniques.
pub(super) fn is_at_large(case: &Case) -> bool {
    case.invariant().is_none() && needed_techniques(case).is_empty()
}
