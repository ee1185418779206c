//! Where a publication stands.

use crate::transcript::Unpublished;

/// The publication that a step asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Publication {
    /// None is underway.
    Idle,
    /// The recipe was sent.
    Waiting,
    /// The recipe was answered, or failed.
    Answered(Result<Option<String>, Unpublished>),
}
