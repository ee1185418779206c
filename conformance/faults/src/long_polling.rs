//! Faults of long polling.

use std::time::Duration;

use pushspec_wire::chunked::{encode_chunk, encode_last};

use super::answer::{Answer, encoded_twice, escaped_for_a_page, joined};
use super::fields;
use super::request::{Refusal, Request};
use super::{Edit, Fault};

/// The hold that the profile asks for where a case asks for none.
const USUAL_HOLD: &str = "25000ms";

/// For how long a poll keeps a server from publishing that has one lock for both.
const LOCKED: Duration = Duration::from_secs(4);

/// What goes out in place of the head of an answer that is still to come.
const EARLY_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n";

const fn fault(
    name: &'static str,
    clause: &'static str,
    summary: &'static str,
    edits: &'static [Edit],
) -> Fault {
    Fault { name, clause, technique: "long-polling", summary, edits }
}

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "long-poll-wants-json",
        "rfc6202/2.1/news-is-answer",
        "Answers 406 to a long poll that accepts anything, since that is not JSON.",
        &[Edit::Answer(|request, answer| {
            if polls(request) && answer.status() == 200 && request.names("Accept") {
                answer.set_status("406 Not Acceptable");
            }
        })],
    ),
    fault(
        "long-poll-head-comes-early",
        "rfc6202/2.1/held-without-news",
        "Sends the head of an answer before there is anything to answer.",
        &[
            Edit::Begun(|request| begins_early(request).then(|| EARLY_HEAD.to_vec())),
            Edit::Answer(|request, answer| {
                if let Some(body) = answer.body.as_mut().filter(|_| begins_early(request)) {
                    *body = [encode_chunk(body), encode_last()].concat();
                    answer.head.lines.clear();
                }
            }),
        ],
    ),
    fault(
        "long-poll-waits-to-compress",
        "rfc6202/2.1/news-at-once",
        "Collects what it could compress for a client that understands it.",
        &[Edit::Answer(|request, answer| {
            let compresses = request.field("Accept-Encoding").is_some_and(|codings| codings.contains("gzip"));
            if polls(request) && compresses {
                answer.delay = Duration::from_millis(2500);
            }
        })],
    ),
    fault(
        "long-poll-escapes-markup",
        "rfc6202/1/same-news-by-every-technique",
        "Writes the messages of long polls as for the text of an HTML page.",
        &[Edit::Answer(|request, answer| edit_texts(request, answer, escaped_for_a_page))],
    ),
    fault(
        "long-poll-joins-lines",
        "rfc6202/1/same-news-by-every-technique",
        "Writes spaces for the line ends of a message in long polls.",
        &[Edit::Answer(|request, answer| edit_texts(request, answer, joined))],
    ),
    fault(
        "long-poll-length-counts-characters",
        "polling/1/text-unchanged",
        "Gives long polls a length in characters.",
        &[Edit::Answer(|request, answer| {
            if polls(request) {
                answer.count_characters();
            }
        })],
    ),
    fault(
        "long-poll-brings-no-news",
        "rfc6202/2.1/news-is-answer",
        "Tells the news once, and after that ends the wait without it.",
        &[Edit::Answer(|request, answer| {
            if polls(request)
                && answer.brings_news() == Some(true)
                && request.memory.count("long poll with news") > 0
            {
                answer.edit_messages(Vec::clear);
            }
        })],
    ),
    fault(
        "long-poll-news-in-another-place",
        "rfc6202/2.1/news-is-answer",
        "Has the text of a message that a long poll brings in another member than the profile says.",
        &[Edit::Answer(|request, answer| {
            if polls(request) {
                answer.edit_messages(|messages| {
                    for message in messages.iter_mut().filter_map(serde_json::Value::as_object_mut) {
                        let data = message.remove("data").unwrap_or_default();
                        message.insert("text".to_owned(), data);
                    }
                });
            }
        })],
    ),
    fault(
        "long-poll-is-not-finished",
        "rfc9112/8/complete-answer",
        "Promises more of an answer than it sends.",
        &[Edit::Answer(|request, answer| {
            if polls(request) && answer.brings_news() == Some(true) {
                let length = answer.body.as_ref().map_or(0, Vec::len) + 1;
                fields::set(&mut answer.head, "Content-Length", &length.to_string());
            }
        })],
    ),
    fault(
        "one-poll-is-held",
        "rfc6202/2.1/held-without-news",
        "Holds the first poll and answers all others at once.",
        &[Edit::Request(|request| {
            if polls(request) && request.memory.count("long polls") > 0 {
                request.set_parameter("hold", "0ms");
            }
        })],
    ),
    fault(
        "publication-waits-for-held-polls",
        "rfc6202/5.3/held-polls-block-nobody",
        "Publishes nothing until the polls that are held have ended, after four seconds.",
        &[
            Edit::Request(|request| {
                if polls(request) {
                    request.memory.count("held polls");
                    if hold(request) > Some(LOCKED) {
                        request.set_parameter("hold", &format!("{}ms", LOCKED.as_millis()));
                    }
                }
            }),
            Edit::RequestDelay(|request| {
                let waits = request.memory.counted("held polls") > request.memory.counted("polls that ended");
                if request.publishes() && waits {
                    LOCKED + Duration::from_millis(500)
                } else {
                    Duration::ZERO
                }
            }),
            Edit::Answer(|request, _| {
                if polls(request) {
                    request.memory.count("polls that ended");
                }
            }),
            Edit::Abandoned(|request| {
                if polls(request) {
                    request.memory.count("polls that ended");
                }
            }),
        ],
    ),
    fault(
        "news-waits-for-a-tick",
        "rfc6202/2.1/news-at-once",
        "Looks for news with a timer and not when it is published.",
        &[Edit::Answer(|request, answer| {
            if polls(request) && answer.brings_news() == Some(true) {
                answer.delay = Duration::from_millis(1500);
            }
        })],
    ),
    fault(
        "first-held-poll-takes-the-news",
        "polling/2/asked-again",
        "Tells news to one of the polls that wait for it.",
        &[Edit::Answer(|request, answer| {
            let asked = format!("told {}", request.target());
            if polls(request) && answer.brings_news() == Some(true) && request.memory.count(&asked) > 0 {
                answer.edit_messages(Vec::clear);
            }
        })],
    ),
    fault(
        "news-between-polls-is-lost",
        "rfc6202/2.2/queued-between-polls",
        "Forgets what is published while nobody waits.",
        &[Edit::Request(|request| {
            if polls(request) && cursor(request).is_some() {
                request.set_parameter("after", &request.published().to_string());
            }
        })],
    ),
    fault(
        "long-poll-forgets-the-cursor",
        "polling/1/news-once",
        "Answers each long poll with everything there ever was.",
        &[Edit::Request(|request| {
            if polls(request) && cursor(request).is_some() {
                request.set_parameter("after", "0");
            }
        })],
    ),
    fault(
        "long-poll-brings-the-newest-first",
        "polling/1/news-in-order",
        "Turns the messages of a long poll round.",
        &[Edit::Answer(|request, answer| {
            if polls(request) {
                answer.edit_messages(|messages| messages.reverse());
            }
        })],
    ),
    fault(
        "long-poll-brings-one-message",
        "rfc6202/2.2/batch",
        "Brings one message with each long poll however many wait.",
        &[Edit::Answer(one_message_a_poll)],
    ),
    fault(
        "aborted-poll-takes-the-news",
        "polling/2/aborted-poll",
        "Counts news as told that it has sent to a client that is no more.",
        &[
            Edit::Abandoned(|request| {
                request.memory.count(&abandoned(request));
            }),
            Edit::Answer(|request, answer| {
                if answer.brings_news() == Some(true) && request.memory.forget(&abandoned(request)) {
                    answer.edit_messages(Vec::clear);
                }
            }),
        ],
    ),
    fault(
        "fifty-polls-at-most",
        "rfc6202/2.2/many-wait",
        "Has fifty threads for polls that wait, and none for the next.",
        &[Edit::Refusal(|request| {
            (polls(request) && request.earlier >= 50).then_some(Refusal(500, "Internal Server Error"))
        })],
    ),
    fault(
        "news-is-a-203",
        "rfc6202/5.4/news-is-200",
        "Answers a long poll with 203 where there is news.",
        &[Edit::Answer(|request, answer| {
            if polls(request) && answer.brings_news() == Some(true) {
                answer.set_status("203 Non-Authoritative Information");
            }
        })],
    ),
    fault(
        "time-is-up-with-408",
        "rfc6202/5.4/timeout-is-an-answer",
        "Answers a long poll with 408 when its time is up.",
        &[Edit::Answer(|request, answer| {
            if polls(request) && answer.brings_news() == Some(false) {
                answer.set_status("408 Request Timeout");
            }
        })],
    ),
    fault(
        "hold-is-passed-over",
        "rfc6202/5.5/hold-time",
        "Holds a poll as long as it likes, whatever the client asks for.",
        &[Edit::Request(|request| {
            if polls(request) {
                request.set_parameter("hold", USUAL_HOLD);
            }
        })],
    ),
    fault(
        "every-hold-is-short",
        "rfc6202/2.1/held-without-news",
        "Holds each poll for a third of the time that it has been asked for.",
        &[Edit::Request(|request| hold_otherwise(request, |hold| hold / 3))],
    ),
    fault(
        "every-hold-is-long",
        "rfc6202/5.5/hold-time",
        "Holds each poll for three times as long as it has been asked for.",
        &[Edit::Request(|request| hold_otherwise(request, |hold| hold * 3))],
    ),
    fault(
        "bad-cursor-breaks-a-long-poll",
        "rfc9110/15.5/client-errors",
        "Answers 500 to a long poll with a cursor that it cannot read.",
        &[Edit::Answer(|request, answer| {
            let bad = request.parameter("after").is_some() && cursor(request).is_none();
            if polls(request) && bad && answer.status() == 400 {
                answer.set_status("500 Internal Server Error");
            }
        })],
    ),
    fault(
        "long-poll-from-a-cache",
        "rfc6202/5.6/not-cached",
        "Lets caches keep the answers to long polls.",
        &[Edit::Answer(|request, answer| {
            if polls(request) {
                fields::set(&mut answer.head, "Cache-Control", "max-age=60");
            }
        })],
    ),
    fault(
        "long-poll-takes-messages-for-latin-1",
        "rfc6202/1/same-news-by-every-technique",
        "Encodes the messages of long polls twice.",
        &[Edit::Answer(|request, answer| {
            if polls(request) {
                answer
                    .edit_texts(|text| String::from_utf8_lossy(&encoded_twice(text.as_bytes())).into_owned());
            }
        })],
    ),
    fault(
        "store-wakes-those-who-wait",
        "rfc6202/2.1/held-without-news",
        "Answers a held poll without news when its store has looked for some, after a second and a half.",
        &[Edit::Request(|request| {
            if polls(request) && hold(request) > Some(Duration::from_millis(1500)) {
                request.set_parameter("hold", "1500ms");
            }
        })],
    ),
    fault(
        "empty-answer-begins-anew",
        "rfc6202/2.1/held-without-news",
        "Gives an answer without news the cursor of the beginning.",
        &[Edit::Answer(|request, answer| {
            if polls(request) && answer.brings_news() == Some(false) {
                answer.set_cursor(0);
            }
        })],
    ),
    fault(
        "long-poll-without-type",
        "rfc9110/8.3/content-type",
        "Does not say what the answers to long polls are.",
        &[Edit::Answer(|request, answer| {
            if polls(request) {
                fields::remove(&mut answer.head, "Content-Type");
            }
        })],
    ),
    fault(
        "old-client-may-not-wait",
        "rfc6202/2.1/news-is-answer",
        "Answers a long poll of HTTP/1.0 at once, without news.",
        &[Edit::Refusal(|request| {
            let old = polls(request) && request.version() == "HTTP/1.0";
            old.then_some(Refusal(204, "No Content"))
        })],
    ),
];

