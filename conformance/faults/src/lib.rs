//! Deliberate faults, to show that the cases find what they are there to find.
//!
//! A [`Relay`] stands between the suite and a server and applies one named [`Fault`] to the bytes in either direction,
//! so that a server that does everything right looks like one with that fault. Some faults change what the server
//! sends. Others mend what the client has sent wrongly before the server sees it, so that the server accepts what it
//! must refuse.
//!
//! The faults are written for the paths of the reference server, whose first segment names the technique and whose
//! second one the channel; what they do not know passes as it is. To add one, add an entry to the table of its
//! technique.

mod answer;
mod body;
mod conditions;
mod connection;
mod control;
mod engine;
mod fields;
mod frames;
mod framing;
mod http;
mod iframe;
mod long_polling;
mod origins;
mod outbox;
mod pieces;
mod polling;
mod relay;
#[cfg(test)]
mod relay_tests;
mod request;
mod semantics;
mod sse;
mod stream;
mod websocket;

use std::time::Duration;

use pushspec_wire::websocket::Frame;

use answer::Answer;
pub use control::{COMPRESSING, IDENTITY, TRANSPARENT};
use frames::{Conversation, Read};
use outbox::End;
pub use relay::Relay;
use request::{Refusal, Request};
use stream::{Editor, EventEdit, ScriptEdit};
use websocket::deflate::Deviation;

/// Something that servers do wrong.
#[derive(Debug)]
pub struct Fault {
    /// Its name, in kebab-case.
    pub name: &'static str,
    /// The technique whose cases are meant to catch it, or `http`.
    pub technique: &'static str,
    /// The id of the clause that it breaks, as the catalogue has it.
    pub clause: &'static str,
    /// What a server with this fault does, in one sentence.
    pub summary: &'static str,
    /// How the relay makes it look so.
    edits: &'static [Edit],
}

impl Fault {
    /// Whether the relay applies it to a request and to what answers it. A fault of a technique leaves the requests for
    /// others alone, and what is published for others, so that only cases that use the technique can see it.
    fn concerns(&self, request: &Request) -> bool {
        let published = || request.publishes() && request.has_listener(self.technique);
        self.technique == "http" || self.technique == request.technique() || published()
    }
}

/// One thing that a relay does. Where a fault has several of a kind, each works on what the one before it has left.
#[derive(Debug)]
enum Edit {
    /// Changes what one read brought from the client.
    Read(fn(&Read<'_>, &mut Vec<u8>)),
    /// Answers a request in the stead of the server, which never sees it.
    Refusal(fn(&Request) -> Option<Refusal>),
    /// Sends something to the client before the server has answered.
    Begun(fn(&Request) -> Option<Vec<u8>>),
    /// Changes a request before the server gets it.
    Request(fn(&mut Request)),
    /// How much later than the client sends it a request goes to the server.
    RequestDelay(fn(&Request) -> Duration),
    /// Takes note of a request whose client has gone before it was answered.
    Abandoned(fn(&Request)),
    /// Changes an answer, or the head of one whose body is a stream.
    Answer(fn(&Request, &mut Answer)),
    /// Replaces an event with data.
    Event(EventEdit),
    /// Replaces a script element.
    Script(ScriptEdit),
    /// Watches over the stream that answers a request, if it is the right one.
    Stream(fn(&Request) -> Option<Box<dyn Editor>>),
    /// Replaces a frame of the client.
    ClientFrame(fn(&Conversation, Frame) -> Vec<Frame>),
    /// Replaces a frame of the server.
    ServerFrame(fn(&Conversation, Frame) -> Vec<Frame>),
    /// Compresses in the stead of the server, which does not.
    Deflate(&'static Deviation),
    /// How much later than the server sends it a frame goes to the client.
    FrameDelay(fn(&Conversation, &Frame) -> Duration),
    /// How much later than the server ends a WebSocket the client sees it.
    EndDelay(fn(&Conversation) -> Duration),
    /// Keeps from the server that a client has ended its side before it got an answer.
    EndUnheard,
    /// Changes how the client ends a WebSocket; `None` if the server does not see it.
    ClientEnd(fn(&Conversation, Option<End>) -> Option<End>),
    /// Changes how the server ends a WebSocket; `None` if it does not.
    End(fn(&Conversation, Option<End>) -> Option<End>),
}

/// All faults, by technique.
pub fn all() -> impl Iterator<Item = &'static Fault> {
    let tables = [
        http::FAULTS,
        framing::FAULTS,
        semantics::FAULTS,
        polling::FAULTS,
        conditions::FAULTS,
        origins::FAULTS,
        long_polling::FAULTS,
        iframe::FAULTS,
    ];
    tables.into_iter().chain(sse::FAULTS).chain(websocket::FAULTS).flatten()
}

/// The fault of that name.
pub fn by_name(name: &str) -> Option<&'static Fault> {
    all().find(|fault| fault.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const TECHNIQUES: [&str; 6] = ["http", "polling", "long-polling", "iframe", "sse", "websocket"];

    #[test]
    fn every_fault_has_a_name_of_its_own_in_kebab_case() {
        let mut names = BTreeSet::new();
        for fault in all() {
            let kebab =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
            assert!(fault.name.bytes().all(kebab), "{}", fault.name);
            assert!(names.insert(fault.name), "{} stands twice", fault.name);
            assert!(by_name(fault.name).is_some_and(|found| std::ptr::eq(found, fault)));
        }
    }

    #[test]
    fn faults_of_http_leave_an_open_websocket_alone() {
        for fault in all().filter(|fault| fault.technique == "http") {
            let frames = |edit: &Edit| {
                matches!(
                    edit,
                    Edit::ClientFrame(_)
                        | Edit::ServerFrame(_)
                        | Edit::Deflate(_)
                        | Edit::FrameDelay(_)
                        | Edit::EndDelay(_)
                        | Edit::ClientEnd(_)
                        | Edit::End(_)
                )
            };
            assert!(!fault.edits.iter().any(frames), "{}", fault.name);
        }
    }

    #[test]
    fn every_fault_is_described_in_a_sentence_and_belongs_to_a_technique() {
        for fault in all() {
            let first = fault.summary.chars().next();
            assert!(first.is_some_and(char::is_uppercase) && fault.summary.ends_with('.'), "{}", fault.name);
            assert!(TECHNIQUES.contains(&fault.technique), "{}", fault.name);
            assert!(!fault.edits.is_empty(), "{}", fault.name);
        }
    }
}
