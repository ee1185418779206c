//! A request on its way to the server, and what the relay remembers of those before it.

use std::collections::HashMap;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pushspec_wire::http1::Head;

use super::fields;
use super::websocket::deflate::{Agreed, Shared};

/// A request, with what a fault may want to know to decide whether it applies.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The lines of its head.
    pub(crate) head: Head,
    /// Its body, where it has one of known length.
    pub(crate) body: Vec<u8>,
    /// How many GET or POST requests for the same technique and channel the relay has seen before.
    pub(crate) earlier: u64,
    /// How many requests came before it on its connection.
    pub(crate) on_its_connection: usize,
    /// What the relay remembers, over all connections.
    pub(crate) memory: Arc<Memory>,
    /// What the relay has agreed on in the stead of the server.
    pub(crate) agreed: Option<Agreed>,
}

/// An answer that the relay gives in the stead of the server; the connection ends with it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal(pub(crate) u16, pub(crate) &'static str);

/// How many names are counted: more than the channels of a run. What comes after them is as if it had never come.
const MAX_NAMES: usize = 64 * 1024;

/// How many bytes are kept over all connections.
const MAX_KEPT: usize = 1024 * 1024;

/// How many bytes all connections together may hold back.
const MAX_HELD: usize = 192 * 1024 * 1024;

/// What is remembered over all connections of a relay: counters by name, and some bytes.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    counters: Mutex<HashMap<String, u64>>,
    kept: Mutex<Vec<u8>>,
    held: AtomicUsize,
    deflate: Mutex<Shared>,
}

impl Memory {
    /// How often this was counted before; counts once more.
    pub(crate) fn count(&self, name: &str) -> u64 {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        if counters.len() >= MAX_NAMES && !counters.contains_key(name) {
            return 0;
        }
        let counter = counters.entry(name.to_owned()).or_default();
        *counter += 1;
        *counter - 1
    }

    /// How often this was counted.
    pub(crate) fn counted(&self, name: &str) -> u64 {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied().unwrap_or_default()
    }

    /// Takes note that a connection holds so many bytes in place of so many; says whether there is room for more, or
    /// whether it holds no more than it did.
    pub(crate) fn holds(&self, before: usize, after: usize) -> bool {
        if after <= before {
            self.held.fetch_sub(before - after, Ordering::Relaxed);
            return true;
        }
        let more = after - before;
        self.held.fetch_add(more, Ordering::Relaxed) + more <= MAX_HELD
    }

    /// Keeps bytes behind those that are kept already, as long as there is room.
    pub(crate) fn append(&self, bytes: &[u8]) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MAX_KEPT.saturating_sub(kept.len()).min(bytes.len());
        kept.extend_from_slice(&bytes[..room]);
    }

    /// Gives back what is kept.
    pub(crate) fn take(&self) -> Vec<u8> {
        mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What all connections with compression share.
    pub(crate) fn deflate(&self) -> MutexGuard<'_, Shared> {
        self.deflate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what was counted, and says whether there was anything.
    pub(crate) fn forget(&self, name: &str) -> bool {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner).remove(name).is_some()
    }
}

impl Request {
    pub(crate) fn new(head: Head, memory: Arc<Memory>) -> Self {
        let mut request =
            Self { head, body: Vec::new(), earlier: 0, on_its_connection: 0, memory, agreed: None };
        if matches!(request.method().as_str(), "GET" | "POST") {
            request.earlier = request.memory.count(&request.place());
        }
        request
    }

    /// The first word of the start line.
    pub(crate) fn method(&self) -> String {
        fields::words(&self.head).into_iter().next().unwrap_or_default()
    }

    /// The second word of the start line.
    pub(crate) fn target(&self) -> String {
        fields::words(&self.head).into_iter().nth(1).unwrap_or_default()
    }

    /// The last word of the start line.
    pub(crate) fn version(&self) -> String {
        fields::words(&self.head).pop().unwrap_or_default()
    }

    /// The target without scheme and authority.
    fn path_and_query(&self) -> String {
        let target = self.target();
        let path = target.split_once("://").and_then(|(_scheme, rest)| rest.find('/').map(|at| &rest[at..]));
        path.unwrap_or(&target).to_owned()
    }

    fn segment(&self, index: usize) -> String {
        let target = self.path_and_query();
        let path = target.split('?').next().unwrap_or_default();
        path.split('/').nth(index).unwrap_or_default().to_owned()
    }

