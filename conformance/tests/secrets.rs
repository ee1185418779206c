//! A server that repeats every secret it is told, in every way that it can: none of them is in anything that comes out.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};
use tempfile::TempDir;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Where the server of the test listens. It is a process of this program.
const LISTEN: &str = "PUSHSPEC_TEST_LISTEN";

const BEARER: &str = "bEarer-5ecret/with+signs";
const QUERY: &str = "qu3ry-5ecret-of-a-path";
const VARIABLE: &str = "env1ronment-\"5ecret\"";
const EXTRA: &str = "extra-5ecret-of-a-flag";
const PASSWORD: &str = "pa55word-of-basic";
const SESSION: &str = "se55ion-cookie-of-a-case";

/// Everything that is not to be seen.
const ALL: [&str; 6] = [BEARER, QUERY, VARIABLE, EXTRA, PASSWORD, SESSION];

/// Not a test, but the server of the other one.
#[test]
#[ignore = "it is the server that the other test starts"]
fn parrot() -> Result {
    let Ok(address) = std::env::var(LISTEN) else { return Ok(()) };
    for stream in TcpListener::bind(address)?.incoming().flatten() {
        std::thread::spawn(move || drop(repeat(&stream)));
    }
    Ok(())
}

/// Reads a request, and repeats what is in it.
fn repeat(mut stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream);
    let (mut head, mut key) = (String::new(), String::new());
    while !head.ends_with("\r\n\r\n") {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        if let Some(value) = line.strip_prefix("Sec-WebSocket-Key:") {
            value.trim().clone_into(&mut key);
        }
        head.push_str(&line);
    }
    writeln!(std::io::stderr(), "{head}{PASSWORD} {VARIABLE}")?;
    if head.starts_with("POST /login") {
        return write!(
            stream,
            "HTTP/1.1 200 OK\r\nSet-Cookie: sid={SESSION}; Path=/\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        );
    }
    if head.starts_with("GET /ws") && !key.is_empty() {
        return talk(stream, &mut reader, &key);
    }
    let basic = STANDARD.encode(format!("admin:{PASSWORD}"));
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nX-Echo: {BEARER} Basic {basic}\r\nSet-Cookie: sid={SESSION}\r\nContent-Type: text/event-stream\r\n\
        Location: /?token={QUERY}&e={}\r\nTransfer-Encoding: chunked\r\n\r\n",
        percent(BEARER),
    )?;
    let json = serde_json::to_string(VARIABLE).unwrap_or_default();
    let encoded = STANDARD.encode(format!("x{BEARER}{EXTRA}"));
    for secret in [BEARER, QUERY, &json, VARIABLE, EXTRA, PASSWORD, SESSION, &percent(VARIABLE), &encoded] {
        let (one, other) = format!("data: {secret}\n\n").into_bytes().split_at(14).to_owned_pair();
        for part in [one, other] {
            stream.write_all(&[format!("{:x}\r\n", part.len()).as_bytes(), &part, b"\r\n"].concat())?;
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    // What is wrong with it: a line of an event stream ends in the middle of a chunk, and the chunk does not end.
    stream.write_all(format!("ffff\r\nretry: {VARIABLE}\r\n{SESSION} \0 {BEARER}").as_bytes())
}

trait Pair {
    fn to_owned_pair(&self) -> (Vec<u8>, Vec<u8>);
}

impl Pair for (&[u8], &[u8]) {
    fn to_owned_pair(&self) -> (Vec<u8>, Vec<u8>) {
        (self.0.to_vec(), self.1.to_vec())
    }
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// Opens a WebSocket and repeats secrets in fragments, masked, and in a close frame. A reserved bit ends the process.
fn talk(mut stream: &TcpStream, reader: &mut impl std::io::Read, key: &str) -> std::io::Result<()> {
    let accept = STANDARD.encode(Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
    let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade";
    write!(stream, "{head}\r\nSec-WebSocket-Accept: {accept}\r\nX-Token: {QUERY}\r\n\r\n")?;
    let frame = |first: u8, payload: &str| {
        let length = u8::try_from(payload.len()).unwrap_or_default();
        [&[first, length][..], payload.as_bytes()].concat()
    };
    let (one, other) = SESSION.split_at(9);
    stream.write_all(&[frame(0x01, one), frame(0x89, BEARER), frame(0x80, other)].concat())?;
    stream.write_all(&[frame(0x81, VARIABLE), frame(0xf1, EXTRA)].concat())?;
    let mut start = [0; 2];
    reader.read_exact(&mut start)?;
    // The pong that answers the ping comes first.
    while start[0] == 0x8a {
        let mut pong = vec![0; 4 + usize::from(start[1] & 0x7f)];
        reader.read_exact(&mut pong)?;
        reader.read_exact(&mut start)?;
    }
    if start[0] & 0x70 != 0 {
        writeln!(std::io::stderr(), "Error: bad frame of {BEARER} with {SESSION}")?;
        std::process::exit(7);
    }
    stream.write_all(&frame(0x88, &format!("\u{3}\u{0}{PASSWORD}")))
}

const FORMATS: [&str; 10] =
    ["text", "json", "html", "junit", "markdown", "github", "gitlab", "sarif", "tap", "badge"];

fn profile() -> String {
    format!(
        "secrets = [\"token\"]\nmethods = [\"POST\"]\n[headers]\nAuthorization = \"Bearer {BEARER}\"\nCookie = \"sid={{session.sid}}\"\n\
        Proxy-Authorization = \"Basic {}\"\n\
        [[session.request]]\nrequest = \"POST /login\"\nbody = \"${{SECRET}}\"\ntake = {{ sid = \"cookie:sid\" }}\n\
        [sse]\npath = \"/events?token={QUERY}&room={{channel}}\"\n\
        [websocket]\npath = \"/ws?token={QUERY}\"\nsend = '{{\"auth\": \"${{TEXT}}\", \"text\": \"{{message}}\"}}'\nreply = \"{{message}}\"\n\
        [publish]\nrequest = \"POST /publish?token={QUERY}\"\nbody = '${{SECRET}} {{data}}'\n",
        STANDARD.encode(format!("admin:{PASSWORD}")),
    )
}

fn run(folder: &Path, arguments: &[&str]) -> Result<String> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let server = std::env::current_exe()?.display().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushspec"));
    command
        .args(["run", &format!("http://{address}"), "--color", "never", "--profile", "pushspec.toml"])
        .args(["--start", &format!("'{server}' --exact parrot --ignored --nocapture")])
        .args(["--header", &format!("X-Extra: {EXTRA}")])
        .args(arguments)
        .current_dir(folder)
        .env(LISTEN, address.to_string())
        .env("SECRET", VARIABLE)
        .env("TEXT", VARIABLE.replace('"', "\\\""))
        .stdin(Stdio::null());
    let output = command.output()?;
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    Ok(said)
}

/// A secret in the ways in which it may stand in an output, and as much of it as is left where a text is cut.
fn spellings(secret: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).unwrap_or_default();
    let hex: Vec<String> = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    vec![
        secret.to_owned(),
        secret[..12].to_owned(),
        secret[secret.len() - 12..].to_owned(),
        json.trim_matches('"').to_owned(),
        percent(secret),
        percent(secret).to_uppercase(),
        hex[..12].join(" "),
        STANDARD.encode(secret)[..16].to_owned(),
        STANDARD.encode(format!("x{secret}"))[4..16].to_owned(),
        STANDARD.encode(format!("admin:{secret}")),
        secret.replace('&', "&amp;").replace('"', "&quot;"),
    ]
}

#[track_caller]
fn assert_hidden(what: &str, text: &str) {
    for secret in ALL {
        for spelling in spellings(secret) {
            if let Some(at) = text.find(&spelling) {
                let near: String = text[..at].chars().rev().take(300).collect();
                let near: String = near.chars().rev().collect();
                panic!("{what} has `{spelling}` behind\n{near}");
            }
        }
    }
}

#[test]
fn no_secret_is_in_anything_that_comes_out_of_a_failing_run() -> Result {
    let folder = TempDir::new()?;
    fs::write(folder.path().join("pushspec.toml"), profile())?;
    let reports: Vec<String> = FORMATS.iter().map(|format| format!("{format}=out/report.{format}")).collect();
    let reports = reports.iter().flat_map(|report| ["--report", report]);
    let pages =
        ["sse/9.2.6", "websocket/5.2-base-framing/reserved-bit[rsv1]", "websocket/5.4", "http/9112-2.2"];
    let arguments: Vec<&str> = reports.chain(["--verbose", "--info", "--select"]).chain(pages).collect();
    let said = run(folder.path(), &arguments)?;
    assert_hidden("the output", &said);
    // All of them went over the wire, and stand there by name.
    let text = fs::read_to_string(folder.path().join("out/report.json"))?;
    for name in
        ["«Authorization»", "«token»", "«SECRET»", "«X-Extra»", "«session.sid»", "«Proxy-Authorization»"]
    {
        assert!(text.contains(name), "{name}");
    }
    let report: serde_json::Value = serde_json::from_str(&text)?;
    assert!(report["summary"]["total"]["fail"].as_u64() > Some(3), "{}", report["summary"]["total"]);
    let outputs: Vec<&serde_json::Value> =
        report["cases"].as_array().into_iter().flatten().map(|case| &case["server_output"]).collect();
    assert!(
        outputs.iter().any(|lines| lines.as_array().is_some_and(|lines| !lines.is_empty())),
        "no case ends it"
    );
    for entry in fs::read_dir(folder.path().join("out"))? {
        let path = entry?.path();
        assert_hidden(&path.display().to_string(), &fs::read_to_string(&path)?);
    }
    // What came from the server is kept for a replay, without what is secret in it.
    for technique in ["sse/", "websocket/"] {
        let of_it =
            |case: &&serde_json::Value| case["id"].as_str().is_some_and(|id| id.starts_with(technique));
        let cases = report["cases"].as_array().into_iter().flatten().filter(of_it);
        let recorded: Vec<String> = cases.flat_map(|case| bytes_of(&case["recorded"]["events"])).collect();
        let joined = recorded.concat();
        assert!(joined.contains("~~~~") || joined.contains("^^^^"), "nothing is hidden in {joined}");
        assert_hidden("what is recorded", &joined);
    }
    Ok(())
}

#[test]
fn no_secret_is_in_a_format_that_is_printed_nor_in_progress() -> Result {
    let folder = TempDir::new()?;
    fs::write(folder.path().join("pushspec.toml"), profile())?;
    for format in ["text", "json", "junit"] {
        let said = run(folder.path(), &["--format", format, "--select", "sse/9.2.6"])?;
        assert!(said.contains('«'), "{said}");
        assert_hidden(format, &said);
    }
    Ok(())
}

/// The bytes that came, one line after the other: a secret may come in pieces.
fn bytes_of(events: &serde_json::Value) -> Vec<String> {
    let lines = events.as_str().into_iter().flat_map(str::lines);
    lines.filter_map(|line| Some(line.split_once('"')?.1.rsplit_once('"')?.0.to_owned())).collect()
}

/// What ends a program that a test started.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn no_secret_is_in_what_comes_out_of_a_proxy_or_a_report_that_is_judged_again() -> Result {
    let folder = TempDir::new()?;
    fs::write(folder.path().join("pushspec.toml"), profile())?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let parrot = Command::new(std::env::current_exe()?)
        .args(["--exact", "parrot", "--ignored"])
        .env(LISTEN, address.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let _ended = Ended(parrot);
    // Nothing is there without the proxy: all that it does is its own.
    let nothing = TcpListener::bind("127.0.0.1:0")?;
    let direct = format!("http://{}", nothing.local_addr()?);
    std::thread::spawn(move || {
        for mut stream in nothing.incoming().flatten() {
            let _ =
                stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    let reports: Vec<String> = FORMATS.iter().map(|format| format!("{format}=out/report.{format}")).collect();
    let program = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pushspec"));
        command.args(arguments).args(["--color", "never"]).current_dir(folder.path());
        command.env("SECRET", VARIABLE).env("TEXT", VARIABLE.replace('"', "\\\""));
        let output = command.stdin(Stdio::null()).output()?;
        let said = [output.stdout.as_slice(), &output.stderr].concat();
        Ok::<_, std::io::Error>((output.status.code(), String::from_utf8_lossy(&said).into_owned()))
    };
    let url = format!("http://{address}");
    let extra = format!("X-Extra: {EXTRA}");
    let arguments = ["proxy", &url, "--direct", &direct, "--profile", "pushspec.toml", "--header", &extra];
    let reports = reports.iter().flat_map(|report| ["--report", report]);
    let arguments: Vec<&str> = arguments
        .into_iter()
        .chain(reports)
        .chain(["--verbose", "--info", "--wait", "10s", "--select", "sse/9.2.6"])
        .collect();
    let (code, said) = program(&arguments)?;
    assert_eq!(code, Some(1), "{said}");
    assert_hidden("the output", &said);
    for entry in fs::read_dir(folder.path().join("out"))? {
        let path = entry?.path();
        assert_hidden(&path.display().to_string(), &fs::read_to_string(&path)?);
    }
    let report: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("out/report.json"))?)?;
    let reruns: Vec<&str> =
        report["cases"].as_array().into_iter().flatten().filter_map(|case| case["rerun"].as_str()).collect();
    assert!(!reruns.is_empty(), "{said}");
    for again in reruns {
        assert!(again.contains("'X-Extra: «X-Extra»'"), "{again}");
    }
    for format in ["text", "json"] {
        let (code, said) = program(&["replay", "out/report.json", "--format", format])?;
        assert!(code.is_some_and(|code| code < 2), "{code:?}: {said}");
        assert!(said.contains("sse/9.2.6"), "{said}");
        assert_hidden("what is judged again", &said);
    }
    Ok(())
}

#[test]
fn no_secret_is_in_an_error() -> Result {
    let folder = TempDir::new()?;
    let program = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pushspec"));
        command.args(["run", "--color", "never"]).args(arguments).current_dir(folder.path());
        let output = command.env("SECRET", VARIABLE).stdin(Stdio::null()).output()?;
        let said = [output.stdout.as_slice(), &output.stderr].concat();
        Ok::<_, std::io::Error>((output.status.code(), String::from_utf8_lossy(&said).into_owned()))
    };
    let header = format!("Authorization Bearer {BEARER}");
    let field = format!("X Y: {EXTRA}");
    let (events, path) =
        (format!("/events?token={QUERY}"), format!("http://127.0.0.1:1/events?token={QUERY}"));
    let ftp = path.replace("http://", "ftp://");
    let printed = format!("printf '%s' '{BEARER}' >&2; exit 3");
    let bearer = format!("Authorization: Bearer {BEARER}");
    for (code, words, arguments) in [
        (2, "has no `:`", vec!["http://127.0.0.1:1", "--sse", "/", "--header", &header]),
        (
            2,
            "is not the name of a header field",
            vec!["http://127.0.0.1:1", "--sse", "/", "--header", &field],
        ),
        (2, "remove", vec![&path, "--sse", "/events", "--secret", "token"]),
        (2, "is none of http://", vec![&ftp, "--sse", "/events", "--secret", "token"]),
        (
            3,
            "does not bring the server up",
            vec![
                "http://127.0.0.1:1",
                "--sse",
                &events,
                "--secret",
                "token",
                "--header",
                &bearer,
                "--start",
                &printed,
            ],
        ),
    ] {
        let (found, said) = program(&arguments)?;
        assert_eq!(found, Some(code), "{said}");
        assert!(said.contains(words), "{said}");
        assert_hidden(words, &said);
    }
    for (words, text) in [
        ("is not the value", format!("[headers]\nX-Key = \"{BEARER}\\u00e9\"\n")),
        ("is not a path", "[sse]\npath = \"${SECRET}\"\n".to_owned()),
        ("is not set", format!("[headers]\nX-Key = \"{BEARER}${{UNSET_OF_PUSHSPEC}}\"\n")),
        ("invalid", format!("[headers]\nX-Key = \"{BEARER}\n")),
    ] {
        fs::write(folder.path().join("bad.toml"), text)?;
        let (found, said) = program(&["http://127.0.0.1:1", "--profile", "bad.toml"])?;
        assert_eq!(found, Some(2), "{said}");
        assert!(said.contains(words) && said.contains("bad.toml:2:"), "{said}");
        assert_hidden(words, &said);
    }
    Ok(())
}
