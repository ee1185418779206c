//! The report in a real browser: it opens, filters, follows the address of a case and shows a transcript, asks for nothing,
//! and what a server sends that wants to be more than text stays text.
//!
//! It needs Chromium, at `/usr/bin/chromium` or where the environment variable `CHROMIUM` says.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "../../reference-server/tests/chromium/mod.rs"]
mod chromium;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use chromium::Browser;
use serde_json::{Value, json};
use tempfile::TempDir;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A stream that opens, and has messages that want to be more than text.
const HOSTILE: &[u8] = b"HTTP/1.1 200 <script>alert(1)</script>\r\nContent-Type: text/event-stream\r\nX-Evil: \"><img src=x onerror=alert(2)>]]>\r\nConnection: close\r\n\r\ndata: <script>alert(3)</script>]]>\0\x1b[2J\xff\xfe</script><!--\n\ndata: {\"a\": \"\xe2\x80\xae\"}\n\n";

/// A server that answers everything with the same bytes, and closes.
fn answering(bytes: &'static [u8]) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut request = vec![0; 65536];
                let _ = stream.read(&mut request).and_then(|_| stream.write_all(bytes));
            });
        }
    });
    Ok(url)
}

/// Runs the program; gives its exit code.
fn run(folder: &Path, arguments: &[&str]) -> Result<i32> {
    let status = Command::new(env!("CARGO_BIN_EXE_pushspec"))
        .arg("run")
        .args(arguments)
        .args(["--report-dir", "r", "--report", "sarif=r/sarif.json", "-qq"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .status()?;
    Ok(status.code().unwrap_or(-1))
}

fn report(folder: &Path) -> Result<Value> {
    Ok(serde_json::from_str(&fs::read_to_string(folder.join("r/report.json"))?)?)
}

/// The id of the first case with a verdict that has a transcript.
fn first(report: &Value, verdict: &str) -> Option<String> {
    let is_it = |case: &&Value| {
        case["verdict"] == verdict
            && case["selected"] == true
            && case["transcript"].as_array().is_some_and(|lines| !lines.is_empty())
    };
    Some(report["cases"].as_array()?.iter().find(is_it)?["id"].as_str()?.to_owned())
}

/// Opens the report in `folder`, and looks at it.
async fn look(folder: &Path, looks: impl AsyncFnOnce(&mut Browser)) {
    let page = folder.join("r/report.html").display().to_string();
    let mut browser = Browser::start().await;
    browser.open(&format!("file://{page}")).await;
    assert!(
        browser
            .becomes("document.readyState === 'complete' && !document.querySelector('#tools').hidden")
            .await
    );
    looks(&mut browser).await;
    let (complaints, requests) = (browser.complaints().to_vec(), browser.requests().to_vec());
    let picture = if complaints.is_empty() { None } else { Some(browser.picture().await) };
    browser.end().await;
    assert_eq!(complaints, Vec::<String>::new(), "see {picture:?}");
    let others: Vec<&String> =
        requests.iter().filter(|url| !url.ends_with("/report.html") && *url != "data:,").collect();
    assert_eq!(others, Vec::<&String>::new(), "the page asks for nothing");
}

/// How many cases are seen.
const SEEN: &str =
    "[...document.querySelectorAll('.case, .family > details')].filter((e) => !e.closest('[hidden]')).length";

/// Follows the address of a case.
async fn follow(browser: &mut Browser, id: &str) -> bool {
    browser.value(&format!("location.hash = encodeURIComponent({}); true", json!(id))).await;
    let lines = format!("document.getElementById({}).querySelectorAll('.ladder code').length > 1", json!(id));
    let is_open = format!("document.getElementById({}).open", json!(id));
    browser.becomes(&is_open).await && browser.becomes(&lines).await
}

#[tokio::test]
async fn a_report_with_failures_filters_follows_and_shows() -> Result {
    let folder = TempDir::new()?;
    let select = ["--select", "websocket/5.1-masking", "sse/9.2.6-interpreting-an-event-stream"];
    let fault = ["--fault", "unmasked-frames-are-read"];
    assert_eq!(run(folder.path(), &[&fault[..], &select].concat())?, 1);
    let report = report(folder.path())?;
    let (failed, passed) = (first(&report, "fail").unwrap(), first(&report, "pass").unwrap());
    look(folder.path(), async |browser| {
        let all = browser.value(SEEN).await.as_u64().unwrap();
        assert!(all > 10, "{all}");
        let set = |text: &str| format!("{{ const s = document.querySelector('#search'); s.value = {}; s.dispatchEvent(new Event('input', {{ bubbles: true }})); }} true", json!(text));
        browser.value(&set("unmasked-text-frame")).await;
        let some = browser.value(SEEN).await.as_u64().unwrap();
        assert!(some > 0 && some < all, "{some} of {all}");
        browser.value(&set("")).await;
        let uncheck = "document.querySelector('[name=verdict][value=pass]').click(); true";
        browser.value(uncheck).await;
        let failing = browser.value(SEEN).await.as_u64().unwrap();
        assert!(failing > 0 && failing < all, "{failing} of {all}");
        browser.value(uncheck).await;
        assert!(follow(browser, &failed).await, "{failed} has a ladder");
        let marked = format!("document.getElementById({}).querySelectorAll('.ladder mark').length", json!(failed));
        assert!(browser.value(&marked).await.as_u64().unwrap() > 0, "what deviates is marked");
        // The transcript of a case that passed is packed.
        assert!(follow(browser, &passed).await, "{passed} has a ladder");
    })
    .await;
    Ok(())
}

#[tokio::test]
async fn a_conformant_run_makes_a_page_of_less_than_a_megabyte() -> Result {
    let folder = TempDir::new()?;
    run(folder.path(), &["--patience", "3"])?;
    let size = fs::metadata(folder.path().join("r/report.html"))?.len();
    assert!(size < 1_000_000, "{size} bytes");
    let report = report(folder.path())?;
    let passed = first(&report, "pass").unwrap();
    // Of a heading with several cases the page has the labels alone, and the script the rest.
    let is_listed =
        |case: &&Value| case["verdict"] == "pass" && case["id"].as_str().is_some_and(|id| id.ends_with(']'));
    let listed = report["cases"].as_array().and_then(|cases| cases.iter().find(is_listed));
    let listed = listed.and_then(|case| case["id"].as_str()).unwrap().to_owned();
    look(folder.path(), async |browser| {
        assert!(follow(browser, &passed).await, "{passed} has a ladder");
        assert!(follow(browser, &listed).await, "{listed} has a ladder");
    })
    .await;
    Ok(())
}

#[tokio::test]
async fn what_wants_to_be_more_than_text_stays_text() -> Result {
    let folder = TempDir::new()?;
    let url = answering(HOSTILE)?;
    let code = run(
        folder.path(),
        &[
            &url,
            "--sse",
            "/",
            "--select",
            "sse/9.2.3-processing-model",
            "sse/9.2.6-interpreting-an-event-stream",
            "http",
        ],
    )?;
    assert_eq!(code, 1);
    let report = report(folder.path())?;
    let failed = first(&report, "fail").or_else(|| first(&report, "warn")).unwrap();
    look(folder.path(), async |browser| {
        // Everything is opened, so that whatever is packed is drawn, too.
        browser.value("document.querySelectorAll('details').forEach((e) => { e.open = true; }); true").await;
        assert!(follow(browser, &failed).await);
        assert!(
            browser
                .becomes(
                    "document.querySelector('main').textContent.includes('<script>alert(3)</script>]]>')"
                )
                .await
        );
        let foreign =
            "document.querySelectorAll('main script, main img, main iframe, main [onerror]').length";
        assert_eq!(browser.value(foreign).await, 0);
    })
    .await;
    let junit = fs::read_to_string(folder.path().join("r/junit.xml"))?;
    let mut reader = quick_xml::Reader::from_str(&junit);
    while reader.read_event()? != quick_xml::events::Event::Eof {}
    assert!(!junit.contains(['\0', '\u{1b}']));
    let sarif: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("r/sarif.json"))?)?;
    assert!(sarif["runs"][0]["results"].as_array().is_some_and(|results| !results.is_empty()));
    Ok(())
}
