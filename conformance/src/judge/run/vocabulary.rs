//! What the machine is told, and what it answers.

use std::time::Duration;

use crate::judge::verdict::finding::{Finding, Verdict};
use crate::judge::verdict::invariant::{Breach, Invariant};
use crate::profile::publish::PublishRequest;
use crate::transcript::{ConnectionId, Transcript, Unpublished};

/// Something that happened outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A client has opened the connection for which [`Action::Listen`] asked.
    Accepted(ConnectionId),
    /// A connection is open, or some of the bytes of an [`Action::Write`] have left.
    Writing(ConnectionId),
    /// All bytes of an [`Action::Write`] have left, or never will. The time is how long ago the last piece began to.
    Written(ConnectionId, Duration),
    /// Bytes came on a connection.
    Received(ConnectionId, Vec<u8>),
    /// The other side ended its direction of a connection.
    Eof(ConnectionId),
    /// The same of a connection of TLS, without a closure alert (RFC 8446 section 6.1): nothing vouches for the end of the
    /// data.
    Cut(ConnectionId),
    /// The other side reset a connection.
    Reset(ConnectionId),
    /// A connection could not be opened, or no client could be waited for.
    Refused(ConnectionId, String),
    /// The recipe of a publication was answered, or failed.
    Published(Result<Option<String>, Unpublished>),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Open a connection. The suite is its client.
    Connect(ConnectionId),
    /// Accept the next connection that a client opens, and say [`Input::Accepted`]. The suite is its server.
    Listen(ConnectionId),
    /// Write these pieces to a connection, each in a write of its own.
    Write(ConnectionId, Vec<Vec<u8>>),
    /// End the suite's direction of a connection with a FIN.
    Finish(ConnectionId),
    /// End a connection with a RST.
    Abort(ConnectionId),
    /// Read what comes on a connection in this way from now on.
    Read(ConnectionId, Intake),
    /// Drop a connection.
    Close(ConnectionId),
    /// Send this request, and say how it went.
    Publish(PublishRequest),
    /// Nothing, until something happens or this time has come.
    Wait(Duration),
    /// The case is over: see [`Machine::finish`](crate::judge::Machine::finish).
    Done,
}

/// How what comes on a connection is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intake {
    /// As it comes.
    All,
    /// One byte at a time.
    Bytes,
    /// Not at all: it is left in the socket.
    Nothing,
}

/// What became of a case.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The verdict on the case itself, invariants aside.
    pub verdict: Verdict,
    /// Why it is `skip` or `error`.
    pub reason: Option<String>,
    /// What was not as expected.
    pub findings: Vec<Finding>,
    /// Where an invariant does not hold.
    pub breaches: Vec<Breach>,
    /// The invariants for which there was something to judge.
    pub relevant: Vec<Invariant>,
    /// Whether a connection went on behind an answer that says so.
    pub persists: bool,
    /// What was sent and what each step took, without times: the same in every run against a deterministic server.
    pub trace: Vec<String>,
    /// Every byte, with times.
    pub transcript: Transcript,
    /// How long the case took.
    pub duration: Duration,
    /// Whether what the case published last was published, and why not; `None` where it published nothing.
    pub published: Option<Result<(), String>>,
    /// Whether the conversation came to its end: nothing came that rules out what was to follow.
    pub completed: bool,
    /// The channel that it had for itself.
    pub channel: String,
}
