//! Several endpoints of one technique: each is judged, and everything says which one.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use pushspec_reference::{Config, Server};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const CASE: &str = "sse/17.6-text-event-stream/charset-is-utf-8-where-given";

/// A server with an event stream at `/right`, and one in another charset at `/wrong`.
async fn serve() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(client(stream));
        }
    });
    Ok(address)
}

async fn client(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 4096];
    let length = stream.read(&mut buffer).await?;
    let is_wrong = buffer[..length].starts_with(b"GET /wrong");
    let kind = if is_wrong { "text/event-stream;charset=iso-8859-1" } else { "text/event-stream" };
    let head = format!(
        "HTTP/1.1 200 OK\r\nDate: Fri, 27 Nov 2026 09:00:00 GMT\r\nCache-Control: no-store\r\nContent-Type: {kind}\r\n"
    );
    stream
        .write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n9\r\ndata: a\n\n\r\n").as_bytes())
        .await?;
    // Open until the client leaves.
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}

const PROFILE: &str =
    "[[sse]]\nname = \"news\"\npath = \"/right\"\n[[sse]]\nname = \"ticker\"\npath = \"/wrong\"\n";

async fn run(folder: &Path, address: SocketAddr, arguments: &[&str]) -> Result<(Option<i32>, String)> {
    let mut command = tokio::process::Command::from(Command::new(env!("CARGO_BIN_EXE_pushspec")));
    command.args(["run", &format!("http://{address}"), "--color", "never", "--select", CASE]);
    let output = command.args(arguments).current_dir(folder).stdin(Stdio::null()).output().await?;
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    Ok((output.status.code(), String::from_utf8_lossy(&said).into_owned()))
}

#[tokio::test]
async fn each_endpoint_is_judged_and_every_format_says_which_one() -> Result {
    let address = serve().await?;
    let folder = TempDir::new()?;
    fs::write(folder.path().join("pushspec.toml"), PROFILE)?;
    let formats = ["text", "json", "html", "junit", "markdown", "github", "gitlab", "sarif", "tap"];
    let reports: Vec<String> = formats.iter().map(|format| format!("{format}=out/{format}")).collect();
    let reports: Vec<&str> = reports.iter().flat_map(|report| ["--report", report]).collect();
    let (code, said) = run(folder.path(), address, &reports).await?;
    assert_eq!(code, Some(1), "{said}");
    let report: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("out/json"))?)?;
    let cases = report["cases"].as_array().ok_or("no cases")?;
    let verdicts: Vec<(&Value, &Value)> = cases
        .iter()
        .filter(|case| case["id"] == CASE)
        .map(|case| (&case["endpoint"], &case["verdict"]))
        .collect();
    assert_eq!(
        verdicts,
        [(&Value::from("news"), &Value::from("pass")), (&Value::from("ticker"), &Value::from("fail"))]
    );
    for format in formats.into_iter().filter(|format| *format != "json") {
        let text = fs::read_to_string(folder.path().join("out").join(format))?;
        assert!(text.contains(&format!("{CASE}@ticker")), "{format}");
    }
    Ok(())
}

#[tokio::test]
async fn a_baseline_accepts_a_deviation_at_all_endpoints_or_at_one() -> Result {
    let address = serve().await?;
    let folder = TempDir::new()?;
    fs::write(folder.path().join("pushspec.toml"), PROFILE)?;
    let entry = format!("[[accept]]\ncase = \"{CASE}\"\nverdict = \"fail\"\nreason = \"known\"\n");
    for (endpoint, code) in [("", 0), ("endpoint = \"ticker\"\n", 0), ("endpoint = \"news\"\n", 1)] {
        fs::write(folder.path().join("known.toml"), format!("{entry}{endpoint}"))?;
        let (found, said) = run(folder.path(), address, &["--baseline", "known.toml"]).await?;
        assert_eq!(found, Some(code), "{endpoint}: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn one_endpoint_can_be_asked_for_and_is_run_again_alone() -> Result {
    let address = serve().await?;
    let folder = TempDir::new()?;
    fs::write(folder.path().join("pushspec.toml"), PROFILE)?;
    let (_, said) = run(folder.path(), address, &["--report", "json=all.json"]).await?;
    let report: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("all.json"))?)?;
    let broken = report["cases"].as_array().into_iter().flatten().find(|case| case["verdict"] == "fail");
    let again = broken.and_then(|case| case["rerun"].as_str()).ok_or("no line that runs it again")?;
    assert!(again.ends_with(&format!("--select {CASE}@ticker")), "{said}\n{again}");
    for (pattern, code, endpoint) in
        [("@ticker", 1, "ticker"), ("@ticker --rerun-failed", 1, "ticker"), ("@news", 0, "news")]
    {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_pushspec"));
        command.args(["run", &format!("http://{address}")]).args(["--report", "json=out/report.json"]);
        command.args(["--report-dir", "out"]);
        match pattern.split_once(' ') {
            Some((_, flag)) => command.arg(flag),
            None => command.args(["--select", &format!("{CASE}{pattern}")]),
        };
        let output = command.current_dir(folder.path()).stdin(Stdio::null()).output().await?;
        assert_eq!(
            output.status.code(),
            Some(code),
            "{pattern}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let report: Value =
            serde_json::from_str(&fs::read_to_string(folder.path().join("out/report.json"))?)?;
        let judged: Vec<&Value> = report["cases"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|case| case["selected"] == true && case["id"] == CASE)
            .map(|case| &case["endpoint"])
            .collect();
        assert_eq!(judged, [endpoint], "{pattern}");
        let rerun = format!("{CASE}@ticker");
        let named = report["clauses"].to_string();
        assert_eq!(named.contains(&rerun), endpoint == "ticker", "{named}");
    }
    let (code, said) = run(folder.path(), address, &["--exclude", &format!("{CASE}@ticker")]).await?;
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = run(folder.path(), address, &["--exclude", &format!("{CASE}@tacker")]).await?;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains(&format!("no case matches `{CASE}@tacker`")), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_case_of_a_further_endpoint_is_judged_again_by_what_the_profile_says_of_that_one() -> Result {
    let server = Server::start(Config::default()).await?;
    let folder = TempDir::new()?;
    // The second endpoint does not do what the profile says, and does what it says of the first one.
    let endpoint = |name: &str, reply: &str| {
        format!("[[websocket]]\nname = \"{name}\"\npath = \"/websocket/echo\"\nreply = \"{reply}\"\n")
    };
    let profile = [endpoint("plain", "{message}"), endpoint("polite", "thanks for {message}")].concat();
    fs::write(folder.path().join("pushspec.toml"), profile)?;
    let program = |arguments: &[&str]| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_pushspec"));
        command.args(arguments).current_dir(folder.path()).stdin(Stdio::null());
        async move { command.output().await }
    };
    let url = format!("http://{}", server.address());
    let select = "websocket/6-messages/reply-is-that-of-the-profile";
    let arguments =
        ["run", &url, "--profile", "pushspec.toml", "--select", select, "--report", "json=r.json"];
    assert_eq!(program(&arguments).await?.status.code(), Some(1));
    let again = program(&["replay", "r.json"]).await?;
    let said = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(said.contains("1 case judged again, 0 with another verdict"), "{said}");
    assert!(said.contains(&format!("{select}@polite")), "{said}");
    assert_eq!(again.status.code(), Some(0), "{said}");
    server.shutdown().await;
    Ok(())
}
