//! Deviations that are accepted: what that means for the verdict, and what is stale.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use pushspec::baseline::Baseline;
use pushspec::suite::{Pattern, Suite};
use serde_json::Value;
use tempfile::TempDir;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const ONE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\none";

const TWO_HOSTS: &str = "http/9112-3-request-line/two-host-fields[polling]";

/// A server that answers everything with the same bytes, and a folder.
struct Scene {
    folder: TempDir,
    url: String,
}

impl Scene {
    fn answering(bytes: &'static [u8]) -> Result<Scene> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                std::thread::spawn(move || {
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
                    if stream.read(&mut [0; 4096]).is_ok_and(|length| length > 0) {
                        let _ = stream.write_all(bytes);
                    }
                });
            }
        });
        let folder = TempDir::new()?;
        fs::create_dir(folder.path().join("reports"))?;
        Ok(Scene { folder, url })
    }

    /// Writes a baseline with one entry.
    fn accept(&self, case: &str, verdict: &str, more: &str) -> Result {
        let entry = format!("case = \"{case}\"\nverdict = \"{verdict}\"\nreason = \"We know.\"\n{more}");
        Ok(fs::write(self.folder.path().join("baseline.toml"), format!("[[accept]]\n{entry}"))?)
    }

    fn run(&self, arguments: &[&str]) -> Result<(i32, String)> {
        let output = Command::new(env!("CARGO_BIN_EXE_pushspec"))
            .args(["run", &self.url, "--polling", "/"])
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()?;
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned()))
    }

    /// Runs with the baseline that was written.
    fn judge(&self, select: &str) -> Result<(i32, String)> {
        self.run(&["--baseline", "baseline.toml", "--select", select])
    }

    fn report(&self) -> Result<Value> {
        let text = fs::read_to_string(self.folder.path().join("reports/latest/report.json"))?;
        Ok(serde_json::from_str(&text)?)
    }
}

#[test]
fn what_is_accepted_is_told_and_does_not_count() -> Result {
    let scene = Scene::answering(ONE)?;
    assert_eq!(scene.run(&["--select", TWO_HOSTS])?.0, 1);
    scene.accept(
        "http/9112-3-request-line/two-host-fields",
        "fail",
        "ticket = \"T-7\"\nexpires = 2999-12-31\n",
    )?;
    let (code, said) = scene.judge(TWO_HOSTS)?;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("accepted deviations from 1 clause: --verbose shows them"), "{said}");
    let (code, said) = scene.run(&["--baseline", "baseline.toml", "--select", TWO_HOSTS, "--verbose"])?;
    assert_eq!(code, 0, "{said}");
    for words in
        ["conformant: ", &format!("case:     {TWO_HOSTS}"), "  accepted: We know. (T-7), by baseline.toml"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    let report = scene.report()?;
    let case = report["cases"].as_array().and_then(|cases| cases.iter().find(|case| case["id"] == TWO_HOSTS));
    let case = case.ok_or("the case is not in the report")?;
    assert_eq!(
        (&case["verdict"], &case["accepted"]),
        (&"fail".into(), &"We know. (T-7), by baseline.toml".into())
    );
    let junit = fs::read_to_string(scene.folder.path().join("reports/latest/junit.xml"))?;
    assert!(junit.contains("<skipped message=\"accepted: We know. (T-7), by baseline.toml\""), "{junit}");
    Ok(())
}

#[test]
fn what_is_worse_than_accepted_counts() -> Result {
    let scene = Scene::answering(ONE)?;
    scene.accept(TWO_HOSTS, "warn", "")?;
    let (code, said) = scene.judge(TWO_HOSTS)?;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("1 case failed") && !said.contains("accepted by"), "{said}");
    Ok(())
}

#[test]
fn what_passes_unexpectedly_is_stale() -> Result {
    let scene = Scene::answering(ONE)?;
    let passing = "polling/6202-2.1-short-polling/poll-is-answered";
    scene.accept(passing, "fail", "")?;
    let (code, said) = scene.judge(passing)?;
    assert_eq!(code, 1, "{said}");
    let words = format!(
        "stale baseline: baseline.toml:2: `{passing}` is accepted as fail, and {passing} comes to pass"
    );
    assert!(said.contains(&words), "{said}");
    assert_eq!(scene.report()?["objections"][0], words);
    Ok(())
}