    /// The first segment of the path, by which the reference server tells the techniques (and `publish`) apart.
    pub(crate) fn technique(&self) -> String {
        self.segment(1)
    }

    /// The second segment of the path.
    pub(crate) fn channel(&self) -> String {
        self.segment(2)
    }

    /// Technique and channel.
    pub(crate) fn place(&self) -> String {
        format!("{} {}", self.technique(), self.channel())
    }

    /// Whether it is a GET of that technique.
    pub(crate) fn gets(&self, technique: &str) -> bool {
        self.method() == "GET" && self.technique() == technique
    }

    /// Whether it asks to upgrade or looks like a part of an opening handshake.
    pub(crate) fn is_handshake(&self) -> bool {
        self.technique() == "websocket"
    }

    /// Whether it publishes.
    pub(crate) fn publishes(&self) -> bool {
        self.technique() == "publish"
    }

    /// How often something was published on the channel of this request.
    pub(crate) fn published(&self) -> u64 {
        self.memory.counted(&format!("publish {}", self.channel()))
    }

    /// Whether there was a GET of that technique on the channel of this request.
    pub(crate) fn has_listener(&self, technique: &str) -> bool {
        self.memory.counted(&format!("{technique} {}", self.channel())) > 0
    }

    /// A field of the head, as text.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        fields::value(&self.head, name)
    }

    /// Whether the head has a field of that name.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.head.value(name).is_some()
    }

    /// A parameter of the query, as it is written.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let target = self.target();
        let (_path, query) = target.split_once('?')?;
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(known, _)| *known == name).map(|(_, value)| value.to_owned()).next()
    }

    /// Replaces a parameter of the query that is there.
    pub(crate) fn set_parameter(&mut self, name: &str, value: &str) {
        let Some(present) = self.parameter(name) else { return };
        let target = self.target();
        let Some((path, query)) = target.split_once('?') else { return };
        let pair = format!("{name}={present}");
        let query: Vec<String> = query
            .split('&')
            .map(|known| if known == pair { format!("{name}={value}") } else { known.to_owned() })
            .collect();
        self.set_target(&format!("{path}?{}", query.join("&")));
    }

    /// Replaces the word that is the target.
    pub(crate) fn set_target(&mut self, target: &str) {
        let line = String::from_utf8_lossy(self.head.start_line()).into_owned();
        let line = line.replacen(&self.target(), target, 1);
        fields::set_start_line(&mut self.head, line);
    }

    /// Replaces the method.
    pub(crate) fn set_method(&mut self, method: &str) {
        let line = String::from_utf8_lossy(self.head.start_line()).into_owned();
        if let Some((_method, rest)) = line.split_once(' ') {
            fields::set_start_line(&mut self.head, format!("{method} {rest}"));
        }
    }

    /// Replaces the text of the publication, if the request is one.
    pub(crate) fn edit_publication(&mut self, edit: impl FnOnce(&str) -> String) {
        let Ok(mut value) = serde_json::from_slice::<serde_json::Value>(&self.body) else { return };
        let Some(data) = value.get_mut("data") else { return };
        if let Some(text) = data.as_str() {
            *data = edit(text).into();
            self.body = value.to_string().into_bytes();
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use pushspec_wire::http1::HeadScanner;

    use super::*;

    /// A request made of these lines.
    pub(crate) fn request(lines: &str) -> Request {
        let mut scanner = HeadScanner::new();
        scanner.push(format!("{}\r\n\r\n", lines.replace('\n', "\r\n")).as_bytes());
        Request::new(scanner.next_head().expect("a complete head"), Arc::default())
    }

    #[test]
    fn technique_and_channel_are_read_from_either_form_of_the_target() {
        for target in ["/sse/a?heartbeat=1s", "http://h:1/sse/a?heartbeat=1s"] {
            let request = request(&format!("GET {target} HTTP/1.1\nHost: h:1"));
            assert_eq!((request.technique(), request.channel()), ("sse".into(), "a".into()), "{target}");
            assert_eq!(request.parameter("heartbeat").as_deref(), Some("1s"), "{target}");
        }
    }

    #[test]
    fn a_parameter_is_replaced_and_the_others_stay() {
        let mut request = request("GET /long-polling/a?after=1&hold=300ms HTTP/1.1");
        request.set_parameter("after", "0");
        request.set_parameter("other", "1");
        assert_eq!(request.target(), "/long-polling/a?after=0&hold=300ms");
    }
}
