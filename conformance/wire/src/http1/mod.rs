//! Heads of HTTP/1.1 messages (RFC 9112 sections 2 to 5).
//!
//! [`HeadScanner`] turns bytes into [`Head`]s: a start line, field lines and the empty line that ends them. The head
//! keeps the lines as they came; status line, request line and fields are views that are read leniently, and
//! [`Head::facts`] tells what was not as the grammar has it.
//!
//! How a head is delimited:
//!
//! - A line ends with LF. A CR right before it belongs to the line end (section 2.2), any other CR to the content.
//! - Empty lines before the start line belong to the head (section 2.2). As long as nothing else comes there is no
//!   complete head.
//! - The head ends with the first empty line after the start line.
//!
//! Bodies are not handled here: whether there is one, and how long it is, depends on the request as well
//! (section 6.3). [`HeadScanner::rest`] gives the bytes after the head to whoever reads on. Field values are not
//! interpreted, except as comma lists ([`list_elements`]).

mod facts;
pub(crate) mod grammar;
mod head;
mod line;
mod list;
mod scanner;
mod start_line;

pub use facts::FactKind;
pub(crate) use facts::field_line_facts;
pub use head::{Field, Head};
pub use line::{Line, LineEnd};
pub use list::list_elements;
pub use scanner::HeadScanner;
pub use start_line::{RequestLine, StatusLine};

/// A fact about a head.
pub type Fact = crate::Fact<FactKind>;
