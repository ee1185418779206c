//! The program: how it ends, and what it holds whoever its clients are.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Output, Stdio},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pushspec-reference");

/// A server in a process of its own, which ends with this.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the program on a free port; it says on standard output where it listens.
fn start(arguments: &[&str]) -> Process {
    let mut command = Command::new(PROGRAM);
    command.args(["--listen", "127.0.0.1:0", "--log", "error"]).args(arguments);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
    Process { child, address }
}

fn end(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

#[test]
fn a_filter_of_the_log_that_is_none_is_a_wrong_argument() {
    let output = end(&["--listen", "127.0.0.1:0", "--log", "((("]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("is not a filter for the log"), "{said}");
}

#[test]
fn an_address_that_is_taken_is_no_wrong_argument() {
    let server = start(&[]);
    let output = end(&["--listen", &server.address.to_string()]);
    assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What clients that read nothing, or send nothing to its end, take of the memory. Linux says how much it is.
#[cfg(target_os = "linux")]
mod memory {
    use std::{fs, sync::Arc, time::Duration};

    use flate2::{Compress, Compression, FlushCompress};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
        task::JoinSet,
        time::{sleep, timeout},
    };

    use super::{Process, start};

    /// The bound that the server is given, in bytes.
    const BOUND: usize = 256 << 20;

    /// What it may take beside: the program itself, the buffers of 200 connections, what is read at once, and what the
    /// allocator keeps.
    const OVERHEAD: usize = 96 << 20;

    /// How long what a client sends may take to leave until it is given up: the server reads no more.
    const PATIENCE: Duration = Duration::from_secs(180);

    const UPGRADE: &str = "GET /websocket/news HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    impl Process {
        async fn send(&self, bytes: impl AsRef<[u8]>) -> TcpStream {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(bytes.as_ref()).await.unwrap();
            stream
        }

        async fn get(&self, target: &str) -> TcpStream {
            self.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await
        }

        async fn publish(&self, channel: &str, data: &str) {
            let head = format!(
                "POST /publish/{channel} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
                data.len()
            );
            let mut stream = self.send(head + data).await;
            let mut status = [0; 12];
            timeout(PATIENCE, stream.read_exact(&mut status)).await.unwrap().unwrap();
            assert_eq!(&status, b"HTTP/1.1 201");
        }

        /// The most that was resident so far, in bytes.
        fn peak(&self) -> usize {
            let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
            line.trim().trim_end_matches("kB").trim().parse::<usize>().unwrap() << 10
        }
    }

    /// A server, and what clients do to it; it serves others behind that, and has stayed within its bound.
    #[expect(clippy::print_stdout, reason = "the figures of the README; --nocapture shows them")]
    async fn assert_is_within(what: &str, clients: impl AsyncFnOnce(&Process) -> Vec<TcpStream>) {
        let server = start(&["--memory", &BOUND.to_string()]);
        let held = clients(&server).await;
        sleep(Duration::from_secs(1)).await;
        server.publish("others", "yes").await;
        let peak = server.peak();
        println!("| {what} | {} | {} MiB |", held.len(), peak >> 20);
        assert!(peak <= BOUND + OVERHEAD, "{what}: {} MiB", peak >> 20);
        drop(held);
    }

    #[tokio::test]
    async fn polls_that_are_not_read_hold_no_answer_each() {
        assert_is_within("polls of 8 MiB of NUL", async |server| {
            for _ in 0..4 {
                server.publish("nul", &"\0".repeat((2 << 20) - 64)).await;
            }
            let mut held = Vec::new();
            // A short poll has the same body, and a tag: a digest of 50 MB, which takes seconds without optimization.
            for _ in 0..200 {
                held.push(server.get("/long-polling/nul").await);
            }
            held
        })
        .await;
    }

    #[tokio::test]
    async fn streams_that_are_not_read_hold_no_message_each() {
        for (technique, target) in [("event streams", "/sse/lines"), ("iframes", "/iframe/lines?callback=f")]
        {
            let what = format!("{technique} behind 2 MiB of line feeds");
            assert_is_within(&what, async |server| {
                let mut held = Vec::new();
                for _ in 0..100 {
                    let mut stream = server.get(target).await;
                    // It listens once its head has come.
                    stream.read_exact(&mut [0; 16]).await.unwrap();
                    held.push(stream);
                }
                server.publish("lines", &"\n".repeat((2 << 20) - 64)).await;
                held
            })
            .await;
        }
    }

    #[tokio::test]
    async fn messages_that_inflate_to_the_largest_have_the_bound_together() {
        const INFLATED: usize = 16 << 20;
        let mut payload = Vec::with_capacity(64 << 10);
        let mut compressor = Compress::new(Compression::best(), false);
        compressor.compress_vec(&vec![0; INFLATED], &mut payload, FlushCompress::Sync).unwrap();
        assert_eq!(compressor.total_in(), INFLATED as u64);
        payload.truncate(payload.len() - 4);
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        let frame = [&[0xc2, 0xfe][..], &length, &[0; 4], &payload].concat();
        let offer = "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
        assert_is_within("WebSocket messages that inflate to 16 MiB", async |server| {
            let mut held = Vec::new();
            for _ in 0..200 {
                let mut stream = server.send(UPGRADE.replace("\r\n\r\n", offer)).await;
                stream.read_exact(&mut [0; 12]).await.unwrap();
                stream.write_all(&frame).await.unwrap();
                held.push(stream);
            }
            held
        })
        .await;
    }

    #[tokio::test]
    async fn messages_that_do_not_end_have_the_bound_together() {
        const WHOLE: usize = 16 << 20;
        const FRAGMENT: usize = 64 << 10;
        // A frame that says 16 MiB, and has one byte less; and fragments that come to as much, none of them the last.
        let length = (WHOLE as u64).to_be_bytes();
        let frame = [&[0x82, 0xff][..], &length, &[0; 4], &vec![0; WHOLE - 1]].concat();
        let length = (FRAGMENT as u64).to_be_bytes();
        let fragment = |first: u8| [&[first, 0xff][..], &length, &[0; 4], &vec![0; FRAGMENT]].concat();
        let fragments = [fragment(0x02), fragment(0x00).repeat(WHOLE / FRAGMENT - 2)].concat();
        for (what, bytes) in [("frames", frame), ("fragmented messages", fragments)] {
            let what = format!("{what} of 16 MiB without their end");
            let bytes: Arc<[u8]> = bytes.into();
            assert_is_within(&what, async |server| {
                let mut sending = JoinSet::new();
                for _ in 0..100 {
                    let mut stream = server.send(UPGRADE).await;
                    stream.read_exact(&mut [0; 12]).await.unwrap();
                    let bytes = Arc::clone(&bytes);
                    sending.spawn(async move {
                        // Where there is no room the server closes the connection, and takes no more.
                        let _ = timeout(PATIENCE, stream.write_all(&bytes)).await;
                        stream
                    });
                }
                sending.join_all().await
            })
            .await;
        }
    }
}
