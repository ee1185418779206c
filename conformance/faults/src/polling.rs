//! Faults of polling.

use std::time::Duration;

use super::answer::{Answer, encoded_twice, escaped_for_a_page, joined};
use super::fields;
use super::request::{Refusal, Request};
use super::{Edit, Fault};

/// Longer than the two seconds that a case gives, shorter than the bound of all others.
const LATE: Duration = Duration::from_millis(2500);

const fn fault(
    name: &'static str,
    clause: &'static str,
    summary: &'static str,
    edits: &'static [Edit],
) -> Fault {
    Fault { name, clause, technique: "polling", summary, edits }
}

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "poll-wants-json",
        "rfc9110/9.1/get-and-head",
        "Answers 406 to a poll that accepts anything, since that is not JSON.",
        &[Edit::Answer(|request, answer| {
            if polls(request) && answer.status() == 200 && request.names("Accept") {
                answer.set_status("406 Not Acceptable");
            }
        })],
    ),
    fault(
        "poll-without-news-is-held",
        "rfc6202/2.1/short-poll-at-once",
        "Holds a short poll that finds nothing.",
        &[Edit::Answer(|request, answer| {
            if polls(request) && answer.brings_news() == Some(false) {
                answer.delay = LATE;
            }
        })],
    ),
    fault(
        "news-makes-polls-slow",
        "rfc6202/2.1/short-poll-at-once",
        "Takes its time for a short poll that brings news.",
        &[Edit::Answer(|request, answer| {
            if polls(request) && answer.brings_news() == Some(true) {
                answer.delay = LATE;
            }
        })],
    ),
    fault(
        "poll-brings-no-news",
        "polling/1/news-for-everyone",
        "Brings news with one short poll, and with none after it.",
        &[Edit::Answer(|request, answer| {
            if polls(request)
                && answer.brings_news() == Some(true)
                && request.memory.count("short poll with news") > 0
            {
                answer.edit_messages(Vec::clear);
            }
        })],
    ),
    fault(
        "news-in-another-place",
        "rfc6202/2.1/short-poll-brings-news",
        "Has the text of a message in another member than the profile says.",
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
        "first-poller-empties-the-queue",
        "rfc9110/9.2.1/get-is-safe",
        "Gives a message to the first who asks and to nobody after.",
        &[Edit::Answer(|request, answer| {
            let asked = format!("told {}", request.target());
            if polls(request) && answer.brings_news() == Some(true) && request.memory.count(&asked) > 0 {
                answer.edit_messages(Vec::clear);
            }
        })],
    ),
    fault(
        "poll-forgets-the-cursor",
        "polling/1/news-once",
        "Sends everything again with each short poll.",
        &[Edit::Request(|request| {
            if polls(request) && is_number(request.parameter("after")) {
                request.set_parameter("after", "0");
            }
        })],
    ),
    fault(
        "poll-brings-the-newest-first",
        "polling/1/news-in-order",
        "Turns the messages of a short poll round.",
        &[Edit::Answer(|request, answer| {
            if polls(request) {
                answer.edit_messages(|messages| messages.reverse());
            }
        })],
    ),
    fault(
        "poll-brings-one-message",
        "rfc6202/2.2/batch",
        "Brings one message with each short poll however many wait.",
        &[Edit::Answer(one_message_a_poll)],
    ),
    fault(
        "poll-trims-messages",
        "rfc6202/1/same-news-by-every-technique",
        "Takes the spaces at the ends of a message off in short polls.",
        &[Edit::Answer(|request, answer| edit_texts(request, answer, |text| text.trim().to_owned()))],
    ),
    fault(
        "poll-takes-messages-for-latin-1",
        "polling/1/text-unchanged",
        "Encodes the messages of short polls twice.",
        &[Edit::Answer(|request, answer| {
            edit_texts(request, answer, |text| {
                String::from_utf8_lossy(&encoded_twice(text.as_bytes())).into_owned()
            });
        })],
    ),
    fault(
        "poll-escapes-markup",
        "polling/1/text-unchanged",
        "Writes the messages of short polls as for the text of an HTML page.",
        &[Edit::Answer(|request, answer| edit_texts(request, answer, escaped_for_a_page))],
    ),
    fault(
        "poll-joins-lines",
        "polling/1/text-unchanged",
        "Writes spaces for the line ends of a message in short polls.",
        &[Edit::Answer(|request, answer| edit_texts(request, answer, joined))],
    ),
    fault(
        "poll-length-counts-characters",
        "polling/1/text-unchanged",
        "Gives short polls a length in characters.",
        &[Edit::Answer(|request, answer| {
            if polls(request) {
                answer.count_characters();
            }
        })],
    ),
    fault(
        "length-of-head-is-zero",
        "rfc9110/8.6/length-of-head",
        "Answers HEAD with the length of the empty answer.",
        &[Edit::Answer(|request, answer| {
            if request.method() == "HEAD" && answer.status() == 200 {
                fields::set(&mut answer.head, "Content-Length", "0");
            }
        })],
    ),
    fault(
        "length-of-304-is-zero",
        "rfc9110/8.6/length-of-304",
        "Gives a 304 the length of the empty answer.",
        &[Edit::Answer(|_request, answer| {
            if answer.status() == 304 {
                fields::set(&mut answer.head, "Content-Length", "0");
            }
        })],
    ),
    fault(
        "bad-cursor-breaks-a-poll",
        "rfc9110/15.5/client-errors",
        "Answers 500 to a short poll with a cursor that it cannot read.",
        &[Edit::Answer(|request, answer| {
            if request.technique() == "polling"
                && !is_cursor(request.parameter("after"))
                && answer.status() == 400
            {
                answer.set_status("500 Internal Server Error");
            }
        })],
    ),
    fault(
        "tag-without-quotes",
        "rfc9110/8.8.3/entity-tag",
        "Writes entity tags without their quotes.",
        &[Edit::Answer(|_request, answer| {
            if let Some(tag) = fields::value(&answer.head, "ETag") {
                fields::set(&mut answer.head, "ETag", tag.trim_matches('"'));
            }
        })],
    ),
    fault(
        "tag-never-changes",
        "rfc9110/8.8.1/validator-changes",
        "Gives the same entity tag to everything.",
        &[
            Edit::Request(|request| {
                if request.field("If-None-Match").is_some_and(|tags| tags.contains("\"1\"")) {
                    fields::set(&mut request.head, "If-None-Match", "*");
                }
            }),
            Edit::Answer(|_request, answer| {
                if answer.head.value("ETag").is_some() {
                    fields::set(&mut answer.head, "ETag", "\"1\"");
                }
            }),
        ],
    ),
    fault(
        "tag-of-each-answer",
        "rfc9110/8.8.1/tag-stays",
        "Makes the entity tag of the time, and so another one for each answer.",
        &[Edit::Answer(|request, answer| {
            if answer.head.value("ETag").is_some() {
                let tag = format!("\"{}\"", request.memory.count("tag-of-each-answer"));
                fields::set(&mut answer.head, "ETag", &tag);
            }
        })],
    ),
    fault(
        "condition-is-passed-over",
        "rfc9110/13.1.2/match-is-304",
        "Sends everything again whatever If-None-Match says.",
        &[Edit::Request(|request| fields::remove(&mut request.head, "If-None-Match"))],
    ),
    fault(
        "any-condition-matches",
        "rfc9110/13.1.2/no-match-is-performed",
        "Answers 304 as soon as there is an If-None-Match.",
        &[Edit::Request(|request| {
            if request.names("If-None-Match") {
                fields::set(&mut request.head, "If-None-Match", "*");
            }
        })],
    ),
    fault(
        "first-tag-counts",
        "rfc9110/13.1.2/list",
        "Looks at the first entity tag of If-None-Match only.",
        &[Edit::Request(|request| {
            if let Some((first, _)) =
                request.field("If-None-Match").as_deref().and_then(|tags| tags.split_once(','))
            {
                fields::set(&mut request.head, "If-None-Match", first);
            }
        })],
    ),
    fault(
        "star-is-a-tag",
        "rfc9110/13.1.2/any-is-304",
        "Takes the star in If-None-Match for an entity tag.",
        &[Edit::Request(|request| {
            if fields::has(&request.head, "If-None-Match", "*") {
                fields::set(&mut request.head, "If-None-Match", "\"*\"");
            }
        })],
    ),
    fault(
        "not-modified-for-those-who-asked",
        "rfc9110/15.4.5/answers-a-condition",
        "Answers 304 to a client that asks again for what it was told, whether it has kept it or not.",
        &[Edit::Refusal(|request| {
            let conditional = request.names("If-None-Match") || request.names("If-Modified-Since");
            let asks = polls(request) && !conditional;
            let asked = format!("asked {} of {}", request.target(), request.published());
            (asks && request.memory.count(&asked) > 0).then_some(Refusal(304, "Not Modified"))
        })],
    ),
    fault(
        "not-modified-says-nothing-of-caches",
        "rfc9110/15.4.5/cache-fields",
        "Leaves Cache-Control out of a 304.",
        &[Edit::Answer(|_request, answer| {
            if answer.status() == 304 {
                fields::remove(&mut answer.head, "Cache-Control");
            }
        })],
    ),
    fault(
        "not-modified-without-tag",
        "rfc9110/15.4.5/etag",
        "Leaves the entity tag out of a 304.",
        &[Edit::Answer(|_request, answer| {
            if answer.status() == 304 {
                fields::remove(&mut answer.head, "ETag");
            }
        })],
    ),
    fault(
        "not-modified-with-content",
        "rfc9110/15.4.5/without-content",
        "Sends content behind a 304.",
        &[Edit::Answer(|_request, answer| {
            if answer.status() == 304 {
                answer.body = Some(b"{}".to_vec());
            }
        })],
    ),
    fault(
        "poll-says-nothing-of-caches",
        "rfc9111/4.2.2/explicit-freshness",
        "Leaves Cache-Control out of the answers to short polls.",
        &[Edit::Answer(|request, answer| {
            if polls(request) {
                fields::remove(&mut answer.head, "Cache-Control");
            }
        })],
    ),
    fault(
        "refusal-says-nothing-of-caches",
        "rfc9111/4.2.2/explicit-in-refusals",
        "Answers a poll that it refuses with 404, and says nothing of caches.",
        &[Edit::Answer(|request, answer| {
            if request.technique() == "polling" && answer.status() >= 400 {
                answer.set_status("404 Not Found");
                fields::remove(&mut answer.head, "Cache-Control");
            }
        })],
    ),
    fault(
        "poll-without-type",
        "rfc9110/8.3/content-type",
        "Does not say what the answers to short polls are.",
        &[Edit::Answer(|request, answer| {
            if polls(request) {
                fields::remove(&mut answer.head, "Content-Type");
            }
        })],
    ),
];

fn polls(request: &Request) -> bool {
    request.gets("polling")
}

fn is_number(text: Option<String>) -> bool {
    text.is_some_and(|text| text.parse::<u64>().is_ok())
}

/// No cursor at all is a good one.
fn is_cursor(text: Option<String>) -> bool {
    text.is_none() || is_number(text)
}

fn one_message_a_poll(request: &Request, answer: &mut Answer) {
    let after = request.parameter("after").and_then(|after| after.parse::<u64>().ok());
    if let Some(after) = after.filter(|_| polls(request) && answer.brings_news() == Some(true)) {
        answer.edit_messages(|messages| messages.truncate(1));
        answer.set_cursor(after + 1);
    }
}

fn edit_texts(request: &Request, answer: &mut Answer, edit: impl Fn(&str) -> String) {
    if polls(request) {
        answer.edit_texts(edit);
    }
}
