//! From the outcome of a run to what is stored of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::line_of::line_of;
use super::{
    Attempt, Case, CasePlace, Clause, Finding, Gone, Place, Recorded, Report, SCHEMA, Summary, Target, Tool,
};
use crate::calendar::rfc3339;
use crate::escape::quoted;
use crate::judge::{self, Verdict};
use crate::outcome::{CaseOutcome, Counts, Ending, Outcome};
use crate::report::Invocation;
use crate::suite::Suite;
use crate::transcript::milliseconds;
use crate::transcript::{Line, Transcript, first_lines};

/// How many lines of a transcript a report has in any case.
const SHORT: usize = 40;

/// How much it has of transcripts with more lines in all, in bytes: what is two bytes on the wire takes hundreds in a report.
const LONG: usize = 8 * 1024 * 1024;

/// What a line takes beside its text, in bytes, and what the fields of a frame take.
const BESIDE: usize = 60;
const FRAME: usize = 100;

/// The room that is left for transcripts that are long, in bytes.
struct Room(usize);

impl Room {
    /// The lines of a transcript, as far as there is room for them.
    fn lines(&mut self, transcript: &Transcript) -> Vec<Line> {
        let lines = first_lines(transcript, if self.0 > 0 { usize::MAX } else { SHORT });
        if lines.len() > SHORT {
            let size = |line: &Line| {
                let hex = line.bytes.as_ref().map_or(0, |bytes| bytes.hex.len());
                let frame = if line.frame.is_some() { FRAME } else { 0 };
                line.text.len() + hex + frame + BESIDE
            };
            self.0 = self.0.saturating_sub(lines.iter().map(size).sum());
        }
        lines
    }
}

impl Report {
    /// A report of an outcome, where the library ran the suite.
    pub fn new(outcome: &Outcome, strict: bool) -> Report {
        let suite = Suite {
            pages: Vec::new(),
            cases: Vec::new(),
            catalogue: Arc::clone(&outcome.catalogue),
            unread: Vec::new(),
        };
        Report::of(&suite, outcome, &Invocation { strict, of_library: true, ..Invocation::default() })
    }

