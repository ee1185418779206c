//! Servers that do the worst they can, each by a name. They answer the preconditions as they should, by way of a server
//! that does all right, so that every case comes to run.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params,
};
use pushspec::suite::Suite;
use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// How much is written at once where it is nothing in particular.
const BLOCK: usize = 64 * 1024;

/// What is added to a request or an answer that is right.
const LATE: Duration = Duration::from_secs(2);

/// The names, each with what is judged or measured by it: the words behind `pushspec`, with `URL` for the address.
pub(crate) const ROWS: &[(&str, &str)] = &[
    ("long-id", "run URL"),
    ("long-ids", "run URL"),
    ("blank-lines", "run URL"),
    ("comments", "run URL"),
    ("json-nested", "run URL"),
    ("json-many", "run URL"),
    ("large", "run URL -j 256"),
    ("held", "run URL -j 256"),
    ("chunk-line", "run URL"),
    ("trailers", "run URL"),
    ("sse-line", "run URL"),
    ("sse-data", "run URL"),
    ("empty-lines", "run URL"),
    ("short-lines", "run URL"),
    ("many-lines", "run URL"),
    ("interim-lines", "run URL"),
    ("interim", "run URL"),
    ("publication-interim", "run URL"),
    ("publication-large", "run URL"),
    ("script", "run URL"),
    ("scripts", "run URL"),
    ("close-frames", "run URL"),
    ("empty-frames", "run URL"),
    ("pings", "run URL"),
    ("binaries", "run URL"),
    ("fragments", "run URL"),
    ("bombs", "run URL"),
    ("deflate-blocks", "run URL"),
    ("deflate-codes", "run URL"),
    ("late", "run URL"),
    ("trickle", "run URL"),
    ("late", "run URL -j 8 --select long-polling --select polling"),
    ("reset", "run URL"),
    ("attributes", "run URL"),
    ("fields", "run URL"),
    ("bad-fields", "run URL"),
    ("messages", "run URL"),
    ("messages-everywhere", "run URL"),
    ("publication-held", "run URL"),
    ("large", "run URL -j 1024 --connections 1024"),
    ("clients", "run URL"),
    ("polling-clients", "run URL"),
    ("binaries", "run URL --header=Authorization:0123456789abcdef"),
    ("long-ids", "run URL --header=Authorization:0123456789abcdef"),
    ("chunk-line", "run URL --fault frames-masked"),
    ("fragments", "run URL --fault frames-masked"),
    ("load-script", "load URL --technique iframe --clients 100 --messages 2"),
    ("load-json", "load URL --technique long-polling --clients 100 --messages 2"),
    ("load-long-id", "load URL --technique sse --clients 100 --messages 2"),
    ("load-held", "load URL --technique sse --clients 200 --messages 2"),
];

/// What goes over a connection once a request is on the paths of a row.
enum Attack {
    /// These bytes, then a piece so many times, and then nothing: the connection stays open.
    Flood { opening: Vec<u8>, piece: Vec<u8>, times: usize },
    /// The same behind the head that the right server answers with.
    Behind { piece: Vec<u8> },
    /// What is right, with these lines behind the first line of its head.
    Fields { lines: Vec<u8> },
    /// What is right, later.
    Late,
    /// What is right, and of what follows the head one byte a second.
    Trickle,
    /// The connection is reset.
    Reset,
}

/// A row: the beginnings of the paths on which it is hostile, and how.
struct Row {
    paths: &'static [&'static str],
    attack: Attack,
    /// The preconditions are attacked, too.
    everywhere: bool,
}

const POLLS: &[&str] = &["/polling/", "/long-polling/"];
const ALL: &[&str] = &["/"];

fn flood(opening: &str, piece: &[u8], times: usize) -> Attack {
    Attack::Flood { opening: opening.as_bytes().to_vec(), piece: piece.to_vec(), times }
}

/// Repeats something small, so that it is written in one go.
fn block(piece: &[u8]) -> Vec<u8> {
    piece.repeat(BLOCK.div_ceil(piece.len()))
}

/// A block of DEFLATE with codes of its own that holds nothing, and an empty stored one, which ends at a byte.
const CODES: [u8; 16] = [0x04, 0xc0, 0x81, 0, 0, 0, 0, 0, 0x90, 0xff, 0x6b, 0x00, 0x00, 0x00, 0xff, 0xff];

