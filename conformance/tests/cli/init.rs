//! What `init` looks at, what it writes, and what it leaves alone.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use pushspec::profile::Profile;
use tempfile::TempDir;

use super::{Result, assert_exit, err, out, pushspec};

/// What a server was asked: the first line of each request.
type Asked = Arc<Mutex<Vec<String>>>;

/// A server that gives each path its answer, and 404 where it has none.
fn serving(
    answer: impl Fn(&str, bool) -> Option<&'static str> + Send + Sync + 'static,
) -> Result<(String, Asked)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let asked = Asked::default();
    let kept = Arc::clone(&asked);
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
            std::thread::spawn(move || drop(serve(stream, &kept, &*answer)));
        }
    });
    Ok((url, asked))
}

fn serve(
    mut stream: TcpStream,
    asked: &Asked,
    answer: &dyn Fn(&str, bool) -> Option<&'static str>,
) -> std::io::Result<()> {
    let mut buffer = [0; 4096];
    let length = stream.read(&mut buffer)?;
    let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
    let line = request.lines().next().unwrap_or_default().to_owned();
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    if line.is_empty() {
        // Whether anybody listens.
        return Ok(());
    }
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    let found = answer(&path, request.contains("Upgrade: websocket"));
    let Some(found) = found else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    stream.write_all(found.as_bytes())?;
    // Streams and WebSockets stay open.
    let _ = stream.read(&mut buffer);
    Ok(())
}

const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n28\r\nid: 7\ndata: {\"text\": \"hello\", \"n\": 1}\n\n\n\r\n";

const OPEN: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n\u{1}";

/// An event stream for each channel, and a WebSocket.
fn ordinary(path: &str, upgrade: bool) -> Option<&'static str> {
    match path {
        "/ws" if upgrade => Some(OPEN),
        path if path.starts_with("/events/") && !upgrade => Some(STREAM),
        _ => None,
    }
}

#[test]
fn what_is_at_the_usual_paths_is_written_into_a_profile() -> Result {
    let folder = TempDir::new()?;
    let (url, asked) = serving(ordinary)?;
    let output = pushspec(folder.path(), &["init", &url])?;
    assert_exit(&output, 0);
    let text = fs::read_to_string(folder.path().join("pushspec.toml"))?;
    let profile = Profile::parse("pushspec.toml", &text)?;
    assert_eq!(profile.url.as_deref(), Some(url.as_str()));
    assert_eq!(profile.sse.map(|sse| sse.path).as_deref(), Some("/events/{channel}"), "{text}");
    assert_eq!(profile.websocket.map(|websocket| websocket.path).as_deref(), Some("/ws"), "{text}");
    assert!(profile.polling.is_none() && profile.publish.is_none() && profile.methods.is_empty(), "{text}");
    assert!(text.starts_with("#:schema https://") && text.contains("# data = \"/text\""), "{text}");
    let told = err(&output);
    assert!(told.contains("[sse] /events/{channel}: 200, text/event-stream, first event"), "{told}");
    let asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
    let others: Vec<_> = asked.iter().filter(|line| !line.starts_with("GET /")).collect();
    assert!(asked.len() > 20 && others.is_empty(), "{others:?}");
    let mut twice = asked.clone();
    twice.sort();
    assert!(
        twice.chunk_by(|one, other| one == other).all(|same| same.len() <= 2),
        "one of each to each path"
    );
    Ok(())
}

#[test]
fn a_profile_that_is_there_is_not_replaced_unless_that_is_asked_for() -> Result {
    let folder = TempDir::new()?;
    let (url, asked) = serving(ordinary)?;
    let file = folder.path().join("pushspec.toml");
    fs::write(&file, "# mine\n")?;
    let output = pushspec(folder.path(), &["init", &url])?;
    assert_exit(&output, 2);
    assert!(
        err(&output).contains("`pushspec.toml` exists") && err(&output).contains("--force"),
        "{}",
        err(&output)
    );
    assert!(asked.lock().unwrap_or_else(PoisonError::into_inner).is_empty(), "nothing is asked for nothing");
    assert_eq!(fs::read_to_string(&file)?, "# mine\n");
    assert_exit(&pushspec(folder.path(), &["init", &url, "--output", "other.toml"])?, 0);
    let printed = pushspec(folder.path(), &["init", &url, "--output", "-"])?;
    assert_eq!(out(&printed), fs::read_to_string(folder.path().join("other.toml"))?);
    assert_exit(&pushspec(folder.path(), &["init", &url, "--force"])?, 0);
    assert!(fs::read_to_string(&file)?.contains("[sse]"));
    assert_exit(&pushspec(folder.path(), &["init", &url, "--output", "nowhere/other.toml"])?, 5);
    Ok(())
}

