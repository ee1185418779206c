//! What stands in the reports.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::endings::leaving;
use super::{Result, Running, answering_in_turn, pushspec};

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
        transcript.iter().any(|line| line["direction"] == "received"
            && line["text"].as_str().is_some_and(|text| text.contains("HTTP/1.1 101"))),
        "{transcript:?}"
    );
    let clauses = report["clauses"].as_array().cloned().unwrap_or_default();
    assert!(clauses.iter().all(|clause| clause["id"].is_string()
        && clause["level"].is_string()
        && clause["cases"].is_array()
        && clause["verdict"].is_string()));
    Ok(())
}

/// The keys of a JSON value, as docs/report.md writes them. What stands in objects with keys of their own is not told
/// apart.
fn keys_of(value: &Value, path: &str, keys: &mut BTreeSet<String>) {
    const MAPS: [&str; 3] = ["summary.total", "summary.by_technique", "summary.unjudged"];
    match value {
        Value::Object(_) if MAPS.contains(&path) => drop(keys.insert(format!("{path}.*"))),
        Value::Object(entries) => {
            const OPTIONAL: [&str; 16] = [
                "recorded",
                "at_first",
                "gone",
                "seen_in",
                "fault",
                "shard",
                "rerun",
                "accepted",
                "position",
                "at_ms",
                "connection",
                "direction",
                "note",
                "frame",
                "bytes",
                "mask",
            ];
            for (key, value) in entries {
                let always = path.ends_with("findings[]") && key == "at_ms";
                let is_line = path.ends_with("findings[]") && key == "line";
                let optional = (OPTIONAL.contains(&key.as_str()) && !always) || is_line;
                let optional = if optional { "?" } else { "" };
                let join = if path.is_empty() { "" } else { "." };
                keys_of(value, &format!("{path}{join}{key}{optional}"), keys);
            }
            let is_itself_documented =
                ["cases[].at_first?", "cases[].recorded?", "gone?", "shard?"].contains(&path);
            keys.extend(is_itself_documented.then(|| path.to_owned()));
        }
        // What came at first is described by what came in the end.
        Value::Array(entries) if !path.contains("at_first") && entries.iter().any(Value::is_object) => {
            keys.insert(path.to_owned());
            for entry in entries {
                keys_of(entry, &format!("{path}[]"), keys);
            }
        }
        _ => drop(keys.insert(path.to_owned())),
    }
}

#[test]
fn every_key_of_a_report_is_described_and_no_other() -> Result {
    let folder = TempDir::new()?;
    let mut keys = BTreeSet::new();
    let busy = answering_in_turn(
        b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none",
    )?;
    let busy = format!("http://{busy}");
    let gone = format!("http://{}", leaving(1)?);
    for arguments in [
        ["run", &gone, "--polling", "/", "--select", "polling/6202-2.1-short-polling"].as_slice(),
        &["run", "--fault", "frames-masked", "--select", "websocket/5.1"],
        &[
            "run",
            "--fault",
            "half-a-code-is-an-orderly-close",
            "--select",
            "websocket/7-closing/body-of-one-byte",
        ],
        &["run", "--shard", "1/2", "--select", "http/parity", "polling/6202-2.1-short-polling"],
        &["run", &busy, "--polling", "/", "--select", "polling/6202-2.1-short-polling/poll-is-answered"],
    ] {
        pushspec(folder.path(), arguments)?;
        let text = fs::read_to_string(folder.path().join("reports/latest/report.json"))?;
        assert!(text.ends_with("}\n"));
        keys_of(&serde_json::from_str(&text)?, "", &mut keys);
    }
    // Nothing is accepted in these runs, no technique has several endpoints, no server comes back or is late, and there are
    // files enough.
    for key in [
        "cases[].endpoint?",
        "cases[].accepted?",
        "ends?",
        "ends?[].case",
        "ends?[].how",
        "ends?[].output",
        "out_of_files?",
        "overdue_ms?",
        "cases[].server_output?",
    ] {
        keys.insert(key.to_owned());
    }
    let document = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/report.md"))?;
    let section = document.split("\n## ").find(|section| section.starts_with("`report.json`"));
    let section = section.and_then(|section| section.split("\n### ").next()).ok_or("no section")?;
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.filter_map(|row| row.split(" |").next());
    let described: BTreeSet<String> =
        cells.flat_map(|cell| cell.split(", `")).map(|key| key.trim_end_matches('`').to_owned()).collect();
    assert_eq!(described, keys, "docs/report.md describes what is on the left");
    Ok(())
}

#[test]
fn a_report_says_when_it_began_and_by_which_arguments() -> Result {
    let folder = TempDir::new()?;
    let server = Running::start()?;
    let profile = "[headers]\nAuthorization = \"Bearer secret\"\n\n[websocket]\npath = \"/websocket/echo\"\n";
    fs::write(folder.path().join("p.toml"), profile)?;
    let url = server.url();
    let arguments =
        ["run", &url, "--profile", "p.toml", "--select", "websocket/5.1", "--format", "json", "--strict"];
    let report: Value = serde_json::from_slice(&pushspec(folder.path(), &arguments)?.stdout)?;
    let expected = [&url, "--profile", "p.toml", "--strict", "--select", "websocket/5.1"];
    assert_eq!(report["arguments"], Value::from(expected.map(str::to_owned).to_vec()));
    let started = report["started"].as_str().ok_or("no time")?;
    assert!(started.len() == "2026-01-02T03:04:05Z".len() && started.ends_with('Z'), "{started}");
    server.stop();
    Ok(())
}
