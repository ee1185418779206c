//! Small things that stop a new user where they are wrong.

use std::fs;
use std::path::Path;

use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

use super::verdicts::STREAM;
use super::{Result, answering, assert_exit, err, out, pushspec, pushspec_anywhere};

/// What a page of one's own comes to, with this between its heading and its end.
fn listed(folder: &Path, prose: &str, conversation: &str) -> Result<std::process::Output> {
    let covers = "covers = [\"html-sse/9.2.3/status-200\"]";
    let page = format!(
        "# A section\n\n## opens\n\n{prose}\n\n```toml\n{covers}\n```\n\n```wire\n{conversation}\n```\n"
    );
    fs::create_dir_all(folder.join("m/sse"))?;
    fs::write(folder.join("m/sse/q.md"), page)?;
    pushspec(folder, &["list", "sse/q", "--fixtures", "m"])
}

#[rstest]
#[case("open sse\n< message 'one'", "13:11")]
#[case("open sse\n< message “one”", "13:11")]
#[case("connect\n> 'hello'\n< eof", "13:3")]
#[case("open sse\npublish 'one'\n< message 'one'", "13:9")]
fn other_quotes_are_told_as_that(#[case] conversation: &str, #[case] place: &str) -> Result {
    let folder = TempDir::new()?;
    let output = listed(folder.path(), "Why.", conversation)?;
    assert_exit(&output, 2);
    let text = err(&output);
    assert!(text.contains("in double quotes") || text.contains("a string in quotes"), "{text}");
    assert!(text.contains(&format!("m/sse/q.md:{place}")), "{text}");
    assert!(!text.contains("did you mean `message`"), "{text}");
    Ok(())
}

#[test]
fn a_brace_that_begins_no_name_stands_for_itself() -> Result {
    let folder = TempDir::new()?;
    assert_exit(&listed(folder.path(), "Why.", "open sse\n< message \"{\\\"a\\\": {}}\"")?, 0);
    // A name that is not closed is a slip, as before.
    assert_exit(&listed(folder.path(), "Why.", "open sse\n< message \"{channel\"")?, 2);
    Ok(())
}

#[test]
fn a_page_may_have_fences_of_other_languages() -> Result {
    let folder = TempDir::new()?;
    let prose = "This is what a client does:\n\n```js\nnew EventSource(\"/sse\")\n```\n\nIt waits.";
    assert_exit(&listed(folder.path(), prose, "open sse")?, 0);
    let text = out(&pushspec(folder.path(), &["explain", "sse/q/opens", "--fixtures", "m"])?);
    assert!(text.contains("new EventSource(\"/sse\")"), "{text}");
    let output = listed(folder.path(), "Why.\n\n```tolm\n```", "open sse")?;
    assert_exit(&output, 2);
    assert!(err(&output).contains("did you mean `toml`?"), "{}", err(&output));
    Ok(())
}

#[test]
fn the_length_of_a_body_that_a_page_writes_out_is_counted() -> Result {
    let folder = TempDir::new()?;
    let conversation = "connect\n> POST {path} HTTP/1.1\n> Host: {authority}\n> Content-Length: {length}\n>\n> \"{\\\"a\\\":\" + \"1\" * 10 + \"}\"\n< HTTP/1.1 4xx *";
    assert_exit(&listed(folder.path(), "Why.", conversation)?, 0);
    pushspec(folder.path(), &["run", "--fixtures", "m", "--select", "sse/q"])?;
    let report = fs::read_to_string(folder.path().join("reports/latest/report.json"))?;
    let report: Value = serde_json::from_str(&report)?;
    let cases = report["cases"].as_array().ok_or("no cases")?;
    let case = cases.iter().find(|case| case["id"] == "sse/q/opens").ok_or("no case")?;
    let lines = case["transcript"].as_array().ok_or("no transcript")?.clone();
    let texts: Vec<&str> = lines.iter().filter_map(|line| line["text"].as_str()).collect();
    assert!(texts.contains(&"Content-Length: 16"), "{texts:?}");
    let body = lines.iter().find(|line| line["note"] == "body of a request").ok_or("no body")?;
    assert_eq!(body["text"], "\"\\{\\\"a\\\":1111111111}\"");
    Ok(())
}

#[test]
fn a_heading_or_a_capability_is_enough_to_find_a_case() -> Result {
    let folder = TempDir::new()?;
    let text = out(&pushspec(folder.path(), &["explain", "unmasked-text-frame"])?);
    assert!(text.starts_with("websocket/5.1-masking/unmasked-text-frame\n"), "{text}");
    let text = out(&pushspec(folder.path(), &["explain", "sse.resume"])?);
    assert!(text.contains("[sse] resume") && text.contains("sse/9.2.4-last-event-id/"), "{text}");
    let text = out(&pushspec(folder.path(), &["list", "unmasked"])?);
    assert!(text.contains("websocket/5.1-masking/unmasked-text-frame"), "{text}");
    let text = out(&pushspec(folder.path(), &["list", "sse.resume"])?);
    assert!(!text.is_empty() && text.lines().all(|line| line.contains("sse/")), "{text}");
    // What nothing is like is still told as a slip.
    let output = pushspec(folder.path(), &["list", "frobnication"])?;
    assert_exit(&output, 4);
    let output = pushspec(folder.path(), &["explain", "unmasked"])?;
    assert_exit(&output, 2);
    assert!(err(&output).contains("websocket/5.1-masking/unmasked-"), "{}", err(&output));
    // A section leads to its clauses.
    let output = pushspec(folder.path(), &["explain", "5.5.1"])?;
    assert_exit(&output, 2);
    assert!(err(&output).contains("see `pushspec list --clauses rfc6455/5.5.1`"), "{}", err(&output));
    let text = out(&pushspec(folder.path(), &["list", "--clauses", "rfc6455/5.5.1"])?);
    assert!(text.contains("rfc6455/5.5.1/"), "{text}");
    Ok(())
}

