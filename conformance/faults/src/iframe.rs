//! Faults of iframe streaming. The reference server writes messages as JSON in which `<`, `>` and `&` are escaped.

use std::time::Duration;

use super::answer::encoded_twice;
use super::fields;
use super::pieces::Piece;
use super::request::{Refusal, Request};
use super::stream::{Editor, EndsAfterNews, EndsWithoutNews, Late, Output, Overtaking};
use super::{Edit, Fault};

const fn fault(name: &'static str, summary: &'static str, edits: &'static [Edit]) -> Fault {
    Fault { name, technique: "iframe", summary, edits }
}

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "page-opens-with-202",
        "Accepts the request for the page, and says no more than that.",
        &[Edit::Answer(|request, answer| {
            if opens(request) && answer.status() == 200 {
                answer.set_status("202 Accepted");
            }
        })],
    ),
    fault(
        "page-as-plain-text",
        "Sends the page as text/plain.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::set(&mut answer.head, "Content-Type", "text/plain; charset=utf-8");
            }
        })],
    ),
    fault(
        "page-without-charset",
        "Does not say in the head how the page is encoded.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::set(&mut answer.head, "Content-Type", "text/html");
            }
        })],
    ),
    fault(
        "page-from-a-cache",
        "Lets caches keep the page.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::set(&mut answer.head, "Cache-Control", "max-age=60");
            }
        })],
    ),
    fault(
        "page-ends-after-news",
        "Ends the page with the message that it was waiting for.",
        &[Edit::Stream(|request| {
            opens(request).then(|| Box::new(EndsAfterNews(Duration::from_millis(150))) as Box<dyn Editor>)
        })],
    ),
    fault(
        "page-without-prelude",
        "Sends nothing before the first message.",
        &[Edit::Stream(|request| opens(request).then(|| Box::<NoPrelude>::default() as Box<dyn Editor>))],
    ),
    fault(
        "script-is-closed-by-the-next",
        "Sends the end tag of a script with the next script.",
        &[Edit::Script(|_request, script| {
            let open = script.len() - b"</script>".len();
            let plain = Piece::Script(script.clone()).has_text("one");
            if plain { script[..open].to_vec() } else { script }
        })],
    ),
    fault(
        "message-in-another-place",
        "Has the text of a message in another member of the argument than the profile says.",
        &[Edit::Script(|_request, script| replaced(&script, &[("\"data\":", "\"text\":")]))],
    ),
    fault(
        "page-ends-within-a-script",
        "Ends the page in order, but in the middle of a script.",
        &[Edit::Stream(|request| opens(request).then(|| Box::new(EndsWithinAScript) as Box<dyn Editor>))],
    ),
    fault(
        "scripts-are-flushed-late",
        "Keeps messages in a buffer for a second and a half.",
        &[Edit::Stream(|request| {
            opens(request).then(|| Box::new(Late(Duration::from_millis(1500))) as Box<dyn Editor>)
        })],
    ),
    fault(
        "scripts-overtake-each-other",
        "Sends messages in the order in which threads come to it.",
        &[Edit::Stream(|request| opens(request).then(|| Box::<Overtaking>::default() as Box<dyn Editor>))],
    ),
    fault(
        "end-tag-unescaped",
        "Writes the end tag of a script in a message as it is.",
        &[Edit::Script(|_request, script| {
            replaced(&script, &[(r"\u003c/s", "</s"), (r"\u003c/S", "</S"), (r"\u003e", ">")])
        })],
    ),
    fault(
        "script-unescaped",
        "Escapes end tags, but neither comments nor start tags of scripts.",
        &[Edit::Script(|_request, script| {
            replaced(&script, &[(r"\u003c!--", "<!--"), (r"\u003cs", "<s"), (r"\u003e", ">")])
        })],
    ),
    fault(
        "escapes-for-a-page",
        "Writes messages as for the text of a page.",
        &[Edit::Script(|_request, script| {
            replaced(&script, &[(r"\u003c", "&lt;"), (r"\u003e", "&gt;"), (r"\u0026", "&amp;")])
        })],
    ),
    fault(
        "quotes-unescaped",
        "Writes quotation marks of a message as they are.",
        &[Edit::Script(|_request, script| replaced(&script, &[("\\\"", "\"")]))],
    ),
    fault(
        "single-quotes-doubled",
        "Doubles single quotation marks, as SQL has it.",
        &[Edit::Script(|_request, script| replaced(&script, &[("'", "''")]))],
    ),
    fault(
        "backslash-unescaped",
        "Writes backslashes of a message as they are.",
        &[Edit::Script(|_request, script| replaced(&script, &[(r"\\", r"\")]))],
    ),
    fault(
        "line-feed-unescaped",
        "Writes line feeds of a message as they are.",
        &[Edit::Script(|_request, script| {
            // Neither a backslash before an `n` nor the second half of a CR LF.
            let text = String::from_utf8_lossy(&script).into_owned();
            if text.contains(r"\\") || text.contains(r"\r") {
                return script;
            }
            text.replace(r"\n", "\n").into_bytes()
        })],
    ),
    fault(
        "carriage-return-unescaped",
        "Writes carriage returns of a message as they are.",
        &[Edit::Script(|_request, script| replaced(&script, &[(r"\r", "\r")]))],
    ),
    fault(
        "separators-become-blanks",
        "Replaces line and paragraph separators by blanks.",
        &[Edit::Script(|_request, script| replaced(&script, &[(r"\u2028", " "), (r"\u2029", " ")]))],
    ),
    fault(
        "nul-unescaped",
        "Writes NUL as it is.",
        &[Edit::Script(|_request, script| replaced(&script, &[(r"\u0000", "\0")]))],
    ),
    fault(
        "scripts-are-encoded-twice",
        "Takes UTF-8 for Latin-1 and encodes it again.",
        &[Edit::Script(|_request, script| encoded_twice(&script))],
    ),
    fault(
        "any-callback",
        "Takes anything for the name of a callback.",
        &[Edit::Request(|request| {
            let path =
                |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_$.".contains(&byte));
            if request.parameter("callback").is_some_and(|name| !path(&name)) {
                request.set_parameter("callback", "x");
            }
        })],
    ),
    fault(
        "callback-is-hardly-checked",
        "Looks at the characters of a callback and not at the identifiers that they make.",
        &[Edit::Request(|request| {
            let name = request.parameter("callback").unwrap_or_else(|| "x".to_owned());
            if name.ends_with('.') || name.starts_with(|first: char| first.is_ascii_digit()) {
                request.set_parameter("callback", "x");
            }
        })],
    ),
    fault(
        "empty-callback-breaks-it",
        "Answers 500 where the name of a callback is empty.",
        &[Edit::Refusal(|request| {
            let empty = opens(request) && request.parameter("callback").as_deref() == Some("");
            empty.then_some(Refusal(500, "Internal Server Error"))
        })],
    ),
    fault(
        "prelude-comes-late",
        "Sends what comes before the first message some seconds after the head.",
        &[Edit::Stream(|request| {
            let plain = opens(request) && !is_for_a_browser(request);
            plain.then(|| Box::<Begins>::default() as Box<dyn Editor>)
        })],
    ),
    fault(
        "page-is-compressed-in-one-go",
        "Collects what it could compress for a client that understands it.",
        &[Edit::Stream(|request| {
            let compresses = opens(request) && is_for_a_browser(request);
            compresses.then(|| Box::<Begins>::default() as Box<dyn Editor>)
        })],
    ),
    fault(
        "page-without-heartbeat",
        "Sends nothing where there is no news.",
        &[Edit::Stream(|request| opens(request).then(|| Box::<NoHeartbeat>::default() as Box<dyn Editor>))],
    ),
    fault(
        "page-waits-for-news",
        "Sends the head of the page when it has something to tell.",
        &[Edit::Answer(|request, answer| {
            if opens(request) && !request.names("Accept") {
                answer.delay = Duration::from_millis(2500);
            }
        })],
    ),
    fault(
        "page-is-to-be-saved",
        "Sends the page as a file to save.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::set(&mut answer.head, "Content-Disposition", "attachment");
            }
        })],
    ),
    fault(
        "page-ends-without-news",
        "Ends the page when there has been no news for a while.",
        &[Edit::Stream(|request| {
            opens(request).then(|| Box::new(EndsWithoutNews(Duration::from_millis(200))) as Box<dyn Editor>)
        })],
    ),
    fault(
        "page-may-not-be-framed",
        "Keeps the page from all frames.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::set(&mut answer.head, "X-Frame-Options", "DENY");
            }
        })],
    ),
    fault(
        "policy-forbids-the-scripts",
        "Forbids scripts that stand in a page, as for the rest of the site.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::set(&mut answer.head, "Content-Security-Policy", "default-src 'self'");
            }
        })],
    ),
    fault(
        "markup-between-scripts",
        "Shows something with each message.",
        &[Edit::Script(|_request, script| [script, b"<p>.</p>".to_vec()].concat())],
    ),
];

