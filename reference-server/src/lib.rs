//! A server that implements every technique of server push: polling, long polling, iframe streaming, event streams and
//! WebSocket.
//!
//! There is one hub of named channels and one module for each technique that reads from it. Whatever is published to a
//! channel arrives by all of them:
//!
//! ```no_run
//! # async fn example() -> Result<(), pushspec_reference::StartError> {
//! use pushspec_reference::{Config, Server};
//!
//! let server = Server::start(Config::default()).await?;
//! println!("http://{}/sse/news", server.address());
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! What each endpoint takes and answers is in the README; what it does beyond that, and why, is in the documentation of
//! its module.

mod application;
#[cfg(feature = "program")]
pub mod cli;
mod clock;
mod conditional;
mod config;
mod cors;
mod event_stream;
mod field;
mod hub;
mod iframe;
mod length;
mod long_polling;
mod memory;
mod page;
mod pieces;
mod polling;
mod publish;
mod query;
mod response;
mod route;
mod server;
mod service;
mod socket;
mod stream;
#[cfg(feature = "tls")]
mod tls;
mod websocket;

pub use config::{Config, Origin, SettingError, Subprotocol};
pub use server::{Server, StartError};
#[cfg(feature = "tls")]
pub use tls::{Identity, IdentityError};
