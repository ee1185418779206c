//! The server under test: where it keeps each technique, and what it can do.

mod build;
mod capability;
mod check;
mod credentials;
pub mod cursor;
pub mod decode;
pub mod encoding;
mod endpoints;
mod environment;
pub mod event_stream;
pub mod iframe;
pub mod parts;
pub mod poll;
pub mod publish;
mod read;
pub mod reply;
mod request;
#[cfg(test)]
mod schema;
pub mod session;
pub mod tables;
pub mod taken;
mod target;
pub mod template;
mod time;
pub mod websocket;
mod written;

pub use capability::{CAPABILITIES, TECHNIQUES};
pub(crate) use endpoints::is_endpoint_name;
pub use read::ProfileError;
pub use request::Request;
pub use tables::Profile;
pub use target::{Pem, Scheme, Target, Tls, UrlError, websocket_path};
