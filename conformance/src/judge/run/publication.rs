//! Where a publication stands.

use crate::profile::publish::PublishRequest;
use crate::transcript::{ConnectionId, Unpublished};

/// The publication that a step asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Publication {
    /// None is underway.
    #[default]
    Idle,
    /// The recipe was sent.
    Waiting(Underway),
    /// The recipe was answered, or failed. A transcript that is judged again may have the answer before it is waited for.
    Answered(Result<Option<String>, Unpublished>, Option<Underway>),
}

/// A publication, and what may keep it from being answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Underway {
    pub(super) request: PublishRequest,
    /// The long polls that were held when it was sent.
    pub(super) held: Vec<ConnectionId>,
    /// The suite has ended their connections, to see whether the server waits for them.
    pub(super) given_up: bool,
    /// It was answered only when they had ended, in these words. Now it is sent once more: where it is answered at once, it
    /// was they that it has waited for.
    pub(super) has_waited: Option<String>,
}

impl Publication {
    /// The recipe is answered, or fails.
    pub(super) fn answer(&mut self, result: Result<Option<String>, Unpublished>) {
        let underway = match std::mem::take(self) {
            Publication::Waiting(underway) => Some(underway),
            Publication::Answered(_, underway) => underway,
            Publication::Idle => None,
        };
        *self = Publication::Answered(result, underway);
    }
}
