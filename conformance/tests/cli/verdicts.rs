//! The verdict on a run as a whole, and why it is what it is.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::{Result, answering, assert_exit, err, out, pushspec};

fn report(folder: &TempDir) -> Result<Value> {
    Ok(serde_json::from_str(&fs::read_to_string(folder.path().join("reports/latest/report.json"))?)?)
}

pub(super) const STREAM: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: x\n\n";

#[test]
fn warnings_stand_in_the_verdict_and_count_when_they_are_to() -> Result {
    let folder = TempDir::new()?;
    let url = format!("http://{}", answering(STREAM)?);
    let case = "sse/9.2.3-processing-model/not-served-from-a-cache";
    let arguments = ["run", &url, "--sse", "/", "-q", "--select", case];
    let output = pushspec(folder.path(), &arguments)?;
    assert_exit(&output, 0);
    assert!(out(&output).starts_with("conformant, with 1 warning: "), "{}", out(&output));
    assert_eq!(report(&folder)?["objections"], Value::Array(vec![]));
    let output = pushspec(folder.path(), &[&arguments[..], &["--strict"]].concat())?;
    assert_exit(&output, 1);
    let why = "1 case had a warning, which counts as a failure in this run";
    assert!(out(&output).contains(&format!("\n  {why}\n")), "{}", out(&output));
    assert_eq!(report(&folder)?["objections"], Value::from(vec![why]));
    Ok(())
}

/// A server that takes what is published, and refuses whatever else it is asked.
fn refusing_polls() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut request = [0; 4096];
                let length = stream.read(&mut request).unwrap_or_default();
                let is_published = request[..length].starts_with(b"POST /publish ");
                let status = if is_published { "200 OK" } else { "400 Bad Request" };
                let fields = "Content-Length: 0\r\nConnection: close";
                let _ = write!(stream, "HTTP/1.1 {status}\r\n{fields}\r\n\r\n");
            });
        }
    });
    Ok(address)
}

#[test]
fn a_technique_of_which_nothing_is_known_is_named_with_the_reason() -> Result {
    let folder = TempDir::new()?;
    let url = format!("http://{}", refusing_polls()?);
    let publisher =
        "[long-polling]\npath = \"/poll\"\n\n[publish]\nrequest = \"POST /publish\"\nbody = \"{data}\"\n";
    fs::write(folder.path().join("p.toml"), publisher)?;
    let arguments = ["run", &url, "--profile", "p.toml", "--select", "long-polling"];
    let output = pushspec(folder.path(), &arguments)?;
    assert_exit(&output, 1);
    let text = out(&output);
    let why = "long-polling could not be judged: its precondition long-polling/6202-2.1-long-polling/poll-is-answered did not pass: ";
    assert!(text.contains(&format!("\n  {why}")), "{text}");
    let report = report(&folder)?;
    assert_eq!(report["conformant"], false);
    assert!(report["summary"]["unjudged"]["long-polling"].is_string(), "{}", report["summary"]);
    let objections = report["objections"].as_array().cloned().unwrap_or_default();
    assert!(objections.iter().any(|objection| objection.as_str().is_some_and(|text| text.starts_with(why))));
    let junit = fs::read_to_string(folder.path().join("reports/latest/junit.xml"))?;
    assert!(junit.contains(&format!("<error message=\"{why}")), "{junit}");
    Ok(())
}

#[test]
fn the_url_of_the_profile_at_hand_is_judged() -> Result {
    let folder = TempDir::new()?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let own = format!("url = \"http://127.0.0.1:{port}\"\n\n[sse]\npath = \"/events\"\n");
    fs::write(folder.path().join("pushspec.toml"), own)?;
    for arguments in [["run"].as_slice(), &["load", "--technique", "websocket"]] {
        let output = pushspec(folder.path(), arguments)?;
        assert_ne!(output.status.code(), Some(0));
        assert!(!out(&output).contains("conformant"), "{}", out(&output));
        assert!(!err(&output).contains("reference server"), "{}", err(&output));
    }
    let output = pushspec(folder.path(), &["run"])?;
    assert_exit(&output, 3);
    assert!(err(&output).contains(&format!("http://127.0.0.1:{port} is not reachable")), "{}", err(&output));
    Ok(())
}

