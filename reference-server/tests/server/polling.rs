//! Polling: answers at once, with validators.

use reqwest::{Client, Method, StatusCode};
use rstest::rstest;
use serde_json::json;

use crate::support::{data, field, get, json, publish, start, url};

#[tokio::test]
async fn a_poll_has_what_is_retained_after_the_cursor() {
    let server = start().await;
    publish(&server, "news", "one").await;
    publish_with_names(&server).await;

    let all = json(get(&server, "/polling/news").await).await;
    assert_eq!(
        all,
        json!({"cursor": 2, "messages": [
            {"id": "1", "event": null, "data": "one"},
            {"id": "seven", "event": "tick", "data": "two"},
        ]})
    );
    assert_eq!(json(get(&server, "/polling/news?after=0").await).await, all);
    assert_eq!(data(&json(get(&server, "/polling/news?after=1").await).await), ["two"]);
    assert_eq!(json(get(&server, "/polling/news?after=2").await).await, json!({"cursor": 2, "messages": []}));
}

async fn publish_with_names(server: &pushspec_reference::Server) {
    let target = url(server, "/publish/news?id=seven&event=tick");
    let response = Client::new().post(target).body("two").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn a_channel_that_nobody_published_to_is_empty() {
    let server = start().await;
    assert_eq!(json(get(&server, "/polling/none").await).await, json!({"cursor": 0, "messages": []}));
}

#[tokio::test]
async fn a_cursor_that_the_channel_has_not_reached_counts_as_the_beginning() {
    let server = start().await;
    publish(&server, "news", "one").await;
    let poll = json(get(&server, "/polling/news?after=18446744073709551615").await).await;
    assert_eq!(poll["cursor"], 1);
    assert_eq!(data(&poll), ["one"]);
}

#[tokio::test]
async fn the_fields_let_a_cache_store_and_validate() {
    let server = start().await;
    let response = get(&server, "/polling/news").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(field(&response, "content-type"), "application/json");
    assert_eq!(field(&response, "cache-control"), "no-cache");
    assert_eq!(field(&response, "vary"), "Origin");
    assert!(field(&response, "etag").starts_with('"'));
    assert!(field(&response, "date").ends_with(" GMT"));
}

#[tokio::test]
async fn the_entity_tag_changes_exactly_when_the_content_does() {
    let server = start().await;
    let tag = async || field(&get(&server, "/polling/news").await, "etag").to_owned();
    let empty = tag().await;
    assert_eq!(tag().await, empty);
    publish(&server, "news", "one").await;
    let one = tag().await;
    assert_ne!(one, empty);
    publish(&server, "other", "one").await;
    assert_eq!(tag().await, one);
    publish(&server, "news", "one").await;
    assert_ne!(tag().await, one);
}

#[rstest]
#[case::the_tag("{tag}", 304)]
#[case::the_weak_tag("W/{tag}", 304)]
#[case::a_list("\"a,b\", {tag}", 304)]
#[case::any("*", 304)]
#[case::another_tag("\"other\"", 200)]
#[case::garbage("{tag", 200)]
#[tokio::test]
async fn a_poll_is_conditional_on_its_entity_tag(
    #[values(Method::GET, Method::HEAD)] method: Method,
    #[case] value: &str,
    #[case] status: u16,
) {
    let server = start().await;
    publish(&server, "news", "one").await;
    let first = get(&server, "/polling/news").await;
    let tag = field(&first, "etag").to_owned();

    let request = Client::new().request(method, url(&server, "/polling/news"));
    let response = request.header("if-none-match", value.replace("{tag}", &tag)).send().await.unwrap();
    assert_eq!(response.status(), status);
    assert_eq!(field(&response, "etag"), tag);
    assert_eq!(field(&response, "cache-control"), "no-cache");
    assert!(response.headers().contains_key("date"));
    if status == 304 {
        assert_eq!(field(&response, "content-type"), "");
        assert_eq!(field(&response, "content-length"), "");
        assert_eq!(response.bytes().await.unwrap(), "");
    }
}

#[tokio::test]
async fn if_match_with_another_tag_fails() {
    let server = start().await;
    let request = Client::new().get(url(&server, "/polling/news")).header("if-match", "\"other\"");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(field(&response, "cache-control"), "no-store");
}

#[tokio::test]
async fn head_has_the_fields_of_get_and_no_body() {
    let server = start().await;
    publish(&server, "news", "one").await;
    let got = get(&server, "/polling/news").await;
    let head = Client::new().head(url(&server, "/polling/news")).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    for name in ["etag", "content-type", "content-length", "cache-control"] {
        assert_eq!(field(&head, name), field(&got, name), "{name}");
    }
    assert_eq!(head.bytes().await.unwrap(), "");
}

#[rstest]
#[case("after=")]
#[case("after=x")]
#[case("after=-1")]
#[case("after=1&after=1")]
#[case("after=18446744073709551616")]
#[case("after=%")]
#[case("%FF=1")]
#[tokio::test]
async fn a_query_that_is_none_is_refused(#[case] query: &str) {
    let server = start().await;
    let response = get(&server, &format!("/polling/news?{query}")).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(field(&response, "cache-control"), "no-store");
    assert_eq!(field(&response, "content-type"), "text/plain; charset=utf-8");
}