/// A binary message that is compressed (RFC 7692 section 6), where that was agreed on.
fn compressed(data: &[u8]) -> Vec<u8> {
    let length = u64::try_from(data.len()).unwrap_or_default();
    [&[0xc2, 0x7f], &length.to_be_bytes()[..], data].concat()
}

/// What becomes 256 MiB of zeros.
fn bomb() -> Vec<u8> {
    let mut compressor = CompressorOxide::new(create_comp_flags_from_zip_params(9, -15, 0));
    let mut block = Vec::new();
    compress_to_output(&mut compressor, &vec![0; 1 << 20], TDEFLFlush::Full, |bytes| {
        block.extend_from_slice(bytes);
        true
    });
    [block.repeat(256), vec![0]].concat()
}

fn head(media_type: &str, framing: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\n{framing}\r\n\r\n")
}

const CLOSE: &str = "Connection: close";
const CHUNKED: &str = "Transfer-Encoding: chunked";

/// The row of a name. Behind `load-` stands that of a measurement.
fn row(name: &str) -> Option<Row> {
    const ENDLESS: usize = usize::MAX;
    let events = || head("text/event-stream", CLOSE);
    let json = |body: String| head("application/json", &format!("Content-Length: {}", body.len())) + &body;
    let name = name.strip_prefix("load-").unwrap_or(name);
    let (paths, attack): (&'static [&'static str], Attack) = match name {
        "long-id" => {
            let opening = events() + &format!("id: {}\n", "i".repeat(8 << 20));
            (&["/sse/"], flood(&opening, &b"data\n\n".repeat(10), 300))
        }
        "long-ids" => {
            let opening = events() + &format!("id: {}\n", "i".repeat(80 << 10));
            (&["/sse/"], flood(&opening, &block(b"data\n\n"), 1))
        }
        "blank-lines" => {
            let opening = events() + &format!("id: {}\n", "i".repeat(8 << 20));
            (&["/sse/"], flood(&opening, &block(b"\n"), 64))
        }
        "comments" => (&["/sse/"], flood(&events(), &block(b":\n\n"), ENDLESS)),
        "json-nested" => {
            let value = format!("{}{}", "[".repeat(100), "]".repeat(100));
            let list = vec![value; 15 << 12].join(",");
            (POLLS, flood(&json(format!("{{\"cursor\":\"1\",\"messages\":[{list}]}}")), b"", 0))
        }
        "json-many" => {
            let list = "0,".repeat(7 << 20);
            (POLLS, flood(&json(format!("{{\"cursor\":\"1\",\"messages\":[{list}0]}}")), b"", 0))
        }
        "large" => (ALL, flood(&head("text/html", "Content-Length: 10485760"), &vec![b'x'; BLOCK], 160)),
        "held" => {
            let opening = head("text/event-stream", "Content-Length: 99999999") + "data: ";
            (ALL, flood(&opening, &vec![b'x'; BLOCK], 252))
        }
        "chunk-line" => {
            let opening = head("text/event-stream", CHUNKED) + "1;";
            (ALL, flood(&opening, &vec![b'x'; BLOCK], ENDLESS))
        }
        "trailers" => {
            let opening = head("text/event-stream", CHUNKED) + "0\r\n";
            (ALL, flood(&opening, &block(b"a: b\r\n"), ENDLESS))
        }
        "sse-line" => (&["/sse/"], flood(&(events() + "data: "), &vec![b'x'; BLOCK], ENDLESS)),
        "sse-data" => (&["/sse/"], flood(&events(), &block(b"data\n"), ENDLESS)),
        "empty-lines" => (ALL, flood("", &block(b"\r\n"), ENDLESS)),
        "short-lines" => (ALL, flood("HTTP/1.1 200 OK\r\n", &block(b"a\n"), ENDLESS)),
        "many-lines" => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{}\r\n", "a\n".repeat(125_000));
            (ALL, flood(&head, b"", 0))
        }
        "interim-lines" => {
            let head = format!("HTTP/1.1 103 Early Hints\r\n{}\r\n", "a\n".repeat(65_000));
            (ALL, flood("", head.as_bytes(), ENDLESS))
        }
        "interim" => (ALL, flood("", &block(b"HTTP/1.1 102 Processing\r\n\r\n"), ENDLESS)),
        "publication-interim" => {
            (&["/publish/"], flood("", &block(b"HTTP/1.1 102 Processing\r\n\r\n"), ENDLESS))
        }
        "publication-large" => {
            (&["/publish/"], flood(&head("text/plain", CHUNKED), &block(b"1\r\nx\r\n"), ENDLESS))
        }
        "script" => {
            (&["/iframe/"], flood(&(head("text/html", CLOSE) + "<script>"), &b"<b".repeat(64), 1 << 16))
        }
        "scripts" => {
            let script = b"<script>push.deliver({\"data\":\"\"})</script>";
            (&["/iframe/"], flood(&head("text/html", CLOSE), &block(script), ENDLESS))
        }
        "close-frames" => (&["/websocket/"], Attack::Behind { piece: block(&[0x88, 0x02, 0x03, 0xe8]) }),
        "empty-frames" => (&["/websocket/"], Attack::Behind { piece: block(&[0x82, 0x00]) }),
        "pings" => (&["/websocket/"], Attack::Behind { piece: block(&[0x89, 0x00]) }),
        "binaries" => (
            &["/websocket/"],
            Attack::Behind { piece: block(&[&[0x82, 0x7e, 0, 200][..], &[7; 200]].concat()) },
        ),
        "fragments" => (&["/websocket/"], Attack::Behind { piece: block(&[0x00, 0x01, b'x']) }),
        "bombs" => (&["/websocket/"], Attack::Behind { piece: compressed(&bomb()) }),
        "deflate-blocks" => {
            (&["/websocket/"], Attack::Behind { piece: compressed(&block(&[0x00, 0x00, 0x00, 0xff, 0xff])) })
        }
        "deflate-codes" => (&["/websocket/"], Attack::Behind { piece: compressed(&block(&CODES)) }),
        "late" => (ALL, Attack::Late),
        "trickle" => (ALL, Attack::Trickle),
        "reset" => (ALL, Attack::Reset),
        "json" => return row("json-many"),
        name => long(name)?,
    };
    Some(Row { paths, attack, everywhere: name.ends_with("-everywhere") })
}

