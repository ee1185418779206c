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

    /// Whether it is a message with exactly this text, which must need no escapes.
    pub(crate) fn has_text(&self, text: &str) -> bool {
        match self {
            Self::Event(event) => event.text() == text.as_bytes(),
            Self::Script(script) => String::from_utf8_lossy(script).contains(&format!("\"data\":\"{text}\"")),
            Self::Other(_) => false,
        }
    }

    /// The bytes of the piece.
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Event(event) => event.encode(),
            Self::Script(bytes) | Self::Other(bytes) => bytes.clone(),
        }
    }
}

/// Cuts a stream into pieces as early as they can be known.
#[derive(Debug)]
pub(super) enum Splitter {
    Events { scanner: LineScanner, lines: Vec<Line> },
    Scripts(Vec<u8>),
}

impl Splitter {
    /// For the stream of a technique.
    pub(super) fn of(technique: &str) -> Option<Self> {
        match technique {
            "sse" => Some(Self::Events { scanner: LineScanner::new(), lines: Vec::new() }),
            "iframe" => Some(Self::Scripts(Vec::new())),
            _ => None,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<Piece> {
        match self {
            Self::Events { scanner, lines } => {
                scanner.push(bytes);
                std::iter::from_fn(|| scanner.next_item())
                    .filter_map(|item| next_event(lines, item))
                    .collect()
            }
            Self::Scripts(buffer) => {
                buffer.extend_from_slice(bytes);
                std::iter::from_fn(|| next_element(buffer)).collect()
            }
        }
    }

    /// The bytes that are in no piece yet.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        match self {
            Self::Events { scanner, lines } => {
                let begun = mem::take(lines).iter().flat_map(Line::encode).collect::<Vec<_>>();
                let unfinished = std::iter::from_fn(|| scanner.finish()).flat_map(|item| item.encode());
                begun.into_iter().chain(unfinished).collect()
            }
            Self::Scripts(buffer) => mem::take(buffer),
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

fn next_element(buffer: &mut Vec<u8>) -> Option<Piece> {
    let len = match find(buffer, START, 0) {
        Some(0) => {
            let close = find(buffer, END, START.len())?;
            let len = close + buffer.get(close..)?.iter().position(|&byte| byte == b'>')? + 1;
            return Some(Piece::Script(buffer.drain(..len).collect()));
        }
        Some(start) => start,
        // What may be the beginning of a start tag waits for the rest of it.
        None => buffer.len() - tail(buffer),
    };
    (len > 0).then(|| Piece::Other(buffer.drain(..len).collect()))
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
    fn a_text_is_known_in_either_technique() {
        assert!(cut("sse", "id: 1\ndata: two\n\n")[0].has_text("two"));
        assert!(cut("iframe", "<script>f({\"data\":\"two\"})</script>")[0].has_text("two"));
    }
}
