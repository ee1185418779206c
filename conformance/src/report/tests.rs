//! Every format of one run that has every verdict, and what all of them have in common.

use super::stored::{MergeError, Report, Shard};
use super::testing::{HOSTILE, report};
use super::{Format, diff::Diff, json, matrix, terminal};
use crate::judge::Verdict;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn rendered(format: Format) -> String {
    format.render(&report()).expect("a report that can be made")
}

#[test]
fn each_format_is_as_it_was() {
    for (name, format) in Format::NAMES.into_iter().zip(<Format as clap::ValueEnum>::value_variants()) {
        let text = rendered(*format);
        // The style and the script are no part of what is told of a run.
        let text = match text
            .split_once("<style>")
            .and_then(|(head, rest)| Some((head, rest.split_once("</style>")?.1)))
        {
            Some((head, body)) => format!("{head}{}", body.split("<script>").next().unwrap_or(body)),
            None => text,
        };
        insta::assert_snapshot!(name, text.replace("><", ">\n<"));
    }
}

#[test]
fn each_format_has_the_name_that_it_is_called_by() {
    use clap::ValueEnum as _;
    let names: Vec<String> = Format::value_variants()
        .iter()
        .filter_map(|format| Some(format.to_possible_value()?.get_name().to_owned()))
        .collect();
    assert_eq!(names, Format::NAMES);
}

#[test]
fn all_that_is_told_on_a_terminal_is_as_it_was() {
    let detail = terminal::Detail { extent: terminal::Extent::All, info: true, color: false };
    insta::assert_snapshot!("text-verbose", terminal::to_string(&report(), detail));
}

#[test]
fn nothing_hostile_leaves_any_format_as_it_is() {
    for format in <Format as clap::ValueEnum>::value_variants() {
        let text = rendered(*format);
        for sent in ["\0", "\u{1b}", "\u{202e}"] {
            assert!(!text.contains(sent) || *format == Format::Json, "{format:?} has {sent:?}");
        }
        assert!(!text.contains('\0') && !text.contains('\u{1b}'), "{format:?}");
    }
    let page = rendered(Format::Html);
    assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;alert(1)&lt;/script&gt;]]&gt;"));
    let github = rendered(Format::Github);
    assert!(github.lines().all(|line| line.starts_with("::")), "{github}");
    assert!(HOSTILE.contains("]]>"));
}

#[test]
fn what_is_stored_is_read_back() -> Result {
    let text = json::to_string(&report())?;
    assert_eq!(json::parse(&text)?, report());
    let other = text.replacen("pushspec-report/2", "pushspec-report/1", 1);
    assert!(json::parse(&other).is_err_and(|error| error.to_string().contains("`pushspec-report/1`")));
    assert!(json::parse("{}").is_err() && json::parse("").is_err());
    let more = text.replacen("\"schema\"", "\"a-key-of-tomorrow\": 1, \"schema\"", 1);
    assert_eq!(json::parse(&more)?, report(), "keys that are not known are passed over");
    Ok(())
}

#[test]
fn sarif_gitlab_and_the_badge_have_the_form_that_those_who_read_them_ask_for() -> Result {
    let sarif: serde_json::Value = serde_json::from_str(&rendered(Format::Sarif))?;
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().ok_or("no rules")?;
    for result in run["results"].as_array().ok_or("no results")? {
        let index = usize::try_from(result["ruleIndex"].as_u64().ok_or("no index")?)?;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap_or_default()));
        let region = &result["locations"][0]["physicalLocation"]["region"];
        assert!(region.is_null() || region["startLine"].as_u64() > Some(0), "lines count from 1");
    }
    let issues: Vec<serde_json::Value> = serde_json::from_str(&rendered(Format::Gitlab))?;
    let prints: std::collections::BTreeSet<_> =
        issues.iter().map(|issue| issue["fingerprint"].as_str()).collect();
    assert_eq!(prints.len(), issues.len(), "an issue is known by its fingerprint");
    let badge: serde_json::Value = serde_json::from_str(&rendered(Format::Badge))?;
    assert_eq!(badge["schemaVersion"], 1);
    Ok(())
}

#[test]
fn tap_counts_as_it_says() {
    let text = rendered(Format::Tap);
    let points = text.lines().filter(|line| line.starts_with("ok ") || line.starts_with("not ok ")).count();
    assert!(text.starts_with("TAP version 14\n") && text.contains(&format!("\n1..{points}\n")), "{text}");
}

