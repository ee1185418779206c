//! Says, clause by clause, whether a server does server push right: polling, long polling, iframe streaming, event
//! streams and WebSocket, and the HTTP/1.1 beneath them.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use pushspec::drive::schedule::Options;
//! use pushspec::suite::Suite;
//! use pushspec::profile::{Profile, Target};
//!
//! let profile = Profile::parse("pushspec.toml", "[sse]\npath = \"/events\"\n")?;
//! let target = Target::new("http://127.0.0.1:8080", profile)?;
//! let outcome = Suite::embedded()?.run(&Arc::new(target), &Options::default()).await?;
//! assert!(outcome.is_conformant(false), "{:#?}", outcome.findings());
//! # Ok(())
//! # }
//! ```
//!
//! Not supported: HTTP/2 and HTTP/3, WebSocket extensions, and judging clients.

pub mod case;
pub mod catalogue;
#[cfg(feature = "program")]
pub mod cli;
pub mod drive;
pub mod escape;
pub mod judge;
#[cfg(feature = "program")]
pub mod load;
pub mod mistake;
pub mod outcome;
pub mod profile;
#[cfg(feature = "reports")]
pub mod report;
pub mod suite;
pub mod transcript;
pub mod vector;
