//! One request of HTTP and its answer, for what the suite has to do beside the cases.

use std::io;
use std::time::Duration;

use pushspec_wire::chunked::ChunkScanner;
use pushspec_wire::http1::{Head, HeadScanner};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::stream::Stream;

/// How much of a head is read, in bytes: what a server floods with is not kept.
const LONGEST_HEAD: usize = 256 * 1024;

/// How long the rest of an answer is waited for before its connection is given up.
const REST: Duration = Duration::from_secs(5);

/// How much is read at once.
const READ: usize = 16 * 1024;

/// The head of an answer has come; the body may be on its way.
#[derive(Debug)]
pub(super) struct Answered {
    /// The status code (RFC 9112 section 4).
    pub(super) status: u16,
    body: Body,
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
}

/// Sends a request and waits for the head of its answer. Interim answers are passed over (RFC 9110 section 15.2).
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
    loop {
        while let Some(head) = scanner.next_head() {
            let rest = scanner.rest();
            let status = head.status_line().ok_or(ExchangeError::Unreadable)?.code;
            if !(100..200).contains(&status) {
                let body = Body::after(&head, status, is_head, &rest);
                return Ok(Answered { status, body, stream });
            }
            scanner = HeadScanner::new();
            scanner.push(&rest);
        }
        let length = stream.read(&mut buffer).await?;
        received += length;
        match length {
            0 if received == 0 => return Err(ExchangeError::Ended),
            0 => return Err(ExchangeError::Unreadable),
            _ if received > LONGEST_HEAD => return Err(ExchangeError::Unreadable),
            _ => scanner.push(&buffer[..length]),
        }
    }
}

impl Body {
    fn after(head: &Head, status: u16, is_head: bool, begun: &[u8]) -> Body {
        let version = head.status_line().map(|status| status.version.to_vec()).unwrap_or_default();
        if head.lists("Connection", "close") || !version.eq_ignore_ascii_case(b"HTTP/1.1") {
            return Body::UntilClose;
        }
        let mut body = if is_head || status == 204 || status == 304 {
            Body::Length(0)
        } else if head.lists("Transfer-Encoding", "chunked") {
            Body::Chunked(Box::default())
        } else {
            let length = head.value("Content-Length");
            let length = length.and_then(|value| std::str::from_utf8(&value).ok()?.parse().ok());
            length.map_or(Body::UntilClose, Body::Length)
        };
        if !body.push(begun) {
            body = Body::UntilClose;
        }
        body
    }

    /// Takes a piece; whether it belongs here. What comes behind the end of a body is nobody's.
    fn push(&mut self, bytes: &[u8]) -> bool {
        match self {
            Body::Length(left) => match left.checked_sub(bytes.len() as u64) {
                Some(less) => {
                    *left = less;
                    true
                }
                None => false,
            },
            Body::Chunked(scanner) => {
                scanner.push(bytes);
                while scanner.next_item().is_some() {}
                !scanner.is_ended() || scanner.rest().is_empty()
            }
            Body::UntilClose => true,
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
    /// Reads the rest of the answer. The connection can be used again where it is given back.
    pub(super) async fn rest(mut self) -> Option<Stream> {
        let reading = async {
            let mut buffer = vec![0; READ];
            while !self.body.is_complete() {
                let length = self.stream.read(&mut buffer).await.ok().filter(|length| *length > 0)?;
                if !self.body.push(&buffer[..length]) {
                    return None;
                }
            }
            Some(self.stream)
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
    async fn what_is_no_answer_is_none() -> io::Result<()> {
        let answered = exchange(saying(vec![b"SSH-2.0-x\r\n\r\n"]).await?, b"POST / HTTP/1.1\r\n\r\n", false);
        assert!(matches!(answered.await, Err(ExchangeError::Unreadable)));
        Ok(())
    }
}
