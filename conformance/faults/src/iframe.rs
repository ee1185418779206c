//! Faults of iframe streaming. The reference server writes messages as JSON in which `<`, `>` and `&` are escaped.

use std::time::Duration;

use super::answer::encoded_twice;
use super::fields;
use super::pieces::Piece;
use super::request::{Refusal, Request};
use super::stream::{Editor, EndsAfterNews, EndsWithoutNews, Late, Output, Overtaking};
use super::{Edit, Fault};

const fn fault(
    name: &'static str,
    clause: &'static str,
    summary: &'static str,
    edits: &'static [Edit],
) -> Fault {
    Fault { name, clause, technique: "iframe", summary, edits }
}

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "page-opens-with-202",
        "iframe/1/status-200",
        "Accepts the request for the page, and says no more than that.",
        &[Edit::Answer(|request, answer| {
            if opens(request) && answer.status() == 200 {
                answer.set_status("202 Accepted");
            }
        })],
    ),
    fault(
        "page-as-plain-text",
        "iframe/1/content-type",
        "Sends the page as text/plain.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::set(&mut answer.head, "Content-Type", "text/plain; charset=utf-8");
            }
        })],
    ),
    fault(
        "page-without-charset",
        "iframe/1/charset",
        "Does not say in the head how the page is encoded.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::set(&mut answer.head, "Content-Type", "text/html");
            }
        })],
    ),
    fault(
        "page-from-a-cache",
        "iframe/1/not-from-a-cache",
        "Lets caches keep the page.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::set(&mut answer.head, "Cache-Control", "max-age=60");
            }
        })],
    ),
    fault(
        "page-ends-after-news",
        "iframe/1/stays-open",
        "Ends the page with the message that it was waiting for.",
        &[Edit::Stream(|request| {
            opens(request).then(|| Box::new(EndsAfterNews(Duration::from_millis(150))) as Box<dyn Editor>)
        })],
    ),
    fault(
        "page-without-prelude",
        "iframe/2/prelude",
        "Sends nothing before the first message.",
        &[Edit::Stream(|request| opens(request).then(|| Box::<NoPrelude>::default() as Box<dyn Editor>))],
    ),
    fault(
        "script-is-closed-by-the-next",
        "iframe/3/complete-script",
        "Sends the end tag of a script with the next script.",
        &[Edit::Stream(|request| {
            opens(request).then(|| Box::<ClosedByTheNext>::default() as Box<dyn Editor>)
        })],
    ),
    fault(
        "message-in-another-place",
        "iframe/3/complete-script",
        "Has the text of a message in another member of the argument than the profile says.",
        &[Edit::Script(|_request, script| replaced(&script, &[("\"data\":", "\"text\":")]))],
    ),
    fault(
        "page-ends-within-a-script",
        "iframe/3/complete-script",
        "Ends the page in order, but in the middle of a script.",
        &[Edit::Stream(|request| opens(request).then(|| Box::new(EndsWithinAScript) as Box<dyn Editor>))],
    ),
    fault(
        "scripts-come-twice",
        "iframe/3/once",
        "Writes each message in two layers.",
        &[Edit::Script(|_request, script| script.repeat(2))],
    ),
    fault(
        "scripts-are-flushed-late",
        "iframe/3/at-once",
        "Keeps messages in a buffer for a second and a half.",
        &[Edit::Stream(|request| {
            opens(request).then(|| Box::new(Late(Duration::from_millis(1500))) as Box<dyn Editor>)
        })],
    ),
    fault(
        "scripts-overtake-each-other",
        "iframe/3/in-order",
        "Sends messages in the order in which threads come to it.",
        &[Edit::Stream(|request| opens(request).then(|| Box::<Overtaking>::default() as Box<dyn Editor>))],
    ),
    fault(
        "end-tag-unescaped",
        "iframe/4/end-tag-escaped",
        "Writes the end tag of a script in a message as it is.",
        &[Edit::Script(|_request, script| {
            replaced(&script, &[(r"\u003c/s", "</s"), (r"\u003c/S", "</S"), (r"\u003e", ">")])
        })],
    ),
    fault(
        "script-unescaped",
        "iframe/4/script-in-comment-escaped",
        "Escapes end tags, but neither comments nor start tags of scripts.",
        &[Edit::Script(|_request, script| {
            replaced(&script, &[(r"\u003c!--", "<!--"), (r"\u003cs", "<s"), (r"\u003e", ">")])
        })],
    ),
    fault(
        "escapes-for-a-page",
        "iframe/4/no-character-references",
        "Writes messages as for the text of a page.",
        &[Edit::Script(|_request, script| {
            replaced(&script, &[(r"\u003c", "&lt;"), (r"\u003e", "&gt;"), (r"\u0026", "&amp;")])
        })],
    ),
    fault(
        "quotes-unescaped",
        "iframe/4/string-literal",
        "Writes quotation marks of a message as they are.",
        &[Edit::Script(|_request, script| replaced(&script, &[("\\\"", "\"")]))],
    ),
    fault(
        "single-quotes-doubled",
        "iframe/4/string-literal",
        "Doubles single quotation marks, as SQL has it.",
        &[Edit::Script(|_request, script| replaced(&script, &[("'", "''")]))],
    ),
    fault(
        "backslash-unescaped",
        "iframe/4/string-literal",
        "Writes backslashes of a message as they are.",
        &[Edit::Script(|_request, script| replaced(&script, &[(r"\\", r"\")]))],
    ),
    fault(
        "line-feed-unescaped",
        "iframe/4/string-literal",
        "Writes line feeds of a message as they are.",
        &[Edit::Script(|_request, script| unescaped(&script, b'n', b'\n'))],
    ),
    fault(
        "carriage-return-unescaped",
        "iframe/4/carriage-returns",
        "Writes carriage returns of a message as they are.",
        &[Edit::Script(|_request, script| unescaped(&script, b'r', b'\r'))],
    ),
    fault(
        "separators-become-blanks",
        "iframe/4/separators",
        "Replaces line and paragraph separators by spaces.",
        &[Edit::Script(|_request, script| replaced(&script, &[(r"\u2028", " "), (r"\u2029", " ")]))],
    ),
    fault(
        "nul-unescaped",
        "iframe/4/nul-escaped",
        "Writes NUL as it is.",
        &[Edit::Script(|_request, script| replaced(&script, &[(r"\u0000", "\0")]))],
    ),
    fault(
        "scripts-are-encoded-twice",
        "iframe/4/beyond-ascii",
        "Takes UTF-8 for Latin-1 and encodes it again.",
        &[Edit::Script(|_request, script| encoded_twice(&script))],
    ),
    fault(
        "any-callback",
        "iframe/5/name-checked",
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
        "iframe/5/name-checked",
        "Looks at the characters of a callback and not at the identifiers that they make.",
        &[Edit::Request(|request| {
            let name = request.parameter("callback").unwrap_or_else(|| "x".to_owned());
            if name.ends_with('.') || name.starts_with(|first: char| first.is_ascii_digit()) {
                request.set_parameter("callback", "x");
            }
        })],
    ),
    fault(
        "refusal-of-a-page-is-a-page",
        "iframe/5/refusal-is-no-html",
        "Refuses the name of a callback with a page that may show it.",
        &[Edit::Answer(|request, answer| {
            if request.technique() == "iframe" && answer.status() >= 400 {
                fields::set(&mut answer.head, "Content-Type", "text/html");
            }
        })],
    ),
    fault(
        "empty-callback-breaks-it",
        "rfc9110/15.5/client-errors",
        "Answers 500 where the name of a callback is empty, or not there.",
        &[Edit::Refusal(|request| {
            let empty = opens(request) && request.parameter("callback").is_none_or(|name| name.is_empty());
            empty.then_some(Refusal(500, "Internal Server Error"))
        })],
    ),
    fault(
        "prelude-comes-late",
        "iframe/2/prelude",
        "Sends what comes before the first message some seconds after the head.",
        &[Edit::Stream(|request| opens(request).then(|| Box::<Begins>::default() as Box<dyn Editor>))],
    ),
    fault(
        "page-is-compressed-in-one-go",
        "iframe/3/at-once",
        "Collects what it could compress for a client that understands it.",
        &[Edit::Stream(|request| {
            let compresses = opens(request) && is_for_a_browser(request);
            compresses.then(|| Box::<Begins>::default() as Box<dyn Editor>)
        })],
    ),
    fault(
        "page-without-heartbeat",
        "iframe/3/heartbeat",
        "Sends nothing where there is no news.",
        &[Edit::Stream(|request| opens(request).then(|| Box::<NoHeartbeat>::default() as Box<dyn Editor>))],
    ),
    fault(
        "page-waits-for-news",
        "iframe/1/head-at-once",
        "Sends the head of the page when it has something to tell.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                answer.delay = Duration::from_millis(2500);
            }
        })],
    ),
    fault(
        "page-is-to-be-saved",
        "iframe/1/content-type",
        "Sends the page as a file to save.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::set(&mut answer.head, "Content-Disposition", "attachment");
            }
        })],
    ),
    fault(
        "page-ends-without-news",
        "iframe/1/stays-open",
        "Ends the page when there has been no news for a while.",
        &[Edit::Stream(|request| {
            opens(request).then(|| Box::new(EndsWithoutNews(Duration::from_millis(200))) as Box<dyn Editor>)
        })],
    ),
    fault(
        "page-may-not-be-framed",
        "iframe/1/frame-options",
        "Keeps the page from all frames.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::set(&mut answer.head, "X-Frame-Options", "DENY");
            }
        })],
    ),
    fault(
        "policy-forbids-the-scripts",
        "iframe/1/policy",
        "Forbids scripts that stand in a page, as for the rest of the site.",
        &[Edit::Answer(|request, answer| {
            if opens(request) {
                fields::set(&mut answer.head, "Content-Security-Policy", "default-src 'self'");
            }
        })],
    ),
    fault(
        "scripts-in-a-template",
        "iframe/3/complete-script",
        "Has its scripts in a template element.",
        &[Edit::Stream(|request| opens(request).then(|| begins_with("<template>")))],
    ),
    fault(
        "scripts-of-another-type",
        "iframe/3/complete-script",
        "Gives its scripts a type that no browser runs.",
        &[Edit::Script(|_request, script| {
            replaced(&script, &[("<script>", "<script type=\"text/x-push\">")])
        })],
    ),
    fault(
        "page-begins-with-a-broken-script",
        "iframe/3/complete-script",
        "Begins its page with a script that no browser can parse.",
        &[Edit::Stream(|request| {
            opens(request).then(|| begins_with("<script>parent.push.start\\(\\);</script>"))
        })],
    ),
    fault(
        "page-in-latin-1",
        "iframe/1/utf-8",
        "Writes letters as Latin-1 where that has them.",
        &[Edit::Script(|_request, script| {
            let text = String::from_utf8_lossy(&script).into_owned();
            let byte = |letter: char| match u8::try_from(u32::from(letter)) {
                Ok(byte) => vec![byte],
                Err(_) => letter.to_string().into_bytes(),
            };
            text.chars().flat_map(byte).collect()
        })],
    ),
    fault(
        "values-are-guessed",
        "iframe/4/string-literal",
        "Takes a text that reads like another literal for that.",
        &[Edit::Script(|_request, script| {
            ["7", "1e3", "true", "null"].iter().fold(script, |script, literal| {
                replaced(&script, &[(&format!(":\"{literal}\""), &format!(":{literal}"))])
            })
        })],
    ),
    fault(
        "heartbeat-is-a-call",
        "iframe/3/inert-between",
        "Calls the page with nothing to keep it alive.",
        &[Edit::Stream(|request| opens(request).then(|| Box::<Calls>::default() as Box<dyn Editor>))],
    ),
    fault(
        "markup-between-scripts",
        "iframe/3/inert-between",
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

/// The script with the escape of that letter replaced by the character that it stands for.
fn unescaped(script: &[u8], letter: u8, character: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(script.len());
    let mut rest = script;
    while let [first, others @ ..] = rest {
        match rest {
            [b'\\', escaped, others @ ..] => {
                if *escaped == letter {
                    out.push(character);
                } else {
                    out.extend([b'\\', *escaped]);
                }
                rest = others;
            }
            _ => {
                out.push(*first);
                rest = others;
            }
        }
    }
    out
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

/// Puts something in front of the page.
#[derive(Debug)]
struct BeginsWith(Option<&'static str>);

fn begins_with(start: &'static str) -> Box<dyn Editor> {
    Box::new(BeginsWith(Some(start)))
}

impl Editor for BeginsWith {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        if let Some(start) = self.0.take() {
            out.data(start);
        }
        out.pass(&piece);
    }
}

/// Calls the page with nothing in place of white space.
#[derive(Debug, Default)]
struct Calls {
    begun: bool,
}

impl Editor for Calls {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        let inert = piece.encode().iter().all(u8::is_ascii_whitespace);
        if self.begun && inert {
            out.data("<script>parent.push.deliver()</script>");
        } else {
            out.pass(&piece);
        }
        self.begun |= !inert;
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

/// Leaves a script open until the next one comes.
#[derive(Debug, Default)]
struct ClosedByTheNext {
    open: bool,
}

impl Editor for ClosedByTheNext {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        const END: &[u8] = b"</script>";
        let Piece::Script(script) = piece else { return out.pass(&piece) };
        let content = script.strip_suffix(END).unwrap_or(&script);
        let before = if self.open { END } else { b"" };
        out.data([before, content].concat());
        self.open = true;
    }
}

/// Behind the first message the page is cut short.
#[derive(Debug)]
struct EndsWithinAScript;

impl Editor for EndsWithinAScript {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        if piece.is_message() {
            out.data([piece.encode(), b"<script>parent.push.del".to_vec()].concat());
            return out.end();
        }
        out.pass(&piece);
    }
}
