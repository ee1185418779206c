//! Faults of event streams.

mod events;
mod opening;
mod stream;
mod text;

use super::request::Request;
use super::{Edit, Fault};

pub(super) static FAULTS: [&[Fault]; 4] = [stream::FAULTS, events::FAULTS, opening::FAULTS, text::FAULTS];

const fn fault(
    name: &'static str,
    clause: &'static str,
    summary: &'static str,
    edits: &'static [Edit],
) -> Fault {
    Fault { name, clause, technique: "sse", summary, edits }
}

fn opens(request: &Request) -> bool {
    request.gets("sse")
}

fn resumes(request: &Request) -> bool {
    opens(request) && request.names("Last-Event-ID")
}
