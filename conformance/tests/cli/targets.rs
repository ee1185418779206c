//! What is judged: where it is, whether it answers, and what it sends.

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{Ended, Result, Running, answering, answering_in_turn, assert_exit, err, out, pushspec};

#[test]
fn without_a_url_the_built_in_server_is_judged_and_conforms() -> Result {
    let folder = TempDir::new()?;
    let output = pushspec(folder.path(), &["run", "--patience", "4"])?;
    assert_exit(&output, 0);
    assert!(out(&output).contains("conformant: "), "{}", out(&output));
    let report: Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("reports/latest/report.json"))?)?;
    assert_eq!(report["conformant"], true);
    assert_eq!(report["schema"], "pushspec-report/1");
    let total = &report["summary"]["total"];
    assert_eq!((&total["fail"], &total["warn"], &total["error"]), (&0.into(), &0.into(), &0.into()));
    assert!(
        fs::read_to_string(folder.path().join("reports/latest/junit.xml"))?
            .contains("<testsuite name=\"websocket\"")
    );
    Ok(())
}

#[test]
fn a_server_at_a_url_gets_the_same_verdicts_as_the_built_in_one() -> Result {
    let folder = TempDir::new()?;
    let server = Running::start()?;
    let verdicts = |arguments: &[&str]| -> Result<Vec<(String, String)>> {
        let output =
            pushspec(folder.path(), &[&["run", "--patience", "4", "--format", "json"], arguments].concat())?;
        assert_exit(&output, 0);
        let report: Value = serde_json::from_slice(&output.stdout)?;
        let cases = report["cases"].as_array().cloned().unwrap_or_default();
        Ok(cases.iter().map(|case| (case["id"].to_string(), case["verdict"].to_string())).collect())
    };
    let built_in = verdicts(&[])?;
    assert!(built_in.len() >= 100, "{} cases", built_in.len());
    assert_eq!(built_in, verdicts(&[&server.url()])?);
    server.stop();
    Ok(())
}

#[test]
fn a_closed_port_exits_with_3() -> Result {
    let folder = TempDir::new()?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let output = pushspec(folder.path(), &["run", &format!("http://127.0.0.1:{port}")])?;
    assert_exit(&output, 3);
    assert!(err(&output).contains("is not reachable"), "{}", err(&output));
    Ok(())
}

#[test]
fn a_reader_who_goes_away_changes_no_verdict() -> Result {
    let folder = TempDir::new()?;
    for format in ["text", "json", "junit"] {
        let arguments = ["run", "--fault", "frames-masked", "--select", "websocket/5.1", "--format", format];
        let mut program = Command::new(env!("CARGO_BIN_EXE_pushspec"))
            .args(arguments)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        drop(program.stdout.take());
        assert_eq!(program.wait()?.code(), Some(1), "{format}");
    }
    Ok(())
}

/// The first line of a request, in the transcript of a report.
fn is_requested(folder: &TempDir, line: &str) -> Result<bool> {
    let report = fs::read_to_string(folder.path().join("reports/latest/report.json"))?;
    Ok(report.contains(line))
}

#[test]
fn the_url_of_a_websocket_without_a_path_is_the_root_or_what_the_profile_says() -> Result {
    let folder = TempDir::new()?;
    let server = Running::start()?;
    for url in [format!("ws://{}", server.server.address()), format!("ws://{}/", server.server.address())] {
        let output = pushspec(folder.path(), &["run", &url])?;
        assert!(is_requested(&folder, "GET / HTTP/1.1")?, "{}", out(&output));
        assert!(!is_requested(&folder, "/sse/")?, "nothing but the WebSocket is judged");
        let arguments = ["run", &url, "--websocket", "/websocket/echo", "--select", "websocket/5.1"];
        let output = pushspec(folder.path(), &arguments)?;
        assert!(is_requested(&folder, "GET /websocket/echo HTTP/1.1")?, "{}", out(&output));
    }
    server.stop();
    Ok(())
}

#[test]
fn the_profile_of_the_reference_server_needs_no_url() -> Result {
    let folder = TempDir::new()?;
    fs::write(folder.path().join("p.toml"), pushspec_fixtures::REFERENCE_PROFILE)?;
    let select = ["--select", "websocket/5.1-masking/masked-hello"];
    assert_exit(&pushspec(folder.path(), &[&["run", "--profile", "p.toml"], &select[..]].concat())?, 0);
    Ok(())
}

#[test]
fn an_address_at_which_nothing_is_is_not_called_conformant() -> Result {
    let server = Running::start()?;
    for (technique, code) in [("--iframe", 1), ("--sse", 1), ("--polling", 1), ("--long-polling", 4)] {
        let folder = TempDir::new()?;
        let output = pushspec(folder.path(), &["run", &server.url(), technique, "/nowhere"])?;
        let text = out(&output);
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(!text.contains("\nconformant:"), "{text}");
        if code == 4 {
            assert!(text.contains("long-polling could not be judged: "), "{text}");
        }
    }
    server.stop();
    Ok(())
}

