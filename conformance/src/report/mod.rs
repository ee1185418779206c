//! Reporters: one file each, all from the same outcome.

pub mod escape;