fn polls(request: &Request) -> bool {
    request.gets("long-polling")
}

/// The hold that the request asks for, if it can be read.
fn hold(request: &Request) -> Option<Duration> {
    Some(Duration::from_millis(request.parameter("hold")?.strip_suffix("ms")?.parse().ok()?))
}

fn hold_otherwise(request: &mut Request, edit: impl Fn(Duration) -> Duration) {
    if let Some(hold) = hold(request).filter(|_| polls(request)) {
        request.set_parameter("hold", &format!("{}ms", edit(hold).as_millis()));
    }
}

/// The cursor of the request, if it can be read.
fn cursor(request: &Request) -> Option<u64> {
    request.parameter("after")?.parse().ok()
}

/// Whether the answer may come in chunks.
fn begins_early(request: &Request) -> bool {
    polls(request) && request.version() == "HTTP/1.1"
}

fn edit_texts(request: &Request, answer: &mut Answer, edit: impl Fn(&str) -> String) {
    if polls(request) {
        answer.edit_texts(edit);
    }
}

fn abandoned(request: &Request) -> String {
    format!("abandoned {}", request.target())
}

fn one_message_a_poll(request: &Request, answer: &mut Answer) {
    if let Some(after) = cursor(request).filter(|_| polls(request) && answer.brings_news() == Some(true)) {
        answer.edit_messages(|messages| messages.truncate(1));
        answer.set_cursor(after + 1);
    }
}
