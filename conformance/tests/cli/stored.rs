//! Reports in every format, and what is made of stored ones.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use super::{Result, answering, assert_exit, err, out, pushspec};

const FAULTY: [&str; 5] = ["run", "--fault", "unmasked-frames-are-read", "--select", "websocket/5.1-masking"];

fn with<'a>(arguments: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [arguments, more].concat()
}

#[test]
fn a_stored_report_gives_what_the_run_gave() -> Result {
    let folder = TempDir::new()?;
    let formats = ["text", "json", "html", "junit", "markdown", "github", "gitlab", "sarif", "tap", "badge"];
    let named: Vec<String> = formats.iter().map(|format| format!("{format}=out/{format}")).collect();
    let reports: Vec<&str> = named.iter().flat_map(|named| ["--report", named]).collect();
    assert_exit(&pushspec(folder.path(), &with(&FAULTY, &reports))?, 1);
    assert!(!folder.path().join("reports/latest").exists(), "only what is named is written");
    for format in formats {
        let again = pushspec(folder.path(), &["report", "out/json", "--to", format])?;
        assert_exit(&again, 0);
        let written = fs::read_to_string(folder.path().join("out").join(format))?;
        assert!(!written.is_empty() && written == out(&again), "{format}");
    }
    assert_eq!(fs::read_dir(folder.path().join("out"))?.count(), formats.len(), "no draft stays");
    Ok(())
}

#[test]
fn a_report_can_go_to_standard_output() -> Result {
    let folder = TempDir::new()?;
    let output = pushspec(folder.path(), &with(&FAULTY, &["--report", "tap=-"]))?;
    assert!(out(&output).starts_with("TAP version 14\n"), "{}", out(&output));
    for (more, words) in [
        (["--report", "tap=-", "--report", "json=-"].as_slice(), "two reports go to standard output"),
        (&["--report", "tap=x", "--report", "json=x"], "two reports go to `x`"),
        (&["--report", "tab=x"], "did you mean `tap`?"),
    ] {
        let output = pushspec(folder.path(), &with(&FAULTY, more))?;
        assert_exit(&output, 2);
        assert!(err(&output).contains(words), "{}", err(&output));
    }
    Ok(())
}

#[test]
fn the_verdict_is_printed_where_a_report_cannot_be_written() -> Result {
    let folder = TempDir::new()?;
    fs::write(folder.path().join("file"), "kept")?;
    let more = ["--report", "html=file/report.html", "--report", "json=there.json"];
    let output = pushspec(folder.path(), &with(&FAULTY, &more))?;
    assert_exit(&output, 5);
    assert!(out(&output).starts_with("not conformant: "), "{}", out(&output));
    assert!(
        err(&output).starts_with("note: ") && err(&output).contains("error: failed to write"),
        "{}",
        err(&output)
    );
    assert!(folder.path().join("there.json").exists(), "the others are written");
    assert_eq!(fs::read_to_string(folder.path().join("file"))?, "kept");
    Ok(())
}

#[test]
fn what_is_no_report_is_said_to_be_none() -> Result {
    let folder = TempDir::new()?;
    fs::write(folder.path().join("old.json"), "{\"schema\": \"pushspec-report/1\"}")?;
    fs::write(folder.path().join("none.json"), "[]")?;
    for (file, words) in [
        ("old.json", "`pushspec-report/1`"),
        ("none.json", "no report of pushspec"),
        ("missing.json", "failed to read the report `missing.json`"),
    ] {
        for arguments in
            [vec!["report", file], vec!["diff", file, file], vec!["matrix", file], vec!["merge", file]]
        {
            let output = pushspec(folder.path(), &arguments)?;
            assert_exit(&output, 2);
            assert!(err(&output).contains(words), "{}", err(&output));
        }
    }
    Ok(())
}

#[test]
fn what_broke_exits_with_1_and_what_is_fixed_with_0() -> Result {
    let folder = TempDir::new()?;
    let fine = ["run", "--select", "websocket/5.1-masking"];
    assert_exit(&pushspec(folder.path(), &with(&fine, &["--report", "json=good.json"]))?, 0);
    assert_exit(&pushspec(folder.path(), &with(&FAULTY, &["--report", "json=bad.json"]))?, 1);
    let broke = pushspec(folder.path(), &["diff", "good.json", "bad.json"])?;
    assert_exit(&broke, 1);
    assert!(
        out(&broke).contains("\nbroken:\n  pass → fail websocket/5.1-masking/unmasked-"),
        "{}",
        out(&broke)
    );
    let fixed = pushspec(folder.path(), &["diff", "bad.json", "good.json", "--to", "json"])?;
    assert_exit(&fixed, 0);
    let fixed: Value = serde_json::from_slice(&fixed.stdout)?;
    assert!(
        fixed["cases"].as_array().is_some_and(|cases| cases.iter().all(|case| case["change"] == "fixed"))
    );
    let matrix = out(&pushspec(folder.path(), &["matrix", "good.json", "worse=bad.json"])?);
    assert!(
        matrix.contains("| good | worse |") && matrix.contains("`rfc6455/5.1/close-on-unmasked`"),
        "{matrix}"
    );
    Ok(())
}