fn opens(request: &Request) -> bool {
    request.gets("iframe")
}

fn replaced(script: &[u8], pairs: &[(&str, &str)]) -> Vec<u8> {
    let text = String::from_utf8_lossy(script).into_owned();
    pairs.iter().fold(text, |text, (from, to)| text.replace(from, to)).into_bytes()
}

fn is_for_a_browser(request: &Request) -> bool {
    request.field("Accept-Encoding").is_some_and(|codings| codings.contains("gzip"))
}

/// Lets the stream begin late.
#[derive(Debug, Default)]
struct Begins {
    begun: bool,
}

impl Editor for Begins {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        if !self.begun {
            self.begun = true;
            out.delay(Duration::from_millis(2500));
        }
        out.pass(&piece);
    }
}

/// Drops what is no message, once the page has begun.
#[derive(Debug, Default)]
struct NoHeartbeat {
    begun: bool,
}

impl Editor for NoHeartbeat {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        let inert = piece.encode().iter().all(u8::is_ascii_whitespace);
        if !self.begun || !inert {
            out.pass(&piece);
        }
        self.begun |= !inert;
    }
}

#[derive(Debug, Default)]
struct NoPrelude {
    begun: bool,
}

impl Editor for NoPrelude {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        self.begun |= piece.is_message();
        if self.begun {
            out.pass(&piece);
        }
    }
}

/// After a message beyond ASCII the page is cut short.
#[derive(Debug)]
struct EndsWithinAScript;

impl Editor for EndsWithinAScript {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        if piece.has_text("\u{e9}") {
            out.data([piece.encode(), b"<script>parent.push.del".to_vec()].concat());
            return out.end();
        }
        out.pass(&piece);
    }
}
