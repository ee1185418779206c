//! Servers that the suite starts, that end in mid-run, that come back, and that fall silent.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use pushspec::drive::schedule::{Launch, Options};
use pushspec::profile::{Profile, Target};
use pushspec::suite::Suite;
use serde_json::Value;
use sha1::{Digest as _, Sha1};
use tempfile::TempDir;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Where the server of a test listens. It is a process of this program.
const LISTEN: &str = "PUSHSPEC_TEST_LISTEN";

/// A folder in which each process of it leaves a file named by its id.
const PROCESSES: &str = "PUSHSPEC_TEST_PROCESSES";

/// Set where the server is to leave polls without an answer.
const SILENT: &str = "PUSHSPEC_TEST_SILENT";

/// What the server writes before the text of each message, where it is set.
const PREFIX: &str = "PUSHSPEC_TEST_PREFIX";

/// How many connections the server ends without an answer before it serves, as what stands before a server does that has
/// not come up.
const LOADS: &str = "PUSHSPEC_TEST_LOADS";

/// What the server writes before it ends.
const LAST_WORDS: &str = "RangeError: Invalid WebSocket frame: RSV must be clear";

/// Not a test, but the server of others: an echo without a handler for errors, as tutorials have it. A frame with a
/// reserved bit ends the whole process.
#[test]
#[ignore = "it is the server that other tests start"]
fn mortal() -> Result {
    let Ok(address) = std::env::var(LISTEN) else { return Ok(()) };
    if let Ok(folder) = std::env::var(PROCESSES) {
        fs::write(Path::new(&folder).join(std::process::id().to_string()), "")?;
    }
    let listener = TcpListener::bind(address)?;
    let loads = std::env::var(LOADS).ok().and_then(|number| number.parse().ok()).unwrap_or(0);
    for stream in listener.incoming().flatten().skip(loads) {
        std::thread::spawn(move || drop(echo(&stream)));
    }
    Ok(())
}

fn echo(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    let mut key = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("sec-websocket-key")
        {
            value.trim().clone_into(&mut key);
        }
        if line == "\r\n" {
            break;
        }
    }
    // Without an answer, so that a case waits for as long as it may.
    if key.is_empty() && std::env::var(SILENT).is_ok() {
        std::thread::sleep(Duration::from_secs(300));
    }
    if key.is_empty() {
        return writer
            .write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let digest = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    let accept = base64::engine::general_purpose::STANDARD.encode(digest);
    let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade";
    writer.write_all(format!("{head}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n").as_bytes())?;
    while let Some((first, payload)) = frame(&mut reader)? {
        if first & 0x70 != 0 {
            writeln!(std::io::stderr(), "{LAST_WORDS}\u{1b}[2J")?;
            std::process::exit(7);
        }
        if !matches!(first & 0x0f, 0x0..=0x2 | 0x8..=0xa) {
            return Ok(());
        }
        let prefix = std::env::var(PREFIX).ok().filter(|_| first & 0x0f == 0x1);
        let payload = [prefix.unwrap_or_default().as_bytes(), &payload].concat();
        let length = payload.len();
        let mut answer = match first & 0x0f {
            0x9 => vec![0x8a],
            _ => vec![first],
        };
        match u16::try_from(length) {
            Ok(short) if short < 126 => answer.push(u8::try_from(short).unwrap_or_default()),
            Ok(medium) => answer.extend([&[126][..], &medium.to_be_bytes()].concat()),
            Err(_) => answer.extend([&[127][..], &(length as u64).to_be_bytes()].concat()),
        }
        writer.write_all(&[answer, payload].concat())?;
        if first & 0x0f == 0x8 {
            return Ok(());
        }
    }
    Ok(())
}

