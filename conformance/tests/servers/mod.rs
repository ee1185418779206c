//! Servers that do not do all right, to see what a run makes of them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

/// What the accept key is made of beside the key (RFC 6455 section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// By how much a server that is late is late.
const LATE: Duration = Duration::from_secs(2);

/// What a server of one thread takes for the message [`WORK`], and how late it is with every other one, without being busy.
pub(crate) const WORK: &str = "work";
const WORKS: Duration = Duration::from_secs(8);
const IDLES: Duration = Duration::from_millis(500);

/// How many clients a server serves that falls silent then.
const SERVED: usize = 20;

/// What a server does with a WebSocket once it is open.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Habit {
    /// As tutorials write it: one frame a read, payloads of less than 126 bytes, every frame is a text, no end.
    #[default]
    Tutorial,
    /// It takes everything and says nothing.
    Silent,
    /// It answers right, and each answer is late by [`LATE`].
    Late,
    /// As in tutorials, and a binary message ends the connection with 1003.
    TextAlone,
    /// As in tutorials, until [`SERVED`] clients have come: then it takes connections and never answers again.
    BlackHole,
    /// It answers right, and does one thing at a time: what comes while it works on [`WORK`] waits.
    OneThread,
}

/// Serves echoes as tutorials do: the handshake by hand, one frame a read, no control frames, no end.
pub(crate) async fn serve(listener: Arc<TcpListener>, habit: Habit) {
    let mut came = 0;
    let thread = Arc::new(Mutex::new(()));
    while let Ok((stream, _)) = listener.accept().await {
        came += 1;
        let thread = Arc::clone(&thread);
        tokio::spawn(async move {
            if habit == Habit::BlackHole && came > SERVED {
                let _held = stream;
                return std::future::pending().await;
            }
            let _ = client(stream, habit, &thread).await;
        });
    }
}

async fn client(mut stream: TcpStream, habit: Habit, thread: &Mutex<()>) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let length = stream.read(&mut buffer).await?;
    drop(thread.lock().await);
    let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let Some(key) = key else {
        return stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            .await;
    };
    let accept = STANDARD.encode(Sha1::digest(format!("{}{GUID}", key.trim())));
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    late(habit).await;
    stream.write_all(head.as_bytes()).await?;
    loop {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        if habit == Habit::Silent {
            continue;
        }
        if habit == Habit::TextAlone && buffer[0] & 0x0f == 2 {
            return stream.write_all(&[0x88, 2, 0x03, 0xeb]).await;
        }
        if let Some(payload) = payload(&buffer[..length]) {
            // One that is longer is cut off, as the length has seven bits here.
            let kept = &payload[..payload.len().min(125)];
            let size = u8::try_from(kept.len()).unwrap_or_default();
            late(habit).await;
            let is_work = kept == WORK.as_bytes();
            if habit == Habit::OneThread && !is_work {
                tokio::time::sleep(IDLES).await;
            }
            let _working = thread.lock().await;
            if habit == Habit::OneThread && is_work {
                tokio::time::sleep(WORKS).await;
            }
            stream.write_all(&[&[0x81, size][..], kept].concat()).await?;
        }
    }
}

async fn late(habit: Habit) {
    if habit == Habit::Late {
        tokio::time::sleep(LATE).await;
    }
}

/// The payload of the frame with which bytes begin, unmasked.
fn payload(frame: &[u8]) -> Option<Vec<u8>> {
    let length = usize::from(frame.get(1)? & 0x7f);
    let mask = frame.get(2..6)?;
    let masked = frame.get(6..)?;
    Some(masked.iter().take(length).zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect())
}
