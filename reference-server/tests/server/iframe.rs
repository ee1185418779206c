//! Iframe streaming: one script element a message, and nothing that breaks out of it.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use rstest::rstest;
use serde_json::Value;

use crate::support::{Wire, field, get, publish, start, start_with, url};

#[tokio::test]
async fn the_head_and_more_than_1024_bytes_leave_at_once() {
    let server = start().await;
    let mut wire = Wire::get(&server, "/iframe/news?callback=app.news").await;
    let head = wire.head().await;
    assert_eq!(head.status, 200);
    assert_eq!(head.field("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(head.field("cache-control"), Some("no-store, no-transform"));
    assert_eq!(head.field("x-content-type-options"), Some("nosniff"));
    assert_eq!(head.field("content-length"), None);
    let opening = wire.until("-->\n\r\n").await;
    assert!(opening.len() > 1024 && opening.contains("<!DOCTYPE html>") && !opening.contains("<script"));
    wire.assert_silent().await;
}

#[tokio::test]
async fn a_message_is_one_complete_script_element_in_one_chunk() {
    let server = start().await;
    publish(&server, "news", "old").await;
    let mut wire = Wire::get(&server, "/iframe/news?callback=app.news").await;
    wire.until("-->\n\r\n").await;
    publish(&server, "news", "one").await;
    let script = "<script>parent.app.news({\"id\":\"2\",\"event\":null,\"data\":\"one\"})</script>\n";
    assert_eq!(wire.until("</script>\n\r\n").await, format!("{:x}\r\n{script}\r\n", script.len()));
}

#[tokio::test]
async fn a_cursor_brings_what_is_retained_after_it() {
    let server = start().await;
    publish(&server, "news", "one").await;
    publish(&server, "news", "two").await;
    let mut wire = Wire::get(&server, "/iframe/news?callback=f&after=1").await;
    let text = wire.until("</script>").await;
    assert!(text.contains(r#""two""#) && !text.contains(r#""one""#));
}

#[rstest]
#[case("</script><script>alert(1)</script>")]
#[case("<!--<script>")]
#[case("-->")]
#[case("<![CDATA[")]
#[case("&lt;/script&gt;")]
#[case("\u{2028}\u{2029}\n\r\0\u{7f}\u{feff}")]
#[case("\"})</script>\\")]
#[case("')</SCRIPT\u{b}>")]
#[case("")]
#[tokio::test]
async fn no_payload_breaks_out_of_its_element(#[case] payload: &str) {
    let server = start().await;
    let mut wire = Wire::get(&server, "/iframe/news?callback=f").await;
    wire.until("-->\n\r\n").await;
    publish(&server, "news", payload).await;
    publish(&server, "news", "last").await;

    let element = wire.until("</script>\n").await;
    let (_, call) = element.split_once("\r\n<script>parent.f(").unwrap();
    let argument = call.strip_suffix(")</script>\n").unwrap();
    assert!(!argument.contains(['<', '>', '&', '\n', '\r', '\u{2028}', '\u{2029}']));
    assert_eq!(serde_json::from_str::<Value>(argument).unwrap()["data"], payload);
    assert!(wire.until("</script>\n").await.contains("last"));
}

#[rstest]
#[case::missing("")]
#[case::empty("callback=")]
#[case::call("callback=alert(1)")]
#[case::element("callback=%3C%2Fscript%3E")]
#[case::line_end("callback=f%0A")]
#[case::digit("callback=1f")]
#[case::empty_part("callback=a..b")]
#[case::index("callback=a%5B0%5D")]
#[case::not_ascii("callback=%C3%A9")]
#[case::twice("callback=f&callback=g")]
#[case::garbage_cursor("callback=f&after=x")]
#[case::garbage_heartbeat("callback=f&heartbeat=1")]
#[tokio::test]
async fn a_hostile_query_is_refused_in_plain_text(#[case] query: &str) {
    let server = start().await;
    let response = get(&server, &format!("/iframe/news?{query}")).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(field(&response, "content-type"), "text/plain; charset=utf-8");
    assert_eq!(field(&response, "x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn heartbeats_are_inert() {
    let server = start_with(|config| config.heartbeat = Duration::from_millis(60)).await;
    let mut wire = Wire::get(&server, "/iframe/news?callback=f").await;
    wire.until("-->\n\r\n").await;
    assert_eq!(wire.until("\n\r\n").await, "1\r\n\n\r\n");
    assert_eq!(wire.until("\n\r\n").await, "1\r\n\n\r\n");
}

#[tokio::test]
async fn head_has_the_fields_and_ends() {
    let server = start().await;
    let head = Client::new().head(url(&server, "/iframe/news?callback=f")).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(field(&head, "content-type"), "text/html; charset=utf-8");
    assert_eq!(field(&head, "content-length"), "");
}

#[tokio::test]
async fn an_http_1_0_client_gets_the_stream_without_chunks() {
    let server = start().await;
    let mut wire = Wire::open(&server, "GET /iframe/news?callback=f HTTP/1.0\r\n\r\n").await;
    assert_eq!(wire.head().await.field("transfer-encoding"), None);
    assert!(wire.until("-->\n").await.starts_with("<!DOCTYPE html>"));
}
