//! Says, clause by clause, whether a server does server push right: polling, long polling, iframe streaming, event
//! streams and WebSocket, and the HTTP/1.1 beneath them.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use pushspec::drive::schedule::Options;
//! use pushspec::profile::event_stream::EventStream;
//! use pushspec::profile::{Profile, Target};
//! use pushspec::suite::Suite;
//!
//! let profile = Profile::default().with_sse(EventStream::at("/events"));
//! let target = Target::new("http://127.0.0.1:8080", profile)?;
//! Suite::embedded()?.run(&target, &Options::default()).await?.assert_conformant();
//! # Ok(())
//! # }
//! ```
//!
//! Not supported: HTTP/2 and HTTP/3, WebSocket extensions, and judging clients.

pub mod baseline;
mod calendar;
pub mod case;
pub mod catalogue;
#[cfg(feature = "program")]
pub mod cli;
pub mod drive;
pub mod escape;
mod extension;
pub mod judge;
#[cfg(feature = "program")]
pub mod load;
pub mod mistake;
pub mod outcome;
pub mod profile;
pub mod report;
pub mod secret;
pub mod suite;
pub mod transcript;
pub mod vector;
