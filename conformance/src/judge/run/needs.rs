//! What a case needs of the target.

use std::collections::BTreeSet;

use crate::case::Case;
use crate::case::statement::{Attribute, ExpectItem, Line, MessagePattern, Procedure, Statement};
use crate::profile::{CAPABILITIES, TECHNIQUES, Target};

use super::request::technique;

/// What the target lacks for a case, in words; `None` where it has everything.
pub(crate) fn lacking(case: &Case, target: &Target) -> Option<String> {
    if judges_a_client(case) {
        return Some(
            "it judges a client, and no client is run yet; a transcript of one can be judged".into(),
        );
    }
    let missing = needs(case).into_iter().find(|need| !target.can(need))?;
    let (_, how) = CAPABILITIES.iter().find(|(name, _)| *name == missing)?;
    Some(format!("the profile has no `{missing}`: {how}"))
}

/// The capabilities that a case needs: those that it names, and those that its lines show.
pub fn needs(case: &Case) -> BTreeSet<String> {
    let section = case.section();
    let mut needs: BTreeSet<String> =
        section.front_matter.needs.iter().map(|(need, _)| need.clone()).collect();
    if case.technique != "http" && !judges_a_client(case) {
        needs.insert(case.technique.clone());
    }
    for line in section.conversation.iter().flatten() {
        line_needs(line, &mut needs);
    }
    needs
}

/// Substitutions that only some profiles can make, with the capability behind each.
const GIVEN_BY_THE_PROFILE: [(&str, &str); 6] = [
    ("{origin}", "cors"),
    ("{ending-path}", "sse.ending"),
    ("{gone-path}", "sse.gone"),
    ("{moved-path}", "sse.moved"),
    ("{checkpoints-path}", "sse.checkpoints"),
    ("{known-subprotocol}", "websocket.subprotocol"),
];

fn line_needs(line: &Line, needs: &mut BTreeSet<String>) {
    let mut need = |name: &str| needs.insert(name.to_owned());
    match &line.statement {
        Some(Statement::Procedure(procedure, _, attributes)) => {
            need(technique(*procedure));
            if *procedure == Procedure::SubscribeWebSocket {
                need("websocket.subscribe");
            }
            for attribute in attributes {
                match attribute.key.as_str() {
                    "callback" => need("iframe.callback"),
                    "channel" => need(&format!("{}.channel", technique(*procedure))),
                    "hold" => need("long-polling.end"),
                    _ => false,
                };
            }
        }
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
