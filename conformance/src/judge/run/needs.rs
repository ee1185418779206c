//! What a case needs of the target.

use std::collections::BTreeSet;

use crate::case::Case;
use crate::case::statement::{
    Attribute, ExpectItem, FrameItem, FrameWord, Line, MessagePattern, OpcodeWord, Procedure, SendItem,
    Statement,
};
use crate::profile::{CAPABILITIES, TECHNIQUES, Target};

use super::methods::{forbidden, get_needed};
use super::offering::is_in_hex;
use super::request::technique;

/// What the target lacks for a case, in words; `None` where it has everything.
pub(crate) fn lacking(case: &Case, target: &Target) -> Option<String> {
    if judges_a_client(case) {
        return Some(
            "it judges a client, and no client is run yet; a transcript of one can be judged".into(),
        );
    }
    if let Some(missing) = needs(case).into_iter().find(|need| !target.can(need)) {
        let (_, how) = CAPABILITIES.iter().find(|(name, _)| *name == missing)?;
        return Some(format!("the profile has no `{missing}`: {how}"));
    }
    forbidden(case, target).map(|method| format!("the profile's `methods` does not name {method}"))
}

/// The capabilities that a case needs: those that it names, and those that its lines show.
pub fn needs(case: &Case) -> BTreeSet<String> {
    let section = case.section();
    let mut needs: BTreeSet<String> =
        section.front_matter.needs.iter().map(|(need, _)| need.clone()).collect();
    if case.technique != "http" && !judges_a_client(case) {
        needs.insert(case.technique.clone());
    }
    if !judges_a_client(case) {
        shape_needs(case, &mut needs);
    }
    // Who waits less than a hold lasts need not see its end.
    let ends_within_the_hold = needs.contains("long-polling.waits");
    for line in section.conversation.iter().flatten() {
        line_needs(line, ends_within_the_hold, &mut needs);
        needs.extend(get_needed(line, case).map(str::to_owned));
        if case.technique == "websocket" && is_in_hex(line) {
            needs.insert("websocket.plain".to_owned());
        }
    }
    needs
}

/// What a case needs of a server by how many connections it has at once, and by what it says before an answer.
fn shape_needs(case: &Case, needs: &mut BTreeSet<String>) {
    let mut asked = BTreeSet::new();
    let mut names = BTreeSet::new();
    let (mut is_crowd, mut is_answered, mut is_early, mut replies) = (false, false, false, false);
    for line in case.section().conversation.iter().flatten() {
        match &line.statement {
            Some(Statement::Connect(name)) => _ = names.insert(name),
            Some(Statement::Procedure(procedure, name, attributes)) => {
                is_answered = true;
                names.insert(name);
                asked.insert(technique(*procedure));
                is_crowd |= attributes.iter().any(|attribute| CROWD.contains(&attribute.key.as_str()));
            }
            Some(Statement::Send(_, SendItem::Frame(_))) => is_early |= !is_answered,
            Some(Statement::Expect(_, expectation)) => {
                let is_head = |item: &ExpectItem| matches!(item, ExpectItem::Status(_));
                is_answered |= expectation.items.iter().any(is_head);
                replies |= expectation.items.iter().any(|item| matches!(item, ExpectItem::Reply(_)));
            }
            _ => {}
        }
    }
    if names.len() > 1 || is_crowd {
        asked.insert(case.technique.as_str());
        let shared = asked.into_iter().filter(|technique| !["http", "websocket"].contains(technique));
        needs.extend(shared.map(|technique| format!("{technique}.shared")));
    }
    if case.technique == "websocket" && is_early && replies {
        needs.insert("websocket.at-once".to_owned());
    }
}

/// The attributes by which a procedure opens several connections.
const CROWD: [&str; 2] = ["times", "again"];

