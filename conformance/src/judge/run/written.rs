//! What the suite adds to a request that a case writes out line by line.

use std::collections::{BTreeMap, BTreeSet};

use crate::case::Case;
use crate::case::statement::{ConnectionName, Statement};
use crate::profile::Target;

use super::places::{PathValues, expand_body, expand_fields};

/// What a target may need beside the lines of a case: the fields of the profile, and the body of its technique.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written {
    /// The lines of the fields.
    headers: Vec<u8>,
    /// How a request line of the technique begins.
    method: Vec<u8>,
    /// The lines that tell of the body, and the body.
    body: Option<(Vec<u8>, Vec<u8>)>,
    /// How far the head on each connection is.
    heads: BTreeMap<ConnectionName, Stage>,
    /// The connections on which the last line has no end yet.
    unended: BTreeSet<ConnectionName>,
}

/// How far a head is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Its request line is there. Whether it asks for the technique.
    Begun(bool),
    /// It has the fields. Whether it tells of a body.
    Given(bool),
}

impl Written {
    pub(crate) fn of(case: &Case, target: &Target, channel: &str) -> Written {
        let technique = case.technique.as_str();
        let mut fields = expand_fields(target, technique, &PathValues::default());
        // Many a server has an event stream for those alone who ask for one.
        if technique == "sse" && !fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("Accept")) {
            fields.push(("Accept".to_owned(), "text/event-stream".to_owned()));
        }
        fields.retain(|(name, _)| !name.eq_ignore_ascii_case("Host") && !has_its_own(case, name));
        let headers = fields.into_iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        let headers = headers.collect::<String>().into_bytes();
        let request = target.profile.request_of(technique);
        let body = expand_body(target, technique, channel, &PathValues::default());
        let body = request.zip(body).map(|(request, body)| {
            let told =
                format!("Content-Type: {}\r\nContent-Length: {}\r\n", request.media_type(), body.len());
            (told.into_bytes(), body.into_bytes())
        });
        let method = request.map_or_else(Vec::new, |request| format!("{} ", request.method).into_bytes());
        Written { headers, method, body, ..Written::default() }
    }

    /// What a case writes out on a connection. Each head has the fields once: behind its first line of a host, however that
    /// is spelt and whatever it says, and before the empty line where there is none. The body stands behind the empty line
    /// of a head that asks for the technique.
    pub(crate) fn complete(&mut self, on: &ConnectionName, bytes: Vec<u8>) -> Vec<u8> {
        if self.headers.is_empty() && self.body.is_none() {
            return bytes;
        }
        let mut complete = Vec::with_capacity(bytes.len() + self.headers.len());
        let mut goes_on = self.unended.remove(on);
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').peekable();
        while let Some(line) = lines.next() {
            // What was cut is neither the name of a field nor an empty line.
            if std::mem::take(&mut goes_on) {
                complete.extend(line);
                continue;
            }
            let is_folded =
                lines.peek().is_some_and(|next| next.starts_with(b" ") || next.starts_with(b"\t"));
            let (before, behind) = self.beside(on, line, is_folded);
            complete.extend(before);
            complete.extend(line);
            complete.extend(behind);
        }
        if bytes.last().is_some_and(|byte| *byte != b'\n') {
            self.unended.insert(on.clone());
        }
        complete
    }

    /// What belongs before a line and behind it.
    fn beside(&mut self, on: &ConnectionName, line: &[u8], is_folded: bool) -> (Vec<u8>, Vec<u8>) {
        let none = (Vec::new(), Vec::new());
        let is_empty = matches!(line, b"\r\n" | b"\n");
        match self.heads.get(on).copied() {
            Some(Stage::Given(tells)) if is_empty => {
                self.heads.remove(on);
                (Vec::new(), self.content(tells))
            }
            Some(Stage::Begun(asks)) if is_empty => {
                self.heads.remove(on);
                (self.fields(asks, line), self.content(asks))
            }
            stage @ (None | Some(Stage::Begun(_))) if is_host(line) && !is_folded => {
                let asks = stage == Some(Stage::Begun(true));
                self.heads.insert(on.clone(), Stage::Given(asks));
                (Vec::new(), self.fields(asks, line))
            }
            None if is_request(line) => {
                self.heads.insert(on.clone(), Stage::Begun(line.starts_with(&self.method)));
                none
            }
            _ => none,
        }
    }

    /// The lines of the fields, which end as the line beside them does.
    fn fields(&self, asks: bool, beside: &[u8]) -> Vec<u8> {
        let told = self.body.iter().filter(|_| asks).flat_map(|(told, _)| told);
        let fields = self.headers.iter().chain(told).copied();
        if beside.ends_with(b"\r\n") {
            fields.collect()
        } else {
            fields.filter(|byte| *byte != b'\r').collect()
        }
    }

    /// The body, where the head tells of one.
    fn content(&self, tells: bool) -> Vec<u8> {
        self.body.iter().filter(|_| tells).flat_map(|(_, body)| body).copied().collect()
    }
}

