//! Faults of polling in what conditions come to (RFC 9110, section 13), and in the answers to them.

use super::answer::Answer;
use super::fields;
use super::request::{Refusal, Request};
use super::{Edit, Fault};

const fn fault(
    name: &'static str,
    clause: &'static str,
    summary: &'static str,
    edits: &'static [Edit],
) -> Fault {
    Fault { name, technique: "polling", clause, summary, edits }
}

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "poll-without-a-tag",
        "rfc9110/8.8.3/entity-tag",
        "Gives no entity tag with a poll.",
        &[Edit::Answer(|request, answer| {
            if request.gets("polling") {
                fields::remove(&mut answer.head, "ETag");
            }
        })],
    ),
    fault(
        "if-match-compares-weakly",
        "rfc9110/13.1.1/strong-comparison",
        "Takes a weak tag in If-Match for a match.",
        &[Edit::Request(|request| {
            if request.field("If-Match").is_some_and(|tags| tags.starts_with("W/")) {
                fields::remove(&mut request.head, "If-Match");
            }
        })],
    ),
    fault(
        "star-of-if-match-is-a-tag",
        "rfc9110/13.1.1/match-is-performed",
        "Takes the star in If-Match for an entity tag.",
        &[Edit::Request(|request| {
            if fields::has(&request.head, "If-Match", "*") {
                fields::set(&mut request.head, "If-Match", "\"*\"");
            }
        })],
    ),
    fault(
        "bad-date-means-not-modified",
        "rfc9110/13.1.3/no-date",
        "Answers 304 where If-Modified-Since is no date.",
        &[Edit::Refusal(|request| {
            let bad = request.field("If-Modified-Since").is_some_and(|date| !is_fixdate(&date));
            bad.then_some(Refusal(304, "Not Modified"))
        })],
    ),
    fault(
        "change-is-not-compared",
        "rfc9110/13.1.4/evaluated",
        "Names the date of the last change and does not compare it with If-Unmodified-Since.",
        &[Edit::Answer(dated)],
    ),
    fault(
        "dates-in-one-form",
        "rfc9110/5.6.7/three-forms",
        "Reads If-Unmodified-Since only in the preferred form of a date.",
        &[Edit::Refusal(|request| changed_since(request, is_fixdate)), Edit::Answer(dated)],
    ),
    fault(
        "years-of-two-digits-are-ahead",
        "rfc9110/5.6.7/two-digit-years",
        "Takes 94 for 2094.",
        &[
            Edit::Refusal(|request| changed_since(request, |date| is_date(date) && !date.contains("-94 "))),
            Edit::Answer(dated),
        ],
    ),
    fault(
        "bad-date-is-a-failed-condition",
        "rfc9110/13.1.4/no-date",
        "Answers 412 where If-Unmodified-Since is no date.",
        &[Edit::Refusal(|request| {
            let bad = request.field("If-Unmodified-Since").is_some_and(|date| !is_date(&date));
            bad.then_some(Refusal(412, "Precondition Failed"))
        })],
    ),
    fault(
        "date-counts-beside-if-match",
        "rfc9110/13.1.4/tag-outranks-date",
        "Looks at If-Unmodified-Since although there is an If-Match.",
        &[Edit::Refusal(|request| {
            let both = request.names("If-Match") && request.names("If-Unmodified-Since");
            both.then_some(Refusal(412, "Precondition Failed"))
        })],
    ),
    fault(
        "if-range-fails-without-a-range",
        "rfc9110/13.1.5/without-range",
        "Takes If-Range for a condition of the whole.",
        &[Edit::Refusal(|request| {
            let alone = request.names("If-Range") && !request.names("Range");
            alone.then_some(Refusal(412, "Precondition Failed"))
        })],
    ),
    fault(
        "range-whatever-if-range-says",
        "rfc9110/13.1.5/false-is-whole",
        "Brings the range also where the content is another.",
        &[Edit::Answer(|request, answer| {
            if request.names("If-Range") && request.names("Range") && answer.status() == 200 {
                answer.set_status("206 Partial Content");
            }
        })],
    ),
    fault(
        "weak-tag-is-another-tag",
        "rfc9110/13.1.2/weak-comparison",
        "Compares tags letter by letter, W/ included.",
        &[Edit::Request(|request| {
            if request.field("If-None-Match").is_some_and(|tags| tags.starts_with("W/")) {
                fields::set(&mut request.head, "If-None-Match", "\"weak\"");
            }
        })],
    ),
    fault(
        "date-outranks-tag",
        "rfc9110/13.1.3/tag-outranks-date",
        "Looks at If-Modified-Since although there is an If-None-Match.",
        &[Edit::Refusal(|request| {
            let both = request.names("If-None-Match") && request.names("If-Modified-Since");
            both.then_some(Refusal(304, "Not Modified"))
        })],
    ),
    fault(
        "if-none-match-comes-first",
        "rfc9110/13.2.2/order",
        "Looks at If-None-Match before it looks at If-Match.",
        &[Edit::Request(|request| {
            if request.names("If-None-Match") {
                fields::remove(&mut request.head, "If-Match");
            }
        })],
    ),
    fault(
        "trailer-becomes-a-header",
        "rfc9110/6.5.1/trailer-is-no-header",
        "Adds the trailers of a request to its head.",
        &[Edit::Request(|request| {
            if request.field("Trailer").is_some_and(|names| names == "If-None-Match") {
                fields::add(&mut request.head, "If-None-Match", "*");
            }
        })],
    ),
    fault(
        "not-modified-names-the-type",
        "rfc9110/15.4.5/nothing-else",
        "Says in a 304 what the content would be.",
        &[Edit::Answer(|_request, answer| {
            if answer.status() == 304 {
                fields::add(&mut answer.head, "Content-Type", "application/json");
            }
        })],
    ),
    fault(
        "not-modified-without-date",
        "rfc9110/15.4.5/date",
        "Does not date a 304.",
        &[Edit::Answer(|_request, answer| {
            if answer.status() == 304 {
                fields::remove(&mut answer.head, "Date");
            }
        })],
    ),
    fault(
        "coding-does-not-vary",
        "rfc9110/12.5.5/vary",
        "Compresses polls for those who ask, and does not say that the answer depends on that.",
        &[Edit::Answer(|request, answer| {
            if request.gets("polling")
                && request.field("Accept-Encoding").is_some_and(|list| list.contains("gzip"))
            {
                fields::add(&mut answer.head, "Content-Encoding", "gzip");
            }
        })],
    ),
    fault(
        "age-in-words",
        "rfc9111/5.1/age",
        "Writes the age of an answer with its unit.",
        &[Edit::Answer(|request, answer| {
            if request.gets("polling") {
                fields::add(&mut answer.head, "Age", "0 s");
            }
        })],
    ),
];

/// Whether this may be a date in one of the three forms.
fn is_date(date: &str) -> bool {
    date.contains(':') && date.len() < 40
}

/// Whether this has the length and the end of the preferred form of a date.
fn is_fixdate(date: &str) -> bool {
    date.len() == 29 && date.ends_with(" GMT")
}

/// The refusal of a server that has something newer than a date, where it can read the date.
fn changed_since(request: &Request, reads: fn(&str) -> bool) -> Option<Refusal> {
    let date = request.field("If-Unmodified-Since").filter(|_| !request.names("If-Match"))?;
    reads(&date).then_some(Refusal(412, "Precondition Failed"))
}

/// Says when the content was last changed.
fn dated(request: &Request, answer: &mut Answer) {
    if request.gets("polling") && answer.status() == 200 {
        fields::add(&mut answer.head, "Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT");
    }
}