/// Whether a case sends a message in more than one frame, or the rest of one. Control frames have no fragments.
pub(crate) fn sends_fragments(case: &Case) -> bool {
    let lines = case.section().conversation.iter().flatten();
    lines.into_iter().any(|line| match &line.statement {
        Some(Statement::Send(_, SendItem::Frame(frame))) => is_fragment(frame),
        Some(Statement::Send(_, SendItem::Fragments(..))) => true,
        Some(Statement::Send(_, SendItem::Chop(_, item))) => {
            matches!(&**item, SendItem::Frame(frame) if is_fragment(frame))
        }
        _ => false,
    })
}

fn is_fragment(FrameItem(words): &FrameItem) -> bool {
    let opcode = |word: &FrameWord| match word {
        FrameWord::Opcode(OpcodeWord::Named(opcode)) => Some(*opcode),
        _ => None,
    };
    match words.first().and_then(opcode) {
        Some(0x0) => true,
        Some(0x1 | 0x2) => words.contains(&FrameWord::NoFin),
        _ => false,
    }
}

/// Substitutions that only some profiles can make, with the capability behind each.
const GIVEN_BY_THE_PROFILE: [(&str, &str); 7] = [
    ("{origin}", "cors"),
    ("{ending-path}", "sse.ending"),
    ("{gone-path}", "sse.gone"),
    ("{moved-path}", "sse.moved"),
    ("{checkpoints-path}", "sse.checkpoints"),
    ("{known-subprotocol}", "websocket.subprotocol"),
    ("{message-limit}", "websocket.message-limit"),
];

fn line_needs(line: &Line, ends_within_the_hold: bool, needs: &mut BTreeSet<String>) {
    let mut need = |name: &str| needs.insert(name.to_owned());
    match &line.statement {
        Some(Statement::Procedure(procedure, _, attributes)) => {
            need(technique(*procedure));
            if *procedure == Procedure::SubscribeWebSocket {
                need("websocket.subscribe");
            }
            for attribute in attributes {
                match attribute.key.as_str() {
                    "without" if line.source.contains("without=\"callback\"") => need("iframe.callback"),
                    "callback" => need("iframe.callback"),
                    "offer" => need("websocket.deflate"),
                    "channel" => need(&format!("{}.channel", technique(*procedure))),
                    "hold" if !ends_within_the_hold => need("long-polling.end"),
                    _ => false,
                };
            }
        }
        // A publication for another channel than the case's own is named by the recipe.
        Some(Statement::Publish(_, attributes)) => {
            need("publish");
            let asked = |attribute: &&Attribute| !matches!(attribute.key.as_str(), "refusal" | "settle");
            for attribute in attributes.iter().filter(asked) {
                need(&format!("publish.{}", attribute.key));
            }
        }
        Some(Statement::Expect(_, expectation)) => {
            for item in &expectation.items {
                if let ExpectItem::Reply(MessagePattern { binary, .. }) = item {
                    need(if *binary { "websocket.binary" } else { "websocket.reply" });
                }
            }
        }
        _ => {}
    }
    for (value, capability) in GIVEN_BY_THE_PROFILE {
        if line.source.contains(value) {
            need(capability);
        }
    }
}

/// The techniques that a case needs: it is skipped where the precondition of one of them does not pass.
pub(crate) fn needed_techniques(case: &Case) -> Vec<String> {
    let needs = needs(case).into_iter();
    let techniques: BTreeSet<String> =
        needs.filter_map(|need| need.split('.').next().map(ToOwned::to_owned)).collect();
    techniques.into_iter().filter(|name| TECHNIQUES.contains(&name.as_str())).collect()
}

/// Whether a case makes the server send something to all subscribers.
pub(crate) fn publishes(case: &Case) -> bool {
    let lines = case.section().conversation.iter().flatten();
    lines.into_iter().any(|line| matches!(line.statement, Some(Statement::Publish(..))))
}

/// Whether a case judges a client: it begins with `accept`.
pub(crate) fn judges_a_client(case: &Case) -> bool {
    let mut lines = case.section().conversation.iter().flatten();
    lines.any(|line| matches!(line.statement, Some(Statement::Accept(_))))
}
