//! The program itself: what it prints, what it writes, and every exit code.

use std::fs;
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pushspec_reference::{Config, Server};
use serde_json::Value;
use tempfile::TempDir;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The program, in an empty folder, with reports there.
fn pushspec(folder: &Path, arguments: &[&str]) -> Result<Output> {
    let output = Command::new(env!("CARGO_BIN_EXE_pushspec"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::null())
        .output()?;
    Ok(output)
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
fn assert_exit(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "stdout: {}\nstderr: {}", out(output), err(output));
}

/// A reference server that runs while a program talks to it.
struct Running {
    runtime: tokio::runtime::Runtime,
    server: Server,
}

impl Running {
    fn start() -> Result<Running> {
        let runtime = tokio::runtime::Runtime::new()?;
        let server = runtime.block_on(Server::start(Config::default()))?;
        Ok(Running { runtime, server })
    }

    fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    fn stop(self) {
        self.runtime.block_on(self.server.shutdown());
    }
}

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
fn a_report_has_everything_that_a_reader_of_it_needs() -> Result {
    let folder = TempDir::new()?;
    let arguments = ["run", "--format", "json", "--select", "websocket/5.1-masking", "--patience", "4"];
    let report: Value = serde_json::from_slice(&pushspec(folder.path(), &arguments)?.stdout)?;
    for key in ["schema", "tool", "target", "summary", "cases", "clauses"] {
        assert!(!report[key].is_null(), "{key}");
    }
    let cases = report["cases"].as_array().cloned().unwrap_or_default();
    let case = cases
        .iter()
        .find(|case| case["id"] == "websocket/5.1-masking/unmasked-text-frame")
        .ok_or("no case")?;
    assert_eq!(case["technique"], "websocket");
    assert_eq!(case["title"], "unmasked text frame");
    assert_eq!(case["level"], "must");
    assert_eq!(case["verdict"], "pass");
    assert_eq!(case["reason"], Value::Null);
    assert!(case["duration_ms"].as_f64().is_some_and(|duration| duration > 0.0));
    assert_eq!(case["findings"], Value::Array(vec![]));
    let transcript = case["transcript"].as_array().cloned().unwrap_or_default();
    assert!(
        transcript.iter().any(|line| line.as_str().is_some_and(|line| line.contains("HTTP/1.1 101"))),
        "{transcript:?}"
    );
    let clauses = report["clauses"].as_array().cloned().unwrap_or_default();
    assert!(clauses.iter().all(|clause| clause["id"].is_string()
        && clause["level"].is_string()
        && clause["cases"].is_array()
        && clause["verdict"].is_string()));
    Ok(())
}

#[test]
fn a_fault_exits_with_1_and_names_the_clause() -> Result {
    let folder = TempDir::new()?;
    let arguments = [
        "run",
        "--fault",
        "frames-masked",
        "--select",
        "websocket/5.1-masking",
        "--color",
        "never",
        "--patience",
        "4",
    ];
    let output = pushspec(folder.path(), &arguments)?;
    assert_exit(&output, 1);
    let text = out(&output);
    assert!(text.contains("rfc6455/5.1/"), "{text}");
    let again = "run it again: pushspec run --fault frames-masked --patience 4 --select ";
    assert!(text.contains(again), "{text}");
    assert!(text.contains("not conformant: "), "{text}");
    let junit = fs::read_to_string(folder.path().join("reports/latest/junit.xml"))?;
    assert!(junit.contains("<failure"), "{junit}");
    Ok(())
}

#[test]
fn wrong_arguments_exit_with_2_and_say_what_is_right() -> Result {
    let folder = TempDir::new()?;
    fs::write(folder.path().join("bad.toml"), "[sse]\npth = \"/events\"\n")?;
    fs::write(folder.path().join("path.toml"), "[sse]\npath = \"events\"\n")?;
    fs::write(folder.path().join("empty.toml"), "allowed-origin = \"http://localhost\"\n")?;
    for (arguments, words) in [
        (vec!["run", "--jobs", "none"], "--jobs"),
        (vec!["run", "--patience", "0"], "--patience"),
        (vec!["run", "nonsense"], "is no URL"),
        (vec!["run", "https://127.0.0.1:1"], "needs TLS"),
        (vec!["run", "ftp://127.0.0.1"], "neither http:// nor ws://"),
        (vec!["run", "http://127.0.0.1:1/events"], "--sse /events"),
        (vec!["run", "http://somebody:secret@127.0.0.1:1"], "into [headers] of a profile"),
        (vec!["run", "--profile", "missing.toml"], "missing.toml"),
        (vec!["run", "--profile", "bad.toml"], "bad.toml:2:1"),
        (vec!["run", "--profile", "path.toml"], "begins with `/`"),
        (vec!["run", "--profile", "empty.toml"], "names no technique"),
        (vec!["run", "--select", "sse", "http://127.0.0.1:1"], "put it before --select"),
        (vec!["run", "http://127.0.0.1:1", "--echo"], "add --websocket PATH"),
        (vec!["run", "--fault", "frames-maskd"], "did you mean `frames-masked`?"),
        (vec!["run", "--fixtures", "missing"], "missing"),
        (
            vec!["explain", "websocket/5.1-masking/unmasked-text-fram"],
            "did you mean `websocket/5.1-masking/unmasked-text-frame`?",
        ),
        (vec!["list", "--format", "junit"], "no JUnit form"),
        (vec!["frobnicate"], "frobnicate"),
    ] {
        let output = pushspec(folder.path(), &arguments)?;
        assert_exit(&output, 2);
        assert!(err(&output).contains(words), "{arguments:?}: {}", err(&output));
    }
    Ok(())
}

#[test]
fn a_broken_page_exits_with_2_and_shows_the_place() -> Result {
    let folder = TempDir::new()?;
    fs::create_dir(folder.path().join("sse"))?;
    let page = "# A section\n\n## a-case\n\nWhy.\n\n```toml\ncovers = [\"rfc6455/5.1/close-on-unmasked\"]\n```\n\n```wire\nopen ssse\n```\n";
    fs::write(folder.path().join("sse/1-page.md"), page)?;
    let output = pushspec(folder.path(), &["run", "--fixtures", "."])?;
    assert_exit(&output, 2);
    assert!(err(&output).contains("fixtures/sse/1-page.md:12:1"), "{}", err(&output));
    assert!(err(&output).contains("^^^^^^^^^"), "{}", err(&output));
    assert!(err(&output).contains("did you mean `open sse`?"), "{}", err(&output));
    Ok(())
}

#[test]
fn a_broken_profile_exits_with_2_and_shows_the_place() -> Result {
    let folder = TempDir::new()?;
    fs::write(folder.path().join("p.toml"), "[sse]\npath = \"/sse/{chanel}\"\n")?;
    let output = pushspec(folder.path(), &["run", "http://127.0.0.1:1", "--profile", "p.toml"])?;
    assert_exit(&output, 2);
    let text = err(&output);
    assert!(text.starts_with("error: nothing is filled in for `{chanel}` here\n"), "{text}");
    assert!(text.contains("--> p.toml:2:1") && text.contains("did you mean `{channel}`?"), "{text}");
    assert_eq!(text.matches("error").count(), 1, "{text}");
    fs::write(folder.path().join("p.toml"), b"[sse]\npath = \"/\xff\"\n")?;
    let output = pushspec(folder.path(), &["run", "http://127.0.0.1:1", "--profile", "p.toml"])?;
    assert_exit(&output, 2);
    assert!(err(&output).contains("--> p.toml:2:10"), "{}", err(&output));
    let output = pushspec(folder.path(), &["run", "http://127.0.0.1:1", "--sse", "sse"])?;
    assert_exit(&output, 2);
    assert!(
        err(&output).starts_with("error: --sse: `sse` is no path; it begins with `/`"),
        "{}",
        err(&output)
    );
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
fn a_selection_of_nothing_exits_with_4() -> Result {
    let folder = TempDir::new()?;
    for arguments in [
        vec!["run", "--select", "websocket/99"],
        vec!["run", "--select", "websocket/5.1", "websocket/99"],
        vec!["list", "websocket/99"],
    ] {
        let output = pushspec(folder.path(), &arguments)?;
        assert_exit(&output, 4);
        assert!(err(&output).contains("`websocket/99`"), "{}", err(&output));
    }
    Ok(())
}

#[test]
fn a_run_in_which_all_is_skipped_exits_with_4_and_is_not_called_conformant() -> Result {
    let folder = TempDir::new()?;
    let server = Running::start()?;
    let output =
        pushspec(folder.path(), &["run", &server.url(), "--sse", "/sse/a", "--select", "websocket"])?;
    assert_exit(&output, 4);
    assert!(out(&output).contains("nothing could be judged"), "{}", out(&output));
    server.stop();
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
fn a_run_that_does_not_take_place_leaves_no_report_of_another() -> Result {
    let folder = TempDir::new()?;
    assert_exit(&pushspec(folder.path(), &["run", "--select", "websocket/5.1-masking/masked-hello"])?, 0);
    let report = folder.path().join("reports/latest/report.json");
    assert!(report.exists());
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    assert_exit(&pushspec(folder.path(), &["run", &format!("http://127.0.0.1:{port}")])?, 3);
    assert!(!report.exists());
    Ok(())
}

#[test]
fn a_report_that_cannot_be_written_exits_with_5() -> Result {
    let folder = TempDir::new()?;
    fs::write(folder.path().join("file"), "")?;
    let output =
        pushspec(folder.path(), &["run", "--report-dir", "file/reports", "--select", "websocket/5.1"])?;
    assert_exit(&output, 5);
    assert!(err(&output).contains("--report-dir"), "{}", err(&output));
    Ok(())
}

/// A server that answers everything with the same bytes, and closes.
fn answering(bytes: &'static [u8]) -> Result<SocketAddr> {
    answering_in_turn(bytes, bytes)
}

/// A server that answers the first request with other bytes than all later ones, and closes.
fn answering_in_turn(first: &'static [u8], later: &'static [u8]) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let answered = Arc::new(AtomicBool::new(false));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answered = Arc::clone(&answered);
            std::thread::spawn(move || {
                let mut stream = stream;
                let _ = stream.set_read_timeout(Some(std::time::Duration::from_millis(50)));
                // The suite looks first whether anybody listens, and asks for nothing.
                let asked = stream.read(&mut [0; 4096]).is_ok_and(|length| length > 0);
                let is_first = asked && !answered.swap(true, Ordering::SeqCst);
                let _ = std::io::Write::write_all(&mut stream, if is_first { first } else { later });
            });
        }
    });
    Ok(address)
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
fn colours_follow_the_flag_and_the_environment() -> Result {
    let folder = TempDir::new()?;
    let arguments = ["run", "--select", "websocket/5.1-masking/unmasked-text-frame", "--patience", "4"];
    let plain = pushspec(folder.path(), &arguments)?;
    assert!(!plain.stdout.contains(&0x1b), "not a terminal");
    let colored = pushspec(folder.path(), &[&arguments[..], &["--color", "always"]].concat())?;
    assert!(colored.stdout.contains(&0x1b));
    Ok(())
}

