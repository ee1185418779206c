//! What a profile says and no case uses.

use crate::judge::{lacking, needs};
use crate::profile::parts::Parts;
use crate::profile::{CAPABILITIES, Profile, Target};
use crate::suite::Suite;

/// What a profile says of a server beyond its paths.
const SAID: [&str; 21] = [
    "polling.cursor",
    "polling.validator",
    "long-polling.cursor",
    "long-polling.hold",
    "iframe.callback",
    "iframe.heartbeat",
    "sse.resume",
    "sse.ending",
    "sse.gone",
    "sse.moved",
    "sse.checkpoints",
    "websocket.reply",
    "websocket.binary",
    "websocket.subscribe",
    "websocket.subprotocol",
    "publish",
    "publish.id",
    "publish.event",
    "publish.comment",
    "cors",
    "cors.credentials",
];

/// What the profile says and no case looks at, since each of those that would needs something else, too. The profile of the
/// built-in server says all that there is to say.
pub(super) fn without_effect(suite: &Suite, target: &Target, is_built_in: bool) -> Vec<String> {
    let said = CAPABILITIES.iter().filter(|(name, _)| SAID.contains(name) && target.can(name));
    let note = |(name, key): &(&str, &str)| {
        let mut lacking =
            suite.cases.iter().filter(|case| needs(case).contains(*name)).map(|case| lacking(case, target));
        let first = lacking.next()??;
        lacking.all(|why| why.is_some()).then(|| format!("no case judges {key}: {first}"))
    };
    let parts = parts_without_effect(&target.profile).into_iter().filter(|_| !is_built_in);
    said.filter_map(note).chain(parts).collect()
}

/// The parts of a message that nothing is compared with. Those of an event are what its cases are about.
fn parts_without_effect(profile: &Profile) -> Vec<String> {
    let Profile { polling, long_polling, iframe, sse, websocket, publish, .. } = profile;
    let tables = [
        ("polling", polling.as_ref().map(|poll| &poll.answer.parts)),
        ("long-polling", long_polling.as_ref().map(|poll| &poll.answer.parts)),
        ("iframe", iframe.as_ref().map(|iframe| &iframe.parts)),
        ("websocket", websocket.as_ref().map(|websocket| &websocket.parts)),
    ];
    let has = |part: fn(&Parts) -> &Option<String>| -> Vec<&str> {
        let given = tables.iter().filter(|(_, parts)| parts.is_some_and(|parts| part(parts).is_some()));
        given.map(|(table, _)| *table).collect()
    };
    let (ids, events) = (has(|parts| &parts.id), has(|parts| &parts.event));
    let answered = publish.as_ref().is_some_and(|publish| publish.id.is_some());
    let mut notes: Vec<String> =
        events.iter().map(|table| format!("no case judges `event` of [{table}]")).collect();
    if answered && ids.is_empty() && sse.is_none() {
        notes.push("no case judges `id` of [publish]: no technique has the id of a message".to_owned());
    }
    if !answered {
        let without = |table: &&str| format!("no case judges `id` of [{table}]: [publish] has no `id`");
        notes.extend(ids.iter().map(without));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_messages_that_nothing_is_compared_with_are_told() {
        let notes =
            |text: &str| parts_without_effect(&Profile::parse("pushspec.toml", text).expect("a profile"));
        let poll = "[polling]\npath = \"/\"\n";
        let publish = "[publish]\nrequest = \"POST /\"\nbody = \"{data}\"\n";
        assert_eq!(
            notes(&format!("{poll}id = \"/id\"\nevent = \"/kind\"\n{publish}")),
            [
                "no case judges `event` of [polling]",
                "no case judges `id` of [polling]: [publish] has no `id`"
            ]
        );
        assert!(notes(&format!("{poll}id = \"/id\"\n{publish}id = \"/id\"\n")).is_empty());
        assert_eq!(
            notes(&format!("{poll}{publish}id = \"/id\"\n")),
            ["no case judges `id` of [publish]: no technique has the id of a message"]
        );
        assert!(
            notes(&format!("[sse]\npath = \"/\"\nevent = \"/kind\"\n{publish}id = \"/id\"\n")).is_empty()
        );
    }
}
