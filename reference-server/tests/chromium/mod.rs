//! Chromium, driven by its tools for developers.
//!
//! It is at `/usr/bin/chromium`, or where the environment variable `CHROMIUM` says.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// A browser takes its time to start on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Chromium without a window, and a connection to its tools for developers.
pub(crate) struct Browser {
    process: Child,
    tools: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The number of the last command.
    command: u64,
    /// Messages on the console, exceptions, failed requests.
    complaints: Vec<String>,
    /// The URLs of what was asked for.
    requests: Vec<String>,
    _profile: TempDir,
}

impl Browser {
    pub(crate) async fn start() -> Self {
        let profile = TempDir::new().unwrap();
        let program = std::env::var_os("CHROMIUM").unwrap_or_else(|| "/usr/bin/chromium".into());
        let process = Command::new(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--remote-debugging-port=0",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("Chromium starts");
        let port =
            timeout(PATIENCE, tools_port(profile.path())).await.expect("Chromium opens its tools in time");
        let (tools, _) = connect_async(timeout(PATIENCE, page_tools(port)).await.unwrap()).await.unwrap();
        Self { process, tools, command: 0, complaints: Vec::new(), requests: Vec::new(), _profile: profile }
    }

    pub(crate) async fn open(&mut self, url: &str) {
        for domain in ["Runtime", "Log", "Network", "Page"] {
            self.call(&format!("{domain}.enable"), json!({})).await;
        }
        self.call("Page.navigate", json!({ "url": url })).await;
    }

    /// What an expression of the page comes to.
    pub(crate) async fn value(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.call("Runtime.evaluate", parameters).await;
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].take()
    }

    /// Waits until an expression of the page is true; whether it became so in time.
    pub(crate) async fn becomes(&mut self, expression: &str) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.value(expression).await == true {
                return true;
            }
            sleep(Duration::from_millis(50)).await;
        }
        false
    }

    /// What the page asked for, by URL.
    pub(crate) fn requests(&self) -> &[String] {
        &self.requests
    }

    /// What the browser says against the page.
    pub(crate) fn complaints(&self) -> &[String] {
        &self.complaints
    }

    pub(crate) async fn picture(&mut self) -> PathBuf {
        let answer = self.call("Page.captureScreenshot", json!({})).await;
        let picture = STANDARD.decode(answer["data"].as_str().unwrap()).unwrap();
        let (_, path) = tempfile::Builder::new().suffix(".png").tempfile().unwrap().keep().unwrap();
        std::fs::write(&path, picture).unwrap();
        path
    }

    pub(crate) async fn end(mut self) {
        self.call("Browser.close", json!({})).await;
        if timeout(PATIENCE, self.process.wait()).await.is_err() {
            self.process.kill().await.unwrap();
        }
    }

    /// Gives a command and waits for its answer. What the browser tells meanwhile is noted.
    pub(crate) async fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.command += 1;
        let command = json!({ "id": self.command, "method": method, "params": parameters }).to_string();
        self.tools.send(Message::text(command)).await.unwrap();
        loop {
            let message =
                timeout(PATIENCE, self.tools.next()).await.expect("an answer in time").unwrap().unwrap();
            let Message::Text(text) = message else { continue };
            let mut message: Value = serde_json::from_str(&text).unwrap();
            if message["id"] == self.command {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].take();
            }
            self.complaints.extend(complaint(&message));
            if message["method"] == "Network.requestWillBeSent" {
                self.requests.extend(message["params"]["request"]["url"].as_str().map(ToOwned::to_owned));
            }
        }
    }
}

/// What an event of the tools says against the page, if anything.
fn complaint(event: &Value) -> Option<String> {
    let parameters = &event["params"];
    let refused = parameters["response"]["status"].as_u64().is_some_and(|status| status >= 400);
    let complains = match event["method"].as_str()? {
        "Runtime.consoleAPICalled"
        | "Runtime.exceptionThrown"
        | "Log.entryAdded"
        | "Page.javascriptDialogOpening"
        | "Network.loadingFailed"
        | "Network.webSocketFrameError" => true,
        "Network.responseReceived" => refused,
        _ => false,
    };
    complains.then(|| event.to_string())
}

/// Chromium writes the port that it got into its profile.
async fn tools_port(profile: &Path) -> u16 {
    loop {
        let file = std::fs::read_to_string(profile.join("DevToolsActivePort")).unwrap_or_default();
        if let Some(port) = file.lines().next().and_then(|line| line.parse().ok()) {
            return port;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// The address of the tools of the one page.
async fn page_tools(port: u16) -> String {
    loop {
        let pages = list(port).await.unwrap_or_default();
        let page = pages.as_array().and_then(|pages| pages.iter().find(|page| page["type"] == "page"));
        if let Some(address) = page.and_then(|page| page["webSocketDebuggerUrl"].as_str()) {
            return address.to_owned();
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// The pages that the tools list; `None` as long as they do not answer.
async fn list(port: u16) -> Option<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let request = format!("GET /json/list HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    // The tools keep the connection: what comes until the list is whole is enough.
    let mut answer = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let length = stream.read(&mut piece).await.ok()?;
        answer.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&answer);
        let body = text.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok());
        if body.is_some() || length == 0 {
            return body;
        }
    }
}
