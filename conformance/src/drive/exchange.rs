//! One request of HTTP and its answer, for what the suite has to do beside the cases.

use std::io;
use std::time::Duration;

use pushspec_wire::chunked::{self, ChunkScanner};
use pushspec_wire::http1::{Head, HeadScanner};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::stream::Stream;

/// How much of a head is read, in bytes: what a server floods with is not kept.
const LONGEST_HEAD: usize = 256 * 1024;

/// How many lines of heads are read, and how many interim answers.
const MOST_LINES: usize = 4096;
const MOST_INTERIM: usize = 64;

/// How much of the rest of an answer is read, in bytes, and how much of a line of its chunks is kept.
const LONGEST_REST: usize = 1024 * 1024;
const LONGEST_LINE: usize = 64 * 1024;

/// How long the rest of an answer is waited for before its connection is given up.
const REST: Duration = Duration::from_secs(5);

/// How much is read at once.
const READ: usize = 16 * 1024;

/// 101 Switching Protocols.
const SWITCHED: u16 = 101;

/// The head of an answer has come; the body may be on its way.
#[derive(Debug)]
pub(super) struct Answered {
    /// The status code (RFC 9112 section 4).
    pub(super) status: u16,
    pub(super) head: Head,
    body: Body,
    /// What has come of the body, without its coding.
    content: Vec<u8>,
    /// Whether the connection can serve another request behind the body.
    may_go_on: bool,
    /// The connection has ended.
    is_over: bool,
    stream: Stream,
}

