//! Faults in what answers say to pages of other origins (WHATWG Fetch, the CORS protocol). A WebSocket has rules of its
//! own.

use super::answer::Answer;
use super::fields;
use super::request::Request;
use super::{Edit, Fault};

const fn fault(name: &'static str, summary: &'static str, edits: &'static [Edit]) -> Fault {
    Fault { name, technique: "http", summary, edits }
}

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "answers-are-for-no-other-origin",
        "Gives no other origin the permission to read answers.",
        &[Edit::Answer(|request, answer| {
            if asks_across(request) {
                fields::remove(&mut answer.head, ALLOWED);
            }
        })],
    ),
    fault(
        "origin-is-given-back",
        "Allows whatever origin the request names.",
        &[Edit::Answer(|request, answer| {
            if let Some(origin) = request.field("Origin").filter(|_| asks_across(request)) {
                fields::set(&mut answer.head, ALLOWED, &origin);
            }
        })],
    ),
    fault(
        "permission-stands-twice",
        "Adds a permission where there is one already.",
        &[Edit::Answer(|request, answer| {
            if let Some(origin) = permission(request, answer) {
                fields::add(&mut answer.head, ALLOWED, &origin);
            }
        })],
    ),
    fault(
        "permission-does-not-vary",
        "Does not say that the permission depends on the origin.",
        &[Edit::Answer(|request, answer| {
            if asks_across(request) {
                fields::remove(&mut answer.head, "Vary");
            }
        })],
    ),
    fault(
        "vary-names-something-else",
        "Says that the answer depends on the coding, and not that it does on the origin.",
        &[Edit::Answer(|request, answer| {
            if asks_across(request) {
                fields::set(&mut answer.head, "Vary", "Accept-Encoding");
            }
        })],
    ),
    fault(
        "vary-waits-for-an-origin",
        "Says only to those who name an origin that the permission depends on it.",
        &[Edit::Answer(|request, answer| {
            if request.technique() != "websocket" && !request.names("Origin") {
                fields::remove(&mut answer.head, "Vary");
            }
        })],
    ),
    fault(
        "star-is-for-credentials",
        "Allows all origins with a star, and credentials with them.",
        &[Edit::Answer(|request, answer| {
            if permission(request, answer).is_some() {
                fields::set(&mut answer.head, ALLOWED, "*");
            }
        })],
    ),
    fault(
        "tag-is-not-exposed",
        "Keeps the entity tag from pages of other origins.",
        &[Edit::Answer(|request, answer| {
            if asks_across(request) {
                fields::remove(&mut answer.head, "Access-Control-Expose-Headers");
            }
        })],
    ),
    fault(
        "preflight-allows-no-field",
        "Does not say in a preflight which fields are allowed.",
        &[Edit::Answer(|request, answer| {
            if asks_across(request) {
                fields::remove(&mut answer.head, "Access-Control-Allow-Headers");
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
