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
    let mut lines = Lines::of(head);
    for fact in head.facts() {
        let line = lines.at(fact.offset);
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

/// The lines of a head, of which each is found once however many there are: what is asked for comes in their order.
struct Lines<'a> {
    rest: &'a [Line],
    line: Option<&'a Line>,
    /// How many lines were looked at so far, each as often as that happened.
    work: usize,
}

impl<'a> Lines<'a> {
    fn of(head: &'a Head) -> Lines<'a> {
        Lines { rest: &head.lines, line: None, work: 0 }
    }

    /// The line in which an offset is. No offset is before that of the last call.
    fn at(&mut self, offset: usize) -> Option<&'a Line> {
        while let Some((next, rest)) = self.rest.split_first() {
            self.work += 1;
            if next.offset > offset {
                break;
            }
            (self.line, self.rest) = (Some(next), rest);
        }
        self.line
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

#[cfg(test)]
mod tests {
    use pushspec_wire::http1::HeadScanner;

    use super::*;

    #[test]
    fn the_lines_of_what_is_wrong_in_a_head_are_looked_at_once() {
        let work = |unit: &[u8], count: usize| {
            let mut scanner = HeadScanner::new();
            let bytes = [b"HTTP/1.1 200 OK\r\n", &unit.repeat(count)[..], b"\r\n"].concat();
            bytes.chunks(1).for_each(|byte| scanner.push(byte));
            let head = scanner.next_head().expect("a whole head");
            let facts = head.facts();
            let mut lines = Lines::of(&head);
            for fact in &facts {
                let line = lines.at(fact.offset).expect("the line of the fact");
                assert!((line.offset..=line.offset + line.content.len() + 1).contains(&fact.offset));
            }
            (lines.work, facts.len())
        };
        for unit in [&b"a\n"[..], b"a\r\n", b" \r\n", b"a: b\r\n", b": \x01\x02\r\n", b"a\r: \x01\n"] {
            let ((once, facts), (twice, _)) = (work(unit, 1000), work(unit, 2000));
            assert!(once <= 1002 + facts, "{unit:?}: {once} for {facts} facts");
            assert!(twice <= 2 * once + 2, "{unit:?}: {once}, then {twice}");
        }
    }
}
