//! The judge: facts and expectations in, findings and a verdict out. No sockets and no clock.

pub(crate) mod body;
mod body_state;
mod connection;
mod encode;
mod expecting;
pub mod finding;
mod fit;
mod grammar;
mod inconclusive;
pub mod invariant;
pub(crate) mod item;
pub(crate) mod literal;
pub mod machine;
mod plan;
pub mod replay;
pub(crate) mod request;
pub(crate) mod scope;
mod script;
mod steps;
pub(crate) mod websocket;

pub use finding::{Finding, Place, Verdict};
pub use invariant::{Breach, Invariant};
pub(crate) use item as shown;
pub use machine::{Action, Input, Intake, Judgement, Machine, Settings};
pub use plan::needs;
pub(crate) use plan::{lacking, needed_techniques, publishes};
pub use scope::accept;