#[test]
fn the_url_of_a_websocket_goes_with_what_else_is_said() -> Result {
    let folder = TempDir::new()?;
    let server = Running::start()?;
    let url = format!("ws://{}/websocket/echo", server.server.address());
    let profile =
        "[headers]\nX-Note = \"here\"\n\n[websocket]\npath = \"/elsewhere\"\nreply = \"{message}\"\n";
    fs::write(folder.path().join("profile.toml"), profile)?;
    let select = ["--select", "websocket/5.1-masking/masked-hello"];
    for said in [vec!["--echo"], vec!["--profile", "profile.toml"]] {
        let output =
            pushspec(folder.path(), &[vec!["run", url.as_str()], said.clone(), select.to_vec()].concat())?;
        assert_exit(&output, 0);
        let report = fs::read_to_string(folder.path().join("reports/latest/report.json"))?;
        assert!(report.contains("GET /websocket/echo HTTP/1.1"), "{report}");
        assert_eq!(report.contains("X-Note: here"), said.len() == 2, "{report}");
    }
    server.stop();
    Ok(())
}

#[test]
fn what_came_at_first_is_reported_where_a_case_passes_when_run_again() -> Result {
    let folder = TempDir::new()?;
    let address = answering_in_turn(
        b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none",
    )?;
    let id = "polling/6202-2.1-short-polling/poll-is-answered";
    let arguments = ["run", &format!("http://{address}"), "--polling", "/", "--select", id];
    let output = pushspec(folder.path(), &arguments)?;
    assert!(
        out(&output).contains(&format!(
            "passed only when run again (what came at first is in report.json):\n  {id}\n"
        )),
        "{}",
        out(&output)
    );
    let report: Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("reports/latest/report.json"))?)?;
    let case = report["cases"].as_array().and_then(|cases| cases.iter().find(|case| case["id"] == id));
    let case = case.ok_or("the case is not in the report")?;
    assert_eq!((&case["verdict"], &case["at_first"]["verdict"]), (&"pass".into(), &"fail".into()), "{case}");
    Ok(())
}

#[test]
fn what_a_hostile_server_sends_never_reaches_the_terminal_as_it_is() -> Result {
    let folder = TempDir::new()?;
    let address = answering(
        b"HTTP/1.1 200 \x1b[2J\x1b]0;owned\x07\r\nX: \xe2\x80\xae\x9b31m\r\nContent-Length: 3\r\n\r\n\x1b[H",
    )?;
    let output = pushspec(
        folder.path(),
        &["run", &format!("http://{address}"), "--patience", "0.2", "--color", "never"],
    )?;
    assert_exit(&output, 1);
    for stream in [&output.stdout, &output.stderr] {
        assert!(!stream.contains(&0x1b) && !stream.contains(&0x07), "{}", String::from_utf8_lossy(stream));
        assert!(!String::from_utf8_lossy(stream).contains('\u{202e}'));
    }
    let junit = fs::read_to_string(folder.path().join("reports/latest/junit.xml"))?;
    assert!(!junit.contains('\u{1b}') && !junit.contains("&#27;"));
    Ok(())
}

#[test]
fn a_server_that_speaks_no_http_is_judged_and_fails() -> Result {
    let folder = TempDir::new()?;
    for bytes in [
        b"SSH-2.0-x\r\n".as_slice(),
        b"\0\xff\0\xff",
        b"",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let address = answering(bytes)?;
        let arguments = ["run", &format!("http://{address}"), "--patience", "0.2", "-qq"];
        assert_exit(&pushspec(folder.path(), &arguments)?, 1);
    }
    Ok(())
}

#[test]
fn serve_starts_a_server_that_a_second_program_judges() -> Result {
    let folder = TempDir::new()?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let server = Command::new(env!("CARGO_BIN_EXE_pushspec"))
        .args(["serve", "--listen", &address, "--log", "off"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let _server = Ended(server);
    for _ in 0..200 {
        if std::net::TcpStream::connect(&address).is_ok() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let arguments =
        ["run", &format!("http://{address}"), "--select", "sse", "websocket/5.1", "--patience", "4"];
    assert_exit(&pushspec(folder.path(), &arguments)?, 0);
    Ok(())
}

#[test]
fn the_note_that_paths_are_assumed_stands_beside_the_verdict() -> Result {
    let folder = TempDir::new()?;
    let server = Running::start()?;
    let output = pushspec(folder.path(), &["run", &server.url(), "--select", "websocket/5.1-masking"])?;
    let (text, lines) = (out(&output), out(&output));
    let lines: Vec<&str> = lines.lines().collect();
    let at = lines.iter().position(|line| line.starts_with("note: no profile: assuming")).ok_or(text)?;
    assert!(lines[at + 1].starts_with("conformant"), "{}", lines[at + 1]);
    server.stop();
    Ok(())
}
