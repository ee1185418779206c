//! The framing of a body: its coded bytes in, the bytes of its content and its end out (RFC 9112 sections 6 and 7).

use pushspec_wire::chunked::{self, ChunkScanner};
use pushspec_wire::http1::Head;

use crate::judge::verdict::invariant::Invariant;
use crate::transcript::shown::shown;

use super::sink::Sink;

/// The longest line of the chunked coding that is read: a size with its extensions, or a trailer.
const MAX_LINE: usize = 64 * 1024;

/// How the end of a body is known (RFC 9112 section 6.3).
#[derive(Debug)]
pub(crate) enum Coding {
    /// So many bytes are still to come.
    Length(u64),
    /// The chunked coding.
    Chunked(Box<ChunkScanner>),
    /// The connection's end is the body's end.
    UntilClose,
}

/// What a piece of a coded body brought.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    /// The bytes of the content.
    pub(crate) bytes: Vec<u8>,
    /// The body is complete; these bytes come behind it.
    pub(crate) rest: Option<Vec<u8>>,
    /// The coding cannot be read from here.
    pub(crate) unreadable: Option<String>,
    /// The last chunk has come, and the empty line behind it has not.
    pub(crate) at_last_chunk: bool,
}

impl Coding {
    /// The coding that a head names; `None` where it names none.
    pub(super) fn named(head: &Head) -> Option<Coding> {
        if head.lists("Transfer-Encoding", "chunked") {
            return Some(Coding::Chunked(Box::default()));
        }
        let length = head.value("Content-Length")?;
        std::str::from_utf8(&length).ok()?.parse().ok().map(Coding::Length)
    }

    /// How many bytes it holds.
    pub(super) fn held(&self) -> usize {
        match self {
            Coding::Chunked(scanner) => 2 * scanner.buffered(),
            Coding::Length(_) | Coding::UntilClose => 0,
        }
    }

    /// Bytes came.
    pub(super) fn push(&mut self, bytes: &[u8], sink: &mut Sink<'_>) -> Decoded {
        match self {
            Coding::UntilClose => Decoded { bytes: bytes.to_vec(), ..Decoded::default() },
            Coding::Length(left) => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= taken as u64;
                let rest = (*left == 0).then(|| bytes[taken..].to_vec());
                Decoded { bytes: bytes[..taken].to_vec(), rest, ..Decoded::default() }
            }
            Coding::Chunked(scanner) => unchunk(scanner, bytes, sink),
        }
    }
}

fn unchunk(scanner: &mut ChunkScanner, bytes: &[u8], sink: &mut Sink<'_>) -> Decoded {
    let mut decoded = Decoded::default();
    sink.relevant(&[Invariant::Chunked]);
    scanner.push(bytes);
    while let Some(item) = scanner.next_item() {
        sink.step();
        for fact in chunked::facts(&item) {
            let seen = || format!("{} in {}", fact.kind.in_words(), shown(&item.encode()));
            sink.breach_of(Invariant::Chunked, seen);
        }
        match item {
            chunked::Item::Data(data) => decoded.bytes.extend(data.bytes),
            chunked::Item::End(_) => decoded.rest = Some(scanner.rest()),
            chunked::Item::Unreadable(data) => {
                let why = format!("the chunked coding cannot be read from {} on", shown(&data.bytes));
                sink.breach(Invariant::Chunked, why.clone());
                decoded.unreadable = Some(why);
            }
            chunked::Item::Size(line) => decoded.at_last_chunk = line.size == Some(0),
            chunked::Item::AfterData(_) | chunked::Item::Trailer(_) => {}
        }
    }
    if decoded.rest.is_none() && scanner.buffered() > MAX_LINE {
        let why = format!("more than {MAX_LINE} bytes came without an end of the line of a chunk");
        decoded.unreadable.get_or_insert(why);
    }
    decoded
}
