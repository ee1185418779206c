//! The server under test: where it keeps each technique, and what it can do.

mod capability;
mod check;
pub mod decode;
pub mod encoding;
pub mod event_stream;
pub mod iframe;
pub mod parts;
pub mod poll;
pub mod publish;
mod read;
pub mod reply;
mod request;
pub mod session;
pub mod tables;
mod target;
pub mod template;
mod time;
pub mod websocket;

pub use capability::{CAPABILITIES, TECHNIQUES};
pub use read::ProfileError;
pub use request::Request;
pub use tables::Profile;
pub use target::{Pem, Scheme, Target, Tls, UrlError, websocket_path};