/// The rows of which each answer is long and might be right.
fn long(name: &str) -> Option<(&'static [&'static str], Attack)> {
    let events = || head("text/event-stream", CLOSE);
    Some(match name {
        "attributes" => {
            let names: String = (0..900_000).map(|number| format!(" a{number}")).collect();
            (&["/iframe/"], flood(&(head("text/html", CLOSE) + "<script" + &names + "></script>"), b"", 0))
        }
        // One line fewer than are read of a head, with those that are right.
        "fields" => {
            let lines = (0..4000).map(|number| format!("X-{number:04}: {}\r\n", "v".repeat(48)));
            (ALL, Attack::Fields { lines: lines.collect::<String>().into_bytes() })
        }
        "bad-fields" => {
            let line = |number: u8| [b"X: ", &[1 + number % 8; 2000][..], b"\r\n"].concat();
            (ALL, Attack::Fields { lines: (0..20).flat_map(line).collect() })
        }
        "messages" | "messages-everywhere" => {
            let message = format!("data: {}\n\n", "m".repeat(4096));
            (&["/sse/"], flood(&events(), message.as_bytes(), 4095))
        }
        "publication-held" => {
            let opening = head("text/plain", CHUNKED) + "1;" + &"x".repeat(1_000_000);
            (&["/publish/"], flood(&opening, b"", 0))
        }
        // What a case of very many clients may have: each answer as long as is read of one.
        "clients" => (
            &["/sse/", "/iframe/"],
            flood(
                &head("text/event-stream", CLOSE),
                &[b"data: ", &vec![b'x'; 65_000][..], b"\n\n"].concat(),
                250,
            ),
        ),
        // The same for a case of a hundred polls.
        "polling-clients" => {
            let opening = head("application/json", CLOSE) + "{\"messages\": [\"";
            (&["/long-polling/"], flood(&opening, &vec![b'x'; 65_000], 250))
        }
        _ => return None,
    })
}

/// A server of one row.
struct Hostile {
    row: Row,
    /// The one that does all right.
    right: SocketAddr,
    /// The ends of the channels of the preconditions.
    preconditions: BTreeSet<String>,
}

/// Serves a row, by way of a server that does all right. Nothing where there is no row of that name.
pub(crate) async fn serve(listener: TcpListener, name: &str, right: SocketAddr) {
    let Some(row) = row(name) else { return };
    let ids = Suite::embedded().map(|suite| suite.cases).unwrap_or_default();
    let ids =
        ids.into_iter().filter(pushspec::case::Case::is_precondition).map(|case| end_of_channel(&case.id));
    let hostile = Arc::new(Hostile { row, right, preconditions: ids.collect() });
    while let Ok((stream, _)) = listener.accept().await {
        let hostile = Arc::clone(&hostile);
        tokio::spawn(async move {
            let _ = hostile.client(stream).await;
        });
    }
}

