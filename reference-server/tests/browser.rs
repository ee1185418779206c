//! The page in a real browser: all five clocks tick, and the browser has nothing to complain about.
//!
//! It needs Chromium, at `/usr/bin/chromium` or where the environment variable `CHROMIUM` says. When it fails, it
//! leaves a picture of the page in the folder for temporary files and names it.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod chromium;

use std::{collections::HashMap, time::Duration};

use chromium::{Browser, PATIENCE};
use pushspec_reference::{Config, Server};
use tokio::time::{Instant, sleep};

const TECHNIQUES: [&str; 5] = ["polling", "long-polling", "iframe", "sse", "websocket"];

#[tokio::test]
async fn all_five_clocks_tick_and_the_browser_has_no_complaint() {
    let server = Server::start(Config::default()).await.unwrap();
    let mut browser = Browser::start().await;
    browser.open(&format!("http://{}/", server.address())).await;

    let outcome = clocks_tick(&mut browser).await;
    let failed = outcome.is_err() || !browser.complaints().is_empty();
    let picture = if failed { Some(browser.picture().await) } else { None };
    let complaints = browser.complaints().to_vec();
    // Before anything is asserted, so that no browser is left behind.
    browser.end().await;
    server.shutdown().await;

    assert_eq!((outcome, complaints), (Ok(()), Vec::new()), "see {picture:?}");
}

#[tokio::test]
async fn what_the_page_publishes_arrives_by_all_five_techniques_with_its_latency() {
    let server = Server::start(Config::default()).await.unwrap();
    let mut browser = Browser::start().await;
    browser.open(&format!("http://{}/", server.address())).await;
    let outcome = clocks_tick(&mut browser).await;
    assert_eq!(outcome, Ok(()));

    let publish = "document.querySelector('#text').value = '<b>hi</b>'; document.querySelector('#publish button').click(); true";
    browser.value(publish).await;
    let delivered = "[...document.querySelectorAll('tr.own td[data-by]')].filter((cell) => /^\\d+ ms$/.test(cell.textContent)).length === 5";
    let all_five = browser.becomes(delivered).await;
    let latencies =
        "[...document.querySelectorAll('.card')].every((card) => /^\\d+$/.test(card.dataset.latency))";
    let on_the_cards = browser.value(latencies).await;
    let text = browser.value("document.querySelector('tr.own td').textContent").await;
    let rows = browser.value("document.querySelectorAll('#timeline tr').length <= 8").await;
    let links =
        "[...document.querySelectorAll('.card a')].map((a) => new URL(a.href).pathname.split('/')[1])";
    let links = browser.value(links).await;
    let (complaints, requests) = (browser.complaints().to_vec(), browser.requests().to_vec());
    browser.end().await;
    let origin = format!("http://{}/", server.address());
    server.shutdown().await;

    assert!(all_five, "every technique delivers it");
    assert_eq!((on_the_cards, text, rows), (true.into(), "<b>hi</b> #1".into(), true.into()));
    assert_eq!(links, serde_json::json!(["polling", "long-polling", "iframe", "sse"]));
    assert_eq!(complaints, Vec::<String>::new());
    let elsewhere = requests.iter().filter(|url| !url.starts_with(&origin) && !url.starts_with("data:"));
    assert_eq!(elsewhere.collect::<Vec<_>>(), Vec::<&String>::new());
}

/// Waits until every clock has counted two messages and has shown two times.
async fn clocks_tick(browser: &mut Browser) -> Result<(), String> {
    let mut shown: HashMap<&str, Vec<String>> = HashMap::new();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut ticking = true;
        for technique in TECHNIQUES {
            let card = card(browser, technique).await;
            let times = shown.entry(technique).or_default();
            if card.time.starts_with(|first: char| first.is_ascii_digit()) && !times.contains(&card.time) {
                times.push(card.time);
            }
            ticking &= card.count >= 2 && times.len() >= 2 && card.state == "open";
        }
        if ticking {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("not every clock ticks: {shown:?}"));
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// What a card of the page shows.
struct Card {
    state: String,
    count: u64,
    time: String,
}

/// What the card of a technique shows.
async fn card(browser: &mut Browser, technique: &str) -> Card {
    let script = format!(
        "(() => {{ const card = document.querySelector('[data-technique=\"{technique}\"]'); \
             return card && {{ ...card.dataset, time: card.querySelector('.time').textContent }}; }})()"
    );
    let card = browser.value(&script).await;
    let text = |name: &str| card[name].as_str().unwrap_or_default().to_owned();
    Card { state: text("state"), count: text("count").parse().unwrap_or(0), time: text("time") }
}
