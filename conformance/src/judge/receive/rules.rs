//! What must hold of the heads of HTTP, whatever the case.

use pushspec_wire::http1::{FactKind, Head, Line};

use crate::judge::verdict::invariant::Invariant;
use crate::transcript::shown::shown;

use super::asked::Asked;
use super::body::Body;
use super::content::is_event_stream;
use super::sink::Sink;

/// Judges the lines of a head: of an answer or of a request.
pub(super) fn judge_lines(head: &Head, sink: &mut Sink<'_>) {
    use FactKind as F;
    let judged = [Invariant::HttpLineEnds, Invariant::NoBareCr, Invariant::HttpHeads, Invariant::HttpFields];
    sink.relevant(&judged);
    let mut lines = head.lines.iter().peekable();
    let mut line = None;
    for fact in head.facts() {
        // The facts come in the order of the lines.
        while let Some(next) = lines.next_if(|next| next.offset <= fact.offset) {
            line = Some(next);
        }
        let invariant = match fact.kind {
            F::BareLineFeed => Invariant::HttpLineEnds,
            F::BareCarriageReturn => Invariant::NoBareCr,
            F::EmptyLineBeforeStartLine | F::MalformedStartLine | F::MissingSpaceAfterStatusCode => {
                Invariant::HttpHeads
            }
            _ => Invariant::HttpFields,
        };
        let seen = || {
            let line = line.map(Line::encode).unwrap_or_default();
            format!("{} in the line {}", fact.kind.in_words(), shown(&line))
        };
        sink.breach_of(invariant, seen);
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
    sink.relevant(&[Invariant::LengthNotWithTransferCoding]);
    if head.value("Content-Length").is_some() && head.value("Transfer-Encoding").is_some() {
        sink.breach(Invariant::LengthNotWithTransferCoding, format!("both fields in the answer {answer}"));
    }
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
        for (name, invariant) in [
            ("Content-Length", Invariant::NoLengthWithoutBody),
            ("Transfer-Encoding", Invariant::NoCodingWithoutBody),
        ] {
            sink.relevant(&[invariant]);
            if head.value(name).is_some() {
                sink.breach(invariant, format!("the field `{name}` in the answer {answer}"));
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
