//! Faults of how events are written.

use super::fault;
use crate::answer::encoded_twice;
use crate::fields;
use crate::pieces::Event;
use crate::{Edit, Fault};

/// The identifier that has this one's place when they are counted down; the same back.
fn counted_down(id: &str) -> Option<String> {
    let count = id.parse::<u64>().ok().filter(|_| !id.starts_with('0'))?;
    Some(1_000_000_u64.checked_sub(count)?.to_string())
}

/// The blank line of the event before, and the event without its own.
pub(super) fn ended_by_the_next(event: &Event) -> Vec<u8> {
    let mut bytes = [b"\n", &*event.encode()].concat();
    bytes.pop();
    bytes
}

/// Stands for a carriage return while the server handles the text.
const HIDDEN_RETURN: &str = "\u{e000}";

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "blank-line-comes-with-the-next-event",
        "html-sse/9.2.6/blank-line-dispatches",
        "Ends an event when the next one begins.",
        &[Edit::Event(|_request, event| ended_by_the_next(&event))],
    ),
    fault(
        "one-identifier-for-two-events",
        "html-sse/9.2.4/identifiers-differ",
        "Counts identifiers up with every other event.",
        &[Edit::Event(|_request, mut event| {
            for line in &mut event.lines {
                let number =
                    line.strip_prefix(b"id: ").and_then(|id| str::from_utf8(id).ok()?.parse::<u64>().ok());
                if let Some(number) = number {
                    *line = format!("id: {}", number.saturating_sub(1) / 2 * 2 + 1).into_bytes();
                }
            }
            event.encode()
        })],
    ),
    fault(
        "event-name-is-dropped",
        "html-sse/9.2.6/event-field",
        "Leaves the name of an event out.",
        &[Edit::Event(|_request, mut event| {
            event.lines.retain(|line| !line.starts_with(b"event:"));
            event.encode()
        })],
    ),
    fault(
        "field-is-cut-at-its-second-colon",
        "html-sse/9.2.6/id-field",
        "Loses what is behind a colon in the value of a field.",
        &[Edit::Event(|_request, mut event| {
            for line in event.lines.iter_mut().filter(|line| !line.starts_with(b"data:")) {
                let parts: Vec<&[u8]> = line.split(|&byte| byte == b':').take(2).collect();
                *line = parts.join(&b':');
            }
            event.encode()
        })],
    ),
    fault(
        "published-id-is-replaced",
        "html-sse/9.2.6/id-field",
        "Numbers the events itself where whoever publishes has named them.",
        &[Edit::Event(|request, mut event| {
            // The reference server counts; an id ahead of the count was published.
            let own = |id: &[u8]| {
                let count = str::from_utf8(id).ok().and_then(|id| id.parse::<u64>().ok());
                count.is_some_and(|count| count <= request.published())
            };
            for line in &mut event.lines {
                if line.strip_prefix(b"id: ").is_some_and(|id| !own(id)) {
                    *line = b"id: 1".to_vec();
                }
            }
            event.encode()
        })],
    ),
    fault(
        "no-space-after-the-colon",
        "html-sse/9.2.6/one-space-is-eaten",
        "Writes no space after the colon, and the client takes the first one of the text.",
        &[Edit::Event(|_request, event| {
            String::from_utf8_lossy(&event.encode()).replace("data: ", "data:").into_bytes()
        })],
    ),
    fault(
        "text-is-taken-for-fields",
        "html-sse/9.2.6/first-colon-ends-the-name",
        "Writes text that looks like a field as it is.",
        &[Edit::Event(|_request, mut event| {
            let looks = |text: &[u8]| {
                text == b"data"
                    || [&b"data:"[..], b"id:", b"event:", b"retry:", b":"]
                        .iter()
                        .any(|name| text.starts_with(name))
            };
            for line in &mut event.lines {
                if let Some(text) = line.strip_prefix(b"data: ").filter(|text| looks(text)) {
                    *line = text.to_vec();
                }
            }
            event.encode()
        })],
    ),
    fault(
        "one-data-field-for-all-lines",
        "html-sse/9.2.6/one-field-per-line",
        "Writes line feeds of the text as they are.",
        &[Edit::Event(|_request, mut event| {
            let mut first = true;
            for line in &mut event.lines {
                if let Some(text) = line.strip_prefix(b"data: ") {
                    if !first {
                        *line = text.to_vec();
                    }
                    first = false;
                }
            }
            event.encode()
        })],
    ),
    fault(
        "last-empty-line-is-dropped",
        "rfc6202/1/same-news-by-every-technique",
        "Loses a line feed at the end of the text.",
        &[Edit::Event(|_request, mut event| {
            if event.height() > 1 && event.lines.last().is_some_and(|line| line == b"data: ") {
                event.lines.pop();
            }
            event.encode()
        })],
    ),
    fault(
        "first-empty-line-is-dropped",
        "html-sse/9.2.6/verbatim",
        "Loses a line feed at the beginning of the text.",
        &[Edit::Event(|_request, mut event| {
            let first = event.lines.iter().position(|line| line.starts_with(b"data:"));
            if let Some(first) =
                first.filter(|_| event.height() > 1).filter(|&first| event.lines[first] == b"data: ")
            {
                event.lines.remove(first);
            }
            event.encode()
        })],
    ),
    fault(
        "carriage-return-is-no-line-end",
        "html-sse/9.2.6/no-injection",
        "Writes carriage returns of the text as they are.",
        &[
            Edit::Request(|request| {
                if request.publishes() && request.has_listener("sse") {
                    request.edit_publication(|text| text.replace('\r', HIDDEN_RETURN));
                }
            }),
            Edit::Event(|_request, event| {
                let text = String::from_utf8_lossy(&event.encode()).into_owned();
                let crlf = format!("{HIDDEN_RETURN}\ndata: ");
                text.replace(&crlf, "\r\n").replace(HIDDEN_RETURN, "\r").into_bytes()
            }),
        ],
    ),
    fault(
        "carriage-returns-are-taken-out",
        "html-sse/9.2.6/line-break-kept",
        "Takes carriage returns out of the text, with the line feeds behind them.",
        &[Edit::Request(|request| {
            if request.publishes() && request.has_listener("sse") {
                request.edit_publication(|text| text.replace("\r\n", "").replace('\r', ""));
            }
        })],
    ),
    fault(
        "lines-end-where-unicode-ends-them",
        "html-sse/9.2.5/only-three-line-ends",
        "Takes every line break of Unicode for a line feed.",
        &[Edit::Event(|_request, event| {
            let text = String::from_utf8_lossy(&event.text()).into_owned();
            let lines = text.replace(['\u{2028}', '\u{2029}', '\u{85}', '\u{b}', '\u{c}', '\u{1c}'], "\n");
            event.with_text(lines.as_bytes()).encode()
        })],
    ),
    fault(
        "events-are-encoded-twice",
        "html-sse/9.2.6/verbatim",
        "Takes UTF-8 for Latin-1 and encodes it again.",
        &[Edit::Event(|_request, event| {
            let text = event.text();
            event.with_text(&encoded_twice(&text)).encode()
        })],
    ),
    fault(
        "byte-order-marks-are-stripped",
        "rfc6202/1/same-news-by-every-technique",
        "Takes U+FEFF out of the text wherever it stands.",
        &[Edit::Event(|_request, event| {
            String::from_utf8_lossy(&event.encode()).replace('\u{feff}', "").into_bytes()
        })],
    ),
    fault(
        "text-ends-at-nul",
        "rfc6202/1/same-news-by-every-technique",
        "Keeps text in strings that end at NUL.",
        &[Edit::Event(|_request, event| {
            let text = event.text();
            let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
            event.with_text(&text[..end]).encode()
        })],
    ),
    fault(
        "empty-event-is-not-sent",
        "html-sse/9.2.6/verbatim",
        "Sends nothing for a message without text.",
        &[Edit::Event(|_request, event| if event.text().is_empty() { Vec::new() } else { event.encode() })],
    ),
    fault(
        "large-event-becomes-several",
        "html-sse/9.2.6/verbatim",
        "Splits text that does not fit its buffer into several events.",
        &[Edit::Event(|_request, event| {
            let text = event.text();
            if text.len() <= 16 * 1024 {
                return event.encode();
            }
            text.chunks(16 * 1024).flat_map(|part| event.clone().with_text(part).encode()).collect()
        })],
    ),
    fault(
        "comment-in-latin-1",
        "html-sse/9.2.5/utf-8",
        "Writes comments in another encoding than the rest.",
        &[Edit::Event(|_request, event| [b": caf\xe9\n".to_vec(), event.encode()].concat())],
    ),
    fault(
        "field-with-a-capital",
        "html-sse/9.2.6/known-fields",
        "Writes a field whose name no client knows.",
        &[Edit::Event(|_request, event| [b"Event: message\n".to_vec(), event.encode()].concat())],
    ),
    fault(
        "retry-with-a-unit",
        "html-sse/9.2.6/retry-digits",
        "Writes the reconnection time with its unit.",
        &[Edit::Event(|_request, event| [b"retry: 3s\n".to_vec(), event.encode()].concat())],
    ),
    fault(
        "retry-in-seconds",
        "html-sse/17.6/no-hurry",
        "Writes the reconnection time in seconds.",
        &[Edit::Event(|_request, event| [b"retry: 3\n".to_vec(), event.encode()].concat())],
    ),
    fault(
        "identifiers-go-down",
        "html-sse/9.2.4/identifiers-go-up",
        "Counts its identifiers down.",
        &[
            Edit::Request(|request| {
                if let Some(id) = request.field("Last-Event-ID").and_then(|id| counted_down(&id)) {
                    fields::set(&mut request.head, "Last-Event-ID", &id);
                }
            }),
            Edit::Event(|request, mut event| {
                for line in &mut event.lines {
                    let id = line.strip_prefix(b"id: ").and_then(|id| str::from_utf8(id).ok());
                    let id = id.filter(|id| id.parse().is_ok_and(|count: u64| count <= request.published()));
                    if let Some(id) = id.and_then(counted_down) {
                        *line = format!("id: {id}").into_bytes();
                    }
                }
                event.encode()
            }),
        ],
    ),
    fault(
        "id-with-nul",
        "html-sse/9.2.6/id-without-nul",
        "Writes an identifier with the NUL that ends it in memory.",
        &[Edit::Event(|_request, event| [b"id: 0\0\n".to_vec(), event.encode()].concat())],
    ),
];
