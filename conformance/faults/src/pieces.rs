//! Cutting a stream where its technique has its seams: events of an event stream, script elements of an iframe.

use std::mem;

use pushspec_wire::event_stream::{Item, Line, LineKind, LineScanner};

/// A part of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// An event with data.
    Event(Event),
    /// A script element, from its start tag to its end tag.
    Script(Vec<u8>),
    /// Anything else: comments, white space, fields of a stream without data.
    Other(Vec<u8>),
}

/// The lines of an event up to its blank line. They end with LF, as the reference server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// The lines without their ends.
    pub(crate) lines: Vec<Vec<u8>>,
}

impl Event {
    /// The bytes of the event and its blank line.
    pub(crate) fn encode(&self) -> Vec<u8> {
        [self.lines.join(&b'\n'), b"\n\n".to_vec()].concat()
    }

    /// The values of the fields of that name, if it has the usual space behind its colon.
    pub(crate) fn values(&self, name: &str) -> Vec<&[u8]> {
        let prefix = format!("{name}: ");
        self.lines.iter().filter_map(|line| line.strip_prefix(prefix.as_bytes())).collect()
    }

    /// The text of the event.
    pub(crate) fn text(&self) -> Vec<u8> {
        self.values("data").join(&b'\n')
    }

    /// The number of data lines.
    pub(crate) fn height(&self) -> usize {
        self.values("data").len()
    }

    /// The same event with other data, in as many lines as it has line feeds.
    pub(crate) fn with_text(mut self, text: &[u8]) -> Self {
        self.lines.retain(|line| !line.starts_with(b"data:"));
        self.lines.extend(text.split(|&byte| byte == b'\n').map(|line| [b"data: ", line].concat()));
        self
    }
}

impl Piece {
    /// Whether it is a message.
    pub(crate) fn is_message(&self) -> bool {
        !matches!(self, Self::Other(_))
    }

    /// The bytes of the piece.
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Event(event) => event.encode(),
            Self::Script(bytes) | Self::Other(bytes) => bytes.clone(),
        }
    }
}

/// The longest piece that is waited for. What is longer passes in pieces that are no messages.
const MAX_PIECE: usize = 16 * 1024 * 1024;

/// What a line takes beside its bytes.
const LINE: usize = size_of::<Line>();

/// Cuts a stream into pieces as early as they can be known.
#[derive(Debug)]
pub(super) struct Splitter {
    seams: Seams,
    /// How many bytes wait.
    waiting: usize,
}

#[derive(Debug)]
enum Seams {
    Events { scanner: LineScanner, lines: Vec<Line> },
    Scripts(Scripts),
}

/// What has come of an element that is not complete.
#[derive(Debug, Default)]
struct Scripts {
    buffer: Vec<u8>,
    /// How much of it is in pieces.
    taken: usize,
    /// How much of the element behind that was looked at.
    searched: usize,
    /// Where in the element its end tag begins.
    close: Option<usize>,
    /// How many bytes were looked at or moved so far.
    work: u64,
}

