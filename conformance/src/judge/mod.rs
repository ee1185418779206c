//! The judge: facts and expectations in, findings and a verdict out. No sockets and no clock.
//!
//! Four rooms, each of which knows those before it alone: `verdict`, `receive`, `expect`, `run`.

pub(crate) mod expect;
pub(crate) mod receive;
pub(crate) mod run;
pub(crate) mod verdict;

pub use run::machine::Machine;
pub use run::needs::needs;
pub(crate) use run::needs::{lacking, needed_techniques, publishes};
pub use run::replay;
pub use run::scope::accept;
pub use run::vocabulary::{Action, Input, Intake, Judgement};
pub use verdict::finding::{self, Finding, Place, Verdict};
pub use verdict::invariant::{self, Breach, Invariant};
pub use verdict::subject::Settings;
