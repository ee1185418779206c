//! The judge: facts and expectations in, findings and a verdict out. No sockets and no clock.
//!
//! Four rooms, and arrows in one direction: `run` -> `expect` -> `receive` -> `verdict`. Each may use those behind it,
//! and none knows of those before it.

pub(crate) mod expect;
pub(crate) mod receive;
pub(crate) mod run;
pub(crate) mod verdict;

pub use receive::quota::Quota;
#[cfg(feature = "program")]
pub(crate) use run::demand::question_of_root;
pub(crate) use run::demand::{Demand, demand, held_request, question};
pub use run::machine::Machine;
#[cfg(test)]
pub(crate) use run::missing::ENDING;
pub use run::needs::needs;
pub(crate) use run::needs::{lacking, needed_techniques, publishes, sends_fragments};
pub(crate) use run::opening::DECLINED;
pub use run::replay;
pub use run::scope::accept;
pub use run::vocabulary::{Action, Input, Intake, Judgement};
pub use verdict::finding::{self, Finding, Place, Verdict};
pub(crate) use verdict::inconclusive::SILENCE;
pub use verdict::invariant::{self, Breach, Invariant};
pub use verdict::subject::Settings;
