//! Faults of event streams: what becomes of text, names and identifiers.

use super::{fault, opens};
use crate::pieces::{Event, Piece};
use crate::request::Request;
use crate::stream::{Editor, Output};
use crate::{Edit, Fault};

/// Stands before a text that breaks out of a name, while the server handles it.
const BREAKS_OUT: char = '\u{e001}';

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "white-space-is-normalised",
        "html-sse/9.2.6/verbatim",
        "Trims text, and makes one space of several.",
        &[Edit::Event(|_request, event| {
            edited(event, |text| text.split_whitespace().collect::<Vec<_>>().join(" "))
        })],
    ),
    fault(
        "text-is-wrapped-in-json",
        "html-sse/9.2.3/every-subscriber",
        "Sends text in an envelope, of which the profile says nothing.",
        &[Edit::Event(|_request, event| {
            edited(event, |text| serde_json::json!({ "text": text }).to_string())
        })],
    ),
    fault(
        "text-is-escaped-for-json",
        "rfc6202/1/same-news-by-every-technique",
        "Escapes text as for a string of JSON.",
        &[Edit::Event(|_request, event| {
            edited(event, |text| text.replace('\\', "\\\\").replace('"', "\\\""))
        })],
    ),
    fault(
        "text-is-escaped-for-html",
        "rfc6202/1/same-news-by-every-technique",
        "Escapes text as for a page.",
        &[Edit::Event(|_request, event| {
            edited(event, |text| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
        })],
    ),
    fault(
        "text-is-percent-decoded",
        "html-sse/9.2.6/verbatim",
        "Decodes percent signs in text as if it were a query.",
        &[Edit::Event(|_request, event| edited(event, |text| text.replace("%25", "%").replace("%0A", "\n")))],
    ),
    fault(
        "done-is-for-the-server",
        "html-sse/9.2.6/verbatim",
        "Takes a text that it knows as an end for its own.",
        &[Edit::Event(|_request, event| if event.text() == b"[DONE]" { Vec::new() } else { event.encode() })],
    ),
    fault(
        "control-characters-are-dropped",
        "html-sse/9.2.6/verbatim",
        "Takes control characters other than white space out of text.",
        &[Edit::Event(|_request, event| {
            let drops =
                |character: char| matches!(character, '\u{1}'..='\u{8}' | '\u{e}'..='\u{1b}' | '\u{7f}');
            edited(event, |text| text.replace(drops, ""))
        })],
    ),
    fault(
        "characters-break-at-buffers",
        "html-sse/9.2.6/verbatim",
        "Decodes text buffer by buffer, and breaks the characters that lie across two.",
        &[Edit::Event(|_request, event| {
            let text = event.text();
            let broken: String = text.chunks(4096).map(String::from_utf8_lossy).collect();
            event.with_text(broken.as_bytes()).encode()
        })],
    ),
    fault(
        "line-ends-in-names-are-written",
        "html-sse/9.2.6/no-injection",
        "Writes names and identifiers as they are, line ends and all.",
        &[
            Edit::Request(|request| {
                if request.publishes() {
                    take_apart(request, &["event", "id"]);
                }
            }),
            Edit::Event(|_request, event| broken_out(event, "event: ")),
        ],
    ),
    fault(
        "line-ends-in-comments-are-written",
        "html-sse/9.2.6/comments-are-contained",
        "Writes comments as they are, line ends and all.",
        &[
            Edit::Request(|request| {
                if request.publishes() {
                    take_apart(request, &["comment"]);
                }
            }),
            Edit::Event(|_request, event| broken_out(event, ": ")),
        ],
    ),
    fault(
        "name-stays-for-the-next-event",
        "html-sse/9.2.6/unnamed-is-message",
        "Fills one event again and again, and leaves the name in it.",
        &[Edit::Stream(|request| opens(request).then(|| Box::<NameStays>::default() as Box<dyn Editor>))],
    ),
    fault(
        "byte-order-mark-before-each-event",
        "html-sse/9.2.5/mark-at-start-only",
        "Puts files together that begin with a byte order mark.",
        &[Edit::Event(|_request, event| ["\u{feff}: part\n".as_bytes(), &event.encode()].concat())],
    ),
];

/// The event with its text changed, where that changes anything.
fn edited(event: Event, edit: impl Fn(&str) -> String) -> Vec<u8> {
    let text = String::from_utf8_lossy(&event.text()).into_owned();
    let after = edit(&text);
    if after == text { event.encode() } else { event.with_text(after.as_bytes()).encode() }
}

/// The event with what stands before its text written as it is, behind the beginning of a line.
fn broken_out(event: Event, begins: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(&event.text()).into_owned();
    match text.strip_prefix(BREAKS_OUT).and_then(|text| text.split_once(BREAKS_OUT)) {
        Some((value, text)) => {
            [begins.as_bytes(), value.as_bytes(), b"\n", &event.with_text(text.as_bytes()).encode()].concat()
        }
        None => event.encode(),
    }
}

/// Moves values with line ends, which the server would refuse or write as it should, in front of the text.
fn take_apart(request: &mut Request, names: &[&str]) {
    let Ok(mut value) = serde_json::from_slice::<serde_json::Value>(&request.body) else { return };
    for name in names.iter().copied() {
        let text = value.get(name).and_then(|text| text.as_str()).unwrap_or_default().to_owned();
        if text.contains(['\n', '\r']) {
            let data = value.get("data").and_then(|data| data.as_str()).unwrap_or_default();
            let data =
                format!("{BREAKS_OUT}{}{BREAKS_OUT}{data}", text.replace("\r\n", "\n").replace('\r', "\n"));
            value["data"] = data.into();
            value[name] = serde_json::Value::Null;
        }
    }
    request.body = value.to_string().into_bytes();
}

/// Gives events without a name that of the event before.
#[derive(Debug, Default)]
struct NameStays(Option<Vec<u8>>);

impl Editor for NameStays {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        let Piece::Event(mut event) = piece else { return out.pass(&piece) };
        let name = event.lines.iter().find(|line| line.starts_with(b"event:")).cloned();
        match (&name, &self.0) {
            (None, Some(stays)) => event.lines.insert(0, stays.clone()),
            _ => self.0 = name,
        }
        out.pass(&Piece::Event(event));
    }
}