#[test]
fn what_has_expired_is_stale_and_accepts_nothing() -> Result {
    let scene = Scene::answering(ONE)?;
    scene.accept(TWO_HOSTS, "fail", "expires = 2001-02-03\n")?;
    let (code, said) = scene.judge(TWO_HOSTS)?;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(&format!("`{TWO_HOSTS}` has expired on 2001-02-03")), "{said}");
    assert!(said.contains("1 case failed"), "{said}");
    Ok(())
}

#[test]
fn what_matches_nothing_is_stale() -> Result {
    let scene = Scene::answering(ONE)?;
    scene.accept("http/9112-3-request-line/three-host-fields", "fail", "")?;
    let passing = "polling/6202-2.1-short-polling/poll-is-answered";
    let (code, said) = scene.judge(passing)?;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("`http/9112-3-request-line/three-host-fields` matches no case"), "{said}");
    // What was not selected is not known to be stale.
    scene.accept(TWO_HOSTS, "fail", "")?;
    let (code, said) = scene.judge(passing)?;
    assert_eq!(code, 0, "{said}");
    Ok(())
}

#[test]
fn an_error_is_never_excused() -> Result {
    let scene =
        Scene::answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    let case = "polling/6202-2.1-short-polling/poll-is-answered";
    scene.accept(case, "fail", "")?;
    let (code, said) = scene.judge(case)?;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("1 case could not be run"), "{said}");
    scene.accept(case, "error", "")?;
    let (code, said) = scene.judge(case)?;
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("baseline.toml:3:11") && said.contains("known are `fail`, `warn`"), "{said}");
    Ok(())
}

#[test]
fn mistakes_have_their_place_and_a_way_out() -> Result {
    let scene = Scene::answering(ONE)?;
    let head = "# Known.\n[[accept]]\ncase = \"http\"\nverdict = \"fail\"\n";
    for (text, words) in [
        (format!("{head}reson = \"x\"\n"), "did you mean `reason`?"),
        (format!("{head}reason = \" \"\n"), "no reason is given"),
        (format!("{head}reason = \"x\"\nexpires = 10:00:00\n"), "`expires` is a day"),
        (head.to_owned(), "add `reason = "),
        ("accept = 7\n".to_owned(), "as in `[[accept]]`"),
    ] {
        fs::write(scene.folder.path().join("baseline.toml"), &text)?;
        let (code, said) = scene.judge("http")?;
        assert_eq!(code, 2, "{text}: {said}");
        assert!(said.contains(words) && said.contains("--> baseline.toml:") && said.contains('^'), "{said}");
    }
    let (code, said) = scene.run(&["--baseline", "nod"])?;
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("there is no baseline `nod`; did you mean `node`?"), "{said}");
    Ok(())
}

#[test]
fn an_update_adds_what_is_found_takes_out_what_is_stale_and_keeps_comments() -> Result {
    let scene = Scene::answering(ONE)?;
    let path = scene.folder.path().join("baseline.toml");
    let select = ["--select", "http/9112-3-request-line", "--baseline", "baseline.toml"];
    let update = [&select[..], &["--update-baseline"]].concat();
    assert_eq!(scene.run(&select)?.0, 2, "there is none yet");
    let (code, said) = scene.run(&update)?;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("note: baseline.toml is written"), "{said}");
    let written = fs::read_to_string(&path)?;
    assert!(
        written.contains("case = \"http/9112-3-request-line/two-host-fields\"\nverdict = \"fail\"\n"),
        "{written}"
    );
    // A person says why, and accepts what is over by now.
    let told = written.replacen("[[accept]]", "# Ours.\n[[accept]]", 1);
    let stale = "\n# Mended in May.\n[[accept]]\ncase = \"polling/6202-2.1-short-polling/poll-is-answered\"\nverdict = \"fail\"\nreason = \"It was so.\"\n";
    let other = "\n# Seen by another run.\n[[accept]]\ncase = \"websocket/5.1-masking\"\nverdict = \"fail\"\nreason = \"It is so.\"\n";
    fs::write(&path, format!("# What we know.\n\n{told}{stale}{other}"))?;
    let select = [
        "--select",
        "http/9112-3-request-line",
        "polling/6202-2.1-short-polling",
        "--baseline",
        "baseline.toml",
    ];
    assert_eq!(scene.run(&select)?.0, 1, "one is stale");
    let (code, said) = scene.run(&[&select[..], &["--update-baseline"]].concat())?;
    assert_eq!(code, 0, "{said}");
    let updated = fs::read_to_string(&path)?;
    for kept in ["# What we know.\n", "# Ours.\n", "# Seen by another run.\n", "websocket/5.1-masking"] {
        assert!(updated.contains(kept), "{kept}: {updated}");
    }
    assert!(!updated.contains("poll-is-answered"), "{updated}");
    let (code, said) = scene.run(&select)?;
    assert_eq!(code, 0, "{said}");
    let (_, said) = scene.run(&[&select[..], &["--update-baseline"]].concat())?;
    assert!(!said.contains("is written"), "nothing is new: {said}");
    Ok(())
}

