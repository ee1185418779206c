//! The server under test: where it keeps each technique, and what it can do.

mod capability;
mod check;
pub mod decode;
pub mod reply;
pub mod tables;
mod target;
pub mod template;

pub use capability::{CAPABILITIES, TECHNIQUES};
pub use tables::{Profile, ProfileError};
pub use target::{Pem, Scheme, Target, Tls, UrlError, websocket_path};
