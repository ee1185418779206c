//! What the names in braces mean while a case runs.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pushspec_wire::http1::Head;
use sha1::{Digest, Sha1};

use crate::case::Case;
use crate::case::statement::SendItem;
use crate::case::text::Scope;
use crate::profile::Target;

use super::offering::{speaks_of_extensions, writes_frames};
use super::places::{PathValues, expand_path, technique_path};
use super::speech::Speech;
use super::written::Written;

/// The GUID that RFC 6455 section 1.3 has a server append to the key.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The answer to a `Sec-WebSocket-Key` (RFC 6455 section 4.2.2, step 5.4).
pub fn accept(key: &str) -> String {
    STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// Substitutions: those that never change, and those that what was received gives.
#[derive(Debug, Clone)]
pub(crate) struct CaseScope {
    fixed: BTreeMap<String, Vec<u8>>,
    received: BTreeMap<&'static str, Vec<u8>>,
    /// How long the body is that is written with a head.
    length: Option<Vec<u8>>,
    /// What the suite adds to a request that a case writes out.
    pub(super) written: Written,
    /// How it says what a case says in text messages.
    pub(super) speech: Speech,
    /// What the case does with permessage-deflate of its own accord.
    pub(super) deflate: Deflating,
    seed: [u8; 20],
    masks: u32,
}

/// What a case does with permessage-deflate where the profile has it judged with every WebSocket.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Deflating {
    /// It is offered in each opening handshake.
    pub(super) is_offered: bool,
    /// Every message is compressed.
    pub(super) is_everywhere: bool,
}

impl CaseScope {
    /// `channel` is the case's own.
    pub(crate) fn new(case: &Case, target: &Target, channel: &str) -> CaseScope {
        let mut scope = CaseScope::of_target(&case.id, target, channel);
        scope.written = Written::of(case, target, channel);
        let is_offered = target.profile.websocket.as_ref().is_some_and(|it| it.deflate == Some(true));
        let is_offered = is_offered && !speaks_of_extensions(case);
        scope.deflate = Deflating { is_offered, is_everywhere: is_offered && !writes_frames(case) };
        let mut set = |name: &str, value: String| scope.fixed.insert(name.to_owned(), value.into_bytes());
        if let Some(path) = technique_path(target, &case.technique) {
            let path = expand_path(target, &case.technique, &path, channel, &PathValues::default());
            let join = if path.contains('?') { '&' } else { '?' };
            set("path-for-query", format!("{path}{join}"));
            set("path", path);
            let request = target.profile.request_of(&case.technique);
            set("method", request.map_or_else(|| "GET".to_owned(), |request| request.method.clone()));
        }
        let polling = target.profile.polling.as_ref().map(|poll| &poll.answer);
        let long_polling = target.profile.long_polling.as_ref().map(|poll| &poll.answer);
        let answer = if case.technique == "long-polling" { long_polling } else { polling };
        if let Some(answer) = answer {
            set("start", answer.start.as_start());
        }
        for (name, value) in &case.parameters {
            set(name, value.clone());
        }
        scope
    }

    /// What holds for every conversation with a target; `name` makes its keys its own.
    pub(crate) fn of_target(name: &str, target: &Target, channel: &str) -> CaseScope {
        let seed: [u8; 20] = Sha1::digest(name.as_bytes()).into();
        let key = STANDARD.encode(&seed[..16]);
        let mut fixed: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut set = |name: &str, value: String| fixed.insert(name.to_owned(), value.into_bytes());
        set("scheme", target.scheme.name().to_owned());
        set("authority", target.authority());
        set("host", target.host.clone());
        set("port", target.port.to_string());
        set("channel", channel.to_owned());
        set("accept", accept(&key));
        set("key", key);
        if let Some(origin) = &target.profile.allowed_origin {
            set("origin", origin.clone());
        }
        if let Some(sse) = &target.profile.sse {
            let others = [
                ("ending-path", &sse.ending),
                ("gone-path", &sse.gone),
                ("moved-path", &sse.moved),
                ("checkpoints-path", &sse.checkpoints),
            ];
            for (name, path) in others.into_iter().filter_map(|(name, path)| Some((name, path.as_ref()?))) {
                set(name, expand_path(target, "sse", path, channel, &PathValues::default()));
            }
        }
        if let Some(path) = target.profile.websocket.as_ref().and_then(|websocket| websocket.subscription()) {
            set("subscribe-path", expand_path(target, "websocket", path, channel, &PathValues::default()));
        }
        let known = target.profile.websocket.as_ref().and_then(|websocket| websocket.subprotocols.first());
        if let Some(known) = known {
            set("known-subprotocol", known.clone());
        }
        if let Some(limit) = target.profile.websocket.as_ref().and_then(|websocket| websocket.message_limit) {
            set("message-limit", limit.to_string());
        }
        let speech = Speech::of(target.profile.websocket.as_ref());
        let (received, written, deflate) = (BTreeMap::new(), Written::default(), Deflating::default());
        CaseScope { fixed, received, length: None, written, speech, deflate, seed, masks: 0 }
    }

