//! Publishing by WebSocket: what is said on one comes to the others.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pushspec_wire::websocket::{Frame, Opcode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split};
use tokio::sync::Mutex;

use super::exchange::{ExchangeError, exchange};
use super::route::Route;
use super::stream::Stream;

/// How many WebSockets stay open for the next publication.
const OPEN: usize = 16;

/// How long a WebSocket may take to close.
const CLOSING: Duration = Duration::from_secs(1);

/// Says things on WebSockets. What is said at one path goes over one connection, so that its order is kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Speaker {
    open: Arc<Mutex<VecDeque<Open>>>,
}

/// A path, and the WebSocket that is open there.
type Open = (String, WriteHalf<Stream>);

impl Speaker {
    /// Sends a text message, on a WebSocket that `handshake` opens where none is open at this path.
    pub(super) async fn say(
        &self,
        route: &Route,
        path: &str,
        fields: &[(String, String)],
        authority: &str,
        text: &str,
    ) -> Result<(), ExchangeError> {
        let frame = Frame::new(Opcode::TEXT, text.as_bytes()).masked(random().to_be_bytes()).encode();
        // Held while it is sent: two publications at a path keep their order.
        let mut open = self.open.lock().await;
        let known = open.iter().position(|(known, _)| known == path);
        if let Some((path, mut writer)) = known.and_then(|known| open.remove(known))
            && send(&mut writer, &frame).await.is_ok()
        {
            open.push_back((path, writer));
            return Ok(());
        }
        let mut writer = handshake(route, path, fields, authority).await?;
        send(&mut writer, &frame).await?;
        open.push_back((path.to_owned(), writer));
        if open.len() > OPEN
            && let Some((_, oldest)) = open.pop_front()
        {
            tokio::spawn(close(oldest));
        }
        Ok(())
    }
}

async fn send(writer: &mut WriteHalf<Stream>, frame: &[u8]) -> std::io::Result<()> {
    writer.write_all(frame).await?;
    writer.flush().await
}

/// Opens a WebSocket (RFC 6455 section 4.1). What comes on it is read and dropped.
async fn handshake(
    route: &Route,
    path: &str,
    fields: &[(String, String)],
    authority: &str,
) -> Result<WriteHalf<Stream>, ExchangeError> {
    let key = STANDARD.encode([random().to_be_bytes(); 4].concat());
    let mut head = format!(
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
    );
    for (name, value) in fields {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let answered = exchange(route.open().await?, head.as_bytes(), false).await?;
    if answered.status != 101 {
        return Err(ExchangeError::Refused(answered.status));
    }
    let (reader, writer) = split(answered.into_stream());
    tokio::spawn(drain(reader));
    Ok(writer)
}

async fn drain(mut reader: ReadHalf<Stream>) {
    let mut buffer = vec![0; 4096];
    while reader.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
}

async fn close(mut writer: WriteHalf<Stream>) {
    let frame = Frame::close(1000, b"").masked(random().to_be_bytes()).encode();
    // Whether the server takes it is nobody's clause.
    let _ = tokio::time::timeout(CLOSING, send(&mut writer, &frame)).await;
    let _ = tokio::time::timeout(CLOSING, writer.shutdown()).await;
}

/// A masking key that differs from the one before: nobody looks at what the suite publishes.
fn random() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos()
}
