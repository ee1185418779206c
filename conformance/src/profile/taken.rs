//! From the response to a request of a session to the values that are taken from it, and into the profile.

use std::collections::BTreeMap;

use pushspec_wire::event_stream::{Interpreter, Item, LineScanner};
use pushspec_wire::http1::Head;

use super::session::Source;
use super::tables::Profile;
use super::target::Target;
use crate::secret::Secrets;

/// A value of a response, if it has come. `body` is what is there of the body so far, without its coding.
pub fn value(source: &Source, head: &Head, body: &[u8]) -> Option<String> {
    match source {
        Source::Header(name) => head.value(name).map(|value| String::from_utf8_lossy(&value).into_owned()),
        Source::Cookie(name) => head.values("Set-Cookie").find_map(|line| cookie(&line, name)),
        Source::Event(kind) => event(body, kind),
        Source::Json(pointer) => json(body, pointer),
    }
}

/// The id that a message gets, as the response to its publication has it at a place; where that is empty, the whole body is
/// the id.
pub fn id(place: &str, head: &Head, body: &[u8]) -> Option<String> {
    if place.is_empty() {
        let text = String::from_utf8_lossy(body).trim().to_owned();
        return (!text.is_empty()).then_some(text);
    }
    value(&Source::parse(place)?, head, body)
}

/// The shortest value from a body that is taken for a token, in bytes: what is shorter is a number or a word.
const TOKEN: usize = 8;

/// Keeps secret what a session took, where it lets others into the session: a cookie, a field, a token. Of a path it is the
/// values of the query.
pub(crate) fn keep_secret(secrets: &Secrets, name: &str, source: &Source, value: &str) {
    let name = format!("session.{name}");
    if matches!(source, Source::Cookie(_) | Source::Header(_)) {
        return secrets.add_of_session(&name, value);
    }
    let is_path = value.starts_with('/') || value.contains("://");
    let pieces = match value.split_once('?').filter(|_| is_path) {
        Some((_, query)) => {
            query.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value).collect()
        }
        None if is_path => Vec::new(),
        None => vec![value],
    };
    pieces
        .into_iter()
        .filter(|piece| piece.len() >= TOKEN)
        .for_each(|piece| secrets.add_of_session(&name, piece));
}

/// The value of a cookie, if a line sets the one of this name (RFC 6265 section 4.1.1).
fn cookie(line: &[u8], name: &str) -> Option<String> {
    let line = String::from_utf8_lossy(line);
    let pair = line.split(';').next()?;
    let (found, value) = pair.split_once('=')?;
    (found.trim() == name).then(|| value.trim().trim_matches('"').to_owned())
}

/// The data of the first event of a type.
fn event(body: &[u8], kind: &str) -> Option<String> {
    let mut scanner = LineScanner::new();
    let mut interpreter = Interpreter::new();
    scanner.push(body);
    while let Some(item) = scanner.next_item() {
        let Item::Line(line) = item else { continue };
        if let Some(event) = interpreter.line(&line).filter(|event| event.kind == kind) {
            return Some(event.data);
        }
    }
    None
}

/// What a pointer finds in the first JSON text of a body. What stands before it is a packet type, or the field of an
/// event.
fn json(body: &[u8], pointer: &str) -> Option<String> {
    let start = body.iter().position(|byte| matches!(byte, b'{' | b'['))?;
    let mut values = serde_json::Deserializer::from_slice(&body[start..]).into_iter::<serde_json::Value>();
    let value = values.next()?.ok()?;
    let found = value.pointer(pointer)?;
    Some(found.as_str().map_or_else(|| found.to_string(), ToOwned::to_owned))
}

impl Target {
    /// The target with the values of a session in the places that name them.
    #[must_use]
    pub fn with_session(&self, values: &BTreeMap<String, String>) -> Target {
        let mut target = self.clone();
        if !values.is_empty() {
            fill_in(&mut target.profile, values);
        }
        target
    }
}

