//! Publishing: what is taken and what is refused.

use reqwest::{Client, StatusCode};
use rstest::rstest;
use serde_json::json;

use crate::support::{Wire, data, field, get, json, start, url};

#[rstest]
#[case::text("text/plain", "one")]
#[case::form("application/x-www-form-urlencoded", "one")]
#[case::json("application/json", r#"{"data":"one"}"#)]
#[case::json_with_parameter("Application/JSON; charset=utf-8", r#"{"data":"one","event":null}"#)]
#[tokio::test]
async fn the_body_is_the_data_or_json(#[case] content_type: &str, #[case] body: &'static str) {
    let server = start().await;
    let request = Client::new().post(url(&server, "/publish/news")).header("content-type", content_type);
    let response = request.body(body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(field(&response, "cache-control"), "no-store");
    let location = field(&response, "location").to_owned();
    assert_eq!(json(response).await, json!({"id": "1", "cursor": 1}));
    assert_eq!(data(&json(get(&server, &location).await).await), ["one"]);
}

#[tokio::test]
async fn every_character_arrives_as_it_was_published() {
    let server = start().await;
    let text = "\u{feff}\0\r\n\r\u{85}\u{2028}\u{2029}\"\\<>&é\u{10ffff} ";
    let client = Client::new();
    client.post(url(&server, "/publish/news")).body(text).send().await.unwrap();
    let body = json!({"data": text, "id": "\u{2028}é", "event": " "}).to_string();
    let request = client.post(url(&server, "/publish/news")).header("content-type", "application/json");
    assert_eq!(request.body(body).send().await.unwrap().status(), StatusCode::CREATED);

    let poll = json(get(&server, "/polling/news").await).await;
    assert_eq!(data(&poll), [text, text]);
    assert_eq!(poll["messages"][1]["id"], "\u{2028}é");
    assert_eq!(poll["messages"][1]["event"], " ");
}

#[rstest]
#[case::id_with_lf("/publish/news?id=a%0Ab", "one")]
#[case::id_with_cr("/publish/news?id=%0D", "one")]
#[case::event_with_nul("/publish/news?event=%00", "one")]
#[case::id_twice("/publish/news?id=1&id=2", "one")]
#[case::query_is_not_utf8("/publish/news?id=%FF", "one")]
#[case::name_with_a_space("/publish/a%20b", "one")]
#[case::name_too_long(
    "/publish/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "one"
)]
#[tokio::test]
async fn what_cannot_be_published_is_refused(#[case] target: &str, #[case] body: &'static str) {
    let server = start().await;
    let response = Client::new().post(url(&server, target)).body(body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[rstest]
#[case::not_json("one")]
#[case::no_data("{}")]
#[case::data_is_a_number(r#"{"data":1}"#)]
#[case::unknown_field(r#"{"data":"one","retry":1}"#)]
#[case::id_with_lf(r#"{"data":"one","id":"a\nb"}"#)]
#[case::event_with_nul("{\"data\":\"one\",\"event\":\"\\u0000\"}")]
#[case::lone_surrogate("{\"data\":\"\\ud800\"}")]
#[case::something_behind_it(r#"{"data":"one"} {}"#)]
#[tokio::test]
async fn json_that_is_no_publication_is_refused(#[case] body: &'static str) {
    let server = start().await;
    let request =
        Client::new().post(url(&server, "/publish/news")).header("content-type", "application/json");
    let response = request.body(body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(json(get(&server, "/polling/news").await).await["cursor"], 0);
}

#[tokio::test]
async fn bytes_that_are_not_utf8_are_refused() {
    let server = start().await;
    let response =
        Client::new().post(url(&server, "/publish/news")).body(b"\xc3".to_vec()).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_content_coding_is_refused() {
    let server = start().await;
    let request = Client::new().post(url(&server, "/publish/news")).header("content-encoding", "gzip");
    assert_eq!(request.body("one").send().await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn the_clock_is_the_servers_own() {
    let server = start().await;
    let response = Client::new().post(url(&server, "/publish/clock")).body("noon").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_clock_ticks_in_whole_seconds() {
    let server = start().await;
    let poll = json(get(&server, "/long-polling/clock").await).await;
    let time = data(&poll)[0].to_owned();
    assert_eq!(time.len(), "2026-01-31T12:00:00Z".len(), "{time}");
    assert!(time.ends_with('Z'));
}

#[tokio::test]
async fn a_chunked_body_is_taken() {
    let server = start().await;
    let request = "POST /publish/news HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n\
                   2\r\non\r\n1;x=y\r\ne\r\n0\r\n\r\n";
    let (head, _) = Wire::open(&server, request).await.response().await;
    assert_eq!(head.status, 201);
    assert_eq!(data(&json(get(&server, "/polling/news").await).await), ["one"]);
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_continue() {
    let server = start().await;
    let request =
        "POST /publish/news HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    let mut wire = Wire::open(&server, request).await;
    assert_eq!(wire.head().await.status, 100);
    wire.send("one").await;
    assert_eq!(wire.response().await.0.status, 201);
}
