//! Runs that do not come to their end: the server goes away, or somebody interrupts; and servers that are late.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::{Ended, Result, answering_at, assert_exit, err, out, pushspec};

/// A case that passes on a server that answers every poll with the word `one`.
const POLL: &str = "polling/6202-2.1-short-polling/poll-is-answered";

const ONE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\none";

/// Takes what was asked for; whether anything was.
fn is_asked(stream: &mut TcpStream) -> bool {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    stream.read(&mut [0; 4096]).is_ok_and(|length| length > 0)
}

/// A server that answers so many requests, and is gone with the one behind them.
pub(super) fn leaving(after: usize) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        let mut answered = 0;
        for mut stream in listener.incoming().flatten() {
            if !is_asked(&mut stream) {
                continue;
            }
            if answered == after {
                break;
            }
            answered += 1;
            let _ = stream.write_all(ONE);
        }
    });
    Ok(address)
}

fn report(folder: &TempDir) -> Result<Value> {
    Ok(serde_json::from_str(&fs::read_to_string(folder.path().join("reports/latest/report.json"))?)?)
}

#[test]
fn a_server_that_goes_away_ends_the_run_with_3_and_is_accused_of_nothing() -> Result {
    let folder = TempDir::new()?;
    let url = format!("http://{}", leaving(2)?);
    let output =
        pushspec(folder.path(), &["run", &url, "--polling", "/", "--jobs", "1", "--select", "polling"])?;
    assert_exit(&output, 3);
    let text = out(&output);
    for words in
        ["cut short: ", "  the server went away ", "  running then: polling/", ": the server had gone away\n"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    let report = report(&folder)?;
    assert_eq!((&report["conformant"], &report["interrupted"]), (&false.into(), &false.into()));
    let running = report["gone"]["running"].as_array().cloned().unwrap_or_default();
    // The one that was not answered is among them. The last that was answered may be too, and one that came while the
    // server ended: that depends on when the end is noticed.
    assert!((1..=3).contains(&running.len()), "{running:?}");
    assert!(running.iter().any(|id| *id != POLL), "{running:?}");
    assert!(report["gone"]["after_ms"].is_number() && report["gone"]["why"].is_string());
    let cases = report["cases"].as_array().cloned().unwrap_or_default();
    let by_reason = |words: &str| {
        let has = |case: &&Value| case["reason"].as_str().is_some_and(|reason| reason.starts_with(words));
        cases.iter().filter(has).collect::<Vec<_>>()
    };
    let while_it_ran = by_reason("it was running when the server went away");
    let ids: Vec<&Value> = while_it_ran.iter().map(|case| &case["id"]).collect();
    assert_eq!(ids, running.iter().collect::<Vec<_>>());
    assert!(while_it_ran[0]["transcript"].as_array().is_some_and(|lines| !lines.is_empty()));
    assert!(!by_reason("the server had gone away").is_empty());
    // What was judged until then stays so.
    assert!(cases.iter().any(|case| case["id"] == POLL && case["verdict"] == "pass"), "{cases:?}");
    assert_eq!(report["summary"]["total"]["error"], 0);
    let junit = fs::read_to_string(folder.path().join("reports/latest/junit.xml"))?;
    assert!(junit.contains("<error message=\"the server went away "), "{junit}");
    Ok(())
}

#[test]
fn a_server_that_goes_away_with_the_last_case_is_noticed() -> Result {
    let folder = TempDir::new()?;
    let url = format!("http://{}", leaving(1)?);
    // The precondition is answered; this one may see the connection end.
    let case = "http/9112-2.2-message-parsing/unreadable-request-line[polling]";
    let listed = pushspec(folder.path(), &["list", "http/9112-2.2-message-parsing"])?;
    let case = out(&listed)
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .find(|id| id.ends_with("[polling]"))
        .unwrap_or(case)
        .to_owned();
    let output = pushspec(folder.path(), &["run", &url, "--polling", "/", "--select", &case])?;
    assert_exit(&output, 3);
    let text = out(&output);
    let running = text.lines().find(|line| line.starts_with("  running then: ")).ok_or("none is named")?;
    assert!(running.contains(&case), "{running}");
    assert!(!text.contains("\nfail ") && !text.contains("\nwarn "), "{text}");
    Ok(())
}

/// A run against a server that takes every request and answers none; it has asked for something.
#[cfg(unix)]
fn waiting(folder: &TempDir, arguments: &[&str], stdout: Stdio) -> Result<Ended> {
    waiting_telling(folder, arguments, stdout, Stdio::piped())
}

#[cfg(unix)]
fn waiting_telling(folder: &TempDir, arguments: &[&str], stdout: Stdio, stderr: Stdio) -> Result<Ended> {
    fs::create_dir_all(folder.path().join("reports"))?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let (asked, is_asked_for) = mpsc::channel();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for mut stream in listener.incoming().flatten() {
            if is_asked(&mut stream) {
                let _ = asked.send(());
            }
            open.push(stream);
        }
    });
    let program = Command::new(env!("CARGO_BIN_EXE_pushspec"))
        .args(["run", &url, "--polling", "/", "--patience", "100"])
        .args(arguments)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr)
        .spawn()?;
    let program = Ended(program);
    is_asked_for.recv_timeout(Duration::from_secs(30))?;
    Ok(program)
}

