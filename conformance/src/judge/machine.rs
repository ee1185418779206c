//! The case machine: no sockets, no clock. It is told what comes and when, and answers what is to be done.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::case::Case;
use crate::case::statement::{ConnectionName, Procedure};
use crate::catalogue::{Catalogue, Level};
use crate::profile::Target;
use crate::profile::publish::{Publication, PublishRequest};
use crate::transcript::{ConnectionId, EventKind, Transcript, Unpublished};

use super::body::Reading;
use super::connection::Connection;
use super::finding::{Finding, Place, Verdict};
use super::invariant::{Breach, Invariant};
use super::item::Item;
use super::plan::{self, Step};
use super::scope::CaseScope;

/// Something that happened outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Bytes came on a connection.
    Received(ConnectionId, Vec<u8>),
    /// The server ended its direction of a connection.
    Eof(ConnectionId),
    /// The server reset a connection.
    Reset(ConnectionId),
    /// A connection could not be opened.
    Refused(ConnectionId, String),
    /// The recipe of a publication was answered, or failed.
    Published(Result<(), Unpublished>),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Open a connection.
    Connect(ConnectionId),
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
    /// The case is over: see [`Machine::finish`].
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

/// How a case is judged beyond what its page says.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Factor for all upper bounds.
    pub patience: f64,
    /// The channel of the case's own.
    pub channel: String,
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
    /// What was sent and what each step took, without times: the same in every run against a deterministic server.
    pub trace: Vec<String>,
    /// Every byte, with times.
    pub transcript: Transcript,
    /// How long the case took.
    pub duration: Duration,
    /// Whether the conversation came to its end: nothing came that rules out what was to follow.
    pub completed: bool,
}

/// The upper bound of an expectation that names none.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);

/// How long a server may take from the answer to a subscriber until it delivers to it, unless the profile says.
pub(super) const SETTLE: Duration = Duration::from_millis(20);

/// Runs one case.
#[derive(Debug)]
pub struct Machine {
    pub(super) case: Case,
    pub(super) target: Arc<Target>,
    catalogue: Arc<Catalogue>,
    pub(super) settings: Settings,
    pub(super) steps: Vec<Step>,
    /// The step that is to be taken next.
    pub(super) position: usize,
    /// How many arrivals were looked at for it already, and on which connection.
    pub(super) looked_at: (usize, ConnectionId, usize),
    /// When the step before it was done.
    pub(super) base: Duration,
    /// When the step before it was done, publications aside: what they bring may come before they are answered.
    pub(super) since: Duration,
    pub(super) scope: CaseScope,
    /// The head of the last answer that a step took, for comparison with the next.
    pub(super) last_head: Option<pushspec_wire::http1::Head>,
    pub(super) connections: Vec<Connection>,
    pub(super) names: BTreeMap<ConnectionName, ConnectionId>,
    pub(super) procedures: BTreeMap<ConnectionId, Procedure>,
    pub(super) own: HashMap<Vec<u8>, Duration>,
    pub(super) publishing: Publishing,
    /// The connection of a client that does not stay, and until when it waits.
    pub(super) visiting: Option<(ConnectionId, Duration)>,
    /// When a connection last opened or a poll was last sent: what is published waits a moment after it.
    pub(super) opened_at: Duration,
    outbox: VecDeque<Action>,
    pub(super) trace: Vec<String>,
    transcript: Transcript,
    findings: Vec<Finding>,
    error: Option<String>,
    skip: Option<String>,
    done: bool,
    now: Duration,
}

/// Where a publication stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Publishing {
    Idle,
    Waiting,
    Answered(Result<(), Unpublished>),
}

impl Machine {
    /// A machine for a case against a target.
    pub fn new(case: Case, target: Arc<Target>, catalogue: Arc<Catalogue>, settings: Settings) -> Machine {
        let steps = plan::steps(&case);
        let scope = CaseScope::new(&case, &target, &settings.channel);
        Machine {
            case,
            target,
            catalogue,
            settings,
            steps,
            position: 0,
            looked_at: (0, ConnectionId(0), 0),
            base: Duration::ZERO,
            since: Duration::ZERO,
            scope,
            last_head: None,
            connections: Vec::new(),
            names: BTreeMap::new(),
            procedures: BTreeMap::new(),
            own: HashMap::new(),
            publishing: Publishing::Idle,
            visiting: None,
            opened_at: Duration::ZERO,
            outbox: VecDeque::new(),
            trace: Vec::new(),
            transcript: Transcript::default(),
            findings: Vec::new(),
            error: None,
            skip: None,
            done: false,
            now: Duration::ZERO,
        }
    }

