//! What a case takes of time and connections, as far as its page tells.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::case::Case;
use crate::case::front_matter::Precondition;
use crate::case::statement::{Attribute, AttributeValue, Declared, Procedure};
use crate::profile::Target;

use super::clock::hold_of;
use super::plan::{StepKind, steps};
use super::request::{request, technique};
use super::scope::CaseScope;

/// What a case takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Demand {
    /// How many connections it has open at once, at most; one for what it publishes among them.
    pub(crate) connections: usize,
    /// How long it takes at least.
    pub(crate) time: Duration,
    /// How many answers it waits for at most, one after the other.
    pub(crate) answers: usize,
}

/// What a case takes of a target.
pub(crate) fn demand(case: &Case, target: &Target) -> Demand {
    let mut declared = Declared {
        heartbeat: target.profile.sse.as_ref().and_then(|sse| sse.heartbeat),
        hold: target.profile.long_polling.as_ref().map(|poll| poll.hold),
    };
    let mut names = BTreeSet::new();
    let mut publishes = false;
    let (mut time, mut answers) = (Duration::ZERO, 0);
    for step in steps(case) {
        if let StepKind::Procedure(Procedure::LongPoll, _, attributes) = &step.kind {
            declared.hold = asked_hold(attributes, target).or(declared.hold);
        }
        match step.kind {
            StepKind::Connect(name) | StepKind::Procedure(_, name, _) | StepKind::Visit(_, name, _) => {
                names.insert(name);
                answers += 1;
            }
            StepKind::Publish(..) => {
                publishes = true;
                answers += 1;
            }
            StepKind::Wait(span) | StepKind::Silent(_, span, _) => time += span.duration(declared),
            _ => {}
        }
        let lower = step.bound.and_then(|bound| bound.lower);
        time += lower.map_or(Duration::ZERO, |span| span.duration(declared));
    }
    Demand { connections: names.len() + usize::from(publishes), time, answers }
}

/// For how long a long poll asks to be held, where the page says it.
fn asked_hold(attributes: &[Attribute], target: &Target) -> Option<Duration> {
    attributes.iter().find_map(|attribute| match (&*attribute.key, &attribute.value) {
        ("hold", AttributeValue::Word(asked)) => hold_of(target, asked),
        _ => None,
    })
}

/// A request that every target answers: of the root, or, where WebSocket is all it has, a handshake. A server of WebSockets
/// that is written by hand may answer nothing else.
pub(crate) fn question(case: &Case, target: &Target) -> Vec<u8> {
    let has_http = ["polling", "long-polling", "iframe", "sse"].iter().any(|technique| target.can(technique));
    let scope = CaseScope::new(case, target, "pushspec");
    let handshake = (!has_http && target.can("websocket"))
        .then(|| request(Procedure::OpenWebSocket, &[], target, &scope).ok())
        .flatten();
    handshake.unwrap_or_else(|| question_of_root(target))
}

/// A request of the root: where nothing is known of a target, it asks whether a server is there.
pub(crate) fn question_of_root(target: &Target) -> Vec<u8> {
    let authority = target.authority();
    format!("GET / HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n").into_bytes()
}

/// The request of the precondition of a technique, where its answer goes on, or is held: it keeps the server busy.
pub(crate) fn held_request(case: &Case, target: &Target) -> Option<Vec<u8>> {
    if case.section().front_matter.precondition != Some(Precondition::Technique) {
        return None;
    }
    let goes_on = |procedure: Procedure| procedure != Procedure::Poll && target.can(technique(procedure));
    let mut steps = steps(case).into_iter();
    steps.find_map(|step| match step.kind {
        StepKind::Procedure(procedure, _, attributes) if goes_on(procedure) => {
            let scope = CaseScope::new(case, target, "pushspec");
            request(procedure, &attributes, target, &scope).ok()
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::suite::Suite;

    #[test]
    fn a_server_of_websockets_alone_is_asked_for_one() {
        let suite = Suite::embedded().expect("the pages are sound");
        let case = suite.cases.first().expect("there are cases");
        let asked = |profile: &str| {
            let profile = Profile::parse("pushspec.toml", profile).expect("a profile");
            let target = Target::new("http://127.0.0.1:8080", profile).expect("a target");
            String::from_utf8(question(case, &target)).expect("a head")
        };
        let alone = asked("[websocket]\npath = \"/echo\"\n");
        assert!(alone.starts_with("GET /echo HTTP/1.1\r\n"), "{alone}");
        assert!(alone.contains("\r\nUpgrade: websocket\r\n") && alone.ends_with("\r\n\r\n"), "{alone}");
        let both = asked("[websocket]\npath = \"/echo\"\n[sse]\npath = \"/events\"\n");
        assert_eq!(both, "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: close\r\n\r\n");
    }
}
