//! Where the cursor of a poll is, and where the next poll asks with it.

use super::Mistake;
use super::fields::is_token;
use super::places::Places;
use super::pointers::pointer_wrong;
use crate::mistake::{Wrong, listed};
use crate::profile::cursor::{Named, asks_with};
use crate::profile::poll::Answer;
use crate::profile::request::Request;
use crate::profile::tables::Profile;

/// The names in braces that stand for the cursor of a technique. A cursor that no response gives is that of the first poll.
pub(super) fn places_of(profile: &Profile, technique: &str) -> Vec<String> {
    profile.answer_of(technique).map(|answer| cursor_of(answer).places()).unwrap_or_default()
}

fn cursor_of(answer: &Answer) -> &Named {
    answer.cursor.as_ref().unwrap_or(&answer.start)
}

pub(super) fn mistakes(profile: &Profile, places: &Places<'_>) -> Vec<Mistake> {
    let Profile { polling, long_polling, .. } = profile;
    let polls = [
        ("polling", polling.as_ref().map(|poll| (&poll.path, &poll.request, &poll.answer))),
        ("long-polling", long_polling.as_ref().map(|poll| (&poll.path, &poll.request, &poll.answer))),
    ];
    let given = polls.into_iter().filter_map(|(table, poll)| Some((table, poll?)));
    let wrong = given.flat_map(|(table, (path, request, answer))| {
        let cursor = answer.cursor.as_ref().and_then(|cursor| {
            place_wrong(cursor).or_else(|| document_wrong(answer)).or_else(|| unused(cursor, path, request))
        });
        let start = start_wrong(answer, places);
        let mistake = |key: &str, wrong| Mistake { table, key: key.to_owned(), wrong };
        cursor
            .map(|wrong| mistake("cursor", wrong))
            .into_iter()
            .chain(start.map(|wrong| mistake("start", wrong)))
    });
    wrong.collect()
}

/// What is wrong with the places of a cursor, and with the names of its values.
fn place_wrong(cursor: &Named) -> Option<Wrong> {
    if let Named::Several(places) = cursor {
        let hint = "as in `cursor = { since = \"/since\", etag = \"header:ETag\" }`";
        if places.is_empty() {
            return Some(Wrong::new("a cursor without a value", hint));
        }
        if let Some(name) = places.keys().find(|name| !is_name(name)) {
            let message = format!("`{}` is not the name of a value", name.escape_debug());
            return Some(Wrong::new(message, format!("letters, digits and hyphens, {hint}")));
        }
    }
    cursor.entries().into_iter().find_map(|(_, place)| {
        let Some(name) = place.strip_prefix("header:") else {
            return pointer_wrong(place).map(|wrong| Wrong {
                hint: format!("{}; `header:Name` is a header field of the response", wrong.hint),
                ..wrong
            });
        };
        let message = || format!("`{}` is not the name of a header field", name.escape_debug());
        (!is_token(name)).then(|| Wrong::new(message(), "as in `header:X-Cursor`"))
    })
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// A pointer into a body that is no document.
fn document_wrong(answer: &Answer) -> Option<Wrong> {
    let has_pointer = answer.cursor.as_ref().is_some_and(|cursor| !cursor.pointers().is_empty());
    let message = "a body with `separator` is no JSON document: no pointer leads to its cursor";
    (answer.parts.separator.is_some() && has_pointer)
        .then(|| Wrong::new(message, "`header:Name`, or remove one of the two"))
}

/// A value with which no poll asks.
fn unused(cursor: &Named, path: &str, request: &Request) -> Option<Wrong> {
    let names = cursor.places();
    let place = names.iter().find(|place| {
        !asks_with(path, place) && !request.templates().any(|template| asks_with(template, place))
    })?;
    let message = format!("no poll asks with `{{{place}}}`");
    Some(Wrong::new(message, "write it into `path`, `body` or `headers`, or take the value out"))
}

/// What is wrong with the cursor of the first poll.
fn start_wrong(answer: &Answer, places: &Places<'_>) -> Option<Wrong> {
    if let (Named::Several(values), Some(cursor)) = (&answer.start, &answer.cursor) {
        let known: Vec<&str> = cursor.entries().into_iter().map(|(name, _)| name).collect();
        if known == [""] {
            let hint = "write `cursor` as a table, too, or `start` as a string";
            return Some(Wrong::new("`start` has several values, and `cursor` has one", hint));
        }
        if let Some(name) = values.keys().find(|name| !known.contains(&name.as_str())) {
            let message = format!("`cursor` has no value `{}`", name.escape_debug());
            return Some(Wrong::new(message, format!("known are {}", listed(known.into_iter()))));
        }
    }
    answer.start.entries().into_iter().find_map(|(_, value)| places.place_wrong(value, &[]))
}