#[test]
fn a_path_that_is_told_goes_into_the_profile_whatever_is_there() -> Result {
    let folder = TempDir::new()?;
    let (url, _) = serving(ordinary)?;
    let told = ["--sse", "/news/{channel}", "--websocket", "/ws", "--echo", "--output", "-"];
    let output = pushspec(folder.path(), &[&["init", &url], &told[..]].concat())?;
    assert_exit(&output, 0);
    let profile = Profile::parse("pushspec.toml", &out(&output))?;
    assert_eq!(profile.sse.map(|sse| sse.path).as_deref(), Some("/news/{channel}"));
    assert_eq!(profile.websocket.and_then(|websocket| websocket.reply).as_deref(), Some("{message}"));
    assert!(
        out(&output).contains("# 404, no media type\n# also at /events/{channel}\n[sse]"),
        "{}",
        out(&output)
    );
    let output = pushspec(folder.path(), &["init", &url, "--sse", "news"])?;
    assert_exit(&output, 2);
    assert!(err(&output).contains("--sse: `news` is not a path"), "{}", err(&output));
    Ok(())
}

#[test]
fn what_a_hostile_server_sends_is_escaped_and_bounded() -> Result {
    let folder = TempDir::new()?;
    let hostile = |_: &str, upgrade: bool| {
        let stream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: {\"a\\n[publish]\\nrequest = \\\"DELETE /\\\"\\u001b\": \"\u{1b}[2J\", \"\\\"b\": \"x\u{202e}\"}\n\ndata: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n\n";
        (!upgrade).then_some(stream)
    };
    let (url, _) = serving(hostile)?;
    let output = pushspec(folder.path(), &["init", &url, "--color", "never"])?;
    assert_exit(&output, 0);
    let text = fs::read_to_string(folder.path().join("pushspec.toml"))?;
    for text in [&text, &err(&output)] {
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
        assert!(text.lines().all(|line| line.len() < 300), "{text}");
    }
    let profile = Profile::parse("pushspec.toml", &text)?;
    assert!(profile.publish.is_none() && profile.sse.is_some(), "{text}");
    Ok(())
}

#[test]
fn where_nothing_is_found_nothing_is_written() -> Result {
    let folder = TempDir::new()?;
    let (url, _) = serving(|_, _| None)?;
    let output = pushspec(folder.path(), &["init", &url])?;
    assert_exit(&output, 4);
    assert!(err(&output).contains("no technique was found"), "{}", err(&output));
    assert!(!folder.path().join("pushspec.toml").exists());
    let closed = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    assert_exit(&pushspec(folder.path(), &["init", &format!("http://{closed}")])?, 3);
    for (arguments, words) in [
        (vec!["init"], "name the URL of the server, or a kind of server with --preset"),
        (vec!["init", "nonsense"], "is not a URL"),
        (vec!["init", "--preset", "opanai"], "openai"),
    ] {
        let output = pushspec(folder.path(), &arguments)?;
        assert_exit(&output, 2);
        assert!(err(&output).contains(words), "{}", err(&output));
    }
    Ok(())
}

#[test]
fn a_kind_of_server_is_recognized_and_has_its_preset() -> Result {
    let folder = TempDir::new()?;
    let engine = |path: &str, upgrade: bool| {
        let found = path.starts_with("/engine.io/?EIO=4&transport=polling") && !upgrade;
        found.then_some("HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n0{\"sid\":\"a\"}")
    };
    let (url, asked) = serving(engine)?;
    let output = pushspec(folder.path(), &["init", &url])?;
    assert_exit(&output, 4);
    assert!(err(&output).contains(&format!("pushspec init {url} --preset engine.io")), "{}", err(&output));
    asked.lock().unwrap_or_else(PoisonError::into_inner).clear();
    assert_exit(&pushspec(folder.path(), &["init", &url, "--preset", "engine.io"])?, 0);
    let text = fs::read_to_string(folder.path().join("pushspec.toml"))?;
    let profile = Profile::parse("pushspec.toml", &text)?;
    assert!(
        profile.session.is_some() && profile.long_polling.is_some() && !text.contains("# look"),
        "{text}"
    );
    let posted =
        asked.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|line| !line.starts_with("GET "));
    assert!(!posted, "a preset that posts does not do so here");
    for (path, _) in pushspec_fixtures::PRESETS {
        let name = path.rsplit('/').next().unwrap_or_default();
        let output = pushspec(folder.path(), &["init", "--preset", name, "--output", "-"])?;
        assert_exit(&output, 0);
        assert!(Profile::parse(name, &out(&output)).is_ok(), "{name}: {}", out(&output));
    }
    Ok(())
}