#[test]
fn what_a_platform_is_known_for_can_be_accepted_by_its_name() -> Result {
    let scene = Scene::answering(ONE)?;
    let (code, said) = scene.run(&["--baseline", "node", "--select", TWO_HOSTS, "--verbose"])?;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("  accepted: Node's HTTP parser takes"), "{said}");
    assert!(said.contains(", by node\n"), "{said}");
    // Another version may do better, which is no fault of who judges by it.
    let (code, said) =
        scene.run(&["--baseline", "node", "--select", "polling/6202-2.1-short-polling/poll-is-answered"])?;
    assert_eq!(code, 0, "{said}");
    let (code, said) = scene.run(&["--baseline", "node", "--update-baseline"])?;
    assert_eq!(code, 2, "{said}");
    Ok(())
}

#[test]
fn every_baseline_that_is_built_in_names_cases_that_there_are() -> Result {
    let suite = Suite::embedded()?;
    assert!(!pushspec_fixtures::BASELINES.is_empty());
    for (path, text) in pushspec_fixtures::BASELINES {
        let name = path.strip_prefix("baselines/").unwrap_or(path);
        assert_eq!(Baseline::built_in(name).ok_or(name)??.name(), name);
        let parsed: toml::Table = toml::from_str(text)?;
        for entry in parsed["accept"].as_array().ok_or("no entries")? {
            let pattern = Pattern::new(entry["case"].as_str().unwrap_or_default());
            assert!(suite.cases.iter().any(|case| pattern.matches(&case.id)), "{path}: {pattern}");
        }
    }
    Ok(())
}

/// The known servers that stand on a platform.
const PLATFORMS: [(&str, &[&str]); 3] = [
    (
        "node",
        &[
            "ws",
            "express-comet",
            "express-eventsource",
            "ssestream",
            "better-sse",
            "hono",
            "fastify",
            "engine.io",
        ],
    ),
    ("go", &["go-gorilla", "caddy"]),
    ("hyper", &["axum", "warp", "poem"]),
];

/// The cases that deviate at a known server, with what they came to.
fn known_findings(server: &str) -> Result<Vec<(String, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../reports/known");
    let text = fs::read_to_string(root.join(server).join("findings.toml"))?;
    let parsed: toml::Table = toml::from_str(&text)?;
    let mut found = Vec::new();
    for finding in parsed["finding"].as_array().ok_or("no findings")? {
        let verdict = finding["verdict"].as_str().ok_or("no verdict")?;
        for list in ["cases", "sometimes"] {
            let cases = finding.get(list).and_then(toml::Value::as_array).into_iter().flatten();
            let ids = cases.filter_map(|case| case.get(0)?.as_str());
            found.extend(ids.map(|id| (id.to_owned(), verdict.to_owned())));
        }
    }
    Ok(found)
}

#[test]
fn what_a_platform_is_known_for_is_seen_at_servers_that_stand_on_it() -> Result {
    let built_in = pushspec_fixtures::BASELINES.iter().map(|(path, _)| path.trim_start_matches("baselines/"));
    assert_eq!(built_in.collect::<BTreeSet<_>>(), PLATFORMS.iter().map(|(name, _)| *name).collect());
    for (platform, servers) in PLATFORMS {
        let mut found = Vec::new();
        for server in servers {
            found.extend(known_findings(server)?);
        }
        let path = format!("baselines/{platform}");
        let text = pushspec_fixtures::BASELINES.iter().find(|(name, _)| *name == path);
        let parsed: toml::Table = toml::from_str(text.ok_or("no such baseline")?.1)?;
        for entry in parsed["accept"].as_array().ok_or("no entries")? {
            let pattern = Pattern::new(entry["case"].as_str().unwrap_or_default());
            let verdict = entry["verdict"].as_str().unwrap_or_default();
            let is_seen = found.iter().any(|(id, came)| pattern.matches(id) && came == verdict);
            assert!(is_seen, "{platform}: no known server has {pattern} as {verdict}");
        }
    }
    Ok(())
}
