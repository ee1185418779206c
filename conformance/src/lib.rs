//! Says, clause by clause, whether a server does server push right.

pub mod case;
pub mod catalogue;
pub mod judge;
pub mod report;
pub mod target;
pub mod transcript;