#[test]
fn a_number_alone_is_one_of_seconds() -> Result {
    let folder = TempDir::new()?;
    let select = ["--select", "sse/9.2.3-processing-model/stream-opens"];
    let output = pushspec(
        folder.path(),
        &[["run", "http://127.0.0.1:1", "--sse", "/", "--wait", "1"].as_slice(), &select].concat(),
    )?;
    assert_exit(&output, 3);
    assert_exit(&pushspec(folder.path(), &["run", "--wait", "soon"])?, 2);
    Ok(())
}

#[test]
fn a_run_in_whatever_folder_leaves_nothing_there() -> Result {
    let folder = TempDir::new()?;
    let arguments = ["run", "--select", "websocket/5.1-masking/unmasked-text-frame"];
    let output = pushspec_anywhere(folder.path(), &arguments)?;
    assert_exit(&output, 0);
    assert!(!folder.path().join("reports").exists());
    let page = folder.path().join("cache/pushspec/latest/report.html");
    assert!(page.is_file() && out(&output).contains(&page.display().to_string()), "{}", out(&output));
    // A project has its reports beside its profile.
    fs::write(folder.path().join("pushspec.toml"), "[websocket]\npath = \"/websocket/echo\"\n")?;
    pushspec_anywhere(folder.path(), &arguments)?;
    assert!(folder.path().join("reports/latest/report.html").is_file());
    Ok(())
}

fn report(folder: &TempDir) -> Result<Value> {
    Ok(serde_json::from_str(&fs::read_to_string(folder.path().join("reports/latest/report.json"))?)?)
}

fn failed(report: &Value) -> Vec<String> {
    let cases = report["cases"].as_array().cloned().unwrap_or_default();
    let is_failed =
        |case: &&Value| ["fail", "error", "warn"].iter().any(|verdict| case["verdict"] == *verdict);
    cases.iter().filter(is_failed).filter_map(|case| Some(case["id"].as_str()?.to_owned())).collect()
}

#[test]
fn a_run_ends_at_the_first_failure_and_what_failed_runs_again() -> Result {
    let folder = TempDir::new()?;
    let url = format!("http://{}", answering(STREAM)?);
    let select = ["--select", "sse"];
    let arguments = ["run", &url, "--sse", "/", "-j", "1", "--strict"];
    let output = pushspec(folder.path(), &[&arguments[..], &select, &["--fail-fast"]].concat())?;
    assert_exit(&output, 1);
    assert!(out(&output).starts_with("not conformant"), "{}", out(&output));
    assert!(out(&output).contains("the run ended at the first failure"), "{}", out(&output));
    let before = failed(&report(&folder)?);
    assert!(!before.is_empty());
    let output = pushspec(folder.path(), &[&arguments[..], &["--rerun-failed"]].concat())?;
    assert_exit(&output, 1);
    let judged = report(&folder)?["cases"].as_array().map_or(0, Vec::len);
    assert!(judged >= before.len() && judged < 40, "{judged}");
    assert!(before.iter().all(|id| failed(&report(&folder).unwrap_or_default()).contains(id)), "{before:?}");
    Ok(())
}

#[test]
fn after_a_run_without_failures_there_is_nothing_to_run_again() -> Result {
    let folder = TempDir::new()?;
    assert_exit(&pushspec(folder.path(), &["run", "--rerun-failed"])?, 2);
    pushspec(folder.path(), &["run", "--select", "websocket/5.1-masking/unmasked-text-frame"])?;
    let output = pushspec(folder.path(), &["run", "--rerun-failed"])?;
    assert_exit(&output, 0);
    assert!(err(&output).contains("nothing failed the last time"), "{}", err(&output));
    Ok(())
}

#[test]
fn nothing_that_is_written_to_a_file_has_the_colours_of_a_terminal() -> Result {
    let folder = TempDir::new()?;
    let arguments =
        ["run", "--select", "websocket/5.1-masking", "--report", "text=a.txt", "--report-dir", "r"];
    assert_exit(&pushspec(folder.path(), &arguments)?, 0);
    for file in ["a.txt", "r/report.json", "r/junit.xml", "r/report.html"] {
        let text = fs::read_to_string(folder.path().join(file))?;
        assert!(!text.contains('\u{1b}') && !text.is_empty(), "{file}");
    }
    Ok(())
}
