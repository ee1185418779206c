//! Faults in what answers say to pages of other origins (WHATWG Fetch, the CORS protocol). A WebSocket has rules of its
//! own.

use super::answer::Answer;
use super::fields;
use super::request::Request;
use super::{Edit, Fault};

const fn fault(
    name: &'static str,
    clause: &'static str,
    summary: &'static str,
    edits: &'static [Edit],
) -> Fault {
    Fault { name, clause, technique: "http", summary, edits }
}

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "answers-are-for-no-other-origin",
        "fetch-cors/http-responses/allowed-origin",
        "Gives no other origin the permission to read answers.",
        &[Edit::Answer(|request, answer| {
            if asks_across(request) {
                fields::remove(&mut answer.head, ALLOWED);
            }
        })],
    ),
    fault(
        "origin-is-given-back",
        "fetch-cors/http-responses/others-not",
        "Allows whatever origin the request names.",
        &[Edit::Answer(|request, answer| {
            if let Some(origin) = request.field("Origin").filter(|_| asks_across(request)) {
                fields::set(&mut answer.head, ALLOWED, &origin);
            }
        })],
    ),
    fault(
        "null-is-an-origin",
        "fetch-cors/http-responses/null",
        "Allows the origin null beside the one for which it is set up.",
        &[Edit::Answer(|request, answer| {
            if request.field("Origin").is_some_and(|origin| origin == "null") {
                fields::set(&mut answer.head, "Access-Control-Allow-Origin", "null");
            }
        })],
    ),
    fault(
        "permission-stands-twice",
        "fetch-cors/http-new-header-syntax/one-value",
        "Adds a permission where there is one already.",
        &[Edit::Answer(|request, answer| {
            if let Some(origin) = permission(request, answer) {
                fields::add(&mut answer.head, ALLOWED, &origin);
            }
        })],
    ),
    fault(
        "permission-does-not-vary",
        "fetch-cors/cors-protocol-and-http-caches/vary",
        "Does not say that the permission depends on the origin.",
        &[Edit::Answer(|request, answer| {
            if asks_across(request) {
                fields::remove(&mut answer.head, "Vary");
            }
        })],
    ),
    fault(
        "vary-names-something-else",
        "fetch-cors/cors-protocol-and-http-caches/vary",
        "Says that the answer depends on the coding, and not that it does on the origin.",
        &[Edit::Answer(|request, answer| {
            if asks_across(request) {
                fields::set(&mut answer.head, "Vary", "Accept-Encoding");
            }
        })],
    ),
    fault(
        "vary-waits-for-an-origin",
        "fetch-cors/cors-protocol-and-http-caches/vary",
        "Says only to those who name an origin that the permission depends on it.",
        &[Edit::Answer(|request, answer| {
            if request.technique() != "websocket" && !request.names("Origin") {
                fields::remove(&mut answer.head, "Vary");
            }
        })],
    ),
    fault(
        "star-is-for-credentials",
        "fetch-cors/cors-protocol-and-credentials/by-name",
        "Allows all origins with a star, and credentials with them.",
        &[Edit::Answer(|request, answer| {
            if permission(request, answer).is_some() {
                fields::set(&mut answer.head, ALLOWED, "*");
            }
        })],
    ),
    fault(
        "tag-is-not-exposed",
        "fetch-cors/http-responses/expose",
        "Keeps the entity tag from pages of other origins.",
        &[Edit::Answer(|request, answer| {
            if asks_across(request) {
                fields::remove(&mut answer.head, "Access-Control-Expose-Headers");
            }
        })],
    ),
    fault(
        "preflight-allows-no-field",
        "fetch-cors/cors-preflight-fetch/answer",
        "Does not say in a preflight which fields are allowed.",
        &[Edit::Answer(|request, answer| {
            if asks_across(request) {
                fields::remove(&mut answer.head, "Access-Control-Allow-Headers");
            }
        })],
    ),
    fault(
        "lists-of-a-preflight-with-semicolons",
        "fetch-cors/http-new-header-syntax/lists",
        "Writes semicolons between the names that a preflight allows.",
        &[Edit::Answer(|_request, answer| {
            for name in ["Access-Control-Allow-Methods", "Access-Control-Allow-Headers"] {
                if let Some(list) = fields::value(&answer.head, name) {
                    fields::set(&mut answer.head, name, &list.replace(", ", "; "));
                }
            }
        })],
    ),
    fault(
        "star-for-fields-beside-credentials",
        "fetch-cors/cors-protocol-and-credentials/star-is-a-name",
        "Allows and exposes all fields with a star, and credentials with them.",
        &[Edit::Answer(|_request, answer| {
            for name in ["Access-Control-Allow-Headers", "Access-Control-Expose-Headers"] {
                if answer.head.value(name).is_some() {
                    fields::set(&mut answer.head, name, "*");
                }
            }
        })],
    ),
    fault(
        "exposed-names-in-quotes",
        "fetch-cors/http-new-header-syntax/exposed-names",
        "Writes the names of the fields that pages may read in quotes.",
        &[Edit::Answer(|_request, answer| {
            let name = "Access-Control-Expose-Headers";
            if let Some(list) = fields::value(&answer.head, name) {
                let quoted = list.split(", ").map(|field| format!("\"{field}\"")).collect::<Vec<_>>();
                fields::set(&mut answer.head, name, &quoted.join(", "));
            }
        })],
    ),
    fault(
        "preflight-lasts-a-day-in-words",
        "fetch-cors/http-new-header-syntax/max-age",
        "Says with its unit how long a preflight lasts.",
        &[Edit::Answer(|_request, answer| {
            let name = "Access-Control-Max-Age";
            if answer.head.value(name).is_some() {
                fields::set(&mut answer.head, name, "1 day");
            }
        })],
    ),
    fault(
        "preflight-says-nothing-of-credentials",
        "fetch-cors/cors-protocol-and-credentials/by-name",
        "Allows credentials only in the answer to a request that may have them.",
        &[Edit::Answer(|request, answer| {
            if request.method() == "OPTIONS" {
                fields::remove(&mut answer.head, "Access-Control-Allow-Credentials");
            }
        })],
    ),
];

const ALLOWED: &str = "Access-Control-Allow-Origin";

fn asks_across(request: &Request) -> bool {
    request.technique() != "websocket" && request.names("Origin")
}

/// The origin that the answer allows.
fn permission(request: &Request, answer: &Answer) -> Option<String> {
    fields::value(&answer.head, ALLOWED).filter(|_| asks_across(request))
}
