//! What a profile says is looked at before a server is accused of it.

mod cursors;
mod fields;
mod places;
mod pointers;
mod publish;
mod requests;
mod sources;
mod websocket;

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use self::cursors::places_of;
use self::fields::{header_mistakes, method_wrong, origin_wrong};
use self::places::{CHANNEL, IFRAME, LONG_POLLING, POLLING, Places, of_poll};
use super::session::Session;
use super::tables::Profile;
use crate::mistake::Wrong;

/// What is wrong with the value of a key.
pub(super) struct Mistake {
    /// The table in which it stands; empty for a key at the top.
    pub(super) table: &'static str,
    /// The key; empty for the whole table.
    pub(super) key: String,
    pub(super) wrong: Wrong,
}

/// Every value of a profile that makes no request, or another one than was meant.
pub(super) fn mistakes(profile: &Profile) -> Vec<Mistake> {
    let given: Vec<String> = profile.session.iter().flat_map(Session::names).collect();
    let places = Places::new(&given);
    let mut found = top_mistakes(profile);
    found.extend(header_mistakes("headers", "", &profile.headers));
    found.extend(profile.headers.iter().filter_map(|(name, value)| {
        // A brace is nothing special in a field, except where a session is meant.
        let wrong = value.contains("{session.").then(|| places.place_wrong(value, &[]))??;
        Some(Mistake { table: "headers", key: name.clone(), wrong })
    }));
    found.extend(path_mistakes(profile, &places));
    found.extend(profile.websocket.iter().flat_map(|table| websocket::mistakes(table, &places)));
    found.extend(pointers::mistakes(profile));
    found.extend(cursors::mistakes(profile, &places));
    found.extend(requests::mistakes(profile, &places));
    found.extend(profile.session.iter().flat_map(requests::session_mistakes));
    found.extend(profile.publish.iter().flat_map(|table| publish::mistakes(table, &places)));
    found
}

/// The keys that stand in no table.
fn top_mistakes(profile: &Profile) -> Vec<Mistake> {
    let mistake = |key: &str, wrong| Mistake { table: "", key: key.to_owned(), wrong };
    let origin = profile.allowed_origin.as_deref().and_then(origin_wrong);
    let hint = "as in `methods = [\"DELETE\"]`";
    let method = profile.methods.iter().find_map(|method| method_wrong(method, hint));
    let secret = profile.secrets.iter().find_map(|name| parameter_wrong(name));
    let wrong = [
        origin.map(|wrong| mistake("allowed-origin", wrong)),
        method.map(|wrong| mistake("methods", wrong)),
        secret.map(|wrong| mistake("secrets", wrong)),
        profile.iframe.as_ref().and_then(|iframe| callback_wrong(&iframe.callback)).map(|wrong| Mistake {
            table: "iframe",
            key: "callback".to_owned(),
            wrong,
        }),
    ];
    wrong.into_iter().flatten().collect()
}

/// What is wrong with the name of a function, or of one within objects. It stands in scripts, and in a query.
fn callback_wrong(name: &str) -> Option<Wrong> {
    let is_part = |part: &str| {
        part.chars().all(|letter| letter.is_alphanumeric() || "_$".contains(letter))
            && part.starts_with(|first: char| !first.is_ascii_digit())
    };
    let message = || format!("`{}` is not the name of a function", name.escape_debug());
    (!name.split('.').all(is_part)).then(|| Wrong::new(message(), "as in `callback = \"push.deliver\"`"))
}

/// What is wrong with the name of a query parameter.
fn parameter_wrong(name: &str) -> Option<Wrong> {
    let belongs = |letter: char| !letter.is_control() && !"&=?#".contains(letter);
    let message = || format!("`{}` is not the name of a query parameter", name.escape_debug());
    (name.is_empty() || !name.chars().all(belongs))
        .then(|| Wrong::new(message(), "as in `secrets = [\"token\"]`"))
}

fn path_mistakes(profile: &Profile, places: &Places<'_>) -> Vec<Mistake> {
    let Profile { polling, long_polling, iframe, sse, websocket, .. } = profile;
    let sse = sse.as_ref();
    let websocket = websocket.as_ref();
    // A path that is that of `subscribe` is told of there.
    let own_path =
        websocket.filter(|table| !table.path.is_empty() && table.subscribe.as_ref() != Some(&table.path));
    let cursors = ["polling", "long-polling"].map(|technique| places_of(profile, technique));
    let [polls, long_polls] = [of_poll(POLLING, &cursors[0]), of_poll(LONG_POLLING, &cursors[1])];
    let paths = [
        ("polling", "path", polling.as_ref().map(|poll| &poll.path), &polls[..]),
        ("long-polling", "path", long_polling.as_ref().map(|poll| &poll.path), &long_polls),
        ("iframe", "path", iframe.as_ref().map(|iframe| &iframe.path), IFRAME),
        ("sse", "path", sse.map(|sse| &sse.path), CHANNEL),
        ("sse", "ending", sse.and_then(|sse| sse.ending.as_ref()), CHANNEL),
        ("sse", "gone", sse.and_then(|sse| sse.gone.as_ref()), CHANNEL),
        ("sse", "checkpoints", sse.and_then(|sse| sse.checkpoints.as_ref()), CHANNEL),
        ("sse", "moved", sse.and_then(|sse| sse.moved.as_ref()), CHANNEL),
        ("websocket", "path", own_path.map(|websocket| &websocket.path), CHANNEL),
        ("websocket", "subscribe", websocket.and_then(|websocket| websocket.subscribe.as_ref()), CHANNEL),
    ];
    let given = paths.into_iter().filter_map(|(table, key, path, known)| Some((table, key, path?, known)));
    let wrong = given.filter_map(|(table, key, path, known)| {
        Some(Mistake { table, key: key.to_owned(), wrong: places.path_wrong(path, known)? })
    });
    wrong.collect()
}

/// Where an entry stands in the text, or the name of its table where there is no such entry. `index` is that of the table
/// among several.
pub(super) fn place(text: &str, table: &str, index: usize, key: &str) -> Range<usize> {
    let Ok(document) = DeTable::parse(text) else { return 0..0 };
    if table.is_empty() {
        return entry(document.get_ref(), key).map_or(0..0, |(_, value)| value.span());
    }
    let Some((header, value)) = entry(document.get_ref(), table) else { return 0..0 };
    let (header, value) = match value.get_ref().as_array().and_then(|list| list.get(index)) {
        Some(value) => (value.span(), value),
        None => (header, value),
    };
    match value.get_ref().as_table().and_then(|entries| entry(entries, key)) {
        // A header field may be wrong by its name.
        Some((name, value)) => name.start..value.span().end,
        None => header,
    }
}

fn entry<'t, 'i>(table: &'t DeTable<'i>, key: &str) -> Option<(Range<usize>, &'t Spanned<DeValue<'i>>)> {
    let found = table.iter().find(|(name, _)| name.get_ref() == key);
    found.map(|(name, value)| (name.span(), value))
}
