//! Answers that say nothing of the clause on which a case rests: the target is busy, wants something that the profile does
//! not give, or writes what the suite cannot read. Nobody is accused for them.

use std::time::Duration;

use pushspec_wire::http1::Head;
use pushspec_wire::websocket::Frame;

use crate::case::front_matter::Precondition;
use crate::catalogue::Level;
use crate::profile::Request;
use crate::profile::cursor::asks_with_cursor;
use crate::profile::decode::DecodeError;
use crate::profile::poll::Answer;
use crate::transcript::shown::{readable_line, shown};

use super::subject::Subject;

/// The content is in a coding that the suite does not decode, or is not in the one that it is said to be in. That is for one
/// case to find, not for all that wait for messages.
pub(crate) fn coded(coding: &str) -> String {
    format!("the content comes in the coding {coding}, and the suite cannot read it")
}

/// Why an answer says nothing of the clause of a line: the target is busy, or wants something that the profile does not
/// give. `opens` says that the answer was to open a technique; `asked_for` is the target of the request.
pub(crate) fn refusal(
    subject: &Subject,
    line: usize,
    opens: bool,
    head: &Head,
    asked_for: &[u8],
) -> Option<String> {
    let code = head.status_line()?.code;
    let is_precondition = subject.case.checks_the_profile();
    // A choice that is left open is not made by a server that asks for something else first.
    let open_choice = subject.clause_of(line).1 == Level::May;
    let opening = opens || is_precondition || open_choice;
    match code {
        429 | 503 => refuses_work(head),
        401 | 403 | 407 if opening => Some(format!(
            "the target wants credentials, or another origin, and answers {code}; see [headers] in the profile"
        )),
        301 | 302 | 303 | 307 | 308 if opening => {
            let location = head.value("Location").unwrap_or_default();
            Some(format!(
                "the target redirects with {code} to {}; name that path in the profile",
                shown(&location)
            ))
        }
        _ if is_precondition => {
            asked_wrongly(subject, code, &subject.without_channel(&readable_line(asked_for)))
        }
        _ => None,
    }
}

/// What of the profile the answer to a precondition shows to be wrong. `asked_for` is the target of the request.
fn asked_wrongly(subject: &Subject, code: u16, asked_for: &str) -> Option<String> {
    let technique = &subject.case.technique;
    match code {
        200..=299 | 426 if technique == "websocket" => Some(not_upgraded(asked_for, code)),
        404 | 405 => Some(format!(
            "{asked_for} is answered with {code}; is that the path of `[{technique}]` in the profile?"
        )),
        400 | 422 if asks_without_a_start(subject) => Some(format!(
            "{asked_for} is answered with {code}; if the first poll needs a cursor, name it as `start` in \
             `[{technique}]` of the profile"
        )),
        400 | 415 | 422 if technique != "websocket" => {
            Some(format!("{asked_for} is answered with {code}; {}", asked_otherwise(subject)))
        }
        400..=499 if offers_nothing(subject) => Some(format!(
            "the target answers {code} to a handshake that offers no subprotocol; if it wants one, name it in \
             [headers] of the profile, as Sec-WebSocket-Protocol"
        )),
        _ => None,
    }
}

/// Why an answer says nothing of another path of the profile than that of the technique: nothing is there.
pub(crate) fn not_there(subject: &Subject, head: &Head, asked_for: &[u8]) -> Option<String> {
    let code = head.status_line().map(|line| line.code).filter(|code| matches!(code, 404 | 405))?;
    Some(format!(
        "{} is answered with {code}; is that path right in `[{}]` of the profile?",
        subject.without_channel(&readable_line(asked_for)),
        subject.case.technique
    ))
}

/// What of the profile a request may have wrong that is refused for what it says.
fn asked_otherwise(subject: &Subject) -> String {
    let technique = &subject.case.technique;
    let profile = &subject.target.profile;
    let is_get = profile.request_of(technique).is_none_or(Request::is_get);
    let keys = match (is_get, profile.answer_of(technique).is_some()) {
        (true, true) => "`path` and `start`",
        (true, false) => "`path` and its parameters",
        (false, true) => "`path`, `start`, `method`, `body` and `content-type`",
        (false, false) => "`path`, `method`, `body` and `content-type`",
    };
    format!("are {keys} of `[{technique}]` in the profile right?")
}

/// Whether the polls of the case's technique ask with a cursor, and the first one asks with an empty one.
fn asks_without_a_start(subject: &Subject) -> bool {
    let technique = subject.case.technique.as_str();
    let profile = &subject.target.profile;
    let has_no_start = |answer: &Answer| answer.start.as_start().is_empty();
    let path = match technique {
        "polling" => profile.polling.as_ref().map(|poll| &poll.path),
        _ => profile.long_polling.as_ref().map(|poll| &poll.path),
    };
    let body = profile.request_of(technique).and_then(|request| request.body.as_ref());
    profile.answer_of(technique).is_some_and(has_no_start)
        && path.into_iter().chain(body).any(|text| asks_with_cursor(text))
}

