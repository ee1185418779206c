//! What is judged: where it is, whether it answers, and what it sends.

use std::fs;
use std::io::{Read as _, Write as _};
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
    assert_eq!(report["schema"], "pushspec-report/2");
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
    let profile = folder.path().join("pushspec.toml");
    fs::write(&profile, pushspec_fixtures::REFERENCE_PROFILE)?;
    assert_eq!(built_in, verdicts(&[&server.url()])?);
    server.stop();
    Ok(())
}

#[test]
fn a_closed_port_exits_with_3() -> Result {
    let folder = TempDir::new()?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let output = pushspec(folder.path(), &["run", &format!("http://127.0.0.1:{port}"), "--sse", "/"])?;
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
        assert!(!is_requested(&folder, "GET /sse/")?, "nothing but the WebSocket is judged");
        let arguments = ["run", &url, "--websocket", "/websocket/echo", "--select", "websocket/5.1"];
        let output = pushspec(folder.path(), &arguments)?;
        assert!(is_requested(&folder, "GET /websocket/echo HTTP/1.1")?, "{}", out(&output));
    }
    server.stop();
    Ok(())
}

#[test]
fn flags_say_how_a_technique_is_requested_and_where_its_messages_are() -> Result {
    let folder = TempDir::new()?;
    let stream =
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: one\n\n";
    let url = format!("http://{}", answering(stream)?);
    let case = "sse/9.2.3-processing-model/stream-opens";
    for (flags, line) in [
        (&["--body", "{\"stream\": true}"][..], "POST /chat HTTP/1.1"),
        (&["--method", "QUERY", "--body", "{\"stream\": true}"], "QUERY /chat HTTP/1.1"),
        (&["--method", "POST"], "POST /chat HTTP/1.1"),
    ] {
        let arguments = [&["run", &url, "--sse", "/chat", "--select", case], flags].concat();
        let output = pushspec(folder.path(), &arguments)?;
        assert!(is_requested(&folder, line)?, "{}", out(&output));
        let has_body = flags.contains(&"--body");
        assert_eq!(is_requested(&folder, "Content-Type: application/json")?, has_body, "{flags:?}");
        let report: Value =
            serde_json::from_str(&fs::read_to_string(folder.path().join("reports/latest/report.json"))?)?;
        let arguments = report["arguments"].to_string();
        assert!(flags.iter().all(|flag| arguments.contains(&flag.replace('"', "\\\""))), "{arguments}");
    }
    let server = Running::start()?;
    let case = "iframe/3-messages/message-can-be-read";
    let iframe = [
        "--iframe",
        "/iframe/{channel}?callback={callback}",
        "--publish",
        "POST /publish/{channel}",
        "--select",
        case,
    ];
    for (flags, code) in [(&["--data", "/data"][..], 0), (&["--data", "/text"], 1), (&[], 1)] {
        let url = server.url();
        let output = pushspec(folder.path(), &[&["run", &url], &iframe[..], flags].concat())?;
        assert_exit(&output, code);
    }
    for (flags, words) in [
        (["--sse", "/chat", "--data", "text"], "--data: `text` is not a JSON pointer"),
        (["--sse", "/chat", "--method", "post"], "--method: `post` is not a method"),
        (["--sse", "/chat", "--body", "{name}"], "--body: `{name}` has no value here"),
    ] {
        let output = pushspec(folder.path(), &[&["run", &server.url()], &flags[..]].concat())?;
        assert_exit(&output, 2);
        assert!(err(&output).contains(words), "{}", err(&output));
    }
    let output = pushspec(folder.path(), &["run", &server.url(), "--data", "/text"])?;
    assert_exit(&output, 2);
    assert!(
        err(&output).contains("--data says more of a technique whose path a flag has"),
        "{}",
        err(&output)
    );
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
        assert_eq!(report.contains("X-Note: «X-Note»"), said.len() == 2, "{report}");
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
    fs::write(folder.path().join("pushspec.toml"), pushspec_fixtures::REFERENCE_PROFILE)?;
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
    fs::write(folder.path().join("pushspec.toml"), pushspec_fixtures::REFERENCE_PROFILE)?;
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
    fs::write(folder.path().join("pushspec.toml"), pushspec_fixtures::REFERENCE_PROFILE)?;
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

/// A server that takes every request, and what it was asked: the first line of each.
fn listening() -> Result<(String, std::sync::Arc<std::sync::Mutex<Vec<String>>>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let asked = std::sync::Arc::<std::sync::Mutex<Vec<String>>>::default();
    let kept = std::sync::Arc::clone(&asked);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 4096];
            let length = stream.read(&mut buffer).unwrap_or_default();
            let line =
                String::from_utf8_lossy(&buffer[..length]).lines().next().unwrap_or_default().to_owned();
            kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(line);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    Ok((url, asked))
}

#[test]
fn a_server_of_which_nothing_is_said_is_sent_nothing() -> Result {
    let folder = TempDir::new()?;
    let (url, asked) = listening()?;
    let output = pushspec(folder.path(), &["run", &url])?;
    assert_exit(&output, 2);
    assert!(err(&output).contains("nothing says which technique"), "{}", err(&output));
    let asked = asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    assert!(asked.is_empty(), "{asked:?}");
    assert!(!folder.path().join("reports/latest").exists());
    Ok(())
}