#[cfg(unix)]
fn send(signal: &str, program: &Child) -> Result {
    assert!(Command::new("kill").args([signal, &program.id().to_string()]).status()?.success());
    Ok(())
}

#[cfg(unix)]
fn exit_code(program: &mut Child) -> Result<Option<i32>> {
    let until = Instant::now() + Duration::from_secs(30);
    while Instant::now() < until {
        if let Some(status) = program.try_wait()? {
            return Ok(status.code());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err("it does not end".into())
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_run_and_leaves_a_report_of_what_was_judged() -> Result {
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let folder = TempDir::new()?;
        let mut program = waiting(&folder, &[], Stdio::piped())?;
        send(signal, &program.0)?;
        let mut text = String::new();
        program.0.stdout.take().ok_or("no output")?.read_to_string(&mut text)?;
        assert_eq!(exit_code(&mut program.0)?, Some(code), "{text}");
        assert!(text.contains("interrupted: 0 cases judged at "), "{text}");
        let report = report(&folder)?;
        assert_eq!((&report["interrupted"], &report["conformant"]), (&true.into(), &false.into()));
        assert!(report.get("gone").is_none());
        let total = &report["summary"]["total"];
        assert_eq!((&total["fail"], &total["error"]), (&0.into(), &0.into()), "{total}");
        let cases = report["cases"].as_array().cloned().unwrap_or_default();
        let precondition = cases.iter().find(|case| case["id"] == POLL).ok_or("no case")?;
        assert_eq!(precondition["reason"], "the run was interrupted");
        assert!(precondition["transcript"].as_array().is_some_and(|lines| !lines.is_empty()));
        let junit = fs::read_to_string(folder.path().join("reports/latest/junit.xml"))?;
        assert!(junit.contains("<error message=\"the run was interrupted\""), "{junit}");
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_the_program_at_once() -> Result {
    let folder = TempDir::new()?;
    // Nobody reads what it prints: after the first signal it waits for a reader.
    let mut program = waiting(&folder, &["--format", "json"], Stdio::piped())?;
    send("-INT", &program.0)?;
    let report = folder.path().join("reports/latest/junit.xml");
    let until = Instant::now() + Duration::from_secs(30);
    while !report.exists() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(program.0.try_wait()?.is_none());
    send("-INT", &program.0)?;
    assert_eq!(exit_code(&mut program.0)?, Some(130));
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_the_program_although_nobody_reads_what_the_first_one_says() -> Result {
    use std::io::Write as _;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    let folder = TempDir::new()?;
    let (_unread, mut full) = std::io::pipe()?;
    let stderr = Stdio::from(full.try_clone()?);
    let mut program = waiting_telling(&folder, &["--format", "json"], Stdio::piped(), stderr)?;
    let written = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&written);
    std::thread::spawn(move || {
        while full.write_all(b"x").is_ok() {
            count.fetch_add(1, SeqCst);
        }
    });
    let mut before = usize::MAX;
    while written.load(SeqCst) != before {
        before = written.load(SeqCst);
        std::thread::sleep(Duration::from_millis(100));
    }
    send("-INT", &program.0)?;
    let report = folder.path().join("reports/latest/junit.xml");
    let until = Instant::now() + Duration::from_secs(30);
    while !report.exists() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(program.0.try_wait()?.is_none());
    send("-INT", &program.0)?;
    assert_eq!(exit_code(&mut program.0)?, Some(130));
    Ok(())
}

#[test]
fn a_server_that_is_not_up_yet_is_waited_for() -> Result {
    let folder = TempDir::new()?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let url = format!("http://{address}");
    let late = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        answering_at(address, ONE).map_err(|error| error.to_string())
    });
    let output =
        pushspec(folder.path(), &["run", &url, "--polling", "/", "--wait", "60s", "--select", POLL])?;
    late.join().map_err(|_| "the server did not start")??;
    assert_exit(&output, 0);
    let report = report(&folder)?;
    assert!(report["duration_ms"].as_f64().is_some_and(|duration| duration > 0.0));
    Ok(())
}

#[test]
fn a_server_that_never_comes_up_is_waited_for_as_long_as_was_said() -> Result {
    let folder = TempDir::new()?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let begun = Instant::now();
    let arguments = ["run", &format!("http://127.0.0.1:{port}"), "--sse", "/", "--wait", "300ms"];
    let output = pushspec(folder.path(), &arguments)?;
    assert_exit(&output, 3);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert!(err(&output).contains("(waited 300ms)"), "{}", err(&output));
    Ok(())
}