/// The first byte and the payload of a frame that is masked.
fn frame(reader: &mut impl std::io::Read) -> std::io::Result<Option<(u8, Vec<u8>)>> {
    let mut start = [0; 2];
    reader.read_exact(&mut start)?;
    let length = match start[1] & 0x7f {
        126 => {
            let mut length = [0; 2];
            reader.read_exact(&mut length)?;
            u64::from(u16::from_be_bytes(length))
        }
        127 => {
            let mut length = [0; 8];
            reader.read_exact(&mut length)?;
            u64::from_be_bytes(length)
        }
        short => u64::from(short),
    };
    if start[1] & 0x80 == 0 || length > 1 << 24 {
        return Ok(None);
    }
    let mut key = [0; 4];
    reader.read_exact(&mut key)?;
    let mut payload = vec![0; usize::try_from(length).unwrap_or_default()];
    reader.read_exact(&mut payload)?;
    payload.iter_mut().zip(key.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    Ok(Some((start[0], payload)))
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// The line of the shell that starts the server.
fn mortal_command() -> Result<String> {
    let program = std::env::current_exe()?.display().to_string();
    Ok(format!("'{program}' --exact mortal --ignored --nocapture"))
}

fn pushspec(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushspec"));
    command
        .args(["run", "--color", "never"])
        .args(arguments)
        .current_dir(folder.path())
        .env(PROCESSES, folder.path().join("processes"))
        .stdin(Stdio::null());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

fn folder() -> Result<TempDir> {
    let folder = TempDir::new()?;
    fs::create_dir(folder.path().join("processes"))?;
    fs::create_dir(folder.path().join("reports"))?;
    Ok(folder)
}

fn report(folder: &TempDir) -> Result<Value> {
    Ok(serde_json::from_str(&fs::read_to_string(folder.path().join("reports/latest/report.json"))?)?)
}

/// The processes that were started in a folder, once all of them have ended.
fn ended_processes(folder: &TempDir) -> Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(folder.path().join("processes"))? {
        let id = entry?.file_name().to_string_lossy().into_owned();
        let until = Instant::now() + Duration::from_secs(10);
        while is_there(&id) {
            assert!(Instant::now() < until, "process {id} is left");
            std::thread::sleep(Duration::from_millis(20));
        }
        count += 1;
    }
    Ok(count)
}

/// Whether a process runs. One that only waits for its parent to look at it does not.
fn is_there(id: &str) -> bool {
    let output = Command::new("ps").args(["-o", "stat=", "-p", id]).output();
    output.is_ok_and(|output| output.stdout.first().is_some_and(|state| !b"Z\n ".contains(state)))
}

/// What the cases of a report came to, by their clauses and verdicts.
fn assert_judged_whole(report: &Value) -> Result {
    let cases = report["cases"].as_array().ok_or("no cases")?;
    let ends = |case: &&Value| case["findings"][0]["clause"] == "rfc6455/10.7/goes-on";
    let (killers, others): (Vec<&Value>, Vec<&Value>) = cases.iter().partition(ends);
    assert!(!killers.is_empty());
    for case in killers {
        let id = case["id"].as_str().unwrap_or_default();
        assert!(id.contains("reserved-bit"), "{id}");
        assert_eq!(case["verdict"], "fail");
    }
    for case in &others {
        let reason = case["reason"].as_str().unwrap_or_default();
        assert!(!reason.contains("gone away") && !reason.contains("went away"), "{case}");
    }
    let passed = others.iter().filter(|case| case["verdict"] == "pass").count();
    assert!(passed > 10, "{passed}");
    assert!(report.get("gone").is_none());
    Ok(())
}

const SELECTED: [&str; 4] = ["--select", "websocket/5.1-masking", "websocket/5.2-base-framing", "-q"];

#[test]
fn a_server_that_dies_on_a_frame_is_judged_whole_and_the_frame_is_named() -> Result {
    let folder = folder()?;
    let address = free_address()?;
    let url = format!("ws://{address}/");
    let command = mortal_command()?;
    let arguments = [&[&url, "--echo", "--start", &command], &SELECTED[..]].concat();
    let output = pushspec(&folder, &arguments).env(LISTEN, address.to_string()).output()?;
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let report = report(&folder)?;
    assert_judged_whole(&report)?;
    let received = |words: &str| {
        let cases = report["cases"].as_array().into_iter().flatten();
        let ended = format!(
            "the server ended{words} when this case was run alone: its process ended (exit status: 7)"
        );
        cases.filter(|case| case["findings"][0]["received"] == ended.as_str()).count()
    };
    // The first ones are looked at twice; after that it is known how this server ends.
    assert!(received(", twice,") + received("") > 3, "{said}");
    assert!(said.contains("its process ended (exit status: 7)"), "{said}");
    assert!(said.contains(&format!("\n    {LAST_WORDS}\\u{{1b}}[2J")), "{said}");
    assert!(said.contains("--start"), "{said}");
    let clauses = report["clauses"].as_array().ok_or("no clauses")?;
    assert!(
        clauses.iter().any(|clause| clause["id"] == "rfc6455/10.7/goes-on" && clause["verdict"] == "fail")
    );
    assert!(ended_processes(&folder)? > 2);
    Ok(())
}

#[test]
fn a_server_that_answers_in_its_own_words_and_dies_on_a_frame_is_judged_whole() -> Result {
    let folder = folder()?;
    let address = free_address()?;
    let url = format!("http://{address}");
    fs::write(
        folder.path().join("pushspec.toml"),
        "[websocket]\npath = \"/\"\nreply = \"prefix:{message}\"\n",
    )?;
    let command = mortal_command()?;
    let select = [&SELECTED[..3], &["websocket/6-messages", "-q"]].concat();
    let arguments = [&[&url, "--start", &command], &select[..]].concat();
    let mut program = pushspec(&folder, &arguments);
    let output = program.env(LISTEN, address.to_string()).env(PREFIX, "prefix:").output()?;
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let report = report(&folder)?;
    assert_judged_whole(&report)?;
    let cases = report["cases"].as_array().ok_or("no cases")?;
    let reply = cases.iter().find(|case| case["id"] == "websocket/6-messages/reply-is-that-of-the-profile");
    assert_eq!(reply.map(|case| &case["verdict"]), Some(&"pass".into()));
    // Once it is known how the server ends, not every one of a kind has to end it.
    let ends = report["ends"].as_array().map_or(0, Vec::len);
    assert!((1..=12).contains(&ends), "{ends}");
    assert!(ended_processes(&folder)? > 2);
    Ok(())
}

#[test]
fn a_server_that_listens_before_it_serves_is_waited_for() -> Result {
    let folder = folder()?;
    let address = free_address()?;
    let url = format!("ws://{address}/");
    let command = mortal_command()?;
    let selected = ["--select", "websocket/5.1-masking", "-q"];
    let arguments = [&[&url, "--echo", "--start", &command], &selected[..]].concat();
    // Each connection that is opened is one: the first to see whether something listens, the others to be answered.
    let output = pushspec(&folder, &arguments).env(LISTEN, address.to_string()).env(LOADS, "8").output()?;
    let report = report(&folder)?;
    let judged =
        report["cases"].as_array().into_iter().flatten().filter(|case| case["verdict"] == "pass").count();
    assert!(judged > 10, "{}", said(&output));
    assert_eq!(report["summary"]["total"]["error"], 0, "{}", said(&output));
    Ok(())
}

#[test]
fn a_server_that_a_supervisor_brings_back_is_judged_whole() -> Result {
    let folder = folder()?;
    let address = free_address()?;
    let command = mortal_command()?;
    let is_over = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&is_over);
    let processes = folder.path().join("processes");
    let current = Arc::new(std::sync::Mutex::new(None::<Child>));
    let held = Arc::clone(&current);
    let supervisor = std::thread::spawn(move || -> std::io::Result<()> {
        while !over.load(Ordering::SeqCst) {
            let child = Command::new("/bin/sh")
                .args(["-c", &format!("exec {command}")])
                .env(LISTEN, address.to_string())
                .env(PROCESSES, &processes)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?;
            *held.lock().map_err(|_| std::io::Error::other("poisoned"))? = Some(child);
            loop {
                let mut child = held.lock().map_err(|_| std::io::Error::other("poisoned"))?;
                let Some(child) = child.as_mut() else { return Ok(()) };
                if child.try_wait()?.is_some() {
                    break;
                }
                if over.load(Ordering::SeqCst) {
                    child.kill()?;
                    child.wait()?;
                    break;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(())
    });
    let url = format!("ws://{address}/");
    let arguments = [&[&url, "--echo", "--wait", "60s"], &SELECTED[..]].concat();
    let output = pushspec(&folder, &arguments).output()?;
    is_over.store(true, Ordering::SeqCst);
    supervisor.join().map_err(|_| "the supervisor panicked")??;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_judged_whole(&report(&folder)?)?;
    Ok(())
}

#[test]
fn a_command_that_brings_nothing_up_is_told_with_its_last_lines() -> Result {
    let folder = folder()?;
    let url = format!("http://{}", free_address()?);
    let arguments = [&url, "--sse", "/events", "--start", "echo no such module; exit 4"];
    let output = pushspec(&folder, &arguments).output()?;
    let text = said(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(
        text.contains("does not bring the server up: it ended (exit status: 4)\n  | no such module"),
        "{text}"
    );
    let arguments = [&url, "--sse", "/events", "--start", "sleep 300", "--wait", "300ms"];
    let output = pushspec(&folder, &arguments).output()?;
    let text = said(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("does not bring the server up: ") && text.contains("(waited 300ms)"), "{text}");
    Ok(())
}

#[test]
fn a_server_that_is_there_already_is_not_taken_for_the_one_that_is_started() -> Result {
    let folder = folder()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let output = pushspec(&folder, &[&url, "--sse", "/events", "--start", "sleep 300"]).output()?;
    let text = said(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("something answers at") && text.contains("leave --start out"), "{text}");
    Ok(())
}

#[test]
fn start_needs_a_url() -> Result {
    let folder = folder()?;
    let output = pushspec(&folder, &["--start", "sleep 300"]).output()?;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("put its URL behind the command"), "{}", said(&output));
    Ok(())
}

/// Waits for the program.
fn exit_code(program: &mut Child) -> Result<Option<i32>> {
    let until = Instant::now() + Duration::from_secs(60);
    while Instant::now() < until {
        if let Some(status) = program.try_wait()? {
            return Ok(status.code());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    program.kill()?;
    Err("it does not end".into())
}

#[test]
fn nothing_is_left_of_a_server_after_a_signal_or_when_the_time_is_over() -> Result {
    for (signals, code, max_time) in [
        (vec!["-INT"], 130, "60s"),
        (vec!["-TERM"], 143, "60s"),
        (vec!["-HUP"], 129, "60s"),
        (vec![], 1, "1s"),
    ] {
        let folder = folder()?;
        let address = free_address()?;
        let url = format!("http://{address}");
        // A process of the server's own, and a case that waits for as long as it may.
        let command = format!("sleep 300 & echo > \"${PROCESSES}/$!\"; {}", mortal_command()?);
        let arguments = [
            &url,
            "--polling",
            "/",
            "--start",
            &command,
            "--patience",
            "50",
            "--max-time",
            max_time,
            "--select",
            "polling",
        ];
        let mut program = pushspec(&folder, &arguments)
            .env(LISTEN, address.to_string())
            .env(SILENT, "")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        assert!(are_up(&folder, 2));
        for signal in signals {
            std::thread::sleep(Duration::from_millis(500));
            assert!(Command::new("kill").args([signal, &program.id().to_string()]).status()?.success());
        }
        assert_eq!(exit_code(&mut program)?, Some(code));
        assert_eq!(ended_processes(&folder)?, 2);
        if code == 1 {
            let report = report(&folder)?;
            let objections = report["objections"].to_string();
            assert!(objections.contains("the run was not through after 1s"), "{objections}");
        }
    }
    Ok(())
}

/// Whether so many processes have been started in a folder, which may take a while.
fn are_up(folder: &TempDir, count: usize) -> bool {
    let is_up = || fs::read_dir(folder.path().join("processes")).is_ok_and(|files| files.count() >= count);
    let until = Instant::now() + Duration::from_secs(30);
    while !is_up() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    is_up()
}

/// Not a test, but a program that starts a server as `pushspec run` does, and panics when the first case is done.
#[test]
#[ignore = "it is the program that another test starts"]
fn panicking() -> Result {
    let Ok(address) = std::env::var(LISTEN) else { return Ok(()) };
    let profile = Profile::parse("pushspec.toml", "[websocket]\npath = \"/\"\nreply = \"{message}\"\n")?;
    let target = Arc::new(Target::new(&format!("http://{address}"), profile)?);
    let command = format!("sleep 300 & echo > \"${PROCESSES}/$!\"; {}", mortal_command()?);
    let options =
        Options { start: Some(Launch { command }), ..Options::default() }.only("websocket/5.1-masking");
    let suite = Suite::embedded()?;
    let run = suite.run_with(&target, &options, |_| panic!("provoked"));
    tokio::runtime::Runtime::new()?.block_on(run)?;
    Ok(())
}

#[test]
fn nothing_is_left_of_a_server_after_a_panic_of_the_suite() -> Result {
    let folder = folder()?;
    let output = Command::new(std::env::current_exe()?)
        .args(["--exact", "panicking", "--ignored", "--nocapture"])
        .env(LISTEN, free_address()?.to_string())
        .env(PROCESSES, folder.path().join("processes"))
        .stdin(Stdio::null())
        .output()?;
    let said = said(&output);
    assert!(!output.status.success() && said.contains("provoked"), "{said}");
    assert_eq!(ended_processes(&folder)?, 2, "{said}");
    Ok(())
}

#[test]
fn nothing_is_left_of_a_server_that_init_starts_and_a_signal_ends() -> Result {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let folder = folder()?;
        let address = free_address()?;
        let command = format!("sleep 300 & echo > \"${PROCESSES}/$!\"; {}", mortal_command()?);
        let mut program = Command::new(env!("CARGO_BIN_EXE_pushspec"))
            .args(["init", &format!("http://{address}"), "--start", &command])
            .current_dir(folder.path())
            .env(LISTEN, address.to_string())
            .env(PROCESSES, folder.path().join("processes"))
            .env(SILENT, "")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        assert!(are_up(&folder, 2));
        assert!(Command::new("kill").args([signal, &program.id().to_string()]).status()?.success());
        assert_eq!(exit_code(&mut program)?, Some(code), "{signal}");
        assert_eq!(ended_processes(&folder)?, 2, "{signal}");
        assert!(!folder.path().join("pushspec.toml").exists(), "{signal}");
    }
    Ok(())
}

#[test]
fn a_server_that_falls_silent_is_gone_and_accused_of_nothing() -> Result {
    let folder = folder()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        let answered = AtomicUsize::new(0);
        let mut held = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
            let asked = stream.read(&mut [0; 4096]).is_ok_and(|length| length > 0);
            if asked && answered.fetch_add(1, Ordering::SeqCst) < 3 {
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\none";
                let _ = stream.write_all(answer);
            } else if asked {
                held.push(stream);
            }
        }
    });
    let begun = Instant::now();
    let output = pushspec(&folder, &[&url, "--polling", "/", "-j", "2", "-q"]).output()?;
    let text = said(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("it takes connections, and has answered none for "), "{text}");
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    let total = &report(&folder)?["summary"]["total"];
    assert_eq!((&total["fail"], &total["error"]), (&0.into(), &0.into()), "{text}");
    Ok(())
}