/// Fills the values of a session in, wherever a profile can name them. In a path they are percent-encoded.
fn fill_in(profile: &mut Profile, values: &BTreeMap<String, String>) {
    let text = |text: &mut String| {
        *text = super::template::fill(text, |name| values.get(name).cloned());
    };
    let path = |path: &mut String| {
        let encoded = |name: &str| values.get(name).map(|value| super::template::percent_encode(value));
        *path = super::template::fill(path, encoded);
    };
    profile.headers.values_mut().for_each(text);
    let Profile { polling, long_polling, iframe, sse, websocket, publish, headers, .. } = profile;
    if let Some(poll) = polling {
        path(&mut poll.path);
        poll.request.texts().for_each(text);
        poll.answer.start.texts().for_each(text);
    }
    if let Some(poll) = long_polling {
        path(&mut poll.path);
        poll.request.texts().for_each(text);
        poll.answer.start.texts().for_each(text);
    }
    if let Some(iframe) = iframe {
        path(&mut iframe.path);
        iframe.request.texts().for_each(text);
    }
    if let Some(sse) = sse {
        path(&mut sse.path);
        let others = [&mut sse.ending, &mut sse.gone, &mut sse.moved, &mut sse.checkpoints];
        others.into_iter().flatten().for_each(path);
        sse.request.texts().for_each(text);
    }
    if let Some(websocket) = websocket {
        path(&mut websocket.path);
        websocket.subscribe.iter_mut().for_each(path);
        websocket.headers.values_mut().chain(&mut websocket.first).for_each(text);
    }
    if let Some(publish) = publish {
        path(&mut publish.request);
        publish.websocket.iter_mut().for_each(path);
        text(&mut publish.body);
        publish.headers.values_mut().for_each(text);
        // The publisher is set up before there is a session.
        let own = |name: &String| publish.headers.keys().any(|known| known.eq_ignore_ascii_case(name));
        let missing: Vec<_> = headers.iter().filter(|(name, _)| !own(name)).collect();
        let missing: Vec<_> = missing.into_iter().map(|(name, text)| (name.clone(), text.clone())).collect();
        publish.headers.extend(missing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(fields: &str) -> Head {
        let mut scanner = pushspec_wire::http1::HeadScanner::new();
        scanner.push(format!("HTTP/1.1 200 OK\r\n{fields}\r\n").as_bytes());
        scanner.next_head().expect("the head is complete")
    }

    #[test]
    fn values_are_found_in_every_place() {
        let of = |written: &str, fields: &str, body: &str| {
            let source = Source::parse(written).expect("the place is one");
            value(&source, &head(fields), body.as_bytes())
        };
        let found = |value: &str| Some(value.to_owned());
        assert_eq!(of("/sid", "", "0{\"sid\":\"a1\",\"pingInterval\":25000}"), found("a1"));
        assert_eq!(of("/0/clientId", "", "[{\"clientId\":\"c\"}]"), found("c"));
        assert_eq!(of("/result/id", "", "event: message\ndata: {\"result\":{\"id\":3}}\n\n"), found("3"));
        assert_eq!(of("/sid", "", "0{\"sid\":\"a"), None);
        assert_eq!(of("header:Mcp-Session-Id", "mcp-session-id: m\r\n", ""), found("m"));
        assert_eq!(of("cookie:sid", "Set-Cookie: a=1\r\nSet-Cookie: sid=\"x\"; Path=/\r\n", ""), found("x"));
        assert_eq!(of("event:endpoint", "", ": hi\n\nevent: endpoint\ndata: /m?s=1\n\n"), found("/m?s=1"));
        assert_eq!(of("event:endpoint", "", "event: endpoint\ndata: /m?s=1\n"), None);
    }

    #[test]
    fn cookies_fields_tokens_and_queries_are_secret() {
        for (source, value, text, hidden) in [
            ("cookie:sid", "c123", "sid=c123", "sid=«session.sid»"),
            ("header:Mcp-Session-Id", "m-1234", "m-1234", "«session.sid»"),
            ("/sid", "lv_VI97HAXpY6yYWAAAB", "?sid=lv_VI97HAXpY6yYWAAAB", "?sid=«session.sid»"),
            ("/id", "3", "3", "3"),
            (
                "event:endpoint",
                "/messages?id=abcdef-1234&v=2",
                "POST /messages?id=abcdef-1234&v=2",
                "POST /messages?id=«session.sid»&v=2",
            ),
        ] {
            let secrets = Secrets::default();
            keep_secret(&secrets, "sid", &Source::parse(source).expect("a place"), value);
            assert_eq!(secrets.hide(text), hidden, "{source}");
        }
    }

    #[test]
    fn a_session_fills_paths_bodies_and_fields() -> Result<(), Box<dyn std::error::Error>> {
        let profile = Profile::parse(
            "pushspec.toml",
            "headers.Cookie = \"id={session.sid}\"\n[sse]\npath = \"/s/{session.sid}?c={channel}\"\nbody = \"{session.sid}\"\n\
            [publish]\nrequest = \"POST /p?s={session.sid}\"\nbody = \"{data}\"\n\
            [[session.request]]\nrequest = \"GET /open\"\ntake.sid = \"/sid\"\n",
        )?;
        let values = [("session.sid".to_owned(), "a/b".to_owned())].into();
        let target = Target::new("http://localhost", profile)?.with_session(&values);
        let sse = target.profile.sse.ok_or("no [sse]")?;
        assert_eq!((sse.path.as_str(), sse.request.body.as_deref()), ("/s/a%2Fb?c={channel}", Some("a/b")));
        let publish = target.profile.publish.ok_or("no [publish]")?;
        assert_eq!(publish.request, "POST /p?s=a%2Fb");
        assert_eq!(publish.headers.get("Cookie").map(String::as_str), Some("id=a/b"));
        Ok(())
    }
}