    /// Takes note of something that happened at a time counted from the start of the case.
    pub fn handle(&mut self, now: Duration, input: Input) {
        self.now = now.max(self.now);
        let now = self.now;
        match input {
            Input::Received(id, bytes) => {
                if let Some(connection) = self.connections.get_mut(id.0) {
                    connection.push(now, &bytes);
                }
                self.transcript.push(now, EventKind::Received(id, bytes));
            }
            Input::Eof(id) => self.end(now, id, Item::Eof, EventKind::Eof(id)),
            Input::Reset(id) => self.end(now, id, Item::Reset, EventKind::Reset(id)),
            Input::Refused(id, why) => {
                self.transcript.push(now, EventKind::Refused(id, why.clone()));
                self.fail_to_run(format!("the connection could not be opened: {why}"));
            }
            Input::Published(result) => {
                self.transcript.push(now, EventKind::Published(result.clone()));
                self.publishing = Publishing::Answered(result);
            }
        }
    }

    fn end(&mut self, now: Duration, id: ConnectionId, item: Item, event: EventKind) {
        if let Some(connection) = self.connections.get_mut(id.0) {
            connection.end(now, item);
        }
        self.transcript.push(now, event);
    }

    /// What is to be done now.
    pub fn next(&mut self, now: Duration) -> Action {
        self.now = now.max(self.now);
        loop {
            if let Some(action) = self.outbox.pop_front() {
                return action;
            }
            if self.done {
                return Action::Done;
            }
            match self.advance(self.now) {
                Some(until) if self.outbox.is_empty() => return Action::Wait(until),
                _ => {}
            }
        }
    }

