//! JSON pointers that lead nowhere in any document (RFC 6901 section 3).

use super::Mistake;
use crate::mistake::Wrong;
use crate::profile::parts::Parts;
use crate::profile::poll::Answer;
use crate::profile::tables::Profile;

pub(super) fn mistakes(profile: &Profile) -> Vec<Mistake> {
    let Profile { polling, long_polling, iframe, sse, websocket, .. } = profile;
    let answers = [
        ("polling", polling.as_ref().map(|poll| &poll.answer)),
        ("long-polling", long_polling.as_ref().map(|poll| &poll.answer)),
    ];
    let mut found = Vec::new();
    for (table, answer) in answers.into_iter().filter_map(|(table, answer)| Some((table, answer?))) {
        found.extend(answer_mistakes(table, answer));
    }
    let parts = [
        ("polling", polling.as_ref().map(|poll| &poll.answer.parts)),
        ("long-polling", long_polling.as_ref().map(|poll| &poll.answer.parts)),
        ("iframe", iframe.as_ref().map(|iframe| &iframe.parts)),
        ("sse", sse.as_ref().map(|sse| &sse.parts)),
        ("websocket", websocket.as_ref().map(|websocket| &websocket.parts)),
    ];
    for (table, parts) in parts.into_iter().filter_map(|(table, parts)| Some((table, parts?))) {
        found.extend(empty_mistakes(table, parts));
        let wrong = parts.pointers().filter_map(|(key, pointer)| Some((key, pointer_wrong(pointer?)?)));
        found.extend(wrong.map(|(key, wrong)| Mistake { table, key: key.to_owned(), wrong }));
    }
    found
}

/// Texts that are nowhere, or everywhere.
fn empty_mistakes(table: &'static str, parts: &Parts) -> impl Iterator<Item = Mistake> {
    let texts = [
        ("separator", &parts.separator, "the text between two records, as in `separator = \"\\u001e\"`"),
        ("prefix", &parts.prefix, "the text before the messages, as in `prefix = \"a\"`"),
    ];
    let empty = texts.into_iter().filter(|(_, text, _)| text.as_deref() == Some(""));
    empty.map(move |(key, _, hint)| Mistake {
        table,
        key: key.to_owned(),
        wrong: Wrong::new(format!("an empty {key} tells nothing apart"), hint),
    })
}

/// What is wrong with what tells messages from each other, and from no news.
fn answer_mistakes(table: &'static str, answer: &Answer) -> Vec<Mistake> {
    let mistake = |key: &str, message: String, hint: &str| Mistake {
        table,
        key: key.to_owned(),
        wrong: Wrong::new(message, hint),
    };
    let mut found = Vec::new();
    let is_status = |code: &&u16| !matches!(code, 200..=399 | 408 | 504);
    if let Some(code) = answer.empty.iter().find(is_status) {
        let message = format!("{code} does not say that there is no news");
        found.push(mistake("empty", message, "as in `empty = [204, 304, 408]`"));
    }
    found
}

pub(super) fn pointer_wrong(pointer: &str) -> Option<Wrong> {
    let escaped = pointer.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if (pointer.is_empty() || pointer.starts_with('/')) && escaped {
        return None;
    }
    let message = format!("`{}` is not a JSON pointer", pointer.escape_debug());
    let hint = if escaped {
        "a JSON pointer begins with `/`, as in `/result/update`"
    } else {
        "write `~` as `~0`, and `/` within a name as `~1`"
    };
    Some(Wrong::new(message, hint))
}
