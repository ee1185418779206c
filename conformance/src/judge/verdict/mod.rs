//! What a case comes to: findings, verdicts, invariants, and what says nothing of a clause.
//!
//! In goes what was expected and what came, as text, with the line of the page on which it rests. Out come findings with
//! the level of their clause, breaches of what holds on every connection, or the reason why nobody is to be accused.
//! This room knows the case, the target and the catalogue. It knows neither connections nor steps nor items: `receive`
//! notes breaches here, and `run` finds here what a miss means.

pub mod finding;
pub(super) mod inconclusive;
pub mod invariant;
pub(super) mod subject;
pub(super) mod wrapped;