    /// The judgement, when [`Action::Done`] was answered.
    pub fn finish(mut self) -> Judgement {
        let mut breaches = Vec::new();
        let mut relevant = std::collections::BTreeSet::new();
        for connection in &mut self.connections {
            breaches.append(&mut connection.watch.breaches);
            relevant.append(&mut connection.watch.seen);
        }
        let worst = self.findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Pass);
        Judgement {
            verdict: match (&self.error, &self.skip) {
                (Some(_), _) => Verdict::Error,
                (None, Some(_)) => Verdict::Skip,
                (None, None) => worst,
            },
            reason: self.error.or(self.skip),
            findings: self.findings,
            breaches,
            relevant: relevant.into_iter().collect(),
            trace: self.trace,
            transcript: self.transcript,
            duration: self.now,
            completed: self.position >= self.steps.len(),
        }
    }

    /// The case is over, with what was found so far.
    pub(super) fn stop(&mut self) {
        self.done = true;
    }

    /// Whether nothing was found that speaks against the target.
    pub(super) fn is_without_findings(&self) -> bool {
        self.findings.is_empty() && self.error.is_none() && self.skip.is_none()
    }

    /// The suite cannot run the case: neither pass nor fail.
    pub(super) fn fail_to_run(&mut self, why: String) {
        self.error.get_or_insert(why);
        self.done = true;
    }

    /// The target does not have what the case needs, which shows only now.
    pub(super) fn skip(&mut self, why: String) {
        self.skip.get_or_insert(why);
        self.done = true;
    }

    /// Puts an action into the outbox, and on record.
    pub(super) fn act(&mut self, action: Action) {
        if let Action::Finish(id) = &action
            && let Some(connection) = self.connections.get_mut(id.0)
        {
            connection.half_closed = true;
        }
        if let Action::Read(_, Intake::Nothing) = &action {
            // A case that does so publishes more than sockets hold, to the others of its connections as well.
            self.connections.iter_mut().for_each(|connection| connection.paused = true);
        }
        let event = match &action {
            Action::Connect(id) => {
                let name =
                    self.connections.get(id.0).map(|connection| connection.name.clone()).unwrap_or_default();
                Some(EventKind::Connect(*id, name))
            }
            Action::Write(id, pieces) => Some(EventKind::Sent(*id, pieces.concat())),
            Action::Finish(id) => Some(EventKind::Finish(*id)),
            Action::Abort(id) | Action::Close(id) => Some(EventKind::Close(*id)),
            Action::Publish(request) => {
                Some(EventKind::Publish(format!("{} {}", request.method, request.path)))
            }
            Action::Read(..) | Action::Wait(_) | Action::Done => None,
        };
        if let Some(event) = event {
            self.transcript.push(self.now, event);
        }
        self.outbox.push_back(action);
    }

    /// Opens a connection under a name; one that had the name before is dropped.
    pub(super) fn connect(&mut self, name: &ConnectionName, technique: &str) -> ConnectionId {
        let id = ConnectionId(self.connections.len());
        let reading = self.reading(technique);
        self.connections.push(Connection::new(name.clone(), reading));
        if let Some(old) = self.names.insert(name.clone(), id) {
            self.act(Action::Close(old));
        }
        self.act(Action::Connect(id));
        id
    }

    fn reading(&self, technique: &str) -> Reading {
        let profile = &self.target.profile;
        let reading = match technique {
            "polling" => profile.polling.as_ref().map(|poll| Reading::Poll(poll.answer.clone())),
            "long-polling" => profile.long_polling.as_ref().map(|poll| Reading::Poll(poll.answer.clone())),
            "iframe" => profile.iframe.as_ref().map(|iframe| Reading::Iframe(iframe.clone())),
            "sse" => Some(Reading::EventStream),
            _ => None,
        };
        reading.unwrap_or(Reading::Opaque)
    }

    /// The bytes of a write, noted on the connection so that answers can be told apart.
    pub(super) fn write(&mut self, id: ConnectionId, pieces: Vec<Vec<u8>>) {
        let upgrading = self.procedures.get(&id).map_or(self.case.technique == "websocket", |procedure| {
            matches!(procedure, Procedure::OpenWebSocket | Procedure::SubscribeWebSocket)
        });
        let websocket = self.target.profile.websocket.as_ref();
        if let Some(connection) = self.connections.get_mut(id.0) {
            let messages = connection.note_sent(self.now, &pieces.concat(), upgrading);
            for message in messages {
                self.own.entry(super::fit::answer(websocket, &message, false)).or_insert(self.now);
                self.own.entry(message).or_insert(self.now);
            }
        }
        self.act(Action::Write(id, pieces));
    }

    /// The publication that a step asks for.
    pub(super) fn publish_request(&self, publication: &Publication) -> Option<PublishRequest> {
        self.target.profile.publish.as_ref().map(|publish| publish.request(publication))
    }

    /// The clause on which a line rests, and its level.
    pub(super) fn clause_of(&self, line: usize) -> (String, Level) {
        let note = self.line(line).and_then(|line| line.clause.as_ref());
        let id = note.map_or_else(|| self.case.clause().to_owned(), |note| note.text.trim().to_owned());
        // A page with a clause that does not exist is refused before any case runs.
        let level = self.catalogue.clause(&id).map_or(Level::Must, |clause| clause.level);
        (id, level)
    }

    pub(super) fn line(&self, index: usize) -> Option<&crate::case::statement::Line> {
        self.case.section().conversation.as_ref().and_then(|lines| lines.get(index))
    }

    /// Notes an expectation that was not met.
    pub(super) fn find(&mut self, line: usize, at: Duration, expected: String, received: String) {
        if let Some(why) = self.untrue_profile(line, &expected, &received) {
            return self.fail_to_run(why);
        }
        let (clause, level) = self.clause_of(line);
        let place = self.line(line).map(|line| Place {
            file: self.case.page.file(),
            line: line.number,
            column: line.columns.start,
            width: line.columns.len(),
            source: line.source.clone(),
        });
        let place = place.unwrap_or_else(|| Place {
            file: self.case.page.file(),
            line: self.case.section().line,
            column: 1,
            width: 1,
            source: String::new(),
        });
        let verdict = Verdict::from(level);
        let expected = self.with_values(expected);
        self.findings.push(Finding { clause, level, verdict, place, expected, received, at, seen_in: None });
    }
}
