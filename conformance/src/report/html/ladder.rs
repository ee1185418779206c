//! What went over the wire, as a ladder: time runs down, the suite stands on the left and the server on the right.
//!
//! A ladder is data first. The page has it as it is where it matters, and packed elsewhere: there the script draws it.

use maud::{Markup, html};
use serde::Serialize;

use crate::escape::visible;
use crate::report::readable::readable;
use crate::transcript::{Direction, FrameFields, Line};

/// How many lines are shown at the beginning and at the end of a transcript in which nothing deviates; and about how many of
/// all of them, for there are many such transcripts on a page.
const FIRST: usize = 16;
const LAST: usize = 4;
const IN_ALL: usize = 10_000;

/// The same where something deviates, and how many are shown before and behind each line that does.
const FIRST_OF_DEVIATING: usize = 60;
const LAST_OF_DEVIATING: usize = 10;
const AROUND: usize = 10;

/// A ladder: what went at once is a rung, and `None` stands for rungs that are left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Ladder(Vec<Option<Rung>>);

/// What went at once, in one direction: the time, `s` (sent), `r` (received) or `e` (an event), the name of the connection,
/// and the lines.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Rung(String, char, String, Vec<Shown>);

/// A line: its text, the note, the fields of the frame, the bytes and how many there are. The end of it is left out where it
/// is empty.
#[derive(Debug, Clone, PartialEq, Default)]
struct Shown {
    text: String,
    note: String,
    fields: String,
    hex: String,
    length: usize,
    is_marked: bool,
}

/// As short as it can be, for the pack: the text alone is a string, and with more it is a list. The digits are left out where
/// the text says each byte, and the spaces between them always.
impl Serialize for Shown {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Shown { text, note, fields, hex, length, is_marked: _ } = self;
        let is_string = text.starts_with(['"', '\'', 'x']) && text.ends_with(['"', '\'']);
        let hex = if is_string { String::new() } else { hex.replace(' ', "") };
        match (note.is_empty() && fields.is_empty(), hex.is_empty()) {
            (true, true) => to.serialize_str(text),
            (false, true) => (text, note, fields).serialize(to),
            (_, false) => (text, note, fields, hex, length).serialize(to),
        }
    }
}

impl Ladder {
    /// The ladder of a transcript, one of so many on the page; the lines with these numbers deviate.
    pub(super) fn of(lines: &[Line], marks: &[usize], transcripts: usize) -> Ladder {
        let (first, last) = if marks.is_empty() {
            ((IN_ALL / transcripts.max(1)).clamp(LAST, FIRST), LAST)
        } else {
            (FIRST_OF_DEVIATING, LAST_OF_DEVIATING)
        };
        let shown = |index: usize| {
            index < first
                || index + last >= lines.len()
                || marks.iter().any(|mark| index.abs_diff(*mark) <= AROUND)
        };
        let indexed: Vec<(usize, &Line)> = lines.iter().enumerate().collect();
        let goes_together = |(at, one): &(usize, &Line), (behind, other): &(usize, &Line)| {
            one.direction == other.direction
                && one.direction.is_some()
                && one.at_ms == other.at_ms
                && one.connection == other.connection
                && shown(*at) == shown(*behind)
        };
        let mut rungs: Vec<Option<Rung>> = Vec::new();
        for rung in indexed.chunk_by(goes_together) {
            match rung.first() {
                Some((at, first)) if shown(*at) => rungs.push(Some(Rung::of(first, rung, marks))),
                _ if rungs.last().is_some_and(Option::is_none) => {}
                _ => rungs.push(None),
            }
        }
        Ladder(rungs)
    }

    pub(super) fn markup(&self) -> Markup {
        html! {
            figure.wire {
                figcaption { span { "suite" } span { "server" } }
                ol.ladder {
                    @for rung in &self.0 {
                        @match rung { Some(rung) => (rung.markup()), None => li.cut { "…" } }
                    }
                }
            }
        }
    }
}

impl Rung {
    fn of(first: &Line, lines: &[(usize, &Line)], marks: &[usize]) -> Rung {
        let way = match first.direction {
            Some(Direction::Sent) => 's',
            Some(Direction::Received) => 'r',
            None => 'e',
        };
        let at = first.at_ms.map(|at| format!("{at:.1}")).unwrap_or_default();
        let lines = lines.iter().map(|(index, line)| Shown::of(line, marks.contains(index)));
        Rung(at, way, visible(&first.connection), lines.collect())
    }

    fn markup(&self) -> Markup {
        let Rung(at, way, connection, lines) = self;
        let said = match way {
            's' => "sent ",
            'r' => "received ",
            _ => "",
        };
        html! {
            li.(way) {
                @if !at.is_empty() { time { (at) " ms" } }
                div {
                    @if !said.is_empty() { span.hidden { (said) } }
                    @if !connection.is_empty() { span.name { (connection) } }
                    @for line in lines { div { (line.markup()) } }
                }
            }
        }
    }
}

impl Shown {
    fn of(line: &Line, is_marked: bool) -> Shown {
        let text = if line.text.is_empty() { "⏎".to_owned() } else { readable(&line.text) };
        let hex = line.bytes.as_ref().map(|bytes| {
            let rest = if bytes.is_cut() { " …" } else { "" };
            format!("{}{rest}", visible(&bytes.hex))
        });
        Shown {
            text,
            note: line.note.as_deref().map(visible).unwrap_or_default(),
            fields: line.frame.as_ref().map(fields).unwrap_or_default(),
            hex: hex.unwrap_or_default(),
            length: line.bytes.as_ref().map_or(0, |bytes| bytes.length),
            is_marked,
        }
    }

    fn markup(&self) -> Markup {
        let Shown { text, note, fields, hex, length, is_marked } = self;
        html! {
            @if *is_marked { code { mark { (text) } } span.hidden { " deviates" } } @else { code { (text) } }
            @if !note.is_empty() { small { (note) } }
            @if !fields.is_empty() { span.fields { (fields) } }
            @if !hex.is_empty() {
                details.bytes {
                    summary { (length) @if *length == 1 { " byte" } @else { " bytes" } }
                    code { @if *is_marked { mark { (hex) } } @else { (hex) } }
                }
            }
        }
    }
}

/// The fields of a frame, as the specification names them.
fn fields(frame: &FrameFields) -> String {
    let name = pushspec_wire::websocket::Opcode(frame.opcode).name().unwrap_or("reserved");
    let bits = [(4, "RSV1"), (2, "RSV2"), (1, "RSV3")].into_iter().filter(|(bit, _)| frame.rsv & bit != 0);
    let bits: String = bits.map(|(_, word)| format!(" · {word}")).collect();
    let mask = match &frame.mask {
        Some(key) => format!("MASK 1 {}", visible(key)),
        None => "MASK 0".to_owned(),
    };
    format!(
        "FIN {}{bits} · opcode 0x{:x} {name} · {mask} · length {}",
        u8::from(frame.fin),
        frame.opcode,
        frame.length
    )
}