/// Whether a case writes a field of this name out.
fn has_its_own(case: &Case, name: &str) -> bool {
    let name = format!("{}:", name.to_ascii_lowercase());
    let mut lines = case.section().conversation.iter().flatten();
    lines.any(|line| {
        let source = line.source.to_ascii_lowercase();
        // Where a line begins: behind the mark of what is sent, and behind a line end or a quote within bytes.
        let mut places = source.match_indices(&name).map(|(at, _)| &source[..at]);
        matches!(line.statement, Some(Statement::Send(..)))
            && places.any(|before| ["> ", "\"", "\\n"].iter().any(|end| before.ends_with(end)))
    })
}

/// Whether a line is the field of a host, with its end.
fn is_host(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().filter(|name| name.len() < line.len());
    line.ends_with(b"\n") && name.is_some_and(|name| name.trim_ascii().eq_ignore_ascii_case(b"Host"))
}

/// Whether a line begins a request: its last word has the name of the protocol.
fn is_request(line: &[u8]) -> bool {
    let mut words = line.trim_ascii_end().rsplit(|byte| *byte == b' ');
    let last = words.next().and_then(|last| last.get(..4));
    last.is_some_and(|last| last.eq_ignore_ascii_case(b"HTTP")) && words.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(body: Option<&str>) -> Written {
        let told = |body: &str| format!("Content-Length: {}\r\n", body.len()).into_bytes();
        Written {
            headers: b"Cookie: a=b\r\n".to_vec(),
            method: b"POST ".to_vec(),
            body: body.map(|body| (told(body), body.as_bytes().to_vec())),
            ..Written::default()
        }
    }

    fn completed(written: &mut Written, request: &str) -> String {
        let bytes = written.complete(&ConnectionName::default(), request.into());
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[test]
    fn fields_of_the_profile_stand_in_a_head_once() {
        for (request, expected) in [
            ("Host: localhost\r\n", "Host: localhost\r\nCookie: a=b\r\n"),
            ("Host: a\r\nhost : a\r\n", "Host: a\r\nCookie: a=b\r\nhost : a\r\n"),
            ("hOST:\tother.invalid\r\n", "hOST:\tother.invalid\r\nCookie: a=b\r\n"),
            ("Host: a\n\n", "Host: a\nCookie: a=b\n\n"),
            ("G / HTTP/1.1\r\nX-Host: a\r\n\r\n", "G / HTTP/1.1\r\nX-Host: a\r\nCookie: a=b\r\n\r\n"),
            ("G / http/one\r\n\r\n", "G / http/one\r\nCookie: a=b\r\n\r\n"),
            ("G / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "G / HTTP/1.1\r\nHost: a\r\n b\r\nCookie: a=b\r\n\r\n"),
            ("\r\nG / HTTP/1.1\r\n\r\n\r\n", "\r\nG / HTTP/1.1\r\nCookie: a=b\r\n\r\n\r\n"),
        ] {
            assert_eq!(completed(&mut written(None), request), expected);
        }
        for other in ["X-Host: localhost\r\n", "G / HTTP/1.1\r\nHost: ", "5\r\nhello\r\n0\r\n\r\n"] {
            assert_eq!(completed(&mut written(None), other), other);
        }
    }

    #[test]
    fn a_head_that_comes_in_pieces_is_one() {
        let mut one = written(None);
        let pieces = ["G / HTTP/1.1\r", "\n", "Host: a\r\n", "Host: b\r\n", "No", "te: a\r\n\r", "\n"];
        let sent: String = pieces.iter().map(|piece| completed(&mut one, piece)).collect();
        assert_eq!(sent, "G / HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\nHost: b\r\nNote: a\r\n\r\n");
    }

    #[test]
    fn the_body_of_the_technique_stands_behind_a_head_that_asks_for_it() {
        let mut one = written(Some("{}"));
        let told = "Cookie: a=b\r\nContent-Length: 2\r\n";
        let head = "POST / HTTP/1.1\r\nHost: localhost\r\n";
        assert_eq!(completed(&mut one, head), format!("{head}{told}"));
        assert_eq!(completed(&mut one, "\r\n"), "\r\n{}");
        let twice = format!("{head}\r\n{head}Host: localhost\r\n\r\n");
        let second = format!("{head}{told}Host: localhost\r\n\r\n{{}}");
        assert_eq!(completed(&mut one, &twice), format!("{head}{told}\r\n{{}}{second}"));
        let without = "POST / HTTP/1.1\r\n";
        assert_eq!(completed(&mut one, &format!("{without}\r\n")), format!("{without}{told}\r\n{{}}"));
        let other = completed(&mut one, "OPTIONS / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(other.ends_with("Cookie: a=b\r\n\r\n"), "{other}");
    }
}
