//! What must hold of the heads of HTTP, whatever the case.

use pushspec_wire::http1::{FactKind, Head, Line};

use crate::judge::verdict::invariant::Invariant;
use crate::transcript::shown::shown;

use super::asked::Asked;
use super::body::Body;
use super::content::is_event_stream;
use super::retry_after::is_retry_after;
use super::sink::Sink;

/// Judges the lines of a head: of an answer or of a request.
pub(super) fn judge_lines(head: &Head, sink: &mut Sink<'_>) {
    sink.relevant(&[Invariant::HttpLineEnds, Invariant::HttpHeads]);
    for fact in head.facts() {
        let invariant = match fact.kind {
            FactKind::BareLineFeed | FactKind::BareCarriageReturn => Invariant::HttpLineEnds,
            _ => Invariant::HttpHeads,
        };
        let line = head.lines.iter().rev().find(|line| line.offset <= fact.offset);
        let line = line.map(Line::encode).unwrap_or_default();
        sink.breach(invariant, format!("{} in the line {}", fact.kind.in_words(), shown(&line)));
    }
}

/// Judges what the head of an answer says beside where it ends.
pub(super) fn judge_answer(head: &Head, sink: &mut Sink<'_>) {
    sink.relevant(&[Invariant::LengthNotWithTransferCoding, Invariant::RetryAfter]);
    let code = head.status_line().map_or(0, |status| status.code);
    for (of, name, invariant) in
        [(405, "Allow", Invariant::AllowWith405), (426, "Upgrade", Invariant::UpgradeWith426)]
    {
        if code != of {
            continue;
        }
        sink.relevant(&[invariant]);
        if head.value(name).is_none() {
            sink.breach(invariant, format!("no field `{name}` in the answer {}", shown(head.start_line())));
        }
    }
    if let Some(value) = head.value("Retry-After").filter(|value| !is_retry_after(value)) {
        sink.breach(Invariant::RetryAfter, format!("the field `Retry-After: {}`", shown(&value)));
    }
    if head.value("Content-Length").is_some() && head.value("Transfer-Encoding").is_some() {
        let seen = format!("both fields in the answer {}", shown(head.start_line()));
        sink.breach(Invariant::LengthNotWithTransferCoding, seen);
    }
}

/// Whether the head says what it must, and no more, about where the answer ends.
pub(super) fn judge_framing(
    head: &Head,
    status: u16,
    asked: &Asked,
    body: Option<&Body>,
    sink: &mut Sink<'_>,
) {
    let answer = shown(head.start_line());
    if asked.old {
        sink.relevant(&[Invariant::NoInterimFor10, Invariant::NoCodingFor10]);
        if head.value("Transfer-Encoding").is_some() {
            let seen = format!("the field `Transfer-Encoding` in the answer {answer}");
            sink.breach(Invariant::NoCodingFor10, seen);
        }
        // That a WebSocket opened has a case of its own.
        if status < 200 && status != 101 {
            sink.breach(Invariant::NoInterimFor10, format!("the interim answer {answer}"));
        }
    }
    if status < 200 || status == 204 {
        sink.relevant(&[Invariant::NoLengthWithoutBody]);
        for name in ["Content-Length", "Transfer-Encoding"] {
            if head.value(name).is_some() {
                let seen = format!("the field `{name}` in the answer {answer}");
                sink.breach(Invariant::NoLengthWithoutBody, seen);
            }
        }
    }
    // HTML section 9.2.7 advises to do without chunks where they cause delays, and leaves a stream no other end.
    let may_do_without = status == 200 && is_event_stream(head);
    if let Some(body) = body.filter(|_| is_new(head) && !asked.old && !may_do_without) {
        sink.relevant(&[Invariant::EndKnown]);
        if body.ends_with_connection() {
            let seen = format!("neither `Content-Length` nor chunks in the answer {answer}");
            sink.breach(Invariant::EndKnown, seen);
        }
    }
}

/// Whether an answer leaves no doubt that another request may follow on the connection.
pub(super) fn goes_on(head: &Head, status: u16, asked: &Asked, body: Option<&Body>) -> bool {
    let open = !head.lists("Connection", "close") && body.is_none_or(|body| !body.ends_with_connection());
    (200..400).contains(&status) && is_new(head) && open && asked.plain && !asked.old
}

fn is_new(head: &Head) -> bool {
    head.status_line().is_some_and(|status| status.version == b"HTTP/1.1")
}
