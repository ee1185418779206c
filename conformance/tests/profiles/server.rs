//! Small servers that keep their techniques in other ways than the reference server.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Result;

/// A request that came.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Request {
    fn read(stream: &TcpStream) -> Option<Request> {
        let mut reader = BufReader::new(stream);
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if reader.read_until(b'\n', &mut head).ok()? == 0 {
                return None;
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut words = head.split(' ');
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let length = head.to_ascii_lowercase();
        let length = length.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).ok()?;
        Some(Request { method, path, head, body: String::from_utf8_lossy(&body).into_owned() })
    }
}

/// Starts a server in which each request has a connection and a thread of its own.
pub(crate) fn serve(handle: impl Fn(&Request, TcpStream) + Send + Sync + 'static) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let handle = Arc::new(handle);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handle = Arc::clone(&handle);
            std::thread::spawn(move || {
                let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
                if let Some(request) = Request::read(&stream) {
                    handle(&request, stream);
                }
            });
        }
    });
    Ok(address)
}

/// Answers and closes.
pub(crate) fn answer(mut stream: &TcpStream, status: &str, content_type: &str, body: &str) {
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nDate: Fri, 27 Nov 2026 09:00:00 GMT\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
}

/// Opens an event stream.
pub(crate) fn open_stream(mut stream: &TcpStream) {
    let _ = stream.write_all(
        b"HTTP/1.1 200 OK\r\nDate: Fri, 27 Nov 2026 09:00:00 GMT\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
}

/// Writes a chunk; the last one is empty.
pub(crate) fn chunk(mut stream: &TcpStream, text: &str) {
    let _ = write!(stream, "{:x}\r\n{text}\r\n", text.len());
}

/// Who listens on which channel, and what was said there.
#[derive(Default, Clone)]
pub(crate) struct Hub(Arc<Mutex<Channels>>);

#[derive(Default)]
struct Channels {
    listeners: Vec<(String, TcpStream)>,
    said: Vec<(String, String)>,
}

impl Hub {
    pub(crate) fn listen(&self, channel: &str, stream: TcpStream) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).listeners.push((channel.to_owned(), stream));
    }

    /// Keeps a message, and hands it to those who listen.
    pub(crate) fn publish(&self, channel: &str, text: &str, send: impl Fn(&TcpStream)) {
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        channels.said.push((channel.to_owned(), text.to_owned()));
        channels.listeners.iter().filter(|(of, _)| of == channel).for_each(|(_, stream)| send(stream));
    }

    /// What was said on a channel.
    pub(crate) fn said(&self, channel: &str) -> Vec<String> {
        let channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let said = channels.said.iter().filter(|(of, _)| of == channel);
        said.map(|(_, text)| text.clone()).collect()
    }
}

/// Text as a JSON string, quotes included.
pub(crate) fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
