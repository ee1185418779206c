//! What is asked of the program, and the exit code that it answers with.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::{Result, Running, assert_exit, err, out, pushspec};

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
    fs::write(folder.path().join("time.toml"), "[sse]\npath = \"/events\"\nheartbeat = 15\n")?;
    fs::write(folder.path().join("own.toml"), "[sse]\npath = \"/events\"\n")?;
    fs::write(folder.path().join("empty.toml"), "allowed-origin = \"http://localhost\"\n")?;
    for (arguments, words) in [
        (vec!["run", "--jobs", "none"], "--jobs"),
        (vec!["run", "--patience", "0"], "--patience"),
        (vec!["run", "nonsense"], "is not a URL"),
        (vec!["run", "127.0.0.1:8080"], "it has no http://"),
        (vec!["run", "localhost:8080"], "it has no http://"),
        (vec!["run", "http://127.0.0.1:1"], "pushspec init http://127.0.0.1:1 "),
        (vec!["run", "http://127.0.0.1:1"], "pushspec run http://127.0.0.1:1 --sse /events"),
        (vec!["run", "http://127.0.0.1:1"], "pushspec run http://127.0.0.1:1 --profile FILE"),
        (vec!["run", "http://127.0.0.1:1", "--start", "sleep 60"], "nothing says which technique"),
        (vec!["run", "http://127.0.0.1:1", "--fault", "frames-masked"], "nothing says which technique"),
        (vec!["load", "http://127.0.0.1:1", "--technique", "sse"], "pushspec init http://127.0.0.1:1"),
        (vec!["run", "http://127.0.0.1:1/x", "--sse", "/y"], "remove `/x` from the URL: --sse has"),
        (
            vec!["run", "ws://127.0.0.1:1/a", "--websocket", "/b"],
            "the URL has the path /a and --websocket has /b",
        ),
        (vec!["run", "--sse", "/events"], "there is a path but no URL"),
        (vec!["run", "--profile", "own.toml"], "there is a path but no URL"),
        (vec!["load", "--technique", "sse", "--profile", "own.toml"], "there is a path but no URL"),
        (vec!["run", "ftp://127.0.0.1:1"], "is none of http://"),
        (vec!["run", "unix:server.sock"], "write it like unix:/run/server.sock"),
        (vec!["run", "http://127.0.0.1:1/events"], "--sse /events"),
        (vec!["run", "http://somebody:secret@127.0.0.1:1"], "into [headers] of a profile"),
        (vec!["run", "--profile", "missing.toml"], "missing.toml"),
        (vec!["run", "--profile", "bad.toml"], "bad.toml:2:1"),
        (vec!["run", "--profile", "path.toml"], "begins with `/`"),
        (vec!["run", "http://127.0.0.1:1", "--profile", "empty.toml"], "the profile has no technique"),
        (vec!["run", "--select", "sse", "http://127.0.0.1:1"], "put it before --select"),
        (vec!["run", "http://127.0.0.1:1", "--echo"], "add --websocket PATH"),
        (vec!["run", "--fault", "frames-maskd"], "did you mean `frames-masked`?"),
        (vec!["run", "--fixtures", "missing"], "missing"),
        (vec!["serve", "--listen", "0", "--log", "((("], "is not a filter for the log"),
        (vec!["serve", "--channels", "0"], "at least 1"),
        (
            vec!["explain", "websocket/5.1-masking/unmasked-text-fram"],
            "did you mean `websocket/5.1-masking/unmasked-text-frame`?",
        ),
        (vec!["explain", "rfc6455/5.1"], "see `pushspec list --clauses rfc6455/5.1`"),
        (vec!["explain", "websocket/5.1"], "see `pushspec list websocket/5.1`"),
        (vec!["explain", "frames-maskd"], "did you mean `frames-masked`?"),
        (vec!["serve", "--listen", "here"], "write it like 127.0.0.1:8080"),
        (vec!["run", "http://127.0.0.1:1", "--profile", "time.toml"], "as in \"15s\""),
        (vec!["list", "--format", "junit"], "cannot be written as JUnit"),
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
    assert!(err(&output).contains("--> ./sse/1-page.md:12:1"), "{}", err(&output));
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
    assert!(text.starts_with("error: `{chanel}` has no value here\n"), "{text}");
    assert!(text.contains("--> p.toml:2:1") && text.contains("did you mean `{channel}`?"), "{text}");
    assert_eq!(text.matches("error").count(), 1, "{text}");
    fs::write(folder.path().join("p.toml"), b"[sse]\npath = \"/\xff\"\n")?;
    let output = pushspec(folder.path(), &["run", "http://127.0.0.1:1", "--profile", "p.toml"])?;
    assert_exit(&output, 2);
    assert!(err(&output).contains("--> p.toml:2:10"), "{}", err(&output));
    let output = pushspec(folder.path(), &["run", "http://127.0.0.1:1", "--sse", "sse"])?;
    assert_exit(&output, 2);
    assert!(
        err(&output).starts_with("error: --sse: `sse` is not a path; a path begins with `/`"),
        "{}",
        err(&output)
    );
    Ok(())
}

