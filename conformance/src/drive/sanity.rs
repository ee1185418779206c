//! Which cases rest on which sanity case.

use crate::case::Case;
use crate::case::facts::Sanity;
use crate::judge::{needed_techniques, needs};

/// Whether a case is not to be run where a sanity case does not pass.
pub(super) fn rests_on(case: &Case, sanity: &Case) -> bool {
    let uses = needed_techniques(case).contains(&sanity.folder) || is_at_large(case);
    match &sanity.section().facts.sanity {
        Some(Sanity::Technique) => uses,
        Some(Sanity::Capability(name, _)) => uses && needs(case).contains(name),
        None => false,
    }
}

/// Whether a case speaks with the server, and with none of its techniques.
pub(super) fn is_at_large(case: &Case) -> bool {
    case.invariant().is_none() && needed_techniques(case).is_empty()
}

/// The sanity case that did not pass and on which a case rests.
pub(super) fn broken_below<'a>(case: &Case, broken: &'a [Case]) -> Option<&'a Case> {
    broken.iter().find(|sanity| !is_at_large(case) && sanity.id != case.id && rests_on(case, sanity))
}
