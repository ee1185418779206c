//! What the program prints.

use serde_json::Value;
use tempfile::TempDir;

use super::{Result, assert_exit, err, out, pushspec};

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
    let fault = out(&pushspec(folder.path(), &["explain", "first-host-wins"])?);
    assert!(fault.contains("run it: pushspec run --fault first-host-wins"), "{fault}");
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

#[test]
fn findings_of_one_kind_are_told_once() -> Result {
    let folder = TempDir::new()?;
    let family = "websocket/5.2-base-framing/echo-of-text";
    let arguments = ["run", "--fault", "frames-masked", "--color", "never", "--select", family];
    let text = out(&pushspec(folder.path(), &arguments)?);
    assert_eq!(text.matches("MUST NOT rfc6455/5.1/server-unmasked (on all traffic)\n").count(), 1, "{text}");
    assert_eq!(text.matches("/rfc6455#section-5.1\n").count(), 1, "{text}");
    assert!(text.starts_with("not conformant: ") && text.contains("\n  ▶ "), "{text}");
    let all = out(&pushspec(folder.path(), &[&arguments[..], &["--verbose"]].concat())?);
    assert!(all.matches(", in websocket/").count() > 1, "the places are a list: {all}");
    Ok(())
}

#[test]
fn of_the_cases_of_a_clause_the_smallest_stands_for_all() -> Result {
    let folder = TempDir::new()?;
    let arguments =
        ["run", "--fault", "accept-without-guid", "--color", "never", "--select", "websocket/4.2.2"];
    let text = out(&pushspec(folder.path(), &arguments)?);
    assert_eq!(text.matches("\nMUST rfc6455/4.2.2/accept (").count(), 1, "{text}");
    assert!(text.contains("\n  also in:  ") && text.contains("/accept-of-many-keys × 12"), "{text}");
    Ok(())
}

#[test]
fn an_expectation_shows_what_the_names_in_it_stand_for() -> Result {
    let folder = TempDir::new()?;
    let case = "websocket/4.2.2-servers-answer/accept-answers-a-fresh-key";
    let arguments = ["run", "--fault", "accept-without-guid", "--select", case];
    let text = out(&pushspec(folder.path(), &arguments)?);
    assert!(text.contains("expected: Sec-WebSocket-Accept: {accept} where {accept} is \""), "{text}");
    Ok(())
}