#[test]
fn a_page_asks_for_nothing_and_can_be_read_without_a_script() {
    let page = rendered(Format::Html);
    for request in ["src=", "@import", "url(", "fetch(", "XMLHttpRequest", "<link rel=\"stylesheet\""] {
        assert!(!page.contains(request), "{request}");
    }
    let body = page.split("<body>").nth(1).unwrap_or_default();
    let ids: Vec<&str> = body.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let unique: std::collections::BTreeSet<&&str> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "an address is that of one thing");
    assert!(ids.contains(&"sse/9.2.6-format/it-fails[1]"));
    assert!(body.contains("href=\"#sse/9.2.6-format/it-fails%5B1%5D\""));
    for endpoint in ["news", "ticker"] {
        assert!(ids.contains(&format!("sse/9.2.7-endpoints/it-has-two@{endpoint}").as_str()), "{endpoint}");
    }
    // What a link or a packed transcript is about is there. The clause of a case that judges none of the report's has none.
    let links = body.split(" href=\"#").skip(1).filter_map(|rest| rest.split('"').next());
    for link in links.filter(|link| !link.starts_with("rfc6455/5.2/")) {
        let id = link.replace("%5B", "[").replace("%5D", "]");
        assert!(ids.contains(&id.as_str()), "nothing is at #{link}");
    }
    for key in packed(body) {
        assert!(ids.contains(&key.as_str()), "a transcript is packed for {key}");
    }
    assert!(packed(body).contains(&"sse/9.2.7-endpoints/it-has-two@news".to_owned()));
}

/// The ids of which the transcripts are packed.
fn packed(body: &str) -> Vec<String> {
    use base64::Engine as _;
    let pack = body.split("id=\"packed\"").nth(1).and_then(|rest| rest.split_once('>')?.1.split('<').next());
    let bytes =
        base64::engine::general_purpose::STANDARD.decode(pack.unwrap_or_default()).unwrap_or_default();
    let json = miniz_oxide::inflate::decompress_to_vec(&bytes).unwrap_or_default();
    let ladders: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&json).unwrap_or_default();
    ladders.into_iter().map(|(id, _)| id).collect()
}

#[test]
fn what_the_server_said_at_its_end_is_in_each_format_that_tells_a_case_in_full() {
    for format in [
        Format::Text,
        Format::Html,
        Format::Junit,
        Format::Markdown,
        Format::Github,
        Format::Sarif,
        Format::Tap,
    ] {
        let mut report = report();
        report.cases.retain(|case| !case.server_output.is_empty());
        let text = format.render(&report).expect("a report that can be made");
        assert!(text.contains("Error: bad frame"), "{format:?}: {text}");
    }
}

#[test]
fn markdown_is_bounded() {
    let mut report = report();
    let case = report.cases[4].clone();
    for number in 0..3000 {
        let mut case = case.clone();
        case.id = format!("sse/9.2.6-format/it-fails[{number}]");
        case.findings[0].clause = format!("html-sse/9.2.6/clause-{number}");
        case.findings[0].received = "x".repeat(5000);
        report.cases.push(case);
    }
    assert!(super::markdown::to_string(&report).len() < 65_536);
    assert!(terminal::to_string(&report, terminal::Detail::default()).lines().count() < 150);
    assert!(super::github::to_string(&report).lines().count() <= 21);
}

#[test]
fn a_page_of_many_cases_is_small() {
    let mut report = report();
    let case = report.cases[2].clone();
    report.cases = (0..2500)
        .map(|number| crate::report::stored::Case {
            id: format!("sse/9.2.6-format/case-{number}"),
            ..case.clone()
        })
        .collect();
    assert!(super::html::to_string(&report).len() < 1_000_000);
}

fn shard(index: usize, ids: &[usize]) -> Report {
    let mut shard = report();
    shard.shard = Some(Shard { index, count: 2, selected: 15 });
    shard.cases = shard
        .cases
        .into_iter()
        .enumerate()
        .filter(|(at, case)| case.invariant || ids.contains(at))
        .map(|(at, case)| crate::report::stored::Case { position: Some(at), ..case })
        .collect();
    shard
}