/// How the name of the channel of a case ends.
fn end_of_channel(id: &str) -> String {
    Sha1::digest(id.as_bytes()).iter().take(5).map(|byte| format!("{byte:02x}")).collect()
}

impl Hostile {
    async fn client(&self, mut client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let mut request = Vec::new();
        let mut buffer = vec![0; BLOCK];
        while !request.windows(2).any(|two| two == b"\r\n") {
            let length = client.read(&mut buffer).await?;
            if length == 0 {
                return Ok(());
            }
            request.extend_from_slice(&buffer[..length]);
        }
        if !self.is_attacked(&request) {
            return self.relay(client, &request).await;
        }
        match &self.row.attack {
            Attack::Flood { opening, piece, times } => {
                client.write_all(opening).await?;
                self.pour(client, piece, *times).await
            }
            Attack::Behind { piece } => {
                let (mut right, head) = self.answer(&request).await?;
                client.write_all(&head).await?;
                if head.starts_with(b"HTTP/1.1 101") {
                    return self.pour(client, piece, usize::MAX).await;
                }
                tokio::io::copy_bidirectional(&mut client, &mut right).await.map(drop)
            }
            Attack::Fields { lines } => {
                let (mut right, answer) = self.answer(&request).await?;
                let end = answer.windows(2).position(|two| two == b"\r\n").map_or(answer.len(), |at| at + 2);
                client.write_all(&[&answer[..end], lines, &answer[end..]].concat()).await?;
                tokio::io::copy_bidirectional(&mut client, &mut right).await.map(drop)
            }
            Attack::Late => {
                sleep(LATE).await;
                self.relay(client, &request).await
            }
            Attack::Trickle => self.trickle(client, &request).await,
            Attack::Reset => client.set_zero_linger(),
        }
    }

    /// Whether a request is on one of the paths, and no precondition's.
    fn is_attacked(&self, request: &[u8]) -> bool {
        let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let target = line.split(' ').nth(1).unwrap_or_default();
        let is_precondition = self.preconditions.iter().any(|end| target.contains(end.as_str()));
        let spares_none = matches!(self.row.attack, Attack::Late | Attack::Trickle) || self.row.everywhere;
        // What is asked for at the start, to see whether anybody answers, and how many at once.
        let is_question = target == "/" || target.contains("/pushspec?") || target.ends_with("/pushspec");
        let is_spared = (is_precondition || is_question) && !spares_none;
        !is_spared && self.row.paths.iter().any(|path| target.starts_with(path))
    }

    /// Passes on what is said in both directions.
    async fn relay(&self, mut client: TcpStream, request: &[u8]) -> io::Result<()> {
        let mut right = TcpStream::connect(self.right).await?;
        right.set_nodelay(true)?;
        right.write_all(request).await?;
        tokio::io::copy_bidirectional(&mut client, &mut right).await.map(drop)
    }

    /// The beginning of the right answer, as far as its first read goes.
    async fn answer(&self, request: &[u8]) -> io::Result<(TcpStream, Vec<u8>)> {
        let mut right = TcpStream::connect(self.right).await?;
        right.write_all(request).await?;
        let mut buffer = vec![0; BLOCK];
        let length = right.read(&mut buffer).await?;
        buffer.truncate(length);
        Ok((right, buffer))
    }

    async fn pour(&self, mut client: TcpStream, piece: &[u8], times: usize) -> io::Result<()> {
        for _ in 0..times {
            client.write_all(piece).await?;
        }
        while client.read(&mut [0; 1024]).await? > 0 {}
        Ok(())
    }

    async fn trickle(&self, mut client: TcpStream, request: &[u8]) -> io::Result<()> {
        let (mut right, answer) = self.answer(request).await?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
        client.write_all(&answer[..end]).await?;
        for byte in &answer[end..] {
            sleep(Duration::from_secs(1)).await;
            client.write_all(&[*byte]).await?;
        }
        let mut byte = [0; 1];
        while right.read(&mut byte).await? > 0 {
            sleep(Duration::from_secs(1)).await;
            client.write_all(&byte).await?;
        }
        Ok(())
    }
}