#[test]
fn the_shards_of_a_run_are_the_whole() -> Result {
    let folder = TempDir::new()?;
    let select = ["--select", "websocket/5.1", "websocket/5.5", "websocket/invariants", "--report"];
    let run = ["run", "--fault", "frames-masked"];
    pushspec(folder.path(), &with(&with(&run, &select), &["json=whole.json"]))?;
    for shard in ["1", "2", "3"] {
        let (file, part) = (format!("json={shard}.json"), format!("{shard}/3"));
        pushspec(folder.path(), &with(&with(&run, &select), &[&file, "--shard", &part]))?;
    }
    let missing = pushspec(folder.path(), &["merge", "3.json", "1.json"])?;
    assert_exit(&missing, 2);
    assert!(err(&missing).contains("shard 2/3 is missing"), "{}", err(&missing));
    let merged = ["merge", "3.json", "1.json", "2.json", "--report", "json=merged.json"];
    assert_exit(&pushspec(folder.path(), &merged)?, 1);
    let verdicts = |file: &str| -> Result<Vec<(String, String)>> {
        let report: Value = serde_json::from_str(&fs::read_to_string(folder.path().join(file))?)?;
        let cases = report["cases"].as_array().cloned().unwrap_or_default();
        Ok(cases.iter().map(|case| (case["id"].to_string(), case["verdict"].to_string())).collect())
    };
    let (whole, merged) = (verdicts("whole.json")?, verdicts("merged.json")?);
    assert!(whole.len() > 50, "{}", whole.len());
    let differ: BTreeMap<_, _> = whole.iter().zip(&merged).filter(|(one, other)| one != other).collect();
    assert!(whole.len() == merged.len() && differ.is_empty(), "{differ:?}");
    let empty = ["run", "--select", "websocket/5.1-masking/masked-hello", "--shard", "2/2"];
    let empty = pushspec(folder.path(), &empty)?;
    assert_exit(&empty, 2);
    assert!(err(&empty).contains("shard 2/2 has no case"), "{}", err(&empty));
    Ok(())
}

#[test]
fn a_server_that_is_wrong_throughout_is_told_of_in_few_lines() -> Result {
    let folder = TempDir::new()?;
    let address = answering(b"HTTP/1.1 200 OK\nContent-Length: 3\n\n\x1b[2J{\"a\": \"<script>\"}")?;
    fs::write(folder.path().join("pushspec.toml"), pushspec_fixtures::REFERENCE_PROFILE)?;
    let arguments = ["run", &format!("http://{address}"), "--patience", "0.2", "--color", "never"];
    let output = pushspec(folder.path(), &arguments)?;
    assert_exit(&output, 1);
    let lines = out(&output).lines().count() + err(&output).lines().count();
    assert!(lines < 150, "{lines}: {}", out(&output));
    assert!(out(&output).contains("\ngrammar rfc9112/2.1/lines-end-with-crlf"), "{}", out(&output));
    // Ten failures are told as they happen, and of the others how many they are.
    let said = err(&output);
    let is_failure = |line: &&str| line.starts_with("fail ") || line.starts_with("error ");
    assert_eq!(said.lines().filter(is_failure).count(), 10, "{said}");
    assert!(
        said.contains("\n  … of the failures that follow, a line every few seconds has the number"),
        "{said}"
    );
    Ok(())
}

#[test]
fn shells_and_the_manual_know_the_program() -> Result {
    let folder = TempDir::new()?;
    for shell in ["bash", "zsh", "fish"] {
        assert!(out(&pushspec(folder.path(), &["completions", shell])?).contains("pushspec"), "{shell}");
    }
    assert!(out(&pushspec(folder.path(), &["man"])?).contains(".TH pushspec"));
    assert_exit(&pushspec(folder.path(), &["man", "--dir", "man"])?, 0);
    assert!(folder.path().join("man/pushspec-run.1").exists());
    Ok(())
}

#[test]
fn what_is_stored_is_judged_again_without_the_server() -> Result {
    let folder = TempDir::new()?;
    let case = "websocket/5.1-masking/unmasked-text-frame";
    let arguments =
        ["run", "--fault", "unmasked-frames-are-read", "--select", case, "--report", "json=r.json"];
    assert_exit(&pushspec(folder.path(), &arguments)?, 1);
    let again = pushspec(folder.path(), &["replay", "r.json"])?;
    assert_exit(&again, 0);
    assert!(
        out(&again).contains("0 with another verdict") && out(&again).contains(&format!("fail: {case}\n")),
        "{}",
        out(&again)
    );
    // Pages that have changed since are what it is for.
    let page = "# Masking\n\n## unmasked-text-frame\n\nWhy.\n\n```toml\ncovers = [\"rfc6455/5.1/close-on-unmasked\"]\n```\n\n```wire\nopen websocket\n> [text nomask \"Hello\"]\n< [text \"Hello\"]\n```\n";
    fs::create_dir_all(folder.path().join("m/websocket"))?;
    fs::write(folder.path().join("m/websocket/5.1-masking.md"), page)?;
    let again = pushspec(folder.path(), &["replay", "r.json", "--fixtures", "m"])?;
    assert_exit(&again, 1);
    assert!(out(&again).contains(&format!("pass, was fail: {case}\n")), "{}", out(&again));
    let json = pushspec(folder.path(), &["replay", "r.json", "--format", "json"])?;
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&json.stdout)?["cases"][0]["is"], "fail");
    // A run in which all passed has nothing to judge again.
    let arguments = ["run", "--select", case, "--report", "json=p.json"];
    assert_exit(&pushspec(folder.path(), &arguments)?, 0);
    assert_exit(&pushspec(folder.path(), &["replay", "p.json"])?, 4);
    Ok(())
}
