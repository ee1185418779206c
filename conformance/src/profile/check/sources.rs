//! Places in a response: what a session takes, and the id of a publication.

use super::fields::is_token;
use super::pointers::pointer_wrong;
use crate::mistake::Wrong;
use crate::profile::session::Source;

/// What is wrong with a place in a response. `hint` names the kinds of places that there are.
pub(super) fn source_wrong(written: &str, hint: &str) -> Option<Wrong> {
    let is_name = match Source::parse(written) {
        Some(Source::Json(pointer)) => return pointer_wrong(&pointer),
        Some(Source::Header(name) | Source::Cookie(name)) => is_token(&name),
        Some(Source::Event(kind)) => !kind.contains(['\r', '\n', '\0']),
        None => false,
    };
    (!is_name).then(|| not_a_place(written, hint))
}

/// What is told of it.
pub(super) fn not_a_place(written: &str, hint: &str) -> Wrong {
    Wrong::new(format!("`{}` is not a place in a response", written.escape_debug()), hint)
}
