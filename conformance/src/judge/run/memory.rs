//! What a case remembers: the values of the names in braces, what it said itself, the last head that came, and what it looked
//! at already.

use std::collections::HashMap;
use std::time::Duration;

use pushspec_wire::http1::Head;

use crate::case::text::Scope;
use crate::judge::expect::fit::Context;
use crate::judge::expect::reply::answer;
use crate::profile::cursor::Values;
use crate::profile::poll::Answer;
use crate::profile::websocket::WebSocket;
use crate::transcript::shown::shown;

use super::compression::Compression;
use super::likes::Respelled;
use super::scope::CaseScope;
use super::wrapping::Wrapping;

/// The memory of a case.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) scope: CaseScope,
    pub(super) compression: Compression,
    /// The data of all messages that the case published or sent, and what the target answers to those, with the time at
    /// which it first did so.
    own: HashMap<Vec<u8>, Duration>,
    /// The head of the last answer that a step took, for comparison with the next.
    pub(super) last_head: Option<Head>,
    /// The id of what was published last, as the answer to the publication says it.
    pub(super) published_id: Option<String>,
    /// What of that which came is what is waited for in another spelling, or in another form.
    pub(super) respelled: Respelled,
    pub(super) wrapping: Wrapping,
}

impl Memory {
    pub(super) fn new(scope: CaseScope) -> Memory {
        let compression = Compression::new(scope.deflate.is_everywhere);
        Memory {
            scope,
            compression,
            own: HashMap::new(),
            last_head: None,
            published_id: None,
            respelled: Respelled::default(),
            wrapping: Wrapping::default(),
        }
    }

    /// What is needed to compare. `alone` says that the other side speaks to this case alone.
    pub(super) fn context<'a>(&'a self, websocket: Option<&'a WebSocket>, alone: bool) -> Context<'a> {
        Context { scope: &self.scope, own: &self.own, websocket, alone }
    }

    /// The case publishes this.
    pub(super) fn note_published(&mut self, now: Duration, data: &str) {
        self.own.entry(data.as_bytes().to_vec()).or_insert(now);
    }

    /// The case sends this message.
    pub(super) fn note_sent(&mut self, now: Duration, message: Vec<u8>, websocket: Option<&WebSocket>) {
        let message = websocket.and_then(|websocket| websocket.said(&message)).unwrap_or(message);
        self.own.entry(answer(websocket, &message, false)).or_insert(now);
        self.own.entry(message).or_insert(now);
    }

    /// A step took a head.
    pub(super) fn note_head(&mut self, head: &Head) {
        self.scope.remember_head(head);
        self.last_head = Some(head.clone());
    }

    /// A poll was answered without news, perhaps without a cursor: the next one asks as this one did.
    pub(super) fn note_no_news(&mut self) {
        if let Some(start) = self.scope.text("start") {
            self.scope.remember_first("first-cursor", start.into_bytes());
        }
    }

    /// A step took something behind which a cursor stood. `is_main` says that the technique is that of the case.
    pub(super) fn note_cursor(&mut self, technique: &str, answer: &Answer, found: Values, is_main: bool) {
        let key = if technique == "long-polling" { "long-polling.cursor" } else { "polling.cursor" };
        let before = self.scope.text(key).unwrap_or_else(|| answer.start.as_start());
        let Some(cursor) = answer.cursor.as_ref().map(|places| places.after(&before, found)) else { return };
        self.scope.remember(key, cursor.clone().into_bytes());
        if is_main {
            self.scope.remember_first("first-cursor", cursor.clone().into_bytes());
            self.scope.remember("cursor", cursor.into_bytes());
        }
    }

    /// An expectation, with the values that the names in its braces have.
    pub(super) fn with_values(&self, mut expected: String) -> String {
        let opened = expected.match_indices('{').filter(|(at, _)| !expected[..*at].ends_with('\\'));
        let names = opened.filter_map(|(at, _)| expected[at + 1..].split_once('}').map(|(name, _)| name));
        let mut values: Vec<String> = Vec::new();
        for (name, value) in names.filter_map(|name| Some((name, self.scope.value(name)?))) {
            let value = format!("{{{name}}} is {}", shown(&value));
            if !values.contains(&value) {
                values.push(value);
            }
        }
        if !values.is_empty() {
            expected.push_str(" where ");
            expected.push_str(&values.join(" and "));
        }
        expected
    }
}
