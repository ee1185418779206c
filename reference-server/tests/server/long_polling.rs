//! Long polling: held until there is news.

use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode};
use serde_json::json;

use crate::support::{Wire, data, field, get, json, publish, soon, start, start_with, url};

#[tokio::test]
async fn news_is_answered_at_once() {
    let server = start().await;
    publish(&server, "news", "one").await;
    publish(&server, "news", "two").await;
    for target in ["/long-polling/news", "/long-polling/news?after=0", "/long-polling/news?after=99"] {
        let poll = json(get(&server, target).await).await;
        assert_eq!(data(&poll), ["one", "two"], "{target}");
        assert_eq!(poll["cursor"], 2);
    }
}

#[tokio::test]
async fn a_poll_without_news_is_held_without_a_byte_and_then_answered_whole() {
    let server = start().await;
    let mut wire = Wire::get(&server, "/long-polling/news?after=0").await;
    wire.assert_silent().await;
    publish(&server, "news", "one").await;

    let (head, body) = wire.response().await;
    assert_eq!(head.status, 200);
    assert_eq!(head.field("cache-control"), Some("no-store"));
    assert_eq!(head.field("content-type"), Some("application/json"));
    assert_eq!(head.field("transfer-encoding"), None);
    assert_eq!(body, r#"{"cursor":1,"messages":[{"id":"1","event":null,"data":"one"}]}"#);
    // The connection is there for the next poll.
    wire.send("GET /long-polling/news?after=1&hold=1ms HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(wire.response().await.1, r#"{"cursor":1,"messages":[]}"#);
}

#[tokio::test]
async fn the_hold_ends_with_the_same_cursor_and_no_messages() {
    let server = start_with(|config| config.hold = Duration::from_millis(120)).await;
    publish(&server, "news", "one").await;
    for query in ["after=1", "after=1&hold=60ms", "after=1&hold=1000s"] {
        let asked = Instant::now();
        let response = get(&server, &format!("/long-polling/news?{query}")).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(field(&response, "cache-control"), "no-store");
        assert_eq!(json(response).await, json!({"cursor": 1, "messages": []}));
        assert!(asked.elapsed() >= Duration::from_millis(60), "{query}");
    }
}

#[tokio::test]
async fn head_is_never_held() {
    let server = start().await;
    let response = soon(Client::new().head(url(&server, "/long-polling/news?after=0")).send()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(field(&response, "content-length"), r#"{"cursor":0,"messages":[]}"#.len().to_string());
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_between_polls_while_others_publish() {
    const MESSAGES: usize = 200;
    let server = start().await;
    let publisher = {
        let target = url(&server, "/publish/news");
        tokio::spawn(async move {
            let client = Client::new();
            for number in 0..MESSAGES {
                client.post(&target).body(number.to_string()).send().await.unwrap();
            }
        })
    };
    let mut seen = Vec::new();
    let mut cursor = 0;
    while seen.len() < MESSAGES {
        let poll = json(get(&server, &format!("/long-polling/news?after={cursor}")).await).await;
        seen.extend(data(&poll).iter().map(|text| text.parse::<usize>().unwrap()));
        cursor = poll["cursor"].as_u64().unwrap();
    }
    assert_eq!(seen, (0..MESSAGES).collect::<Vec<_>>());
    publisher.await.unwrap();
}

#[tokio::test]
async fn every_waiting_poll_is_woken() {
    let server = start().await;
    let mut polls = Vec::new();
    for _ in 0..20 {
        polls.push(Wire::get(&server, "/long-polling/news?after=0").await);
    }
    publish(&server, "news", "one").await;
    for mut poll in polls {
        assert!(poll.response().await.1.contains("one"));
    }
}

#[tokio::test]
async fn errors_are_not_stored() {
    let server = start().await;
    for query in ["after=x", "hold=5", "hold=-1s", "hold=", "after=1&after=2"] {
        let response = get(&server, &format!("/long-polling/news?{query}")).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(field(&response, "cache-control"), "no-store");
    }
}
