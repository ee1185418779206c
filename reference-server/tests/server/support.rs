//! A server to test, and a plain connection to it.

use std::{collections::HashMap, time::Duration};

use pushspec_reference::{Config, Server};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

/// How long anything may take that has to come. A machine can be slow; a test that passes never waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How long nothing has to come where nothing should.
pub(crate) const SILENCE: Duration = Duration::from_millis(150);

pub(crate) async fn start() -> Server {
    start_with(|_| ()).await
}

pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Server {
    let mut config = Config::default();
    change(&mut config);
    Server::start(config).await.unwrap()
}

pub(crate) fn url(server: &Server, target: &str) -> String {
    format!("http://{}{target}", server.address())
}

/// Waits for what has to come.
pub(crate) async fn soon<T>(event: impl Future<Output = T>) -> T {
    timeout(PATIENCE, event).await.expect("it comes in time")
}

/// Publishes text and tells its cursor.
pub(crate) async fn publish(server: &Server, channel: &str, data: &str) -> u64 {
    let target = url(server, &format!("/publish/{channel}"));
    let response = soon(reqwest::Client::new().post(target).body(data.to_owned()).send()).await.unwrap();
    assert_eq!(response.status(), 201);
    let receipt: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    receipt["cursor"].as_u64().unwrap()
}

pub(crate) async fn get(server: &Server, target: &str) -> reqwest::Response {
    soon(reqwest::get(url(server, target))).await.unwrap()
}

/// Asks until the answer has a status: the server learns a moment after a client went that it is gone.
pub(crate) async fn until_status(server: &Server, target: &str, status: u16) {
    soon(async {
        while Wire::get(server, target).await.head().await.status != status {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// The JSON body of an answer.
pub(crate) async fn json(response: reqwest::Response) -> Value {
    serde_json::from_slice(&soon(response.bytes()).await.unwrap()).unwrap()
}

/// The value of a field, or nothing.
pub(crate) fn field<'a>(response: &'a reqwest::Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// The data of the messages of a poll.
pub(crate) fn data(poll: &Value) -> Vec<&str> {
    poll["messages"].as_array().unwrap().iter().map(|message| message["data"].as_str().unwrap()).collect()
}

/// Shows that the server serves.
pub(crate) async fn assert_serves(server: &Server) {
    let cursor = publish(server, "alive", "yes").await;
    let poll = json(get(server, &format!("/polling/alive?after={}", cursor - 1)).await).await;
    assert_eq!(data(&poll), ["yes"]);
}

/// A plain connection.
pub(crate) struct Wire {
    stream: TcpStream,
    /// What was received and not looked at.
    received: Vec<u8>,
}

/// The head of a response.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    fields: HashMap<String, String>,
}

impl Head {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

impl Wire {
    pub(crate) async fn connect(server: &Server) -> Self {
        let stream = soon(TcpStream::connect(server.address())).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, received: Vec::new() }
    }

    /// Connects and sends.
    pub(crate) async fn open(server: &Server, bytes: impl AsRef<[u8]>) -> Self {
        let mut wire = Self::connect(server).await;
        wire.send(bytes).await;
        wire
    }

    /// Connects and sends a GET request.
    pub(crate) async fn get(server: &Server, target: &str) -> Self {
        Self::open(server, format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        soon(self.stream.write_all(bytes.as_ref())).await.unwrap();
    }

    /// Ends the sending side.
    pub(crate) async fn finish(&mut self) {
        soon(self.stream.shutdown()).await.unwrap();
    }

    /// Takes everything up to the end of a text.
    pub(crate) async fn until(&mut self, text: &str) -> String {
        let mut searched = 0;
        loop {
            let rest = &self.received[searched..];
            let found = rest.windows(text.len()).position(|window| window == text.as_bytes());
            if let Some(at) = found {
                let end = searched + at + text.len();
                return String::from_utf8(self.received.drain(..end).collect()).unwrap();
            }
            searched = self.received.len().saturating_sub(text.len());
            let more = self.more().await;
            assert!(more > 0, "the end came before {text:?}: {:?}", String::from_utf8_lossy(&self.received));
        }
    }

    /// Takes a number of bytes.
    pub(crate) async fn take(&mut self, length: usize) -> Vec<u8> {
        while self.received.len() < length {
            assert!(self.more().await > 0, "the end came after {:x?}", self.received);
        }
        self.received.drain(..length).collect()
    }

    pub(crate) async fn head(&mut self) -> Head {
        let text = self.until("\r\n\r\n").await;
        let mut lines = text.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let fields = lines.map(|line| line.split_once(": ").unwrap());
        Head { status, fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect() }
    }

    /// Takes a response whose body has a length.
    pub(crate) async fn response(&mut self) -> (Head, String) {
        let head = self.head().await;
        let length = head.field("content-length").map_or(0, |length| length.parse().unwrap());
        let body = String::from_utf8(self.take(length).await).unwrap();
        (head, body)
    }

    /// Takes everything up to the end of the stream, which has to be orderly.
    pub(crate) async fn end(&mut self) -> Vec<u8> {
        while self.more().await > 0 {}
        std::mem::take(&mut self.received)
    }

    /// Shows that nothing comes for a while.
    pub(crate) async fn assert_silent(&mut self) {
        assert_eq!(String::from_utf8_lossy(&self.received), "");
        let more = timeout(SILENCE, self.more()).await;
        assert!(more.is_err(), "received {:?}", String::from_utf8_lossy(&self.received));
    }

    async fn more(&mut self) -> usize {
        soon(self.stream.read_buf(&mut self.received)).await.expect("no reset")
    }
}