#[test]
fn quiet_prints_the_verdict_and_twice_quiet_nothing() -> Result {
    let folder = TempDir::new()?;
    let arguments = ["run", "--select", "websocket/5.1-masking/unmasked-text-frame", "--patience", "4"];
    let quiet = pushspec(folder.path(), &[&arguments[..], &["-q"]].concat())?;
    assert_eq!(out(&quiet).lines().count(), 1, "{}", out(&quiet));
    let silent = pushspec(folder.path(), &[&arguments[..], &["-qq"]].concat())?;
    assert_exit(&silent, 0);
    assert_eq!((out(&silent), err(&silent)), (String::new(), String::new()));
    Ok(())
}

#[test]
fn explain_tells_of_a_case_and_of_a_clause() -> Result {
    let folder = TempDir::new()?;
    let case = out(&pushspec(folder.path(), &["explain", "websocket/5.1-masking/unmasked-text-frame"])?);
    for words in ["fixtures/websocket/5.1-masking.md:", "rfc6455/5.1/", "section-5.1", "nomask", "--select"] {
        assert!(case.contains(words), "{words}: {case}");
    }
    let family = out(&pushspec(folder.path(), &["explain", "websocket/5.2-base-framing/echo-of-text"])?);
    assert!(family.contains("each: "), "{family}");
    let report = out(&pushspec(folder.path(), &["list", "--clauses", "rfc6455/5.1"])?);
    let id = "rfc6455/5.1/close-on-unmasked";
    assert!(report.split_whitespace().any(|word| word == id), "{report}");
    let clause = out(&pushspec(folder.path(), &["explain", id])?);
    assert!(
        clause.contains("https://www.rfc-editor.org/rfc/rfc6455#section-5.1") && clause.contains("cases:"),
        "{clause}"
    );
    Ok(())
}

#[test]
fn list_has_a_form_for_programs() -> Result {
    let folder = TempDir::new()?;
    let list: Value =
        serde_json::from_slice(&pushspec(folder.path(), &["list", "--format", "json"])?.stdout)?;
    let cases = list.as_array().cloned().unwrap_or_default();
    assert!(cases.len() >= 100);
    assert!(
        cases.iter().all(|case| case["id"].is_string() && case["file"].is_string() && case["line"].is_u64())
    );
    let faults: Value =
        serde_json::from_slice(&pushspec(folder.path(), &["list", "--faults", "--format", "json"])?.stdout)?;
    assert!(faults.as_array().is_some_and(|faults| faults.len() >= 25));
    Ok(())
}

/// Ends a program that a test started.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
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