impl Splitter {
    /// For the stream of a technique.
    pub(super) fn of(technique: &str) -> Option<Self> {
        let seams = match technique {
            "sse" => Seams::Events { scanner: LineScanner::new(), lines: Vec::new() },
            "iframe" => Seams::Scripts(Scripts::default()),
            _ => return None,
        };
        Some(Self { seams, waiting: 0 })
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<Piece> {
        self.waiting += bytes.len();
        let mut pieces: Vec<Piece> = match &mut self.seams {
            Seams::Events { scanner, lines } => {
                scanner.push(bytes);
                let waiting = &mut self.waiting;
                let item = || {
                    let item = scanner.next_item()?;
                    *waiting += LINE;
                    Some(item)
                };
                std::iter::from_fn(item).filter_map(|item| next_event(lines, item)).collect()
            }
            Seams::Scripts(scripts) => {
                scripts.buffer.extend_from_slice(bytes);
                let pieces = std::iter::from_fn(|| scripts.next()).collect();
                scripts.drop_taken();
                pieces
            }
        };
        if !pieces.is_empty() {
            self.waiting = self.unfinished();
        }
        if self.waiting > MAX_PIECE {
            pieces.push(Piece::Other(self.rest()));
        }
        pieces
    }

    /// How many bytes are in no piece yet.
    fn unfinished(&self) -> usize {
        match &self.seams {
            Seams::Events { scanner, lines } => {
                let lines = lines.iter().map(|line| line.content.len() + LINE).sum::<usize>();
                scanner.buffered() + lines
            }
            Seams::Scripts(scripts) => scripts.buffer.len(),
        }
    }

    /// How many bytes wait, with what it takes to keep them.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// The bytes that are in no piece yet.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        self.waiting = 0;
        match &mut self.seams {
            Seams::Events { scanner, lines } => {
                let begun = mem::take(lines).iter().flat_map(Line::encode).collect::<Vec<_>>();
                let unfinished = std::iter::from_fn(|| scanner.finish()).flat_map(|item| item.encode());
                begun.into_iter().chain(unfinished).collect()
            }
            Seams::Scripts(scripts) => mem::take(scripts).buffer,
        }
    }
}

fn next_event(lines: &mut Vec<Line>, item: Item) -> Option<Piece> {
    let line = match item {
        Item::Line(line) => line,
        Item::ByteOrderMark { .. } => return Some(Piece::Other(item.encode())),
        Item::LineFeedAfterReturn { .. } => return None,
    };
    match line.kind() {
        LineKind::Comment(_) if lines.is_empty() => Some(Piece::Other(line.encode())),
        LineKind::Blank => {
            let block = mem::take(lines);
            let is_data = |line: &Line| matches!(line.kind(), LineKind::Field { name: b"data", .. });
            if block.iter().any(is_data) {
                return Some(Piece::Event(Event {
                    lines: block.into_iter().map(|line| line.content).collect(),
                }));
            }
            Some(Piece::Other(block.iter().chain([&line]).flat_map(Line::encode).collect()))
        }
        _ => {
            lines.push(line);
            None
        }
    }
}

const START: &[u8] = b"<script";
const END: &[u8] = b"</script";

impl Scripts {
    fn next(&mut self) -> Option<Piece> {
        let rest = &self.buffer[self.taken..];
        if begins_with(rest, START) {
            return self.script().map(Piece::Script);
        }
        // What may be the beginning of a start tag waits for the rest of it.
        let len = find(rest, START, 0).unwrap_or_else(|| rest.len() - tail(rest));
        self.work += len as u64 + START.len() as u64;
        (len > 0).then(|| Piece::Other(self.take(len)))
    }

    /// The element at the beginning, if it is complete.
    fn script(&mut self) -> Option<Vec<u8>> {
        let close = match self.close {
            Some(close) => close,
            None => {
                let from = self.searched.max(START.len());
                let close = self.look_for(END, from)?;
                *self.close.insert(close)
            }
        };
        let end = self.look_for(b">", self.searched.max(close))?;
        Some(self.take(end + 1))
    }

    /// Where something stands in the element, from a place on. What was looked at in vain is not looked at again.
    fn look_for(&mut self, wanted: &[u8], from: usize) -> Option<usize> {
        let rest = &self.buffer[self.taken..];
        let found = find(rest, wanted, from);
        let end = found.unwrap_or_else(|| (rest.len() + 1).saturating_sub(wanted.len()).max(from));
        self.work += (end - from + wanted.len()) as u64;
        self.searched = end;
        found
    }

    fn take(&mut self, len: usize) -> Vec<u8> {
        let taken = self.buffer[self.taken..][..len].to_vec();
        self.work += len as u64;
        self.taken += len;
        (self.searched, self.close) = (0, None);
        taken
    }

    /// Moves what is in no piece yet to the beginning.
    fn drop_taken(&mut self) {
        if self.taken > 0 {
            self.work += (self.buffer.len() - self.taken) as u64;
            self.buffer.drain(..self.taken);
            self.taken = 0;
        }
    }
}

fn begins_with(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.get(..wanted.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(wanted))
}