/// How the end of a body is known (RFC 9112 section 6.3).
#[derive(Debug)]
enum Body {
    Length(u64),
    Chunked(Box<ChunkScanner>),
    /// It ends with the connection, on which no other request follows.
    UntilClose,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExchangeError {
    /// The connection ended before the first byte: it may have been over before the request was sent.
    #[error("the connection ended without an answer")]
    Ended,
    /// The connection broke.
    #[error("{0}")]
    Broken(#[from] io::Error),
    /// What came is no answer.
    #[error("the answer is no HTTP/1.1")]
    Unreadable,
    /// A WebSocket was asked for and not opened.
    #[error("the response to the opening handshake was {0}")]
    Refused(u16),
    /// More came than is read.
    #[error("a head or interim answers without an end came")]
    Flooded,
}

/// Sends a request and waits for the head of its answer. Interim answers are passed over (RFC 9110 section 15.2); after
/// a 101 the connection speaks another protocol, whose bytes are the content here.
pub(super) async fn exchange(
    mut stream: Stream,
    request: &[u8],
    is_head: bool,
) -> Result<Answered, ExchangeError> {
    stream.write_all(request).await?;
    stream.flush().await?;
    let mut scanner = HeadScanner::new();
    let mut buffer = vec![0; READ];
    let mut received = 0;
    let mut interim = 0;
    loop {
        while let Some(head) = scanner.next_head() {
            let rest = scanner.rest();
            let status = head.status_line().ok_or(ExchangeError::Unreadable)?.code;
            if !(100..200).contains(&status) || status == SWITCHED {
                let mut content = Vec::new();
                let (body, may_go_on) = Body::after(&head, status, is_head, &rest, &mut content);
                return Ok(Answered { status, head, body, content, may_go_on, is_over: false, stream });
            }
            interim += 1;
            if interim > MOST_INTERIM {
                return Err(ExchangeError::Flooded);
            }
            scanner = HeadScanner::new();
            scanner.push(&rest);
        }
        if received > LONGEST_HEAD || scanner.lines() > MOST_LINES {
            return Err(ExchangeError::Flooded);
        }
        let length = stream.read(&mut buffer).await?;
        received += length;
        match length {
            0 if received == 0 => return Err(ExchangeError::Ended),
            0 => return Err(ExchangeError::Unreadable),
            _ => scanner.push(&buffer[..length]),
        }
    }
}

impl Body {
    /// The body behind a head, and whether another request may follow it.
    fn after(head: &Head, status: u16, is_head: bool, begun: &[u8], content: &mut Vec<u8>) -> (Body, bool) {
        let version = head.status_line().map(|status| status.version.to_vec()).unwrap_or_default();
        let is_last = head.lists("Connection", "close") || !version.eq_ignore_ascii_case(b"HTTP/1.1");
        let mut body = if status == SWITCHED {
            Body::UntilClose
        } else if is_head || status == 204 || status == 304 {
            Body::Length(0)
        } else if head.lists("Transfer-Encoding", "chunked") {
            Body::Chunked(Box::default())
        } else {
            let length = head.value("Content-Length");
            let length = length.and_then(|value| std::str::from_utf8(&value).ok()?.parse().ok());
            length.map_or(Body::UntilClose, Body::Length)
        };
        let fits = body.push(begun, content);
        (body, fits && !is_last)
    }

    /// Takes a piece; whether it belongs here. What comes behind the end of a body is nobody's.
    fn push(&mut self, bytes: &[u8], content: &mut Vec<u8>) -> bool {
        match self {
            Body::Length(left) => {
                content.extend(bytes);
                let less = left.checked_sub(bytes.len() as u64);
                *left = less.unwrap_or_default();
                less.is_some()
            }
            Body::Chunked(scanner) => {
                scanner.push(bytes);
                while let Some(item) = scanner.next_item() {
                    if let chunked::Item::Data(data) = item {
                        content.extend(data.bytes);
                    }
                }
                let fits = !scanner.is_ended() || scanner.rest().is_empty();
                fits && scanner.buffered() <= LONGEST_LINE
            }
            Body::UntilClose => {
                content.extend(bytes);
                true
            }
        }
    }

    fn is_complete(&self) -> bool {
        match self {
            Body::Length(left) => *left == 0,
            Body::Chunked(scanner) => scanner.is_ended(),
            Body::UntilClose => false,
        }
    }
}

impl Answered {
    /// The connection, whatever comes on it.
    pub(super) fn into_stream(self) -> Stream {
        self.stream
    }

    /// What has come of the body, without its coding. What codes the content itself stays.
    pub(super) fn content(&self) -> &[u8] {
        &self.content
    }

    /// Reads a piece more of the body; whether there was one.
    pub(super) async fn more(&mut self) -> bool {
        if self.body.is_complete() {
            return false;
        }
        let mut buffer = vec![0; READ];
        let length = self.stream.read(&mut buffer).await.unwrap_or_default();
        self.is_over = length == 0;
        let fits = self.body.push(&buffer[..length], &mut self.content);
        self.may_go_on &= fits;
        length > 0 && fits
    }

    /// Whether no more comes on the connection that is waited for.
    pub(super) fn is_read(&self) -> bool {
        !self.may_go_on || self.body.is_complete()
    }

    /// Whether the whole body has come, or the connection that ends it has ended.
    pub(super) fn is_complete(&self) -> bool {
        self.is_over || self.body.is_complete()
    }

    /// The connection, where the body goes on.
    pub(super) fn unfinished(self) -> Option<Stream> {
        (!self.body.is_complete()).then_some(self.stream)
    }

    /// Reads the rest of the answer. The connection can be used again where it is given back.
    pub(super) async fn rest(mut self) -> Option<Stream> {
        let reading = async {
            let mut read = 0;
            while self.may_go_on && !self.body.is_complete() {
                if read > LONGEST_REST || !self.more().await {
                    return None;
                }
                // Nobody looks at it.
                read += READ;
                self.content.clear();
            }
            self.may_go_on.then_some(self.stream)
        };
        tokio::time::timeout(REST, reading).await.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// A server that says this to one request, in pieces, and ends the connection.
    async fn saying(pieces: Vec<&'static [u8]>) -> io::Result<Stream> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let _ = stream.read(&mut [0; 1024]).await?;
            for piece in pieces {
                stream.write_all(piece).await?;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            // The client decides what happens to the connection.
            let _ = stream.read(&mut [0; 1]).await?;
            Ok::<_, io::Error>(())
        });
        Ok(TcpStream::connect(address).await?.into())
    }

    #[tokio::test]
    async fn a_connection_is_used_again_where_the_answer_is_complete_and_does_not_end_it() -> io::Result<()> {
        for (pieces, status, is_kept) in [
            (vec![b"HTTP/1.1 204 No Content\r\n\r\n".as_slice()], 204, true),
            (vec![b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\no", b"ne"], 200, true),
            (
                vec![b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"],
                201,
                true,
            ),
            (
                vec![b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n", b"0\r\n\r\n"],
                200,
                true,
            ),
            (vec![b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"], 200, false),
            (vec![b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"], 200, false),
            (vec![b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\none"], 200, false),
        ] {
            let answered = exchange(saying(pieces.clone()).await?, b"POST / HTTP/1.1\r\n\r\n", false).await;
            let answered = answered.map_err(io::Error::other)?;
            assert_eq!(answered.status, status);
            // A body that only the end of the connection ends is waited for no longer than this test is.
            let kept = tokio::time::timeout(Duration::from_millis(200), answered.rest()).await;
            assert_eq!(kept.is_ok_and(|stream| stream.is_some()), is_kept, "{pieces:?}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn heads_without_an_end_are_not_read() -> io::Result<()> {
        let line: &[u8] = Box::leak(vec![b'a'; 2 * LONGEST_HEAD].into_boxed_slice());
        let lines: &[u8] = Box::leak(b"a\n".repeat(MOST_LINES + 1).into_boxed_slice());
        let interim = b"HTTP/1.1 102 Processing\r\n\r\n".repeat(MOST_INTERIM + 1);
        for pieces in [
            vec![b"HTTP/1.1 200 OK\r\n", line],
            vec![b"HTTP/1.1 200 OK\r\n", lines],
            vec![Box::leak(interim.into_boxed_slice())],
        ] {
            let answered = exchange(saying(pieces).await?, b"POST / HTTP/1.1\r\n\r\n", false).await;
            assert!(matches!(answered, Err(ExchangeError::Flooded)), "{answered:?}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn no_more_is_kept_of_the_rest_than_a_line() -> io::Result<()> {
        const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let line: &[u8] = Box::leak(vec![b'a'; 4 * LONGEST_LINE].into_boxed_slice());
        let chunks: &[u8] = Box::leak(b"1\r\na\r\n".repeat(LONGEST_REST).into_boxed_slice());
        for pieces in [vec![HEAD, b"1;", line], vec![HEAD, chunks]] {
            let answered = exchange(saying(pieces).await?, b"POST / HTTP/1.1\r\n\r\n", false).await;
            let mut answered = answered.map_err(io::Error::other)?;
            let (mut kept, mut read) = (0, 0);
            while read <= LONGEST_REST && answered.more().await {
                answered.content.clear();
                read += READ;
                kept = kept.max(match &answered.body {
                    Body::Chunked(scanner) => scanner.buffered(),
                    _ => 0,
                });
            }
            assert!(kept <= LONGEST_LINE + READ, "{kept}");
            assert!(answered.rest().await.is_none());
        }
        Ok(())
    }

    #[tokio::test]
    async fn what_is_no_answer_is_none() -> io::Result<()> {
        let answered = exchange(saying(vec![b"SSH-2.0-x\r\n\r\n"]).await?, b"POST / HTTP/1.1\r\n\r\n", false);
        assert!(matches!(answered.await, Err(ExchangeError::Unreadable)));
        Ok(())
    }
}
