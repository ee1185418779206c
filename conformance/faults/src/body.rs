//! Where a message body ends, and what is in it (RFC 9112 section 6.3).

use pushspec_wire::chunked::{ChunkScanner, Item};
use pushspec_wire::http1::Head;

/// The longest line of the chunked coding that is waited for; what is longer passes unread.
const MAX_LINE: usize = 256 * 1024;

/// A body that is being read.
#[derive(Debug)]
pub(super) enum Body {
    /// So many bytes are still to come.
    Length(u64),
    Chunked(Box<ChunkScanner>),
    UntilClose,
}

/// What a piece of a body holds.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The bytes of the body with its coding.
    pub(super) raw: Vec<u8>,
    /// The bytes of the body without its coding.
    pub(super) data: Vec<u8>,
    /// The body is complete, and these bytes come after it.
    pub(super) rest: Option<Vec<u8>>,
    /// It cannot be read any further.
    pub(super) is_unread: bool,
}

impl Body {
    /// The body of a request; `None` where it has none.
    pub(super) fn of_request(head: &Head) -> Option<Self> {
        if head.lists("Transfer-Encoding", "chunked") {
            return Some(Self::Chunked(Box::default()));
        }
        length(head).filter(|&length| length > 0).map(Self::Length)
    }

    /// The body of an answer to a request with that method; `None` where it has none.
    pub(super) fn of_answer(head: &Head, method: &str) -> Option<Self> {
        let code = head.status_line().map_or(0, |status| status.code);
        if method == "HEAD" || code < 200 || code == 204 || code == 304 {
            return None;
        }
        if head.lists("Transfer-Encoding", "chunked") {
            return Some(Self::Chunked(Box::default()));
        }
        match length(head) {
            Some(0) => None,
            Some(length) => Some(Self::Length(length)),
            None => Some(Self::UntilClose),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Progress {
        match self {
            Self::UntilClose => Progress { raw: bytes.to_vec(), data: bytes.to_vec(), ..Progress::default() },
            Self::Length(left) => {
                let (taken, rest) =
                    bytes.split_at(usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len()));
                *left -= taken.len() as u64;
                let rest = (*left == 0).then(|| rest.to_vec());
                Progress { raw: taken.to_vec(), data: taken.to_vec(), rest, is_unread: false }
            }
            Self::Chunked(scanner) => {
                let mut progress = unchunk(scanner, bytes);
                if progress.rest.is_none() && scanner.buffered() > MAX_LINE {
                    progress.raw.extend(scanner.rest());
                    progress.is_unread = true;
                    *self = Self::UntilClose;
                }
                progress
            }
        }
    }
}

fn length(head: &Head) -> Option<u64> {
    let value = head.value("Content-Length")?;
    // The standard library's parser also takes a plus sign.
    let digits =
        str::from_utf8(&value).ok().filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}

fn unchunk(scanner: &mut ChunkScanner, bytes: &[u8]) -> Progress {
    scanner.push(bytes);
    let mut progress = Progress::default();
    while let Some(item) = scanner.next_item() {
        item.encode_into(&mut progress.raw);
        match item {
            Item::Data(data) => progress.data.extend(data.bytes),
            Item::End(_) => progress.rest = Some(scanner.rest()),
            _ => {}
        }
    }
    progress
}