#[test]
fn the_shards_of_a_run_are_the_whole() -> Result {
    let (one, other) = (shard(1, &[0, 2, 4, 6, 8, 11, 13]), shard(2, &[1, 3, 5, 7, 9, 12, 14, 15]));
    let merged = Report::merge(vec![other.clone(), one.clone()])?;
    let whole = report();
    assert_eq!(merged.ends.len(), whole.ends.len() * 2, "each shard has its own");
    let verdicts = |report: &Report| -> Vec<(String, Verdict)> {
        report.cases.iter().map(|case| (case.id.clone(), case.verdict)).collect()
    };
    assert_eq!(verdicts(&merged), verdicts(&whole));
    assert_eq!(
        (&merged.summary.total, &merged.objections, merged.shard),
        (&whole.summary.total, &whole.objections, None)
    );
    assert_eq!(merged.clauses.len(), whole.clauses.len());
    let error = |shards: Vec<Report>| Report::merge(shards).map(|_| ()).map_err(|error| error.to_string());
    assert_eq!(error(vec![one.clone()]), Err(MergeError::Missing("2/2".into()).to_string()));
    assert_eq!(error(vec![one.clone(), one.clone()]), Err(MergeError::Twice("1/2".into()).to_string()));
    assert!(error(vec![one.clone(), report()]).is_err_and(|why| why.contains("is no shard")));
    let strict = Report { strict: true, ..other };
    assert!(error(vec![one.clone(), strict]).is_err_and(|why| why.contains("--strict")));
    assert!(error(vec![one, shard(2, &[1])]).is_err_and(|why| why.contains("8 of 15")));
    Ok(())
}

#[test]
fn what_changed_is_told_and_only_what_broke_counts() {
    let (old, mut new) = (report(), report());
    assert!(!Diff::of(&old, &new).broke);
    new.cases[4].verdict = Verdict::Pass;
    new.cases[6].verdict = Verdict::Pass;
    let diff = Diff::of(&old, &new);
    assert!(!diff.broke, "{}", diff.text());
    insta::assert_snapshot!("diff-fixed", diff.text());
    new.cases[2].verdict = Verdict::Fail;
    new.cases[3].verdict = Verdict::Skip;
    new.cases[8].verdict = Verdict::Fail;
    let diff = Diff::of(&old, &new);
    assert!(diff.broke);
    insta::assert_snapshot!("diff-broken", format!("{}\n{}", diff.text(), diff.markdown()));
    let later = Report { objections_to_run: vec!["the run was interrupted".into()], ..report() };
    assert!(Diff::of(&old, &later).broke, "a run that did not take place breaks nothing and proves nothing");
}

#[test]
fn servers_stand_side_by_side() {
    let columns = [
        matrix::Column { name: "nginx | <b>".into(), report: report() },
        matrix::Column {
            name: "other".into(),
            report: Report { cases: Vec::new(), clauses: Vec::new(), ..report() },
        },
    ];
    insta::assert_snapshot!("matrix", matrix::markdown(&columns));
    let page = matrix::html(&columns);
    let body = page.split("</style>").nth(1).unwrap_or_default();
    insta::assert_snapshot!("matrix-html", body.replace("><", ">\n<"));
    assert!(page.contains("nginx | &lt;b&gt;") && page.contains("html-sse/9.2.6/one-field-per-line"));
}

#[test]
fn the_schema_is_that_of_the_report() -> Result {
    let schema = schemars::schema_for!(Report);
    let text = serde_json::to_string_pretty(&schema)? + "\n";
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/report.schema.json");
    if std::env::var_os("PUSHSPEC_DOCS").is_some_and(|mode| mode == "write") {
        std::fs::write(&file, &text)?;
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == text, "docs/report.schema.json is stale: run `just docs` and commit what it writes");
    let schema = jsonschema::validator_for(&serde_json::from_str(&text)?)?;
    let stored: serde_json::Value = serde_json::from_str(&json::to_string(&report())?)?;
    let wrong: Vec<String> = schema.iter_errors(&stored).map(|error| error.to_string()).collect();
    assert_eq!(wrong, Vec::<String>::new());
    let mut broken = stored;
    broken["cases"][0]["verdict"] = "perhaps".into();
    assert!(!schema.is_valid(&broken), "the schema tells right from wrong");
    Ok(())
}
