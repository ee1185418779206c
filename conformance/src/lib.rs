//! Says, clause by clause, whether a server does server push right.

pub mod case;
pub mod catalogue;
#[cfg(feature = "program")]
pub mod cli;
pub mod drive;
pub mod judge;
pub mod outcome;
pub mod report;
pub mod suite;
pub mod target;
pub mod transcript;