#[test]
fn a_selection_of_nothing_exits_with_4() -> Result {
    let folder = TempDir::new()?;
    for (arguments, words) in [
        (vec!["run", "--select", "websocket/99"], "--select: no case matches `websocket/99`"),
        (vec!["run", "--select", "websocket/5.1", "websocket/99"], "no case matches `websocket/99`"),
        (vec!["run", "--select", "long-poling"], "did you mean `long-polling`?"),
        (
            vec!["run", "--select", "websocket/5.1-maskin/masked-hello"],
            "websocket/5.1-masking/masked-hello`?",
        ),
        (vec!["list", "websocket/99"], "no case matches `websocket/99`"),
        (vec!["list", "--clauses", "rfc6456"], "no clause matches `rfc6456`; did you mean `rfc6455`?"),
        (vec!["list", "--faults", "nope"], "no fault matches `nope`; `pushspec list --faults` lists"),
    ] {
        let output = pushspec(folder.path(), &arguments)?;
        assert_exit(&output, 4);
        assert!(err(&output).contains(words), "{}", err(&output));
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
    assert!(out(&output).contains("no selected case could be judged"), "{}", out(&output));
    server.stop();
    Ok(())
}

#[test]
fn invariants_that_nobody_asked_for_do_not_make_a_skipped_case_a_success() -> Result {
    let folder = TempDir::new()?;
    let server = Running::start()?;
    let case = "sse/9.2.4-last-event-id/resume-from-the-middle";
    let output =
        pushspec(folder.path(), &["run", &server.url(), "--sse", "/sse/a", "--select", case, "--strict"])?;
    assert_exit(&output, 4);
    assert!(out(&output).contains("no selected case could be judged"), "{}", out(&output));
    assert!(!out(&output).contains("\nconformant"), "{}", out(&output));
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
    assert_exit(&pushspec(folder.path(), &["run", &format!("http://127.0.0.1:{port}"), "--sse", "/"])?, 3);
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

#[test]
fn cases_that_are_excluded_are_not_run_and_the_report_names_them() -> Result {
    let folder = TempDir::new()?;
    let known = "websocket/5.1-masking/unmasked-text-frame";
    let fault =
        ["run", "--fault", "unmasked-frames-are-read", "--format", "json", "--select", "websocket/5.1"];
    let all = pushspec(folder.path(), &fault)?;
    let report: Value = serde_json::from_slice(&all.stdout)?;
    assert_eq!(report["summary"]["excluded"], Value::Array(vec![]));
    let output = pushspec(folder.path(), &[&fault[..], &["--exclude", known]].concat())?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(report["summary"]["excluded"], Value::from(vec![known]));
    let cases = report["cases"].as_array().ok_or("no cases")?;
    assert!(cases.len() > 1 && cases.iter().all(|case| case["id"] != known));
    assert!(report["arguments"].as_array().is_some_and(|words| words.contains(&"--exclude".into())));
    for (pattern, code, words) in [
        ("websocket/99", 2, "--exclude: no case matches `websocket/99`"),
        ("long-poling", 2, "did you mean `long-polling`?"),
        ("websocket", 4, "--exclude removes every selected case"),
    ] {
        let output = pushspec(folder.path(), &[&fault[..], &["--exclude", pattern]].concat())?;
        assert_exit(&output, code);
        assert!(err(&output).contains(words), "{}", err(&output));
    }
    Ok(())
}

#[test]
fn the_place_of_a_finding_is_in_the_folder_that_was_given() -> Result {
    let folder = TempDir::new()?;
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let pages = pages.display().to_string();
    let case = "websocket/5.1-masking/unmasked-text-frame";
    let arguments = ["run", "--fixtures", &pages, "--fault", "unmasked-frames-are-read", "--select", case];
    let text = out(&pushspec(folder.path(), &arguments)?);
    assert!(text.contains(&format!("({pages}/websocket/5.1-masking.md:")), "{text}");
    let explained = out(&pushspec(folder.path(), &["explain", "--fixtures", &pages, case])?);
    assert!(explained.contains(&format!("{pages}/websocket/5.1-masking.md:")), "{explained}");
    Ok(())
}