    /// The next masking key: it looks random, and is the same in every run (RFC 6455 section 5.3).
    pub(crate) fn mask(&mut self) -> [u8; 4] {
        self.masks += 1;
        let digest = Sha1::new().chain_update(self.seed).chain_update(self.masks.to_be_bytes()).finalize();
        [digest[0], digest[1], digest[2], digest[3]]
    }

    /// Remembers something that was received.
    pub(crate) fn remember(&mut self, name: &'static str, value: Vec<u8>) {
        self.received.insert(name, value);
    }

    /// Remembers something that was received, unless the like of it came before.
    pub(crate) fn remember_first(&mut self, name: &'static str, value: Vec<u8>) {
        self.received.entry(name).or_insert(value);
    }

    /// Remembers the validators of an answer, or the key of a client and the answer to it.
    pub(crate) fn remember_head(&mut self, head: &Head) {
        if head.request_line().is_some()
            && let Some(key) = head.value("Sec-WebSocket-Key")
        {
            let answer = accept(&String::from_utf8_lossy(&key));
            self.remember("key", key.into_owned());
            self.remember("accept", answer.into_bytes());
        }
        for (name, field) in [("etag", "ETag"), ("last-modified", "Last-Modified")] {
            if let Some(value) = head.value(field) {
                self.remember(name, value.into_owned());
            }
        }
        // Without the mark of weakness and the quotes, so that a case can put them on again or leave them off.
        if let Some(tag) = head.value("ETag") {
            let tag = tag.strip_prefix(b"W/").unwrap_or(&tag);
            let inner = tag.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(tag);
            self.remember("opaque-tag", inner.to_vec());
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.value(name).map(|value| String::from_utf8_lossy(&value).into_owned())
    }
}

impl CaseScope {
    /// Gives `{length}` its value: how many bytes follow the first empty line of what is written at once, which is the
    /// body of a request that a case writes out.
    pub(super) fn set_length<'i>(&mut self, items: impl Iterator<Item = &'i SendItem>) {
        let body = items.skip_while(|item| !is_empty_line(item)).skip(1);
        // A body that has no value yet is told where it is sent.
        let lengths = body.map(|item| length_of(item, self)).collect::<Option<Vec<usize>>>();
        self.length = lengths.map(|lengths| lengths.iter().sum::<usize>().to_string().into_bytes());
    }
}

fn is_empty_line(item: &SendItem) -> bool {
    matches!(item, SendItem::HttpLine(line) if line.source.is_empty())
}

fn length_of(item: &SendItem, scope: &CaseScope) -> Option<usize> {
    match item {
        SendItem::HttpLine(line) => Some(line.bytes(scope).ok()?.len() + "\r\n".len()),
        SendItem::Bytes(text) => Some(text.bytes(scope).ok()?.len()),
        SendItem::Chop(_, inner) => length_of(inner, scope),
        _ => Some(0),
    }
}

impl Scope for CaseScope {
    fn value(&self, name: &str) -> Option<Vec<u8>> {
        let known = self.received.get(name).or_else(|| self.fixed.get(name));
        // A page may have a parameter of this name.
        known.or(self.length.as_ref().filter(|_| name == "length")).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_value_of_the_standard_s_own_example_comes_out() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