/// How many bytes at the end may be the beginning of a start tag.
fn tail(buffer: &[u8]) -> usize {
    let begins = |len: &usize| {
        buffer.len().checked_sub(*len).is_some_and(|at| buffer[at..].eq_ignore_ascii_case(&START[..*len]))
    };
    (1..START.len()).rev().find(begins).unwrap_or(0)
}

fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(wanted.len()).position(|window| window.eq_ignore_ascii_case(wanted)).map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cut at every place, the pieces are the same, and nothing is lost.
    fn cut(technique: &str, stream: &str) -> Vec<Piece> {
        let split = |at: usize| {
            let mut splitter = Splitter::of(technique).expect("a technique with streams");
            let (first, second) = stream.as_bytes().split_at(at);
            let mut pieces = splitter.push(first);
            pieces.extend(splitter.push(second));
            let bytes: Vec<u8> = pieces.iter().flat_map(Piece::encode).chain(splitter.rest()).collect();
            assert_eq!(bytes, stream.as_bytes(), "cut at {at}");
            pieces
        };
        (0..=stream.len()).for_each(|at| {
            let messages =
                |pieces: Vec<Piece>| pieces.into_iter().filter(Piece::is_message).collect::<Vec<_>>();
            assert_eq!(messages(split(at)), messages(split(0)), "cut at {at}");
        });
        split(0)
    }

    #[test]
    fn events_end_with_a_blank_line_and_comments_stand_alone() {
        let pieces =
            cut("sse", ": hello\nretry: 1\n\nid: 1\ndata: a\ndata: b\n\n:\ndata: c\n: in it\n\ndata: cut");
        let texts: Vec<_> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Event(event) => String::from_utf8_lossy(&event.text()).into_owned(),
                other => format!("{:?}", String::from_utf8_lossy(&other.encode())),
            })
            .collect();
        assert_eq!(texts, ["\": hello\\n\"", "\"retry: 1\\n\\n\"", "a\nb", "\":\\n\"", "c"]);
    }

    #[test]
    fn scripts_are_whole_elements() {
        let pieces =
            cut("iframe", "<!-- x --><scripted\n<SCRIPT>a(\"two\")</Script >\n<script>b()</script>\n<scr");
        let scripts: Vec<_> = pieces.iter().filter(|piece| piece.is_message()).map(Piece::encode).collect();
        assert_eq!(scripts[0], b"<scripted\n<SCRIPT>a(\"two\")</Script >");
        assert_eq!(scripts[1], b"<script>b()</script>");
    }

    #[test]
    fn what_is_not_complete_is_looked_at_once_however_it_is_cut() {
        let work = |technique: &str, beginning: &str, unit: &str, count: usize, size: usize| {
            let mut splitter = Splitter::of(technique).expect("a technique with streams");
            let stream = beginning.to_owned() + &unit.repeat(count);
            stream.as_bytes().chunks(size).for_each(|piece| drop(splitter.push(piece)));
            match splitter.seams {
                Seams::Events { scanner, .. } => scanner.work(),
                Seams::Scripts(scripts) => scripts.work,
            }
        };
        for (technique, beginning, unit) in [
            ("iframe", "<script>", "a"),
            ("iframe", "<script>", "</script"),
            ("iframe", "<script></script", "a"),
            ("iframe", "<script></script", "<b"),
            ("iframe", "", "<"),
            ("iframe", "", "a"),
            ("iframe", "", "<script></script>"),
            ("sse", "", "a"),
            ("sse", "", "data\n"),
            ("sse", "", ":\n\n"),
            ("sse", "data: ", "\r"),
        ] {
            for size in [1, 16 * 1024] {
                let work = |count: usize| work(technique, beginning, unit, count, size);
                let (once, twice) = (work(4000), work(8000));
                let bytes = 4000 * unit.len() + beginning.len();
                assert!(once <= 24 * bytes as u64, "{beginning}{unit}, {size} at a time: {once}");
                assert!(twice <= 2 * once + 64, "{beginning}{unit}, {size} at a time: {once}, then {twice}");
            }
        }
    }
}