#[test]
fn the_built_in_server_is_named_where_it_is_judged() -> Result {
    let folder = TempDir::new()?;
    let arguments = ["run", "--select", "websocket/5.1-masking/masked-hello", "--patience", "4"];
    for (profile, note) in [
        (None, "note: no URL: judging the built-in reference server\n"),
        (
            Some("[sse]\npath = \"/events\"\n"),
            "note: no URL, and no `url` in ./pushspec.toml: judging the built-in reference server\n",
        ),
    ] {
        if let Some(profile) = profile {
            fs::write(folder.path().join("pushspec.toml"), profile)?;
        }
        let output = pushspec(folder.path(), &arguments)?;
        assert_exit(&output, 0);
        assert_eq!(err(&output), note);
        assert!(out(&output).starts_with("conformant: "), "{}", out(&output));
        assert!(out(&output).contains(" judged at the built-in reference server in "), "{}", out(&output));
    }
    Ok(())
}

#[test]
fn a_single_case_is_one_case() -> Result {
    let folder = TempDir::new()?;
    let url = format!("http://{}", answering(STREAM)?);
    // Whatever is wrong with so short a stream, each of these lines speaks of one case.
    let arguments =
        ["run", &url, "--polling", "/", "--select", "polling/6202-2.1-short-polling/poll-is-answered"];
    assert!(!out(&pushspec(folder.path(), &arguments)?).contains(" 1 cases"));
    Ok(())
}

/// What lies in a folder of reports before a run.
fn old_report(folder: &Path, reports: &str) -> Result<std::path::PathBuf> {
    let folder = folder.join(reports);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("junit.xml"), "")?;
    fs::write(folder.join("report.json"), "{}")?;
    Ok(folder)
}

#[test]
fn a_slip_leaves_the_report_of_the_run_before_and_a_run_takes_it_away() -> Result {
    let folder = TempDir::new()?;
    for (arguments, reports) in [
        (["run", "--profile", "nope.toml"].as_slice(), "reports/latest"),
        (&["run", "--frobnicate"], "reports/latest"),
        (&["run", "http://"], "reports/latest"),
        (&["run", "--report-dir", "there", "--jobs", "none"], "there"),
        (&["run", "--report-dir", "there", "--fault", "nope"], "there"),
    ] {
        let reports = old_report(folder.path(), reports)?;
        assert_exit(&pushspec(folder.path(), arguments)?, 2);
        assert_eq!(fs::read_dir(&reports)?.count(), 2, "{arguments:?}");
    }
    // Nobody listens there: what lies there is not the verdict on this server.
    let reports = old_report(folder.path(), "reports/latest")?;
    let arguments = ["run", "http://127.0.0.1:1", "--sse", "/", "--select", "sse/9.2.3-processing-model"];
    assert_exit(&pushspec(folder.path(), &arguments)?, 3);
    assert_eq!(fs::read_dir(&reports)?.count(), 0);
    Ok(())
}

#[test]
fn what_is_excluded_is_named_and_is_skipped_in_junit() -> Result {
    let folder = TempDir::new()?;
    let url = format!("http://{}", answering(STREAM)?);
    let case = "sse/9.2.3-processing-model/not-served-from-a-cache";
    let arguments = ["run", &url, "--sse", "/", "--select", "sse/9.2.3-processing-model"];
    let exclude = ["--exclude", case, "websocket"];
    let output = pushspec(folder.path(), &[&arguments[..], &exclude].concat())?;
    let text = out(&output);
    assert!(text.contains(&format!("excluded 1: --exclude {case} websocket\n")), "{text}");
    let junit = fs::read_to_string(folder.path().join("reports/latest/junit.xml"))?;
    let skipped = junit.split("<testcase ").find(|test| test.contains(case)).ok_or("no test")?;
    assert!(skipped.contains("<skipped message=\"excluded\""), "{skipped}");
    assert!(skipped.contains("classname=\"sse.9_2_3-processing-model\""), "{skipped}");
    // Those that would have been skipped anyway are no less known for it.
    let resumes = "sse/9.2.4-last-event-id/resume-from-the-middle";
    let output = pushspec(
        folder.path(),
        &[
            "run",
            &url,
            "--sse",
            "/",
            "--select",
            "sse/9.2.3",
            resumes,
            "--exclude",
            resumes,
            "--format",
            "json",
        ],
    )?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(report["summary"]["excluded"], Value::Array(vec![]));
    Ok(())
}
