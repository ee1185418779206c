//! What the names in braces mean while a case runs.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pushspec_wire::http1::Head;
use sha1::{Digest, Sha1};

use crate::case::Case;
use crate::case::text::Scope;
use crate::profile::Target;
use crate::profile::template::{fill, percent_encode};

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
    /// The target's host, as its field names it.
    host: Vec<u8>,
    /// The lines that follow it in requests that a case writes out.
    headers: Vec<u8>,
    seed: [u8; 20],
    masks: u32,
}

/// What a profile's path can ask for beside the channel.
#[derive(Debug, Clone, Default)]
pub(crate) struct PathValues {
    pub(crate) cursor: Option<String>,
    pub(crate) hold: Option<std::time::Duration>,
    pub(crate) callback: Option<String>,
}

impl CaseScope {
    /// `channel` is the case's own.
    pub(crate) fn new(case: &Case, target: &Target, channel: &str) -> CaseScope {
        let mut scope = CaseScope::of_target(&case.id, target, channel);
        // Many a server has an event stream for those alone who ask for one.
        let mut lines = case.section().conversation.iter().flatten();
        if case.technique == "sse" && !lines.any(|line| line.source.contains("Accept")) {
            scope.headers.extend(b"Accept: text/event-stream\r\n");
        }
        let mut set = |name: &str, value: String| scope.fixed.insert(name.to_owned(), value.into_bytes());
        if let Some(path) = technique_path(target, &case.technique) {
            let path = expand_path(target, &path, channel, &PathValues::default());
            let join = if path.contains('?') { '&' } else { '?' };
            set("path-for-query", format!("{path}{join}"));
            set("path", path);
        }
        let polling = target.profile.polling.as_ref().map(|poll| &poll.answer);
        let long_polling = target.profile.long_polling.as_ref().map(|poll| &poll.answer);
        let answer = if case.technique == "long-polling" { long_polling } else { polling };
        if let Some(answer) = answer {
            set("start", answer.start.clone());
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
                set(name, expand_path(target, path, channel, &PathValues::default()));
            }
        }
        if let Some(path) = target.profile.websocket.as_ref().and_then(|websocket| websocket.subscription()) {
            set("subscribe-path", expand_path(target, path, channel, &PathValues::default()));
        }
        let known = target.profile.websocket.as_ref().and_then(|websocket| websocket.subprotocols.first());
        if let Some(known) = known {
            set("known-subprotocol", known.clone());
        }
        let host = target.authority().into_bytes();
        let headers = target.profile.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        let headers = headers.collect::<String>().into_bytes();
        CaseScope { fixed, received: BTreeMap::new(), host, headers, seed, masks: 0 }
    }

    /// The next masking key: it looks random, and is the same in every run (RFC 6455 section 5.3).
    pub(crate) fn mask(&mut self) -> [u8; 4] {
        self.masks += 1;
        let digest = Sha1::new().chain_update(self.seed).chain_update(self.masks.to_be_bytes()).finalize();
        [digest[0], digest[1], digest[2], digest[3]]
    }

    /// What a case writes out, with the fields without which the target may not answer at all behind each line of its
    /// host, however that is spelt: those of the profile, and the `Accept` of event streams.
    pub(crate) fn with_headers(&self, bytes: Vec<u8>) -> Vec<u8> {
        if self.headers.is_empty() {
            return bytes;
        }
        let mut complete = Vec::with_capacity(bytes.len() + self.headers.len());
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').peekable();
        while let Some(line) = lines.next() {
            complete.extend(line);
            let is_folded =
                lines.peek().is_some_and(|next| next.starts_with(b" ") || next.starts_with(b"\t"));
            if !is_folded && self.is_host(line) {
                complete.extend(&self.headers);
            }
        }
        complete
    }

    /// Whether a line is the field of the target's host.
    fn is_host(&self, line: &[u8]) -> bool {
        let Some(field) = line.strip_suffix(b"\r\n") else { return false };
        let Some(colon) = field.iter().position(|byte| *byte == b':') else { return false };
        field[..colon].eq_ignore_ascii_case(b"Host") && field[colon + 1..].trim_ascii() == self.host
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

impl Scope for CaseScope {
    fn value(&self, name: &str) -> Option<Vec<u8>> {
        self.received.get(name).or_else(|| self.fixed.get(name)).cloned()
    }
}

/// Where the profile keeps a technique.
pub(crate) fn technique_path(target: &Target, technique: &str) -> Option<String> {
    let profile = &target.profile;
    match technique {
        "polling" => profile.polling.as_ref().map(|poll| poll.path.clone()),
        "long-polling" => profile.long_polling.as_ref().map(|poll| poll.path.clone()),
        "iframe" => profile.iframe.as_ref().map(|iframe| iframe.path.clone()),
        "sse" => profile.sse.as_ref().map(|sse| sse.path.clone()),
        "websocket" => profile.websocket.as_ref().map(|websocket| websocket.path.clone()),
        _ => None,
    }
}

/// Fills the places of a path.
pub(crate) fn expand_path(target: &Target, path: &str, channel: &str, values: &PathValues) -> String {
    let profile = &target.profile;
    let long_polling = profile.long_polling.as_ref();
    // Each technique begins with a cursor of its own.
    let start = match long_polling.filter(|poll| poll.path == path) {
        Some(poll) => Some(poll.answer.start.clone()),
        None => profile.polling.as_ref().map(|poll| poll.answer.start.clone()),
    };
    let cursor = values.cursor.clone().or(start).unwrap_or_default();
    let hold = values.hold.or_else(|| long_polling.map(|poll| poll.hold)).unwrap_or_default();
    let callback =
        values.callback.clone().or_else(|| profile.iframe.as_ref().map(|iframe| iframe.callback.clone()));
    fill(path, |name| match name {
        "channel" => Some(percent_encode(channel)),
        "cursor" => Some(percent_encode(&cursor)),
        "hold" => Some(format!("{}ms", hold.as_millis())),
        "hold-ms" => Some(hold.as_millis().to_string()),
        "hold-s" => Some(hold.as_secs_f64().to_string()),
        "callback" => callback.as_deref().map(percent_encode),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_profile_stand_behind_the_line_of_the_host() {
        let mut profile = crate::profile::Profile::only_websocket("/");
        profile.headers.insert("Cookie".into(), "a=b".into());
        let target = Target::new("http://localhost", profile).expect("the URL is in order");
        let scope = CaseScope::of_target("case", &target, "channel");
        let with = |request: &str| String::from_utf8_lossy(&scope.with_headers(request.into())).into_owned();
        assert_eq!(with("Host: localhost\r\n"), "Host: localhost\r\nCookie: a=b\r\n");
        assert_eq!(with("G\r\nHost: localhost\r\n\r\n"), "G\r\nHost: localhost\r\nCookie: a=b\r\n\r\n");
        for other in
            ["X-Host: localhost\r\n", "Host: localhost\r\n folded\r\n", "Host: localhost.invalid\r\n"]
        {
            assert_eq!(with(other), other);
        }
    }

    #[test]
    fn the_accept_value_of_the_standard_s_own_example_comes_out() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