const REFUSED: &str = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

const EVENTS: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: s3cret-of-a-field and to-k3n-of-a-path\n\n";

#[test]
fn what_a_server_wants_to_see_is_sent_and_not_written_down() -> Result {
    let folder = TempDir::new()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 4096];
            let length = stream.read(&mut buffer).unwrap_or_default();
            let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let knows = request.contains("Authorization: Bearer s3cret-of-a-field\r\n");
            let asks = request.starts_with("GET /private?token=to-k3n-of-a-path ");
            let _ = stream.write_all(if knows && asks { EVENTS } else { REFUSED }.as_bytes());
        }
    });
    let path = "/private?token=to-k3n-of-a-path";
    let without = pushspec(folder.path(), &["init", &url])?;
    assert_exit(&without, 4);
    assert!(err(&without).contains("401") && err(&without).contains("by --header"), "{}", err(&without));
    let field = "Authorization: Bearer s3cret-of-a-field";
    let flags = ["init", &url, "--sse", path, "--header", field, "--secret", "token"];
    let output = pushspec(folder.path(), &flags)?;
    assert_exit(&output, 0);
    let text = fs::read_to_string(folder.path().join("pushspec.toml"))?;
    for said in [&text, &err(&output), &out(&output)] {
        assert!(!said.contains("s3cret") && !said.contains("to-k3n"), "{said}");
    }
    assert!(err(&output).contains("set AUTHORIZATION and TOKEN in the environment"), "{}", err(&output));
    for line in [
        "secrets = [\"token\"]",
        "path = \"/private?token=${TOKEN}\"",
        "\"Authorization\" = \"${AUTHORIZATION}\"",
    ] {
        assert!(text.lines().any(|written| written == line), "{text}");
    }
    assert_eq!(text.matches("[headers]").count(), 1, "what says how to write it stands beside it: {text}");
    // A field of a preset gives way to that of the same name.
    let preset = ["init", "--preset", "mcp", "--output", "-", "--header", "accept: text/event-stream"];
    let output = pushspec(folder.path(), &preset)?;
    assert_exit(&output, 0);
    let filled = out(&output).replace("${ACCEPT}", "text/event-stream");
    let profile = Profile::parse("mcp.toml", &filled)?;
    assert_eq!(profile.headers.get("accept").map(String::as_str), Some("text/event-stream"), "{filled}");
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_server_that_is_started_to_be_looked_at_is_ended() -> Result {
    let folder = TempDir::new()?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let program = env!("CARGO_BIN_EXE_pushspec");
    let start = format!("echo $$ > pid; exec '{program}' serve --listen {address}");
    let url = format!("http://{address}");
    let output = pushspec(folder.path(), &["init", &url, "--start", &start, "--sse", "/sse/{channel}"])?;
    assert_exit(&output, 0);
    let pid = fs::read_to_string(folder.path().join("pid"))?;
    let alive = std::process::Command::new("kill").args(["-0", pid.trim()]).output()?;
    assert!(!alive.status.success(), "the server is left");
    assert!(TcpStream::connect(address).is_err());
    assert_exit(&pushspec(folder.path(), &["init", "--start", "true"])?, 2);
    let output = pushspec(folder.path(), &["init", &url, "--start", "exit 3", "--force"])?;
    assert_exit(&output, 3);
    Ok(())
}