#[test]
fn a_path_is_all_that_is_asked_for_and_nothing_there_is_changed() -> Result {
    let folder = TempDir::new()?;
    let (url, asked) = listening()?;
    pushspec(folder.path(), &["run", &url, "--polling", "/news", "--patience", "0.05"])?;
    let asked = asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let changes = ["POST ", "PUT ", "DELETE ", "PATCH "];
    let wrong: Vec<_> =
        asked.iter().filter(|line| changes.iter().any(|method| line.starts_with(method))).collect();
    assert!(asked.len() > 20 && wrong.is_empty(), "{wrong:?}");
    let of_reference = asked.iter().find(|line| {
        ["/sse", "/websocket/", "/long-polling", "/publish"].iter().any(|path| line.contains(path))
    });
    assert_eq!(of_reference, None);
    Ok(())
}

/// The verdict and the reason of a case in a report.
fn verdict_of(folder: &TempDir, id: &str) -> Result<(String, String)> {
    let report: Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("reports/latest/report.json"))?)?;
    let case = report["cases"].as_array().and_then(|cases| cases.iter().find(|case| case["id"] == id));
    let case = case.ok_or_else(|| format!("{id} is not in the report"))?;
    let text = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
    Ok((text("verdict"), text("reason")))
}

#[test]
fn a_server_that_refuses_everything_is_not_accused_of_limits() -> Result {
    for (answer, verdict) in [
        (b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n".as_slice(), "fail"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "error"),
    ] {
        let folder = TempDir::new()?;
        let url = format!("http://{}", answering(answer)?);
        assert_exit(&pushspec(folder.path(), &["run", &url, "--polling", "/news/{channel}"])?, 1);
        let (precondition, reason) = verdict_of(&folder, "polling/6202-2.1-short-polling/poll-is-answered")?;
        assert_eq!(
            (precondition.as_str(), reason.starts_with("/news/{channel} is answered with 404")),
            (verdict, verdict == "error")
        );
        for case in ["target-too-long", "request-line-of-8000", "invalid-host[polling]"] {
            let (verdict, reason) = verdict_of(&folder, &format!("http/9112-3-request-line/{case}"))?;
            assert_eq!(verdict, "skip", "{case}: {reason}");
        }
    }
    Ok(())
}

#[test]
fn a_reply_that_the_profile_has_wrong_is_one_error_and_the_rest_is_skipped() -> Result {
    let folder = TempDir::new()?;
    let server = Running::start()?;
    let profile = "[websocket]\npath = \"/websocket/echo\"\nreply = \"You said {message}\"\n";
    fs::write(folder.path().join("profile.toml"), profile)?;
    let select = ["--select", "websocket/6-messages", "websocket/5.1-masking/unmasked-text-frame"];
    let url = server.url();
    let arguments = [&["run", &url, "--profile", "profile.toml"], &select[..]].concat();
    assert_exit(&pushspec(folder.path(), &arguments)?, 1);
    let precondition = "websocket/6-messages/reply-is-that-of-the-profile";
    let (verdict, reason) = verdict_of(&folder, precondition)?;
    assert_eq!(verdict, "error");
    assert!(reason.contains("the answer \"You said Who is there?\""), "{reason}");
    let skipped = ("skip".to_owned(), format!("the precondition {precondition} did not pass"));
    assert_eq!(verdict_of(&folder, "websocket/6-messages/messages-in-turn")?, skipped);
    assert_eq!(verdict_of(&folder, "websocket/5.1-masking/unmasked-text-frame")?.0, "pass");
    server.stop();
    Ok(())
}

#[test]
fn streams_that_end_are_not_asked_to_stay() -> Result {
    let folder = TempDir::new()?;
    let address = answering(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: close\r\n\r\ndata: one\n\n",
    )?;
    let profile = "[sse]\npath = \"/sse/{channel}\"\nresume = true\nfinite = true\n";
    fs::write(folder.path().join("profile.toml"), profile)?;
    let url = format!("http://{address}");
    let select = ["--select", "sse/9.2.3-processing-model"];
    let output =
        pushspec(folder.path(), &[&["run", &url, "--profile", "profile.toml"], &select[..]].concat())?;
    assert_exit(&output, 0);
    assert_lacks(&folder, "sse/9.2.3-processing-model/stream-stays-open", "sse.endless")?;
    assert_eq!(verdict_of(&folder, "sse/9.2.3-processing-model/stream-opens")?.0, "pass");
    let note = "note: no case judges [sse] resume = true: the profile has no `publish`";
    assert!(out(&output).contains(note), "{}", out(&output));
    Ok(())
}

#[test]
fn rooms_are_not_asked_to_keep_a_secret() -> Result {
    let folder = TempDir::new()?;
    let server = Running::start()?;
    let profile = "[websocket]\npath = \"/websocket/echo\"\nreply = \"{message}\"\nbroadcast = true\n";
    fs::write(folder.path().join("profile.toml"), profile)?;
    let url = server.url();
    let arguments = ["run", &url, "--profile", "profile.toml", "--select", "websocket/6-messages"];
    assert_exit(&pushspec(folder.path(), &arguments)?, 0);
    assert_lacks(&folder, "websocket/6-messages/two-connections", "websocket.private")?;
    assert_eq!(verdict_of(&folder, "websocket/6-messages/messages-in-turn")?.0, "pass");
    server.stop();
    Ok(())
}

/// A case is skipped, because the profile lacks a capability.
fn assert_lacks(folder: &TempDir, case: &str, capability: &str) -> Result {
    let (verdict, reason) = verdict_of(folder, case)?;
    assert_eq!(verdict, "skip", "{case}");
    assert!(reason.starts_with(&format!("the profile has no `{capability}`: ")), "{reason}");
    Ok(())
}