    /// A report of an outcome.
    pub fn of(suite: &Suite, outcome: &Outcome, invocation: &Invocation) -> Report {
        // What came out of the run has no secrets; what the program was called with may.
        let invocation = &invocation.without(&outcome.secrets);
        let strict = invocation.strict;
        let mut room = Room(LONG);
        let mut cases: Vec<Case> =
            outcome.cases.iter().map(|case| stored(case, invocation, &mut room)).collect();
        point_into_other_cases(&mut cases);
        if outcome.shard.is_some() {
            let positions: BTreeMap<&str, usize> =
                suite.cases.iter().enumerate().map(|(at, case)| (case.id.as_str(), at)).collect();
            for case in &mut cases {
                case.position = positions.get(case.id.as_str()).copied();
            }
        }
        Report {
            schema: SCHEMA.to_owned(),
            tool: Tool { name: "pushspec".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
            target: Target { url: outcome.target.clone(), built_in: invocation.built_in },
            conformant: outcome.is_conformant(strict),
            objections: outcome.objections(strict),
            objections_to_run: outcome.objections_to_the_run(),
            notes: invocation.notes.iter().cloned().chain(outcome.serves_at_once.map(few)).collect(),
            interrupted: outcome.ending == Some(Ending::Stopped),
            gone: gone(outcome),
            overdue_ms: match &outcome.ending {
                Some(Ending::Overdue { limit }) => Some(milliseconds(*limit)),
                _ => None,
            },
            out_of_files: outcome.ending == Some(Ending::OutOfFiles),
            ends: outcome.ends.clone(),
            strict,
            fault: invocation.fault.clone(),
            shard: outcome.shard,
            started: rfc3339(outcome.started),
            arguments: invocation.arguments.clone(),
            duration_ms: milliseconds(outcome.duration),
            summary: summary(outcome, invocation),
            cases,
            clauses: clauses(suite, outcome),
        }
    }
}

/// Says how many connections a server serves at once, where they are few.
fn few(most: usize) -> String {
    let count = if most == 1 { "1 connection".to_owned() } else { format!("{most} connections") };
    format!("the server serves {count} at once: no more are open, and what needs more is skipped")
}

fn gone(outcome: &Outcome) -> Option<Gone> {
    match &outcome.ending {
        Some(Ending::Gone { after, why, running }) => {
            Some(Gone { after_ms: milliseconds(*after), why: why.clone(), running: running.clone() })
        }
        _ => None,
    }
}

fn summary(outcome: &Outcome, invocation: &Invocation) -> Summary {
    let by_technique = outcome.by_technique().into_iter();
    Summary {
        total: spelled(&outcome.counts()),
        excluded: outcome.excluded.clone(),
        exclude: invocation.exclude.clone(),
        unjudged: outcome.unjudged.clone(),
        by_technique: by_technique.map(|(name, counts)| (name.to_owned(), spelled(&counts))).collect(),
    }
}

fn spelled(counts: &Counts) -> BTreeMap<String, usize> {
    let count = |verdict: Verdict| (verdict.spelling().to_owned(), counts.of(verdict));
    Verdict::ALL.into_iter().map(count).collect()
}

fn clauses(suite: &Suite, outcome: &Outcome) -> Vec<Clause> {
    let stored = |clause: &crate::outcome::ClauseOutcome| {
        let written = suite.catalogue.clause(&clause.id);
        Clause {
            id: clause.id.clone(),
            level: clause.level,
            text: written.map(|written| written.text.clone()).unwrap_or_default(),
            note: written.and_then(|written| written.note.clone()),
            specification: written.map(|written| written.specification.clone()).unwrap_or_default(),
            section: written.map(|written| written.section().to_owned()).unwrap_or_default(),
            link: written.map(|written| written.link.clone()).unwrap_or_default(),
            cases: clause.cases.clone(),
            verdict: clause.verdict,
        }
    };
    outcome.clauses.iter().map(stored).collect()
}

fn stored(outcome: &CaseOutcome, invocation: &Invocation, room: &mut Room) -> Case {
    let case = &outcome.case;
    let transcript = room.lines(&outcome.transcript);
    let findings = findings(&outcome.findings, &transcript);
    Case {
        id: case.id.clone(),
        endpoint: outcome.endpoint.clone(),
        technique: case.folder.clone(),
        title: case.title(),
        page: case.page.title.clone(),
        place: CasePlace { file: case.page.file(), line: case.section().line },
        prose: case.section().prose.trim().to_owned(),
        level: outcome.level,
        clauses: case.clauses().into_iter().map(ToOwned::to_owned).collect(),
        position: None,
        selected: outcome.selected,
        invariant: case.invariant().is_some(),
        verdict: outcome.verdict,
        accepted: outcome.accepted.as_ref().map(|accepted| {
            let ticket = accepted.ticket.iter().map(|ticket| format!(" ({ticket})")).collect::<String>();
            format!("{}{ticket}, by {}", accepted.reason, accepted.baseline)
        }),
        server_output: outcome.server_output.clone(),
        reason: outcome.reason.clone(),
        duration_ms: milliseconds(outcome.duration),
        rerun: rerun(outcome, invocation),
        findings,
        transcript,
        at_first: outcome.at_first.as_deref().map(|first| attempt(first, room)),
        recorded: Recorded::of(outcome),
    }
}

fn attempt(outcome: &CaseOutcome, room: &mut Room) -> Attempt {
    let transcript = room.lines(&outcome.transcript);
    Attempt {
        verdict: outcome.verdict,
        reason: outcome.reason.clone(),
        findings: findings(&outcome.findings, &transcript),
        transcript,
    }
}

/// The line that runs a case again. Of an invariant it is the case in whose traffic it was seen.
fn rerun(outcome: &CaseOutcome, invocation: &Invocation) -> Option<String> {
    let first = outcome.at_first.is_some();
    if matches!(outcome.verdict, Verdict::Pass | Verdict::Skip) && !first {
        return None;
    }
    if invocation.of_library {
        return Some(format!("Options::default().only({:?})", outcome.name()));
    }
    let seen_in = outcome.findings.first().and_then(|finding| finding.seen_in.as_ref());
    let name = match (seen_in, &outcome.endpoint) {
        (Some(id), Some(endpoint)) => format!("{id}@{endpoint}"),
        (Some(id), None) => id.clone(),
        (None, _) => outcome.name(),
    };
    let words = ["pushspec", invocation.command.unwrap_or("run")].map(ToOwned::to_owned).into_iter();
    let words = words.chain(invocation.rerun.iter().cloned());
    let words = words.chain(["--select".to_owned(), name]);
    Some(words.map(|word| quoted(&word)).collect::<Vec<_>>().join(" "))
}

fn findings(findings: &[judge::Finding], transcript: &[Line]) -> Vec<Finding> {
    findings.iter().map(|finding| stored_finding(finding, transcript)).collect()
}

fn stored_finding(finding: &judge::Finding, transcript: &[Line]) -> Finding {
    let place = &finding.place;
    Finding {
        clause: finding.clause.clone(),
        level: finding.level,
        verdict: finding.verdict,
        place: Place {
            file: place.file.clone(),
            line: place.line,
            column: place.column,
            width: place.width,
            source: place.source.clone(),
        },
        expected: finding.expected.clone(),
        received: finding.received.clone(),
        at_ms: milliseconds(finding.at),
        seen_in: finding.seen_in.clone(),
        line: line_of(transcript, &finding.received, milliseconds(finding.at)),
    }
}

/// What an invariant found stands in the transcript of another case.
fn point_into_other_cases(cases: &mut [Case]) {
    let mut places: Vec<(usize, usize, Option<usize>)> = Vec::new();
    let key = |id: &str, case: &Case| (id.to_owned(), case.endpoint.clone());
    let index: BTreeMap<_, &Case> = cases.iter().map(|case| (key(&case.id, case), case)).collect();
    for (at, case) in cases.iter().enumerate() {
        for (which, finding) in case.findings.iter().enumerate() {
            let Some(seen_in) = finding.seen_in.as_ref().and_then(|id| index.get(&key(id, case))) else {
                continue;
            };
            let line = line_of(&seen_in.transcript, &finding.received, finding.at_ms);
            places.push((at, which, line));
        }
    }
    for (at, which, line) in places {
        cases[at].findings[which].line = line;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::catalogue::Level;
    use crate::transcript::{ConnectionId, EventKind};

    #[test]
    fn what_takes_two_bytes_on_the_wire_makes_no_report_without_end() {
        let suite = Suite::embedded().expect("the pages are in order");
        let id = ConnectionId(0);
        let mut transcript = Transcript::default();
        let head = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
        transcript.push(Duration::ZERO, EventKind::Received(id, head.to_vec()));
        transcript.push(Duration::ZERO, EventKind::Received(id, [0x82, 0].repeat(1000)));
        let mut room = Room(LONG);
        let mut size = 0;
        for case in suite.cases.iter().cycle().take(500) {
            let mut outcome = CaseOutcome::skipped(case.clone(), Level::Must, String::new());
            outcome.transcript = transcript.clone();
            outcome.at_first = Some(Box::new(outcome.clone()));
            let stored = stored(&outcome, &Invocation::default(), &mut room);
            assert!(stored.transcript.len() > SHORT);
            size += serde_json::to_string(&stored).map_or(0, |text| text.len());
        }
        assert!(size < 16 << 20, "{size}");
        let short = room.lines(&transcript);
        assert_eq!(short.len(), SHORT + 1);
        assert_eq!(short[SHORT].text, "… 962 lines were not recorded");
    }
}