/// Why an answer says nothing that takes no notice of an Upgrade. A server may ignore one, as one does that has no WebSocket
/// there, and it is for one connection: a proxy that does not know it leaves it out (RFC 9110 section 7.8).
fn not_upgraded(asked_for: &str, code: u16) -> String {
    let hint = if code == 426 {
        "a proxy before the target may have dropped Upgrade"
    } else {
        "is that the path of `[websocket]` in the profile?"
    };
    format!("{asked_for} is answered with {code}, as if no upgrade were asked for; {hint}")
}

/// Why an answer says nothing of any clause, whatever was expected: the target is busy.
pub(crate) fn refuses_work(head: &Head) -> Option<String> {
    let code = head.status_line()?.code;
    matches!(code, 429 | 503)
        .then(|| format!("the target refuses more work with {code}; try fewer --connections"))
}

/// Whether the profile names subprotocols of the target and has none of them offered.
fn offers_nothing(subject: &Subject) -> bool {
    let profile = &subject.target.profile;
    let offers = |name: &String| name.eq_ignore_ascii_case("Sec-WebSocket-Protocol");
    subject.case.technique == "websocket"
        && profile.websocket.as_ref().is_some_and(|websocket| !websocket.subprotocols.is_empty())
        && !profile.headers.keys().any(offers)
}

/// How it is said that a target is silent.
pub(crate) const SILENCE: &str = "the target takes the connection and answers nothing";

/// Why silence says nothing of the clause: where the precondition gets no byte, there may be no server at all.
pub(crate) fn nobody_answers(window: Duration) -> String {
    format!("{SILENCE} within {window:?}")
}

/// Why nothing can be said of a technique that ends what it has just opened: the target does not know what is asked for,
/// or whom it talks to. `how` says by what.
pub(crate) fn closed_at_once(subject: &Subject, how: &str) -> Option<String> {
    (subject.case.section().front_matter.precondition == Some(Precondition::Technique)).then(|| {
        format!(
            "the target opens the connection and ends it at once {how}; is the path right, and does it want \
             credentials? see [headers] in the profile"
        )
    })
}

/// Why what came says nothing of the clause: it cannot be read. That it is so is for an invariant to say.
pub(crate) fn garbled(why: &str) -> String {
    format!("what the target sends cannot be read: {why}")
}

/// Why what does not open says nothing of the clause: it was asked for as in the precondition, which has opened, or the case
/// would not run.
pub(crate) fn shut(what: &str, received: &str) -> String {
    format!(
        "the target opens {what} for the precondition and not for this one ({received}); if it limits how many are open, try fewer --connections"
    )
}

/// Why nothing can be said of events: what comes makes none.
pub(crate) fn no_event(what: &str) -> String {
    format!("what comes makes no event: {what}; an event is a line `data: …` with an empty line behind it")
}

/// Why nothing can be published: the recipe is not answered as one that is right.
pub(crate) fn unpublished(why: &str) -> String {
    let hint = if why.ends_with(" was 404") || why.ends_with(" was 405") {
        "is that the path of `request` in [publish] of the profile?"
    } else {
        "see [publish] in the profile"
    };
    format!("publishing failed: {why}; {hint}")
}

/// What the profile says and the target does not do, where a precondition asks for just that.
pub(crate) fn untrue_profile(subject: &Subject, by_the_profile: &str, received: &str) -> Option<String> {
    let Some(Precondition::Capability(capability, _)) = &subject.case.section().front_matter.precondition
    else {
        return None;
    };
    Some(format!(
        "`{capability}` of the profile does not hold: expected {by_the_profile}, received {received}"
    ))
}

/// Why a body that is not what the profile says of it says nothing of the clause. One that is no JSON at all is the
/// server's, unless none was.
pub(crate) fn undecoded(subject: &Subject, why: &DecodeError, technique: &str) -> Option<String> {
    let shape = !matches!(why, DecodeError::Json(_));
    (shape || subject.case.checks_the_profile()).then(|| format!("{why}; see [{technique}] in the profile"))
}

/// Why the refusal of a request that the case writes out says nothing: the fields that the profile gives go with it, and
/// the server may not have read so far.
pub(crate) fn misses_the_headers(subject: &Subject, head: &Head) -> Option<String> {
    let refused = head.status_line().is_some_and(|line| matches!(line.code, 401 | 403 | 407));
    (refused && !subject.target.profile.headers.is_empty())
        .then(|| "the target wants credentials of a request that the case writes out, and may not have read its [headers]".to_owned())
}

/// Why the refusal of a request of HTTP/1.0 says nothing: a server need not serve that version, and says so with 505, or with
/// 426 and the version that it wants (RFC 9110 sections 15.6.6 and 15.5.22).
pub(crate) fn serves_no_1_0(head: &Head) -> Option<String> {
    let code = head.status_line().map(|line| line.code).filter(|code| matches!(code, 426 | 505))?;
    Some(format!("the target does not serve HTTP/1.0, and says so with {code}"))
}

/// Why a close frame says nothing of the clause: the target has more connections than it wants, or is going down.
pub(crate) fn busy(frame: &Frame) -> Option<String> {
    let again = frame.close_code().filter(|code| matches!(code, 1012 | 1013))?;
    Some(format!("the target sends clients away with the close code {again}; try fewer --connections"))
}
