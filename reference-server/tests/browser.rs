//! The page in a real browser: all five clocks tick, and the browser has nothing to complain about.
//!
//! It needs Chromium, at `/usr/bin/chromium` or where the environment variable `CHROMIUM` says. When it fails, it
//! leaves a picture of the page in the folder for temporary files and names it.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{SinkExt, StreamExt};
use pushspec_reference::{Config, Server};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// A browser takes its time to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const TECHNIQUES: [&str; 5] = ["polling", "long-polling", "iframe", "sse", "websocket"];

#[tokio::test]
async fn all_five_clocks_tick_and_the_browser_has_no_complaint() {
    let server = Server::start(Config::default()).await.unwrap();
    let mut browser = Browser::start().await;
    browser.open(&format!("http://{}/", server.address())).await;

    let outcome = clocks_tick(&mut browser).await;
    let failed = outcome.is_err() || !browser.complaints.is_empty();
    let picture = if failed { Some(browser.picture().await) } else { None };
    let complaints = std::mem::take(&mut browser.complaints);
    // Before anything is asserted, so that no browser is left behind.
    browser.end().await;
    server.shutdown().await;

    assert_eq!((outcome, complaints), (Ok(()), Vec::new()), "see {picture:?}");
}

/// Waits until every clock has counted two messages and has shown two times.
async fn clocks_tick(browser: &mut Browser) -> Result<(), String> {
    let mut shown: HashMap<&str, Vec<String>> = HashMap::new();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut ticking = true;
        for technique in TECHNIQUES {
            let card = browser.card(technique).await;
            let times = shown.entry(technique).or_default();
            if card.time.starts_with(|first: char| first.is_ascii_digit()) && !times.contains(&card.time) {
                times.push(card.time);
            }
            ticking &= card.count >= 2 && times.len() >= 2 && card.state == "open";
        }
        if ticking {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("not every clock ticks: {shown:?}"));
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// What a card of the page shows.
struct Card {
    state: String,
    count: u64,
    time: String,
}

/// Chromium without a window, and a connection to its tools for developers.
struct Browser {
    process: Child,
    tools: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The number of the last command.
    command: u64,
    /// Messages on the console, exceptions, failed requests.
    complaints: Vec<String>,
    _profile: TempDir,
}

impl Browser {
    async fn start() -> Self {
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
        Self { process, tools, command: 0, complaints: Vec::new(), _profile: profile }
    }

    async fn open(&mut self, url: &str) {
        for domain in ["Runtime", "Log", "Network", "Page"] {
            self.call(&format!("{domain}.enable"), json!({})).await;
        }
        self.call("Page.navigate", json!({ "url": url })).await;
    }

    async fn card(&mut self, technique: &str) -> Card {
        let script = format!(
            "(() => {{ const card = document.querySelector('[data-technique=\"{technique}\"]'); \
             return card && {{ ...card.dataset, time: card.querySelector('.time').textContent }}; }})()"
        );
        let answer =
            self.call("Runtime.evaluate", json!({ "expression": script, "returnByValue": true })).await;
        let card = &answer["result"]["value"];
        let text = |name: &str| card[name].as_str().unwrap_or_default().to_owned();
        Card { state: text("state"), count: text("count").parse().unwrap_or(0), time: text("time") }
    }

    async fn picture(&mut self) -> PathBuf {
        let answer = self.call("Page.captureScreenshot", json!({})).await;
        let picture = STANDARD.decode(answer["data"].as_str().unwrap()).unwrap();
        let (_, path) = tempfile::Builder::new().suffix(".png").tempfile().unwrap().keep().unwrap();
        std::fs::write(&path, picture).unwrap();
        path
    }

    async fn end(mut self) {
        self.call("Browser.close", json!({})).await;
        if timeout(PATIENCE, self.process.wait()).await.is_err() {
            self.process.kill().await.unwrap();
        }
    }

    /// Gives a command and waits for its answer. What the browser tells meanwhile is noted.
    async fn call(&mut self, method: &str, parameters: Value) -> Value {
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
        if let Ok(response) = reqwest::get(format!("http://127.0.0.1:{port}/json/list")).await {
            let pages: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
            let page = pages.as_array().unwrap().iter().find(|page| page["type"] == "page");
            if let Some(address) = page.and_then(|page| page["webSocketDebuggerUrl"].as_str()) {
                return address.to_owned();
            }
        }
        sleep(Duration::from_millis(50)).await;
    }
}
